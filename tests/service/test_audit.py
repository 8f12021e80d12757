"""The audit trail: insert-only, without content, chained, and every kind of tampering found."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from service import audit
from service.audit import Action, Actor, Anchor
from service.db import transaction
from service.domain import ResidentId, Staff
from service.migrate import purge_audit
from service.queries import audit as rows
from service.resources import Resources
from tests.database import NOT_REFUSED, refused, rewritable, together

Owner = asyncpg.Connection
COLUMNS = (
    "id municipality_id at actor_kind actor_id origin address action object_kind object_id resident_id result detail "
    "seq hash"
).split()


async def note(kring: Resources, staff: Staff, count: int = 1, **more: object) -> None:
    """`count` entries in one transaction."""
    async with transaction(kring.pool, staff.municipality) as conn:
        for number in range(count):
            await audit.record(
                conn,
                staff.municipality,
                Actor.of_staff(staff, "page", "192.0.2.7"),
                Action.NEED_READ,
                object_kind="need",
                object_id=f"4F7K-29X{number % 10}",
                **more,  # type: ignore[arg-type]
            )


async def verified(kring: Resources, staff: Staff, anchor: Anchor | None = None) -> audit.Verified:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await audit.verify(conn, staff.municipality, anchor)


async def test_a_chain_is_whole(kring: Resources, caseworker: Staff, other_caseworker: Staff) -> None:
    await note(kring, caseworker, 3)
    await note(kring, other_caseworker, 2)
    await note(kring, caseworker, 2, resident=ResidentId(uuid4()), detail="why:none", result="refused")
    found = await verified(kring, caseworker)
    assert (found.count, found.problems, found.end.seq) == (5, (), 5)
    assert (await verified(kring, other_caseworker)).count == 2


async def test_a_municipality_where_nothing_was_done_is_whole(kring: Resources, caseworker: Staff) -> None:
    found = await verified(kring, caseworker)
    assert (found.count, found.problems, found.end) == (0, (), Anchor(0, b""))


async def test_the_application_can_only_add(kring: Resources, caseworker: Staff) -> None:
    await note(kring, caseworker)
    here = caseworker.municipality
    assert await rewritable(kring, here, "audit", COLUMNS) == []
    assert await refused(kring, here, "delete from kring.audit") == "denied"
    assert await refused(kring, here, "truncate kring.audit") == "denied"
    for change in (
        "update kring.audit_chain set last_seq = 0",
        "delete from kring.audit_chain",
        "insert into kring.audit_chain (municipality_id) select kring.municipality()",
        "select kring.purge_audit(kring.municipality(), now())",
        "select kring.audit_hash(a, 1, '') from kring.audit a",
        "alter table kring.audit disable trigger chain_audit",
    ):
        assert await refused(kring, here, change) == "denied"


@pytest.mark.parametrize("column", ["id", "at", "seq", "hash"])
async def test_the_application_has_no_say_in_time_place_and_hash(
    kring: Resources, caseworker: Staff, column: str
) -> None:
    value = {"id": "gen_random_uuid()", "at": "now()", "seq": "1", "hash": "'x'"}[column]
    assert (
        await refused(
            kring,
            caseworker.municipality,
            f"""
            insert into kring.audit
                (municipality_id, actor_kind, origin, action, object_kind, object_id, result, {column})
            select kring.municipality(), 'worker', 'worker', 'need.read', 'need', '', 'done', {value}
            """,
        )
        == "denied"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("detail", "Zij heeft schulden"),
        ("detail", "x" * 81),
        ("object_id", "anja@voorbeeld.test"),
        ("object_id", "mevrouw Jansen"),
        ("object_kind", "Hulpvraag van Anja"),
        ("action", "gelezen"),
        ("result", "misschien"),
    ],
)
async def test_nothing_that_could_be_content_fits(kring: Resources, caseworker: Staff, field: str, value: str) -> None:
    entry = {"action": "need.read", "object_kind": "need", "object_id": "", "result": "done", "detail": None}
    entry[field] = value
    why = await refused(
        kring,
        caseworker.municipality,
        """
        insert into kring.audit (municipality_id, actor_kind, origin, action, object_kind, object_id, result, detail)
        select kring.municipality(), 'worker', 'worker', $1, $2, $3, $4, $5
        """,
        *entry.values(),
    )
    assert why not in {NOT_REFUSED, "denied"}


async def test_the_address_of_a_resident_is_not_kept(kring: Resources, caseworker: Staff) -> None:
    why = await refused(
        kring,
        caseworker.municipality,
        """
        insert into kring.audit
            (municipality_id, actor_kind, origin, address, action, object_kind, object_id, result)
        select kring.municipality(), 'resident', 'link', '192.0.2.7', 'pulse.read', 'pulse', '', 'done'
        """,
    )
    assert why == "audit_address_of_staff"


async def test_what_was_rolled_back_leaves_no_entry(kring: Resources, caseworker: Staff) -> None:
    async def fails_later() -> None:
        async with transaction(kring.pool, caseworker.municipality) as conn:
            await audit.record(
                conn, caseworker.municipality, audit.WORKER, Action.RUN_READ, object_kind="run", object_id="1"
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails_later()
    assert (await verified(kring, caseworker)).count == 0


async def test_many_at_once_make_one_chain_and_wait_for_nothing_else(kring: Resources, caseworker: Staff) -> None:
    """They hold the end of the chain only while they commit, whatever else they hold."""

    async def one(first: int, second: int) -> None:
        async with transaction(kring.pool, caseworker.municipality) as conn:
            for lock in (first, second):
                await audit.record(
                    conn, caseworker.municipality, audit.WORKER, Action.RUN_READ, object_kind="run", object_id=str(lock)
                )
                await conn.execute("select pg_advisory_xact_lock($1)", lock)
                await asyncio.sleep(0.01)

    outcomes = await together(*(one(number, number + 1) for number in range(20)))
    assert outcomes == [None] * 20
    found = await verified(kring, caseworker)
    assert (found.count, found.problems) == (40, ())


# --- what verifying finds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in {"id", "municipality_id", "seq"}])
async def test_a_changed_row_is_found(kring: Resources, owner: Owner, caseworker: Staff, column: str) -> None:
    await note(kring, caseworker, 4, detail="one", resident=ResidentId(uuid4()))
    changed = {
        "at": "at + interval '1 microsecond'",
        "actor_kind": "'program'",
        "actor_id": "null",
        "origin": "'api'",
        "address": "null",
        "action": "'need.listed'",
        "object_kind": "'theme'",
        "object_id": "object_id || '0'",
        "resident_id": "gen_random_uuid()",
        "result": "'failed'",
        "detail": "''",
        "hash": "'x'",
    }[column]
    await owner.execute(f"update kring.audit set {column} = {changed} where seq = 2")
    assert (await verified(kring, caseworker)).problems[0].startswith("entry 2 was changed")


@pytest.mark.parametrize(("gone", "told"), [(1, "entry 1 is"), (2, "entry 2 is"), (4, "the chain ends at entry 3")])
async def test_a_removed_row_is_found(kring: Resources, owner: Owner, caseworker: Staff, gone: int, told: str) -> None:
    await note(kring, caseworker, 4)
    await owner.execute("delete from kring.audit where seq = $1", gone)
    assert told in (await verified(kring, caseworker)).problems[0]


async def test_several_removed_rows_are_found(kring: Resources, owner: Owner, caseworker: Staff) -> None:
    await note(kring, caseworker, 6)
    await owner.execute("delete from kring.audit where seq between 2 and 4")
    assert (await verified(kring, caseworker)).problems == ("entry 2 to 4 is missing",)


async def test_an_emptied_trail_is_found(kring: Resources, owner: Owner, caseworker: Staff) -> None:
    await note(kring, caseworker, 2)
    await owner.execute("delete from kring.audit")
    assert (await verified(kring, caseworker)).problems == ("the chain ends at entry 0, and should at 2",)


async def test_reordered_rows_are_found(kring: Resources, owner: Owner, caseworker: Staff) -> None:
    await note(kring, caseworker, 4)
    await owner.execute("update kring.audit set seq = 100 where seq = 2")
    await owner.execute("update kring.audit set seq = 2 where seq = 3")
    await owner.execute("update kring.audit set seq = 3 where seq = 100")
    assert len((await verified(kring, caseworker)).problems) >= 2


async def test_a_row_put_past_the_chain_is_found(kring: Resources, owner: Owner, caseworker: Staff) -> None:
    await note(kring, caseworker, 2)
    await owner.execute("alter table kring.audit disable trigger chain_audit")
    await note(kring, caseworker)
    assert "stands outside the chain" in (await verified(kring, caseworker)).problems[0]


async def test_a_whole_new_chain_shows_against_an_anchor(kring: Resources, owner: Owner, caseworker: Staff) -> None:
    await note(kring, caseworker, 3)
    anchor = (await verified(kring, caseworker)).end
    await note(kring, caseworker, 2)
    assert (await verified(kring, caseworker, anchor)).problems == ()
    await owner.execute("delete from kring.audit")
    await owner.execute("delete from kring.audit_chain")
    await note(kring, caseworker, 3)
    assert (await verified(kring, caseworker)).problems == ()
    assert (await verified(kring, caseworker, anchor)).problems == ("entry 3 is not the one that was written down",)
    assert (await verified(kring, caseworker, Anchor(9, b"x"))).problems == (
        "entry 9 was written down, and is not there",
    )


async def test_python_and_the_database_hash_alike(kring: Resources, owner: Owner, caseworker: Staff) -> None:
    await note(kring, caseworker, 1, detail="a:b", resident=ResidentId(uuid4()))
    async with transaction(kring.pool, caseworker.municipality) as conn:
        [entry] = [entry async for entry in rows.entries(conn, caseworker.municipality)]
    assert audit.digest(entry, b"") == entry.hash
    assert await owner.fetchval("select kring.audit_hash(a, 1, '') from kring.audit a") == entry.hash


# --- forgetting what is old -----------------------------------------------------------------------------------------


async def test_what_is_purged_leaves_a_chain_that_can_be_verified(
    kring: Resources, owner: Owner, caseworker: Staff, other_caseworker: Staff
) -> None:
    await note(kring, caseworker, 5)
    await note(kring, other_caseworker, 2)
    before_purge = (await verified(kring, caseworker)).end
    await owner.execute(
        "update kring.audit set at = at - interval '6 years' where seq <= 2 and municipality_id = $1",
        caseworker.municipality,
    )
    # the times of these rows were shifted, so the first two do not verify; what is left does
    assert kring.settings.migrate_url is not None
    url = kring.settings.migrate_url.get_secret_value()
    purged = await purge_audit(url, datetime.now(UTC) - timedelta(days=5 * 365))
    assert purged == {"waterdam": 2, "zandhoek": 0}
    found = await verified(kring, caseworker, before_purge)
    assert (found.count, found.problems) == (3 + 1, ())
    assert found.end.seq == 6  # the purge itself is in the trail
    assert await purge_audit(url, datetime.now(UTC) - timedelta(days=5 * 365)) == {"waterdam": 0, "zandhoek": 0}


async def test_a_type_of_the_callers_is_not_taken_for_ours_at_commit(kring: Resources, caseworker: Staff) -> None:
    """What runs as the owner when a transaction commits must find nothing of the application's own first."""
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await conn.execute(
            """
            create function pg_temp.spy() returns boolean language plpgsql as
            $$ begin raise exception 'found as %', current_user; end $$
            """
        )
        for name in ("text", "int8"):
            base = {"text": "pg_catalog.text", "int8": "pg_catalog.int8"}[name]
            await conn.execute(f"create domain pg_temp.{name} as {base} check (pg_temp.spy())")
        await conn.execute(
            """
            insert into kring.audit (municipality_id, actor_kind, origin, action, object_kind, object_id, result)
            select $1, 'worker', 'worker', 'run.read', 'run', '', 'done'
            """,
            caseworker.municipality,
        )
    assert (await verified(kring, caseworker)).count == 1
