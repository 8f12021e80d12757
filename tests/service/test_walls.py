"""Nothing of one municipality reaches another, tried as the application's own role on every table in the catalogue.

Both municipalities get rows in every table first; a new table without rows here fails, so that none is forgotten.
"""

import json

import asyncpg
import pytest

from service.db import nowhere, transaction
from service.domain import Staff
from service.queries import invitations as invitation_rows
from service.queries import municipalities, needs, proposals
from service.queries import platforms as platform_rows
from service.resources import Resources
from tests import factories
from tests.database import application, refused
from tests.factories import Submitted
from tests.service.filled import Owner, tables


async def test_every_table_has_row_level_security_and_another_owner(kring: Resources, owner: Owner) -> None:
    open_tables = await owner.fetch(
        """
        select c.oid::regclass::text as name from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('kring', 'vault')
          and c.oid <> 'kring.municipality'::regclass
          and (not c.relrowsecurity or pg_has_role('kring_web', c.relowner, 'member')
               or not exists (select from pg_policy p where p.polrelid = c.oid))
        """
    )
    assert [record["name"] for record in open_tables] == []


async def test_there_is_nothing_but_tables_with_policies(owner: Owner) -> None:
    """A view or a materialized view would run as its owner, past every policy."""
    others = await owner.fetch(
        """
        select oid::regclass::text from pg_class
        where relkind in ('v', 'm', 'f') and relnamespace::regnamespace::text in ('kring', 'vault')
        """
    )
    assert others == []


async def test_the_applications_role_is_an_ordinary_one(kring: Resources) -> None:
    async with kring.pool.acquire() as connection:
        role = await connection.fetchrow(
            """
            select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication
            from pg_roles where rolname = current_user
            """
        )
    assert role is not None
    assert tuple(role) == ("kring_web", False, False, False, False, False)


async def test_both_municipalities_have_rows_in_every_table(
    owner: Owner, theirs: Submitted, coordinator: Staff, other_coordinator: Staff
) -> None:
    count = "select count(distinct municipality_id) from {0}"
    empty = [table for table in await tables(owner) if await owner.fetchval(count.format(table)) != 2]
    assert empty == []


async def test_no_row_of_another_municipality_is_seen(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    here = coordinator.municipality
    async with application(kring, here) as conn:
        seen = [
            table
            for table in await tables(owner)
            if await conn.fetchval(f"select count(*) from {table} where municipality_id <> $1", here)
            or not await conn.fetchval(f"select count(*) from {table}")
        ]
    assert seen == []


@pytest.mark.parametrize("setting", [None, ""])
async def test_without_a_municipality_there_are_no_rows(
    kring: Resources, owner: Owner, theirs: Submitted, setting: str | None
) -> None:
    async with nowhere(kring.pool) as conn:
        if setting is not None:
            await conn.execute("select set_config('kring.municipality', $1, true)", setting)
        seen = [table for table in await tables(owner) if await conn.fetchval(f"select count(*) from {table}")]
    assert seen == []


async def test_a_connection_that_comes_back_belongs_to_nobody(
    kring: Resources, theirs: Submitted, coordinator: Staff
) -> None:
    async with kring.pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("select set_config('kring.municipality', $1, true)", str(coordinator.municipality))
            assert await connection.fetchval("select count(*) from kring.need")
        assert await connection.fetchval("select count(*) from kring.need") == 0


async def test_no_row_of_another_municipality_is_changed(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    here = coordinator.municipality
    changed = []
    for record in await owner.fetch(
        """
        select c.oid::regclass::text as name, a.attname as column
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('kring', 'vault')
          and c.oid <> 'kring.municipality'::regclass
          and has_column_privilege('kring_web', c.oid, a.attnum, 'update')
        """
    ):
        async with application(kring, here) as conn:
            table, column = record["name"], record["column"]
            done = await conn.execute(f"update {table} set {column} = default where municipality_id <> $1", here)
            if done != "UPDATE 0":
                changed.append((table, column))
    assert changed == []


async def test_no_row_of_another_municipality_is_deleted(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    here = coordinator.municipality
    deleted = []
    for table in await tables(owner):
        try:
            async with application(kring, here) as conn:
                done = await conn.execute(f"delete from {table} where municipality_id <> $1", here)
        except asyncpg.InsufficientPrivilegeError:
            continue
        if done != "DELETE 0":
            deleted.append(table)
    assert deleted == []


async def test_no_row_is_put_into_another_municipality(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff, other_coordinator: Staff
) -> None:
    """A copy of one of their own rows: the most acceptable row there is, and still not ours to write."""
    here, there = coordinator.municipality, other_coordinator.municipality
    written = []
    for table in await tables(owner):
        row = await owner.fetchval(f"select to_jsonb(t) from {table} t where municipality_id = $1 limit 1", there)
        statement = (
            f"insert into {table} overriding system value select * from jsonb_populate_record(null::{table}, $1)"
        )
        async with kring.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("select set_config('kring.municipality', $1, true)", str(here))
            try:
                await connection.execute(statement, json.loads(row))
                written.append(table)
            except (asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError):
                pass  # the policy, or a trigger that does not see their rows and so refuses even earlier
            finally:
                await transaction.rollback()
    assert written == []


async def test_no_row_moves_to_another_municipality(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff, other_coordinator: Staff
) -> None:
    here, there = coordinator.municipality, other_coordinator.municipality
    moved = [
        table
        for table in await tables(owner)
        if await refused(kring, here, f"update {table} set municipality_id = $1", there) != "denied"
    ]
    assert moved == []


async def test_knowing_an_id_of_another_municipality_finds_nothing(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff, other_coordinator: Staff
) -> None:
    there = other_coordinator.municipality
    known = {
        table: await owner.fetchval(f"select id from kring.{table} where municipality_id = $1 limit 1", there)
        for table in ("proposal", "invitation", "platform")
    }
    async with transaction(kring.pool, coordinator.municipality) as conn:
        found = [
            await needs.need_by_reference(conn, theirs.reference),
            await needs.resident_by_reference(conn, theirs.reference),
            await proposals.proposal(conn, known["proposal"]),
            await proposals.lock_proposal(conn, known["proposal"]),
            await invitation_rows.invitation(conn, known["invitation"]),
            await platform_rows.platform(conn, known["platform"]),
        ]
    assert found == [None] * 6


async def test_a_join_reaches_no_further_than_its_tables(
    kring: Resources, theirs: Submitted, coordinator: Staff
) -> None:
    async with transaction(kring.pool, coordinator.municipality) as conn:
        municipalities_seen = await conn.fetchval(
            """
            select count(distinct m.id) from kring.municipality m join kring.need n on n.municipality_id = m.id
            join kring.consent c on c.resident_id = n.resident_id
            left join vault.contact v on v.resident_id = n.resident_id
            """
        )
    assert municipalities_seen == 1


async def test_every_reference_between_rows_stays_inside_one_municipality(owner: Owner) -> None:
    """Foreign keys look past row-level security, so each must carry the municipality along."""
    loose = await owner.fetch(
        """
        select c.conname from pg_constraint c
        where c.contype = 'f' and c.connamespace::regnamespace::text in ('kring', 'vault')
          and c.confrelid <> 'kring.municipality'::regclass
          and not exists (select from pg_attribute a where a.attrelid = c.conrelid and a.attnum = any(c.conkey)
                          and a.attname = 'municipality_id')
        """
    )
    assert [record["conname"] for record in loose] == []


async def test_a_need_in_an_area_of_another_municipality_is_refused(
    kring: Resources, owner: Owner, caseworker: Staff, other_caseworker: Staff
) -> None:
    await factories.submit(kring, caseworker)
    area = await owner.fetchval(
        "select id from kring.area where municipality_id = $1 limit 1", other_caseworker.municipality
    )
    statement = """
        insert into kring.need (municipality_id, resident_id, reference, submission_key, text, perspective, area_id,
            languages, dayparts, meeting, submitted_by, noted_by)
        select municipality_id, resident_id, '2222-2222', gen_random_uuid(), text, perspective, $1, languages,
            dayparts, meeting, submitted_by, noted_by from kring.need limit 1
    """
    assert await refused(kring, caseworker.municipality, statement, area) == "need_municipality_id_area_id_fkey"


async def test_an_unknown_secret_names_no_municipality(kring: Resources, theirs: Submitted) -> None:
    async with nowhere(kring.pool) as conn:
        assert await municipalities.session_municipality(conn, b"guess") is None
        assert await invitation_rows.link_municipality(conn, b"guess") is None


async def test_a_refused_row_is_not_repeated_in_the_error(kring: Resources, caseworker: Staff) -> None:
    """Errors end up in logs. PostgreSQL shows the refused row, unless row-level security is on."""
    await factories.submit(kring, caseworker, text="Zoekt lotgenoten met een heel bijzonder verhaal.")
    with pytest.raises(asyncpg.CheckViolationError) as error:
        async with application(kring, caseworker.municipality) as conn:
            await conn.execute("update kring.need set state = 'withdrawn'")
    assert "bijzonder" not in f"{error.value} {error.value.detail}"
