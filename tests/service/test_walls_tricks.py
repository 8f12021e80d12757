"""What somebody would try who can run SQL as the application: no setting, odd settings, roles, look-alikes, oracles.

One thing they can do by design, and the threat model says so: set `kring.municipality` to another municipality, because
the application itself does. Row-level security holds against a forgotten condition, not against whoever *is* Kring.
"""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from service.db import Connection
from service.domain import Staff
from service.resources import Resources
from tests.database import application
from tests.factories import Submitted
from tests.service.filled import Owner, tables

# Numbers that all municipalities share: a guess says how much was ever noted, everywhere together, and nothing else.
COUNTED_TOGETHER = {"platform_event_pkey", "theme_event_pkey"}


@asynccontextmanager
async def tried(kring: Resources, setting: str | None) -> AsyncIterator[Connection]:
    """A transaction with that as the setting, of which nothing stays."""
    async with kring.pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        if setting is not None:
            await connection.execute("select set_config('kring.municipality', $1, true)", setting)
        try:
            yield connection
        finally:
            await undone.rollback()


async def outcome(conn: Connection, statement: str, *values: Any) -> tuple[str, str]:
    """SQLSTATE and constraint of what refuses the statement, or what it did; the transaction goes on either way."""
    try:
        async with conn.transaction():
            return await conn.execute(statement, *values), ""
    except asyncpg.PostgresError as error:
        return error.sqlstate, error.constraint_name or ""


async def a_row(owner: Owner, table: str, municipality: uuid.UUID) -> dict[str, Any]:
    row = await owner.fetchval(f"select to_jsonb(t) from {table} t where municipality_id = $1 limit 1", municipality)
    found: dict[str, Any] = json.loads(row)
    return found


def insert_into(table: str) -> str:
    return f"insert into {table} overriding system value select * from jsonb_populate_record(null::{table}, $1)"


# --- the setting ----------------------------------------------------------------------------------------------------


async def test_without_a_municipality_nothing_is_written(
    kring: Resources, owner: Owner, theirs: Submitted, other_coordinator: Staff
) -> None:
    written = []
    for table in await tables(owner):
        row = await a_row(owner, table, other_coordinator.municipality)
        async with tried(kring, None) as conn:
            done = [
                await outcome(conn, insert_into(table), row),
                await outcome(conn, f"update {table} set municipality_id = municipality_id"),
                await outcome(conn, f"delete from {table}"),
            ]
        if not {did for did, _ in done} <= {"42501", "23514", "UPDATE 0", "DELETE 0"}:
            written.append((table, done))
    assert written == []


@pytest.mark.parametrize("setting", ["waterdam", "0", "' or true --", "%", "*", "null"])
async def test_a_setting_that_is_no_id_is_an_error_and_no_rows(
    kring: Resources, owner: Owner, theirs: Submitted, setting: str
) -> None:
    async with tried(kring, setting) as conn:
        answers = {await outcome(conn, f"select from {table}") for table in await tables(owner)}
    assert answers == {("22P02", "")}


async def test_an_id_of_no_municipality_has_no_rows(kring: Resources, owner: Owner, theirs: Submitted) -> None:
    async with tried(kring, str(uuid.uuid4())) as conn:
        answers = {await outcome(conn, f"select from {table}") for table in await tables(owner)}
    assert answers <= {("SELECT 0", ""), ("42501", "")}


async def test_a_change_of_the_setting_changes_all_there_is(
    kring: Resources, theirs: Submitted, coordinator: Staff, other_coordinator: Staff
) -> None:
    """Also for a statement that was prepared before: never rows of both."""
    here, there = coordinator.municipality, other_coordinator.municipality
    async with application(kring, here) as conn:
        prepared = await conn.prepare("select distinct municipality_id from kring.need")
        assert [row[0] for row in await prepared.fetch()] == [here]
        await conn.execute("select set_config('kring.municipality', $1, true)", str(there))
        assert [row[0] for row in await prepared.fetch()] == [there]


# --- roles and rights -----------------------------------------------------------------------------------------------


async def test_no_other_role_can_be_taken(kring: Resources, owner: Owner) -> None:
    roles = [row[0] for row in await owner.fetch("select rolname from pg_roles")]
    async with tried(kring, None) as conn:
        taken = {role for role in roles if (await outcome(conn, f'set local role "{role}"'))[0] == "SET"}
        await conn.execute("reset role")
        assert (await outcome(conn, f"set local session authorization {await owner.fetchval('select user')}"))[
            0
        ] == "42501"
    assert taken == {"kring_web", "kring_app"}


async def test_switching_the_policies_off_shows_nothing(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    async with application(kring, coordinator.municipality) as conn:
        await conn.execute("set local row_security = off")
        answers = {(await outcome(conn, f"select from {table}"))[0] for table in await tables(owner)}
    assert answers == {"42501"}


@pytest.mark.parametrize(
    "statement",
    [
        "truncate {table} cascade",
        "alter table {table} disable row level security",
        "drop policy of_municipality on {table}",
        "alter table {table} disable trigger all",
        "drop table {table} cascade",
        "create policy everybody on {table} using (true)",
        "alter table {table} owner to kring_web",
        "create trigger mine before insert on {table} execute function kring.refuse()",
        "create table public.mine (like {table})",
        "create table kring.mine (like {table})",
    ],
)
async def test_the_application_changes_no_wall(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff, statement: str
) -> None:
    async with tried(kring, str(coordinator.municipality)) as conn:
        done = {(await outcome(conn, statement.format(table=table)))[0] for table in await tables(owner)}
    assert done <= {"42501", "42883", "42P17"}  # not allowed, or no such trigger function


async def test_the_application_makes_nothing_that_could_be_found_first(kring: Resources, owner: Owner) -> None:
    schemas = [
        row[0] for row in await owner.fetch("select nspname from pg_namespace where nspname !~ '^pg_(toast|temp)'")
    ]
    async with tried(kring, None) as conn:
        made = [
            schema for schema in schemas if await conn.fetchval("select has_schema_privilege($1, 'create')", schema)
        ]
        assert made == []
        assert (await outcome(conn, "create schema mine"))[0] == "42501"


async def test_what_postgresql_keeps_about_columns_shows_no_value(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    """Its statistics hold the most common values of every column, of all municipalities."""
    await owner.execute("analyze")
    async with application(kring, coordinator.municipality) as conn:
        told = await conn.fetch(
            "select distinct schemaname || '.' || tablename from pg_stats where schemaname in ('kring', 'vault')"
        )
    assert [row[0] for row in told] == ["kring.municipality"]


async def test_no_counter_of_all_municipalities_is_read(kring: Resources, owner: Owner) -> None:
    open_counters = await owner.fetch(
        """
        select oid::regclass::text from pg_class
        where relnamespace::regnamespace::text in ('kring', 'vault')
          and case when relkind = 'S' then has_sequence_privilege('kring_web', oid, 'usage, select, update') end
        """
    )
    assert open_counters == []


# --- look-alikes ----------------------------------------------------------------------------------------------------

SPY = """
create function pg_temp.spy(owned uuid) returns boolean language plpgsql cost 0.0001 as $$
begin
    if owned is distinct from kring.municipality() then
        raise exception 'saw a row of another municipality';
    end if;
    return true;
end $$
"""


async def test_a_condition_of_ones_own_is_asked_about_no_other_row(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    """However cheap it says it is: a condition that could tell is only asked after the policy."""
    async with tried(kring, str(coordinator.municipality)) as conn:
        await conn.execute(SPY)
        done = {await outcome(conn, f"select from {t} where pg_temp.spy(municipality_id)") for t in await tables(owner)}
    assert {code for code, _ in done if not code.startswith("SELECT")} <= {"42501"}


TAKEN_OVER = """
create function pg_temp.caught() returns boolean language plpgsql as $$
begin
    if current_user <> session_user then
        raise exception 'ran as %', current_user using errcode = 'K0001';
    end if;
    return true;
end $$
"""
TYPES = "uuid text bytea integer bigint smallint boolean jsonb timestamptz date numeric name oid".split()


async def test_functions_that_run_as_the_owner_run_nothing_of_the_callers(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff
) -> None:
    """A type that somebody makes for the session is found before PostgreSQL's own, unless the search path says not.

    Its checks would then run as the owner (CVE-2007-2138).
    """
    functions = await owner.fetch(
        """
        select oid::regprocedure::text as called, pronargs as takes,
               array(select format_type(t, null) from unnest(proargtypes) t) as types
        from pg_proc where prosecdef and pronamespace::regnamespace::text in ('kring', 'vault')
          and has_function_privilege('kring_web', oid, 'execute') and prorettype <> 'trigger'::regtype
        """
    )
    assert functions
    taken_over = []
    async with tried(kring, str(coordinator.municipality)) as conn:
        await conn.execute(TAKEN_OVER)
        for made in TYPES:
            kind = CATALOGUE.get(made, made)
            await conn.execute(f"create domain pg_temp.{made} as pg_catalog.{kind} check (pg_temp.caught())")
        for function in functions:
            name = function["called"].partition("(")[0]
            nothing = ", ".join(f"null::pg_catalog.{CATALOGUE.get(t, t)}" for t in function["types"])
            if (await outcome(conn, f"select {name}({nothing})"))[0] == "K0001":
                taken_over.append(name)
    assert taken_over == []


CATALOGUE = {
    "integer": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "boolean": "bool",
    "timestamp with time zone": "timestamptz",
}


async def test_functions_that_run_as_the_owner_look_nowhere_else(owner: Owner) -> None:
    """PostgreSQL's own names first and what the session made last, or full names only; nobody else's to call."""
    records = await owner.fetch(
        """
        select oid::regprocedure::text from pg_proc
        where prosecdef and pronamespace::regnamespace::text in ('kring', 'vault')
          and (proconfig is null or not proconfig && array['search_path=pg_catalog, pg_temp']
               or has_function_privilege('public', oid, 'execute'))
        """
    )
    assert [record[0] for record in records] == []


# --- oracles: does something exist that I may not see? --------------------------------------------------------------


async def test_no_two_municipalities_share_a_value_that_can_be_guessed(owner: Owner) -> None:
    """A unique index looks past row-level security: it would say that a value is taken, elsewhere.

    Each therefore holds the municipality, or a random id or a hash among its columns.
    """
    guessable = await owner.fetch(
        """
        select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
        where i.indisunique and c.relnamespace::regnamespace::text in ('kring', 'vault')
          and c.oid <> 'kring.municipality'::regclass
          and not exists (
              select from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey)
                and (a.attname = 'municipality_id' or a.atttypid in ('uuid'::regtype, 'bytea'::regtype)))
        """
    )
    assert {record[0].removeprefix("kring.") for record in guessable} == COUNTED_TOGETHER


async def test_a_reference_tells_nothing_of_what_exists_elsewhere(
    kring: Resources, owner: Owner, theirs: Submitted, coordinator: Staff, other_coordinator: Staff
) -> None:
    """The id of a row of another municipality, and one that nobody has, are refused by the same with the same.

    But for a key that is the id itself: who names one learns that it is taken, and a random one cannot be guessed.
    """
    references = await owner.fetch(
        """
        select c.conrelid::regclass::text as holder, c.confrelid::regclass::text as held,
               array(select attname from unnest(c.conkey) with ordinality k(num, at)
                     join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num order by at) as columns,
               array(select attname from unnest(c.confkey) with ordinality k(num, at)
                     join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num order by at) as targets
        from pg_constraint c where c.contype = 'f' and c.connamespace::regnamespace::text in ('kring', 'vault')
          and c.confrelid <> 'kring.municipality'::regclass
        """
    )
    told, refused_by_reference = set(), 0
    for reference in references:
        ours = await a_row(owner, reference["holder"], coordinator.municipality)
        held = await a_row(owner, reference["held"], other_coordinator.municipality)
        fresh = {"id": str(uuid.uuid4())} if "id" in ours else {}
        pairs = zip(reference["columns"], reference["targets"], strict=True)
        existing = {column: held[target] for column, target in pairs if column != "municipality_id"}
        nobodys = {column: str(uuid.uuid4()) if isinstance(value, str) else value for column, value in existing.items()}
        async with tried(kring, str(coordinator.municipality)) as conn:
            guesses = [insert_into(reference["holder"]), ours | fresh | existing, ours | fresh | nobodys]
            answers = {await outcome(conn, guesses[0], guess) for guess in guesses[1:]}
        refused_by_reference += "23503" in {code for code, _ in answers}
        told |= {name for code, name in answers if code == "23505" and len(answers) > 1}
        told |= {reference["holder"] for code, _ in answers if code.startswith("INSERT")}
    keyed_by_id = await owner.fetch(
        """
        select i.indexrelid::regclass::text from pg_index i where i.indisunique and exists (
            select from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey)
              and a.atttypid = 'uuid'::regtype and a.attname <> 'municipality_id')
        """
    )
    assert told <= {record[0].rpartition(".")[2] for record in keyed_by_id}
    assert refused_by_reference > len(references) / 3, "most are refused by something else: this looks at nothing"
