"""Before a consent ends its resident hears it, once, and only who still asks for something; nobody else hears it."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import redis

from models.need import AgeBand
from service import consents, erasure, invitations
from service.audit import OPERATOR
from service.consents import RENEW_DAYS
from service.db import transaction
from service.domain import Answer, Channel, Contact, Purpose, Staff
from service.invitations import hash_token
from service.resources import Resources
from service.settings import Settings
from tests import factories
from tests.database import refused, together, waiting
from tests.factories import Submitted
from tests.workers.conftest import Mails, Owner, outbox_states
from workers import upkeep
from workers.channels import Letter
from workers.consents import tell_of_ends
from workers.delivery import Postman
from workers.main import Jobs

LINK = re.compile(r"http://127\.0\.0\.1:8000/u/([\w-]+)")
SECOND = timedelta(seconds=1)
NOTICE = timedelta(days=30)  # as it ships
ENDS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=50)
"""When what the tests arrange ends: while the database, which asks its own clock what stands, still has it standing."""


@pytest.fixture
async def one(kring: Resources, caseworker: Staff, owner: Owner) -> Submitted:
    """Somebody whose consents all end at ENDS."""
    return await ending(kring, caseworker, owner)


async def ending(kring: Resources, staff: Staff, owner: Owner, **changes: object) -> Submitted:
    submitted = await factories.submit(kring, staff, **changes)
    await ends_at(owner, submitted, ENDS, *Purpose)
    return submitted


async def ends_at(owner: Owner, one: Submitted, when: datetime, *purposes: Purpose) -> None:
    await owner.execute(
        "update kring.consent set valid_until = $2 where resident_id = $1 and purpose = any($3)",
        one.resident, when, list(purposes),
    )  # fmt: skip


async def tell(kring: Resources, staff: Staff, now: datetime = ENDS - NOTICE + SECOND) -> None:
    await tell_of_ends(kring, staff.municipality, now)


async def deliver(jobs: Jobs, staff: Staff) -> None:
    await jobs.deliver({}, str(staff.municipality))


async def owed(owner: Owner) -> int:
    found: int = await owner.fetchval("select count(*) from kring.outbox where kind = 'consent_ends'")
    return found


async def renew(kring: Resources, staff: Staff, one: Submitted, *purposes: Purpose) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await consents.renew(conn, staff.municipality, one.resident, AgeBand.AGE_40_64, purposes, valid_days=365)


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (ENDS - NOTICE - SECOND, 0),
        (ENDS - NOTICE, 1),
        (ENDS - NOTICE + SECOND, 1),
        (ENDS - SECOND, 1),
        (ENDS, 0),
        (ENDS + SECOND, 0),
    ],
)
async def test_a_consent_is_told_of_from_so_many_days_before_it_ends_until_it_ended(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted, now: datetime, expected: int
) -> None:
    await tell(kring, caseworker, now)
    assert await owed(owner) == expected


async def test_the_days_are_a_setting(kring: Resources, caseworker: Staff, owner: Owner, one: Submitted) -> None:
    short = replace(kring, settings=kring.settings.model_copy(update={"consent_notice_days": 7}))
    told = []
    for now in (ENDS - timedelta(days=7) - SECOND, ENDS - timedelta(days=7)):
        await tell_of_ends(short, caseworker.municipality, now)
        told.append(await owed(owner))
    assert told == [0, 1]


def test_a_message_is_never_owed_before_the_page_offers_anything(settings: Settings) -> None:
    (most,) = [rule.le for rule in Settings.model_fields["consent_notice_days"].metadata if hasattr(rule, "le")]
    assert most == RENEW_DAYS
    with pytest.raises(ValueError, match="KRING_CONSENT_NOTICE_DAYS"):
        Settings(**settings.model_dump() | {"consent_days": 30})


async def test_the_night_tells_and_the_sweep_wakes_a_worker_for_it(
    kring: Resources, caseworker: Staff, jobs: Jobs, mails: Mails, owner: Owner, one: Submitted
) -> None:
    """Also with an emptied Redis: what is owed stands in PostgreSQL."""
    await upkeep.nightly_round(kring, caseworker.municipality, ENDS - NOTICE + SECOND)
    with redis.Redis.from_url(kring.settings.redis_url.get_secret_value()) as client:
        client.flushdb()
        await upkeep.sweep(kring)
        assert any(b"deliver" in (client.get(key) or b"") for key in client.scan_iter("arq:job:*"))
    await deliver(jobs, caseworker)
    assert len(mails.taken) == 1


# --- what -----------------------------------------------------------------------------------------------------------


async def test_the_message_opens_the_own_page_and_the_opening_of_the_address_is_in_the_trail(
    kring: Resources, caseworker: Staff, jobs: Jobs, mails: Mails, owner: Owner, one: Submitted
) -> None:
    await tell(kring, caseworker)
    await deliver(jobs, caseworker)
    (mail,) = mails.taken
    (token,) = LINK.findall(str(mail.get_body(("plain",))))
    row = await owner.fetchrow("select purpose, resident_id from kring.link where token_hash = $1", hash_token(token))
    trail = await owner.fetch(
        "select actor_kind from kring.audit where action = 'contact.read' and resident_id = $1", one.resident
    )
    assert (tuple(row or ()), [entry["actor_kind"] for entry in trail]) == (("own", one.resident), ["worker"])


async def test_consents_that_end_about_the_same_time_share_one_message(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    await ends_at(owner, one, ENDS + timedelta(days=20), Purpose.INVITATION)
    await ends_at(owner, one, ENDS - timedelta(days=2), Purpose.FOLLOW_UP)
    for day in range(60):  # until the last of them is over
        await tell(kring, caseworker, ENDS - NOTICE - timedelta(days=10) + timedelta(days=day))
    notices = await owner.fetchval("select count(*) from kring.consent_notice")
    assert (await owed(owner), notices) == (1, 3)


async def test_one_that_ends_months_later_has_a_message_of_its_own(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    later = ENDS + timedelta(days=90)
    await ends_at(owner, one, later, Purpose.MATCHING, Purpose.INVITATION)
    told = []
    for now in (ENDS - NOTICE, later - NOTICE - SECOND, later - NOTICE, later - SECOND):
        await tell(kring, caseworker, now)
        told.append(await owed(owner))
    assert told == [1, 1, 2, 2]


async def test_a_renewed_consent_is_a_new_period_with_a_message_of_its_own(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    await tell(kring, caseworker)
    await renew(kring, caseworker, one, *Purpose)
    until = await owner.fetchval("select max(valid_until) from kring.consent")
    told = []
    for now in (ENDS - SECOND, until - NOTICE - SECOND, until - NOTICE + SECOND):
        await tell(kring, caseworker, now)
        told.append(await owed(owner))
    assert told == [1, 1, 2]


async def test_of_a_child_the_representative_is_written_to(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs, mails: Mails
) -> None:
    need = factories.childs_need(contact=factories.email("ouder"))
    child = await factories.submit(kring, caseworker, need)
    await ends_at(owner, child, ENDS, *Purpose)
    await tell(kring, caseworker)
    await deliver(jobs, caseworker)
    assert mails.recipients == ["ouder@voorbeeld.test"]


async def test_who_turned_16_is_not_written_to_at_the_address_of_the_representative(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    child = await factories.submit(kring, caseworker, factories.childs_need())
    await ends_at(owner, child, ENDS, *Purpose)
    await owner.execute("update kring.resident set age_band = '16_17'")
    await tell(kring, caseworker)
    assert await owed(owner) == 0


class Post:
    """A way to send letters, as a municipality could add one."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)


async def test_it_goes_by_whatever_channel_there_is(
    kring: Resources, caseworker: Staff, owner: Owner, stopping: asyncio.Event
) -> None:
    address = "Dorpsstraat 1\n1234 AB Waterdam"
    await ending(kring, caseworker, owner, contact=Contact(Channel.POST, address))
    await tell(kring, caseworker)
    post = Post()
    await Postman(kring, {Channel.POST: post}, stopping).deliver_one(caseworker.municipality)
    (letter,) = post.letters
    assert (letter.address, LINK.search(letter.message.text) is not None) == (address, True)


async def test_without_a_way_to_send_letters_it_is_left_to_a_person(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs
) -> None:
    await ending(kring, caseworker, owner, contact=Contact(Channel.POST, "Dorpsstraat 1\n1234 AB Waterdam"))
    await tell(kring, caseworker)
    await deliver(jobs, caseworker)
    assert await outbox_states(owner) == {"manual": 1}


# --- who not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "delete from vault.contact",
        "update kring.need set state = 'closed'",
        "update kring.need set state = 'withdrawn', text = null",
        "delete from kring.consent where purpose = 'matching'",
        "delete from kring.consent where purpose = 'invitation'",
        "update kring.consent set given_at = now() - interval '2 days', valid_until = now() - interval '1 day' "
        "where purpose = 'matching'",
    ],
)
async def test_who_asks_nothing_or_may_not_be_written_to_is_not_told(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted, statement: str
) -> None:
    await owner.execute(statement)
    await tell(kring, caseworker)
    assert await owed(owner) == 0


async def test_who_answered_never_is_not_written_to(
    kring: Resources, coordinator: Staff, owner: Owner, jobs: Jobs, mails: Mails
) -> None:
    invited = await factories.approved(kring, coordinator)
    for person in invited.people:
        await ends_at(owner, person, ENDS, *Purpose)
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NEVER)
    await tell(kring, coordinator)
    told = await owner.fetch("select resident_id from kring.outbox where kind = 'consent_ends'")
    assert {row["resident_id"] for row in told} == {person.resident for person in invited.people[1:]}


STOPS = {
    "withdraws searching": lambda conn, staff, one: consents.withdraw(
        conn, staff.municipality, one.resident, Purpose.MATCHING, "link"
    ),
    "withdraws inviting": lambda conn, staff, one: consents.withdraw(
        conn, staff.municipality, one.resident, Purpose.INVITATION, "link"
    ),
    "withdraws everything": lambda conn, staff, one: invitations.withdraw(conn, staff.municipality, one.resident),
    "is erased": lambda conn, staff, one: erasure.erase(conn, staff.municipality, one.resident, OPERATOR),
    "renews": lambda conn, staff, one: consents.renew(
        conn, staff.municipality, one.resident, AgeBand.AGE_40_64, [*Purpose], valid_days=365
    ),
}


@pytest.mark.parametrize("what", STOPS)
async def test_who_stops_or_renews_between_the_night_and_the_sending_gets_nothing(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs, mails: Mails, one: Submitted, what: str
) -> None:
    await tell(kring, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await STOPS[what](conn, caseworker, one)
    await deliver(jobs, caseworker)
    assert mails.taken == []
    assert await outbox_states(owner) == ({} if what == "is erased" else {"cancelled": 1})


@pytest.mark.parametrize(
    "statement",
    [
        "update kring.need set state = 'closed'",
        "insert into kring.consent_withdrawal (consent_id, municipality_id, how) "
        "select id, municipality_id, 'link' from kring.consent where purpose = 'matching'",
        "delete from vault.contact",
        "update kring.consent set given_at = now() - interval '2 days', valid_until = now() - interval '1 day'",
    ],
)
async def test_it_is_looked_at_again_at_the_moment_of_sending(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs, mails: Mails, one: Submitted, statement: str
) -> None:
    """Whatever way it came about, and also when nobody cancelled the message."""
    await tell(kring, caseworker)
    await owner.execute(statement)
    await deliver(jobs, caseworker)
    assert (mails.taken, await outbox_states(owner)) == ([], {"cancelled": 1})


async def test_who_renewed_one_thing_is_still_told_of_the_other(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs, mails: Mails, one: Submitted
) -> None:
    await tell(kring, caseworker)
    await renew(kring, caseworker, one, Purpose.MATCHING)
    await deliver(jobs, caseworker)
    assert len(mails.taken) == 1


async def test_nothing_is_left_of_the_notice_of_who_is_erased(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs, mails: Mails, one: Submitted
) -> None:
    await tell(kring, caseworker)
    await deliver(jobs, caseworker)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await erasure.erase(conn, caseworker.municipality, one.resident, OPERATOR)
    counts = await owner.fetchrow(
        """
        select (select count(*) from kring.consent_notice), (select count(*) from kring.outbox),
            (select count(*) from kring.link)
        """
    )
    assert (len(mails.taken), tuple(counts or ())) == (1, (0, 0, 0))


# --- once, whatever happens -----------------------------------------------------------------------------------------


async def test_two_workers_at_one_moment_owe_one_message(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    outcomes = await together(*[tell(kring, caseworker) for _ in range(6)])
    assert (outcomes, await owed(owner)) == ([None] * 6, 1)


async def test_the_second_worker_waits_for_the_first_and_finds_it_told(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    now = ENDS - NOTICE
    async with transaction(kring.pool, caseworker.municipality) as conn:
        first = await consents.tell(conn, caseworker.municipality, one.resident, now, days=30)
        second = await waiting(owner, tell(kring, caseworker, now))
    await second
    assert (first, await owed(owner)) == (True, 1)


async def test_a_withdrawal_at_that_moment_wins(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await consents.withdraw(conn, caseworker.municipality, one.resident, Purpose.MATCHING, "link")
        telling = await waiting(owner, tell(kring, caseworker))
    await telling
    assert await owed(owner) == 0


async def test_a_worker_that_dies_before_the_commit_owes_nothing_and_the_next_night_does(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    worker = await asyncpg.connect(kring.settings.database_url.get_secret_value())
    await worker.execute("begin")
    await worker.execute("select set_config('kring.municipality', $1, true)", str(caseworker.municipality))
    told = await consents.tell(worker, caseworker.municipality, one.resident, ENDS - NOTICE, days=30)
    worker.terminate()  # as when the process is killed
    before = await owed(owner), await owner.fetchval("select count(*) from kring.consent_notice")
    await tell(kring, caseworker)
    assert (told, before, await owed(owner)) == (True, (0, 0), 1)


async def test_a_message_whose_row_is_no_longer_kept_is_not_sent_again(
    kring: Resources, caseworker: Staff, owner: Owner, jobs: Jobs, mails: Mails, one: Submitted
) -> None:
    await tell(kring, caseworker)
    await deliver(jobs, caseworker)
    await owner.execute("delete from kring.outbox")
    await tell(kring, caseworker, ENDS - SECOND)
    assert await owed(owner) == 0


async def test_the_application_cannot_forget_that_it_told_nor_tell_twice_of_one_consent(
    kring: Resources, caseworker: Staff, owner: Owner, one: Submitted
) -> None:
    await tell(kring, caseworker)
    again = """
        insert into kring.consent_notice (consent_id, municipality_id, message_id)
        select consent_id, municipality_id, gen_random_uuid() from kring.consent_notice
    """
    here = caseworker.municipality
    assert [
        await refused(kring, here, statement)
        for statement in (again, "delete from kring.consent_notice", "update kring.consent_notice set at = now()")
    ] == ["consent_notice_pkey", "denied", "denied"]
