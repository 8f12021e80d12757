"""Somebody who asked what is held gets one message, with a link to that page and to nothing else."""

import re

import pytest

from service import own_page
from service.db import transaction
from service.domain import Staff
from service.invitations import hash_token
from service.queries import needs
from service.resources import Resources
from tests import factories
from tests.workers.conftest import Mails, Owner, outbox_states
from workers.main import Jobs

LINK = re.compile(r"http://127\.0\.0\.1:8000/u/([\w-]+)")
EXPIRE = "update kring.consent set given_at = now() - interval '2 years', valid_until = now() - interval '1 year'"


@pytest.fixture
async def one(kring: Resources, caseworker: Staff) -> factories.Submitted:
    """Somebody to whom a link to the own page is owed."""
    submitted = await factories.submit(kring, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        need = await needs.need_by_reference(conn, submitted.reference)
        assert need is not None
        await own_page.send_own_page(conn, caseworker, need)
    return submitted


async def test_the_message_opens_the_own_page(
    kring: Resources, caseworker: Staff, jobs: Jobs, mails: Mails, owner: Owner, one: factories.Submitted
) -> None:
    await jobs.deliver({}, str(caseworker.municipality))
    (mail,) = mails.taken
    (token,) = LINK.findall(str(mail.get_body(("plain",))))
    row = await owner.fetchrow("select purpose, resident_id from kring.link where token_hash = $1", hash_token(token))
    assert (tuple(row or ()), await outbox_states(owner)) == (("own", one.resident), {"sent": 1})


async def test_it_is_not_sent_on_a_consent_that_is_over(
    kring: Resources, caseworker: Staff, jobs: Jobs, mails: Mails, owner: Owner, one: factories.Submitted
) -> None:
    await owner.execute(EXPIRE)
    await jobs.deliver({}, str(caseworker.municipality))
    assert (mails.taken, await outbox_states(owner)) == ([], {"cancelled": 1})
