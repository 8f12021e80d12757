"""Revision 0007 on a database that has runs, themes and proposals already, and the way back."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from service.embedded import EmbeddedServers
from service.migrate import MIGRATIONS
from tests.conftest import database_url

Owner = asyncpg.Connection

# Two runs that each found the carers, as a theme of its own each time, and in the second one other people too. Somebody
# withdrew, and the first run's only proposal was approved.
ROWS = """
insert into kring.municipality (id, slug, name) values (md5('m')::uuid, 'waterdam', 'Waterdam');
insert into kring.area (id, municipality_id, code, name, lat, lon)
    values (md5('area')::uuid, md5('m')::uuid, 'BU01', 'Binnenstad', 52.1, 5.1);
insert into kring.staff (id, municipality_id, subject, name, roles)
    values (md5('staff')::uuid, md5('m')::uuid, 'c', 'Bilal', array['coordinator']);
insert into kring.resident (id, municipality_id, age_band)
    select md5('resident' || n)::uuid, md5('m')::uuid, '40_64' from generate_series(1, 9) n;
insert into kring.need (id, municipality_id, resident_id, reference, submission_key, state, text, perspective, area_id,
        languages, dayparts, meeting, submitted_by, noted_by)
    select md5('need' || n)::uuid, md5('m')::uuid, md5('resident' || n)::uuid, '2222-222' || n, gen_random_uuid(),
        case when n = 9 then 'withdrawn' else 'open' end, case when n <> 9 then 'Zorgt voor haar moeder.' end,
        case when n in (4, 5, 6) then 'parent' else 'child' end, md5('area')::uuid, array['nl'], array['mon-evening'],
        'either', md5('staff')::uuid, 'c'
    from generate_series(2, 9) n;
insert into kring.match_run (id, municipality_id, state, cause, seed, created_at, finished_at)
    select md5('run' || n)::uuid, md5('m')::uuid, 'done', 'nightly', 1, at, at
    from (values (1, timestamptz '2026-11-01 03:00Z'), (2, timestamptz '2026-11-02 03:00Z')) runs (n, at);
insert into kring.theme (id, municipality_id, run_id, label, created_at) values
    (md5('old')::uuid, md5('m')::uuid, md5('run1')::uuid, 'Thema 1', '2026-11-01 03:00Z'),
    (md5('named')::uuid, md5('m')::uuid, md5('run2')::uuid, 'Mantelzorg', '2026-11-02 03:00Z'),
    (md5('numbered')::uuid, md5('m')::uuid, md5('run2')::uuid, 'Thema 2', '2026-11-02 03:00Z'),
    (md5('erased')::uuid, md5('m')::uuid, md5('run2')::uuid, 'Thema 3', '2026-11-02 03:00Z');
insert into kring.theme_need (theme_id, need_id, municipality_id)
    select md5(theme)::uuid, md5('need' || n)::uuid, md5('m')::uuid
    from (values ('old', 2), ('old', 3), ('named', 2), ('named', 3), ('named', 9), ('numbered', 3 + 1), ('numbered', 5),
        ('numbered', 6)) members (theme, n);
alter table kring.proposal disable trigger user;
insert into kring.proposal (id, municipality_id, run_id, theme_id, title, form, reasons, state, meeting_place,
        meeting_at, decided_by, decided_at) values
    (md5('approved')::uuid, md5('m')::uuid, md5('run1')::uuid, md5('old')::uuid,
        'Kring van zonen en dochters (thema 1)', 'circle', '[]', 'approved', 'Zaal', now(), md5('staff')::uuid, now()),
    (md5('draft')::uuid, md5('m')::uuid, md5('run2')::uuid, md5('numbered')::uuid, 'Kring van ouders (thema 2)',
        'circle', '[]', 'draft', null, null, null, null);
alter table kring.proposal enable trigger user;
"""


@pytest.fixture
async def url(shared_servers: EmbeddedServers) -> AsyncIterator[str]:
    """A database at revision 0006 with rows in it."""
    database = f"bare_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(shared_servers.postgres.url)
    await admin.execute(f"create database {database}")
    made = database_url(shared_servers, database)
    await _alembic(command.upgrade, made, "0006")
    connection = await asyncpg.connect(made)
    await connection.execute(ROWS)
    await connection.close()
    yield made
    await admin.execute(f"drop database {database} with (force)")
    await admin.close()


async def _alembic(step: Any, url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    await asyncio.to_thread(step, config, revision)


async def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(record) for record in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_each_old_theme_becomes_one_of_its_own(url: str) -> None:
    await _alembic(command.upgrade, url, "0007")
    assert await _rows(
        url, "select number, label, perspective, mixed, ended_at is null from kring.theme order by number"
    ) == [
        (1, "Thema 1", "child", False, False),
        (2, "Mantelzorg", "child", False, True),
        (3, "Thema 3", "parent", False, True),
        (4, "Thema 4", None, False, True),
    ]
    assert await _rows(
        url,
        "select t.number, s.label, s.size from kring.theme_in_run s join kring.theme t on t.id = s.theme_id order by 1",
    ) == [(1, "Thema 1", 2), (2, "Mantelzorg", 3), (3, "Thema 2", 3), (4, "Thema 3", 0)]
    assert await _rows(url, "select kind, (params->>'size')::int from kring.theme_event order by number") == [
        ("born", 2),
        ("born", 3),
        ("born", 3),
        ("born", 0),
    ]


async def test_a_theme_is_over_from_the_run_that_did_not_find_it(url: str) -> None:
    await _alembic(command.upgrade, url, "0007")
    (over,) = await _rows(url, "select ended_at = timestamptz '2026-11-02 03:00Z' from kring.theme where number = 1")
    assert over == (True,)


async def test_members_stay_of_the_last_run_and_of_who_did_not_withdraw(url: str) -> None:
    await _alembic(command.upgrade, url, "0007")
    assert await _rows(
        url, "select t.number, count(*) from kring.theme_need n join kring.theme t on t.id = n.theme_id group by 1"
    ) == [(2, 2), (3, 3)]


async def test_only_a_draft_is_renamed(url: str) -> None:
    await _alembic(command.upgrade, url, "0007")
    assert await _rows(url, "select state, title from kring.proposal order by state") == [
        ("approved", "Kring van zonen en dochters (thema 1)"),
        ("draft", "Kring van ouders (thema 3)"),
    ]


async def test_the_way_back_gives_each_run_its_own_themes(url: str) -> None:
    await _alembic(command.upgrade, url, "0007")
    connection = await asyncpg.connect(url)
    # a third run finds the carers again, now as the theme they were
    await connection.execute(
        """
        insert into kring.match_run (id, municipality_id, state, cause, seed, finished_at)
            values (md5('run3')::uuid, md5('m')::uuid, 'done', 'nightly', 1, '2026-11-03 03:00Z');
        insert into kring.theme_in_run (run_id, theme_id, municipality_id, label, size)
            values (md5('run3')::uuid, md5('named')::uuid, md5('m')::uuid, 'Zorg', 2);
        update kring.theme_need set run_id = md5('run3')::uuid where theme_id = md5('named')::uuid;
        insert into kring.proposal (municipality_id, run_id, theme_id, title, form, reasons)
            select md5('m')::uuid, md5('run' || n)::uuid, md5('named')::uuid, 'Zorg ' || n, 'circle', '[]'
            from generate_series(2, 3) n;
        """
    )
    await connection.close()
    await _alembic(command.downgrade, url, "0006")
    assert await _rows(
        url,
        """
        select r.seed, extract(day from r.finished_at)::int as day, t.label, count(n.need_id)
        from kring.theme t join kring.match_run r on r.id = t.run_id
        left join kring.theme_need n on n.theme_id = t.id group by r.id, t.id order by day, t.label
        """,
    ) == [
        (1, 1, "Thema 1", 0),
        (1, 2, "Mantelzorg", 0),
        (1, 2, "Thema 2", 3),
        (1, 2, "Thema 3", 0),
        (1, 3, "Zorg", 2),
    ]
    assert await _rows(
        url,
        """
        select p.title, t.label, t.run_id = p.run_id from kring.proposal p join kring.theme t on t.id = p.theme_id
        where p.title ~ 'Zorg' order by 1
        """,
    ) == [("Zorg 2", "Mantelzorg", True), ("Zorg 3", "Zorg", True)]


async def test_back_and_forth_again(url: str) -> None:
    await _alembic(command.upgrade, url, "0007")
    once = await _rows(url, "select number, label, perspective, ended_at from kring.theme order by number")
    await _alembic(command.downgrade, url, "0006")
    await _alembic(command.upgrade, url, "0007")
    again = await _rows(url, "select number, label, perspective, ended_at from kring.theme order by number")
    # who was in the theme of the first run was forgotten, so from which side they asked is too
    assert [row[:2] for row in again] == [row[:2] for row in once]
    assert [row[3] for row in again] == [row[3] for row in once]
