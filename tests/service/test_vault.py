"""Contact details: sealed for one row by one key, and nowhere else in the database or in Redis."""

import base64
import uuid

import asyncpg
import pytest
import redis

from service.db import transaction
from service.domain import Channel, Contact, ResidentId, Staff
from service.errors import SettingsError, VaultKeyMissing
from service.queries import residents
from service.resources import Resources
from service.settings import Settings
from service.vault import Sealed, Vault
from tests import factories
from tests.factories import new_need

Owner = asyncpg.Connection
ADDRESS = "zeer.herkenbaar@voorbeeld.test"
ONE, OTHER = ResidentId(uuid.uuid4()), ResidentId(uuid.uuid4())


def key(letter: str) -> str:
    return f"{letter}:" + base64.b64encode(letter.encode() * 32).decode()


def test_what_was_sealed_opens() -> None:
    vault = Vault.from_setting(key("a"))
    assert vault.open(ONE, vault.seal(ONE, ADDRESS)) == ADDRESS


def test_the_first_key_seals_and_the_others_still_open() -> None:
    old = Vault.from_setting(key("a")).seal(ONE, ADDRESS)
    vault = Vault.from_setting(f"{key('b')}, {key('a')}")
    assert (vault.seal(ONE, ADDRESS).key_id, vault.open(ONE, old)) == ("b", ADDRESS)


def test_a_key_that_was_rotated_away_is_named() -> None:
    sealed = Vault.from_setting(key("a")).seal(ONE, ADDRESS)
    with pytest.raises(VaultKeyMissing) as error:
        Vault.from_setting(key("b")).open(ONE, sealed)
    assert error.value.key_id == "a"


def test_a_sealed_value_fits_only_its_own_resident() -> None:
    vault = Vault.from_setting(key("a"))
    with pytest.raises(VaultKeyMissing):
        vault.open(OTHER, vault.seal(ONE, ADDRESS))


def test_a_sealed_value_fits_only_the_key_it_names() -> None:
    vault = Vault.from_setting(f"{key('a')},{key('b')}")
    sealed = vault.seal(ONE, ADDRESS)
    with pytest.raises(VaultKeyMissing):
        vault.open(ONE, Sealed("b", sealed.nonce, sealed.value))


def test_a_changed_value_does_not_open() -> None:
    vault = Vault.from_setting(key("a"))
    sealed = vault.seal(ONE, ADDRESS)
    with pytest.raises(VaultKeyMissing):
        vault.open(ONE, Sealed(sealed.key_id, sealed.nonce, bytes([sealed.value[0] ^ 1]) + sealed.value[1:]))


def test_the_same_address_is_sealed_differently_each_time() -> None:
    vault = Vault.from_setting(key("a"))
    assert vault.seal(ONE, ADDRESS).value != vault.seal(ONE, ADDRESS).value


@pytest.mark.parametrize("setting", ["", " , ", "a", "a:", "a:onzin", "a:" + base64.b64encode(b"kort").decode()])
def test_a_setting_without_a_good_key_is_refused(setting: str) -> None:
    with pytest.raises(SettingsError):
        Vault.from_setting(setting)


def test_a_wrong_key_is_named_and_not_shown() -> None:
    secret = base64.b64encode(b"te kort, maar wel geheim").decode()
    with pytest.raises(SettingsError) as error:
        Vault.from_setting(f"mijnsleutel:{secret}")
    assert ("mijnsleutel" in str(error.value), secret in str(error.value)) == (True, False)


async def test_a_contact_moved_to_another_row_does_not_open(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, caseworker)
    other = await factories.submit(kring, caseworker)
    await owner.execute("delete from vault.contact where resident_id = $1", other.resident)
    await owner.execute("update vault.contact set resident_id = $1", other.resident)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        moved = await residents.contact(conn, other.resident)
    assert moved is not None
    assert one.resident != other.resident
    with pytest.raises(VaultKeyMissing):
        kring.vault.open(other.resident, Sealed(moved.key_id, moved.nonce, moved.sealed))


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
