"""Contact details: sealed for one row by one key, read back in one way alone, which leaves a trace."""

import base64
import json
import uuid
from datetime import datetime
from typing import Any

import asyncpg
import pytest
import redis
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.need import AgeBand
from service import addresses
from service.addresses import Why
from service.audit import OPERATOR, WORKER, Actor
from service.db import transaction
from service.domain import Channel, Contact, MunicipalityId, ResidentId, Staff
from service.embedded import EmbeddedServers
from service.errors import SealBroken, SettingsError, VaultKeyMissing
from service.queries import residents
from service.resources import Resources, open_resources
from service.settings import Settings
from service.vault import Sealed, Vault
from tests import factories
from tests.database import application, refused
from tests.factories import new_need

Owner = asyncpg.Connection
ADDRESS = "zeer.herkenbaar@voorbeeld.test"
MAIL = Contact(Channel.EMAIL, ADDRESS)
ONE, OTHER = ResidentId(uuid.uuid4()), ResidentId(uuid.uuid4())
HERE, ELSEWHERE = MunicipalityId(uuid.uuid4()), MunicipalityId(uuid.uuid4())


def key(letter: str) -> str:
    return f"{letter}:" + base64.b64encode(letter.encode() * 32).decode()


def test_what_was_sealed_opens() -> None:
    vault = Vault.from_setting(key("a"))
    assert vault.open(ONE, vault.seal(ONE, ADDRESS, HERE), HERE) == ADDRESS


def test_the_first_key_seals_and_the_others_still_open() -> None:
    old = Vault.from_setting(key("a")).seal(ONE, ADDRESS, HERE)
    vault = Vault.from_setting(f"{key('b')}, {key('a')}")
    assert (vault.seal(ONE, ADDRESS, HERE).key_id, vault.open(ONE, old, HERE)) == ("b", ADDRESS)


def test_a_key_that_was_rotated_away_is_named() -> None:
    sealed = Vault.from_setting(key("a")).seal(ONE, ADDRESS, HERE)
    with pytest.raises(VaultKeyMissing) as error:
        Vault.from_setting(key("b")).open(ONE, sealed, HERE)
    assert error.value.key_id == "a"


def test_another_key_of_the_same_name_is_not_the_key() -> None:
    sealed = Vault.from_setting(key("a")).seal(ONE, ADDRESS, HERE)
    with pytest.raises(VaultKeyMissing):
        Vault.from_setting(key("b").replace("b:", "a:", 1)).open(ONE, sealed, HERE)


@pytest.mark.parametrize(("resident", "municipality"), [(OTHER, HERE), (ONE, ELSEWHERE)])
def test_a_sealed_value_fits_only_its_own_resident_in_its_own_municipality(
    resident: ResidentId, municipality: MunicipalityId
) -> None:
    vault = Vault.from_setting(key("a"))
    with pytest.raises(SealBroken):
        vault.open(resident, vault.seal(ONE, ADDRESS, HERE), municipality)


def sealed_early(letter: str, resident: ResidentId, value: str) -> Sealed:
    """As it was sealed before revision 0014, with the key and the resident bound in."""
    nonce = bytes(12)
    return Sealed(
        letter, nonce, AESGCM(letter.encode() * 32).encrypt(nonce, value.encode(), f"{letter}:{resident}".encode())
    )


def test_what_was_sealed_without_a_municipality_opens_for_its_own_resident_only() -> None:
    vault = Vault.from_setting(key("a"))
    early = sealed_early("a", ONE, ADDRESS)
    assert vault.open(ONE, early, HERE) == ADDRESS
    with pytest.raises(SealBroken):
        vault.open(OTHER, early, HERE)


def test_a_sealed_value_fits_only_the_key_it_names() -> None:
    vault = Vault.from_setting(f"{key('a')},{key('b')}")
    sealed, check = vault.seal(ONE, ADDRESS, HERE), Vault.from_setting(key("b")).seal(ONE, "", HERE).key_check
    with pytest.raises(SealBroken):
        vault.open(ONE, Sealed("b", sealed.nonce, sealed.value, check), HERE)


@pytest.mark.parametrize("at", [0, -1])
def test_a_changed_value_does_not_open(at: int) -> None:
    vault = Vault.from_setting(key("a"))
    sealed = vault.seal(ONE, ADDRESS, HERE)
    value = bytearray(sealed.value)
    value[at] ^= 1
    with pytest.raises(SealBroken):
        vault.open(ONE, Sealed(sealed.key_id, sealed.nonce, bytes(value), sealed.key_check), HERE)


def test_the_same_address_is_sealed_differently_each_time() -> None:
    vault = Vault.from_setting(key("a"))
    assert vault.seal(ONE, ADDRESS, HERE).value != vault.seal(ONE, ADDRESS, HERE).value


def test_what_tells_keys_apart_is_no_part_of_the_key() -> None:
    check = Vault.from_setting(key("a")).seal(ONE, ADDRESS, HERE).key_check
    assert check is not None
    assert check not in b"a" * 32


# --- which keys a process starts with -------------------------------------------------------------------------------


async def _starts(settings: Settings, **changes: Any) -> None:
    async with open_resources(settings.model_copy(update=changes)):
        pass


async def test_a_process_with_every_key_starts(kring: Resources, settings: Settings, caseworker: Staff) -> None:
    await kept(kring, caseworker)
    first = f"{key('b')},{settings.vault_keys.get_secret_value()}"  # type: ignore[union-attr]
    await _starts(settings, vault_keys=type(settings.secret)(first))


@pytest.mark.parametrize("wrong", [key("b"), key("b").replace("b:", "first:", 1)])
async def test_a_process_without_a_key_that_is_needed_refuses_to_start(
    kring: Resources, settings: Settings, other_caseworker: Staff, wrong: str
) -> None:
    """The key is gone, or another one goes by its name; the second municipality counts as well."""
    await kept(kring, other_caseworker)
    with pytest.raises(SettingsError, match=r"lacks a key .*: 'first'") as error:
        await _starts(settings, vault_keys=type(settings.secret)(wrong))
    assert wrong.partition(":")[2] not in str(error.value)


async def test_a_key_that_nothing_was_sealed_with_may_go(kring: Resources, settings: Settings) -> None:
    await _starts(settings, vault_keys=type(settings.secret)(key("b")))


# --- the one way to read one back -----------------------------------------------------------------------------------


async def kept(kring: Resources, staff: Staff) -> ResidentId:
    """Somebody whose contact details are in the vault."""
    async with transaction(kring.pool, staff.municipality) as conn:
        somebody = await residents.insert_resident(conn, staff.municipality, AgeBand.AGE_40_64)
        await addresses.keep(conn, kring.vault, staff.municipality, somebody, MAIL)
    return somebody


async def read(kring: Resources, staff: Staff, resident: ResidentId, why: Why, actor: Actor) -> Contact | None:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await addresses.read(conn, kring.vault, staff.municipality, resident, why, actor)


OPEN = "select * from vault.read_contact"


async def trail(owner: Owner) -> list[tuple[Any, ...]]:
    return [
        tuple(record)
        for record in await owner.fetch(
            """
            select municipality_id, actor_kind, actor_id, origin, object_kind, object_id, resident_id, result, detail
            from kring.audit where action = 'contact.read' order by seq
            """
        )
    ]


@pytest.mark.parametrize(
    ("why", "actor"), [(Why.MESSAGE, WORKER), (Why.EXPORT, OPERATOR), (Why.ROTATION, OPERATOR), (Why.OWN, None)]
)
async def test_reading_contact_details_leaves_an_entry_in_the_trail(
    kring: Resources, caseworker: Staff, owner: Owner, why: Why, actor: Actor | None
) -> None:
    somebody = await kept(kring, caseworker)
    who = actor or Actor.of_resident(somebody)
    assert await read(kring, caseworker, somebody, why, who) == MAIL
    assert await trail(owner) == [
        (caseworker.municipality, who.kind, who.id, who.origin, "contact", str(somebody), somebody, "done", why)
    ]


async def test_residents_open_their_own_contact_details_only(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one, other = await kept(kring, caseworker), await kept(kring, caseworker)
    for actor in (Actor.of_resident(other), WORKER, Actor("staff", one, "page")):
        with pytest.raises(asyncpg.CheckViolationError):
            await read(kring, caseworker, one, Why.OWN, actor)
    assert await trail(owner) == []


@pytest.mark.parametrize("why", ["'curious'", "null", "''"])
async def test_without_a_reason_nothing_is_read(kring: Resources, caseworker: Staff, why: str) -> None:
    somebody = await kept(kring, caseworker)
    statement = f"select vault.read_contact($1, {why}, 'worker', null, 'worker', null)"
    assert await refused(kring, caseworker.municipality, statement, somebody) == "contact_read_why"


async def test_contact_details_of_another_municipality_are_not_there(
    kring: Resources, caseworker: Staff, other_caseworker: Staff, owner: Owner
) -> None:
    theirs = await kept(kring, other_caseworker)
    assert await read(kring, caseworker, theirs, Why.MESSAGE, WORKER) is None
    async with kring.pool.acquire() as conn, conn.transaction():  # and of none at all
        assert await conn.fetch("select vault.read_contact($1, 'message', 'worker', null, 'worker', null)", ONE) == []
    assert await trail(owner) == []


async def test_nobody_s_contact_details_leave_no_entry(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    assert await read(kring, caseworker, ONE, Why.MESSAGE, WORKER) is None
    assert await trail(owner) == []


async def test_a_reading_that_is_rolled_back_stands_in_the_log_of_postgresql(
    kring: Resources, caseworker: Staff, owner: Owner, shared_servers: EmbeddedServers
) -> None:
    """The trail goes with its transaction; without this line a reader could leave none."""
    somebody = await kept(kring, caseworker)
    async with kring.pool.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute("select set_config('kring.municipality', $1, true)", str(caseworker.municipality))
        await conn.execute("select vault.read_contact($1, 'export', 'operator', null, 'command', null)", somebody)
        await transaction.rollback()
    assert await trail(owner) == []
    assert f"contact of {somebody} read: export" in shared_servers.postgres.log.read_text()


async def test_contact_details_moved_to_another_row_do_not_open(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    one, other = await kept(kring, caseworker), await kept(kring, caseworker)
    await owner.execute("delete from vault.contact where resident_id = $1", other)
    await owner.execute("update vault.contact set resident_id = $1 where resident_id = $2", other, one)
    with pytest.raises(SealBroken):
        await read(kring, caseworker, other, Why.MESSAGE, WORKER)


async def test_contact_details_stored_again_replace_those_before(kring: Resources, caseworker: Staff) -> None:
    somebody = await kept(kring, caseworker)
    new = Contact(Channel.MOBILE, "+31612345678")
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await addresses.keep(conn, kring.vault, caseworker.municipality, somebody, new)
    assert await read(kring, caseworker, somebody, Why.MESSAGE, WORKER) == new


# --- every other way ------------------------------------------------------------------------------------------------

ROW = "(resident_id, municipality_id, channel, key_id, nonce, sealed)"
OF_ROW = "select resident_id, municipality_id, 'email', 'k', substr(sha256(''), 1, 12), '\\x00' from vault.contact"
UPSERT = f"insert into vault.contact {ROW} {OF_ROW} on conflict (resident_id) do update set"
WAYS = [
    "select sealed from vault.contact",
    "select nonce from vault.contact",
    "select * from vault.contact",
    "table vault.contact",
    "select c from vault.contact c",
    "select to_jsonb(c) from vault.contact c",
    "select count(sealed) from vault.contact",
    "select resident_id from vault.contact where sealed > '\\x80'",
    "select resident_id from vault.contact order by sealed",
    "select count(*) from vault.contact group by sealed",
    "select n.id from kring.need n join vault.contact c on c.resident_id = n.resident_id and length(c.sealed) > 1",
    "select (select sealed from vault.contact c where c.resident_id = n.resident_id) from kring.need n",
    "explain analyze select sealed from vault.contact",
    "declare seen cursor for select sealed from vault.contact",
    "do $$ declare seen bytea; begin select sealed into seen from vault.contact; end $$",
    "delete from vault.contact returning sealed",
    "delete from vault.contact where sealed > '\\x80'",
    "update vault.contact set channel = channel returning sealed",
    "update vault.contact set key_id = encode(sealed, 'hex')",
    "update vault.contact set channel = 'post' where sealed > '\\x80'",
    f"{UPSERT} channel = 'email' returning sealed",
    f"{UPSERT} key_id = encode(contact.sealed, 'hex')",
    f"{UPSERT} channel = 'email' where contact.sealed > '\\x80'",
    "insert into vault.contact select * from vault.contact on conflict do nothing",
    "merge into vault.contact c using (select 1) on true when matched then update set key_id = encode(c.sealed, 'hex')",
    "merge into vault.contact c using (select 1) on true when matched then delete returning c.sealed",
    "copy vault.contact to stdout",
    "copy (select sealed from vault.contact) to stdout",
    "copy vault.contact (sealed) to program 'cat'",
    "create temporary table seen as select sealed from vault.contact",
    "create temporary table seen () inherits (vault.contact)",
    "create temporary view seen as select sealed from vault.contact; select * from seen",
    "create function pg_temp.peek() returns bytea language sql as 'select sealed from vault.contact'; "
    "select pg_temp.peek()",
    "create function pg_temp.peek() returns bytea language sql security definer as 'select sealed from vault.contact'; "
    "select pg_temp.peek()",
    "create function vault.peek() returns bytea language sql as 'select sealed from vault.contact'",
    "create view vault.seen as select sealed from vault.contact",
    "create or replace function vault.read_contact(uuid, text, text, uuid, text, text) returns text language sql "
    "as 'select 1'",
    "create rule peek as on update to vault.contact do also notify seen",
    "create trigger peek before update on vault.contact execute function suppress_redundant_updates_trigger()",
    "create index on vault.contact (sealed)",
    "create statistics seen on resident_id, sealed from vault.contact",
    "alter table vault.contact disable row level security",
    "alter table vault.contact alter column sealed type text using encode(sealed, 'hex')",
    "grant select on vault.contact to public; select sealed from vault.contact",
    "select * from pg_statistic",
    "select pg_read_file('postgresql.conf')",
    "select lo_import('postgresql.conf')",
    "set local role postgres",
    "set local session authorization postgres",
]


@pytest.mark.parametrize("way", WAYS)
async def test_the_application_reads_nothing_sealed(kring: Resources, caseworker: Staff, way: str) -> None:
    await kept(kring, caseworker)
    assert await refused(kring, caseworker.municipality, way) == "denied"


async def test_the_statistics_tell_the_application_nothing(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    await kept(kring, caseworker)
    await kept(kring, caseworker)
    await owner.execute("analyze vault.contact")
    about = "select count(*) from pg_stats where schemaname = 'vault' and tablename = 'contact'"
    async with application(kring, caseworker.municipality) as conn:
        seen = await conn.fetchval(about)
    assert (seen, await owner.fetchval(about) > 0) == (0, True)


async def test_a_refused_change_does_not_show_the_row(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    await kept(kring, caseworker)
    with pytest.raises(asyncpg.CheckViolationError) as error:
        async with application(kring, caseworker.municipality) as conn:
            await conn.execute("update vault.contact set channel = 'pigeon'")
    sealed = await owner.fetchval("select sealed from vault.contact")
    assert sealed.hex() not in f"{error.value} {json.dumps(error.value.as_dict())}"


async def test_whose_contact_details_they_are_is_not_rewritten(kring: Resources, caseworker: Staff) -> None:
    await kept(kring, caseworker)
    for column in ("resident_id", "municipality_id"):
        assert (
            await refused(kring, caseworker.municipality, f"update vault.contact set {column} = {column}") == "denied"
        )


async def test_a_type_of_the_caller_s_runs_nothing_as_the_owner(kring: Resources, caseworker: Staff) -> None:
    """A temporary type is found before PostgreSQL's own, and its check would run with the rights of the function."""
    somebody = await kept(kring, caseworker)
    async with kring.pool.acquire() as conn:
        await conn.execute(
            """
            create function pg_temp.spy() returns boolean language plpgsql as
                $$ begin raise exception 'ran as %', current_user; end $$;
            create domain pg_temp.text as pg_catalog.text check (pg_temp.spy());
            create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.spy());
            create domain pg_temp.bytea as pg_catalog.bytea check (pg_temp.spy());
            """
        )
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute("select set_config('kring.municipality', $1, true)", str(caseworker.municipality))
        found = await conn.fetch(f"{OPEN} ($1, 'message', 'worker', null, 'worker', null)", somebody)
        await transaction.rollback()
        await conn.execute("discard temp")
    assert len(found) == 1


async def test_everybody_may_see_of_which_kind_they_are(kring: Resources, caseworker: Staff) -> None:
    somebody = await kept(kring, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        card = await residents.contact(conn, somebody)
    assert card is not None
    assert (card.channel, type(card.updated_at)) == (Channel.EMAIL, datetime)


# --- what others hold -----------------------------------------------------------------------------------------------


async def _planted(kring: Resources, coordinator: Staff) -> None:
    """Somebody with a recognisable address, from the need to the platform."""
    people = await factories.some_people(kring, coordinator, 4)
    one = await factories.submit(kring, coordinator, new_need(contact=Contact(Channel.EMAIL, ADDRESS)))
    invited = await factories.approved(kring, coordinator, people=(*people, one))
    for invitation in invited.invitations:
        await factories.link(kring, coordinator, invitation)
        await factories.answer(kring, coordinator, invitation)


async def test_no_table_holds_an_address_that_can_be_read(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await _planted(kring, coordinator)
    tables = await owner.fetch(
        """
        select oid::regclass::text as name from pg_class
        where relkind in ('r', 'p', 'm')
          and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
        """
    )
    # A whole row as text shows text and jsonb as they are, and bytea as hexadecimal digits
    wanted = [ADDRESS, ADDRESS.upper(), ADDRESS.encode().hex(), base64.b64encode(ADDRESS.encode()).decode()]
    holding = [
        table["name"]
        for table in tables
        if await owner.fetchval(
            f"select count(*) from {table['name']} t where t::text like any($1)", [f"%{w}%" for w in wanted]
        )
    ]
    assert (holding, len(tables) > 20) == ([], True)


async def test_the_search_for_an_address_would_find_one(kring: Resources, owner: Owner) -> None:
    await owner.execute(f"create table kring.leak as select '{ADDRESS}'::bytea as sealed")
    found = await owner.fetchval(
        "select count(*) from kring.leak t where t::text like $1", f"%{ADDRESS.encode().hex()}%"
    )
    assert found == 1


async def test_redis_holds_ids_only(kring: Resources, settings: Settings, coordinator: Staff) -> None:
    await _planted(kring, coordinator)
    job = uuid.uuid4()
    assert await kring.queue.wake("deliver", job)
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        held = {name: client.dump(name) for name in client.scan_iter()}
        stored = b"".join(name + (value or b"") for name, value in held.items())
    assert (str(job).encode() in stored, ADDRESS.encode() in stored) == (True, False)
