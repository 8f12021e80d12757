"""Revision 0013 on a ledger that has withdrawals in it already, and the way back."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from service.consents import TEXTS
from service.domain import Purpose
from tests.service.test_migrate_themes import _alembic
from tests.service.test_migrate_themes import url as at_0006  # noqa: F401  a fixture

BEFORE, AFTER = "0012", "0013"
LEDGER = """
insert into kring.resident (id, municipality_id, age_band)
    select md5('ledger')::uuid, id, '40_64' from kring.municipality limit 1;
insert into kring.consent (municipality_id, resident_id, purpose, text_version, text_hash, language, given_by,
        recorded_how, valid_until, withdrawn_at, withdrawn_how)
    select municipality_id, id, p.purpose, '2026-11', decode(p.hash, 'hex'), 'nl', 'self', 'paper',
        now() + interval '1 day', p.withdrawn, case when p.withdrawn is not null then p.how end
    from kring.resident, (values
        ('matching', '{matching}', null::timestamptz, null),
        ('invitation', '{invitation}', '2026-01-02 12:00Z', 'caseworker'),
        ('follow_up', '00', '2026-01-03 12:00Z', 'link')) as p (purpose, hash, withdrawn, how)
    where id = md5('ledger')::uuid;
"""
OLD = """
    select purpose, withdrawn_at, withdrawn_how from kring.consent where resident_id = md5('ledger')::uuid order by 1
"""
NEW = """
    select c.purpose, w.at, w.how, t.label from kring.consent c
    left join kring.consent_withdrawal w on w.consent_id = c.id
    left join kring.consent_text t on t.hash = c.text_hash
    where c.resident_id = md5('ledger')::uuid order by 1
"""


@pytest.fixture
async def owner(at_0006: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:  # noqa: F811
    await _alembic(command.upgrade, at_0006, BEFORE)
    connection = await asyncpg.connect(at_0006)
    hashes = {purpose.value: text.hash.hex() for purpose, text in TEXTS.items()}
    await connection.execute(LEDGER.format(**hashes))
    yield connection
    await connection.close()


async def test_a_withdrawal_becomes_a_row_and_the_words_are_kept(
    owner: "asyncpg.Connection[asyncpg.Record]",
    at_0006: str,  # noqa: F811
) -> None:
    before = [tuple(row) for row in await owner.fetch(OLD)]
    await _alembic(command.upgrade, at_0006, AFTER)
    after = [tuple(row) for row in await owner.fetch(NEW)]
    assert [row[:3] for row in after] == before
    # of a text that nobody knows any more there are no words to keep
    assert [row[3] for row in after] == [None, TEXTS[Purpose.INVITATION].label, TEXTS[Purpose.MATCHING].label]


async def test_the_way_back_keeps_what_was_withdrawn(
    owner: "asyncpg.Connection[asyncpg.Record]",
    at_0006: str,  # noqa: F811
) -> None:
    before = await owner.fetch(OLD)
    await _alembic(command.upgrade, at_0006, AFTER)
    await _alembic(command.downgrade, at_0006, BEFORE)
    assert await owner.fetch(OLD) == before
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(
            """
            insert into kring.consent (municipality_id, resident_id, purpose, text_version, text_hash, language,
                given_by, recorded_how, valid_until)
            select municipality_id, resident_id, purpose, text_version, text_hash, language, given_by, recorded_how,
                valid_until from kring.consent where purpose = 'matching' and resident_id = md5('ledger')::uuid
            """
        )
    await _alembic(command.upgrade, at_0006, AFTER)
