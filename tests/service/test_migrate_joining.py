"""Revision 0011 on a database that has proposals already, and the way back."""

import asyncpg
import pytest
from alembic import command

from tests.service.test_migrate_themes import _alembic
from tests.service.test_migrate_themes import url as at_0006  # noqa: F401  a fixture

BEFORE = "0008"
REASONS = """[{"code": "shared_language", "params": {"language": "tr"}}, {"code": "meets_online", "params": {}}]"""
TERMS = "select id = md5('approved')::uuid as approved, language, meeting from kring.proposal order by approved"
JOIN = """
insert into kring.platform (id, municipality_id, proposal_id, name, form)
    values (md5('platform')::uuid, md5('m')::uuid, md5('approved')::uuid, 'Café', 'circle');
insert into kring.proposal (id, municipality_id, run_id, theme_id, platform_id, title, form, reasons)
    values (md5('offer')::uuid, md5('m')::uuid, md5('run2')::uuid, md5('named')::uuid, md5('platform')::uuid, 'Café',
        'circle', '[]');
"""


@pytest.fixture
async def url(at_0006: str) -> str:  # noqa: F811
    """A database just before the revision; the approved proposal told its language and that it meets online."""
    await _alembic(command.upgrade, at_0006, BEFORE)
    connection = await asyncpg.connect(at_0006)
    await connection.execute("update kring.proposal set reasons = $1 where id = md5('approved')::uuid", REASONS)
    await connection.close()
    return at_0006


async def test_earlier_groups_keep_the_language_and_the_way_of_meeting_they_told(url: str) -> None:
    await _alembic(command.upgrade, url, "0011")
    connection = await asyncpg.connect(url)
    rows = [tuple(record) for record in await connection.fetch(TERMS)]
    await connection.close()
    assert rows == [(False, None, "in_person"), (True, "tr", "online")]


async def test_on_the_way_back_an_offer_frees_its_people(url: str) -> None:
    await _alembic(command.upgrade, url, "0011")
    connection = await asyncpg.connect(url)
    await connection.execute(JOIN)
    await _alembic(command.downgrade, url, BEFORE)
    state = await connection.fetchval("select state from kring.proposal where id = md5('offer')::uuid")
    await connection.close()
    assert state == "superseded"
    await _alembic(command.upgrade, url, "0011")
