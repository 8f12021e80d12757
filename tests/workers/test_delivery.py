"""What the outbox owes is sent once, to who may still be written to, whatever the mail server says."""

import asyncio
import re

from service import consents
from service.db import transaction
from service.domain import Answer, Channel, Contact, Staff
from service.invitations import hash_token
from service.queries import outbox, residents
from service.queries.municipalities import Municipality
from service.resources import Resources
from tests import factories
from tests.workers.conftest import Mails, MailServer, Owner, addresses, eventually, outbox_states, waits_for_a_lock
from workers.channels import Temporary, Unreachable
from workers.delivery import backoff
from workers.invitations import remind_and_expire
from workers.main import Jobs

LINK = re.compile(r"http://127\.0\.0\.1:8000/u/([\w-]+)")


async def address_of(kring: Resources, owner: Owner, person: factories.Submitted) -> str:
    return (await addresses(kring, owner))[str(person.resident)]


async def test_everybody_who_is_invited_gets_one_message(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    await factories.approved(kring, coordinator, 6)
    await jobs.deliver({}, str(coordinator.municipality))
    assert sorted(mails.recipients) == sorted((await addresses(kring, owner)).values())


async def test_a_sent_invitation_is_written_down_as_sent(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    states = await owner.fetch("select distinct i.state, o.state from kring.invitation i, kring.outbox o")
    assert [tuple(row) for row in states] == [("sent", "sent")]


async def test_the_link_in_a_message_is_the_residents_own(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    whose = await addresses(kring, owner)
    for mail in mails.taken:
        (token,) = LINK.findall(str(mail.get_body(("plain",))))
        resident = await owner.fetchval("select resident_id from kring.link where token_hash = $1", hash_token(token))
        assert whose[str(resident)] == mail["To"]


async def test_a_message_says_that_a_machine_sent_it(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails
) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    mail = mails.taken[0]
    assert (mail["Auto-Submitted"], mail["From"].addresses[0].display_name) == ("auto-generated", "Gemeente Waterdam")


async def test_a_message_has_plain_text_and_html(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails
) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    kinds = [part.get_content_type() for part in mails.taken[0].walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


async def test_delivering_twice_sends_once(kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    await jobs.deliver({}, str(coordinator.municipality))
    assert len(mails.taken) == 5


async def test_two_workers_at_once_send_each_message_once(
    kring: Resources, coordinator: Staff, mails: Mails, owner: Owner
) -> None:
    for _ in range(3):
        await factories.approved(kring, coordinator, 10)
    workers = [Jobs(kring, asyncio.Event()) for _ in range(3)]
    await asyncio.gather(*(worker.deliver({}, str(coordinator.municipality)) for worker in workers))
    assert sorted(mails.recipients) == sorted((await addresses(kring, owner)).values())


async def test_a_wake_during_a_delivery_leaves_nothing_behind(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails
) -> None:
    await factories.approved(kring, coordinator)
    first = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
    await eventually(lambda: _is(bool(mails.taken)))
    await factories.approved(kring, coordinator)
    await asyncio.gather(first, jobs.deliver({}, str(coordinator.municipality)))
    assert len(mails.taken) == 10


async def test_only_the_municipality_that_was_asked_for_is_served(
    kring: Resources, coordinator: Staff, other_municipality: Municipality, jobs: Jobs, mails: Mails
) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(other_municipality.id))
    assert mails.taken == []


async def test_who_withdrew_after_the_approval_gets_nothing(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    gone = await address_of(kring, owner, invited.people[2])
    await withdraw(kring, coordinator, invited.people[2])
    await jobs.deliver({}, str(coordinator.municipality))
    assert len(mails.recipients) == 5
    assert gone not in mails.recipients


async def test_who_has_no_valid_consent_any_more_gets_nothing(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    await owner.execute(
        """
        update kring.consent set given_at = now() - interval '2 years', valid_until = now() - interval '1 year'
        where resident_id = $1
        """,
        invited.people[0].resident,
    )
    await jobs.deliver({}, str(coordinator.municipality))
    assert await outbox_states(owner) == {"sent": 5, "cancelled": 1}


async def test_an_invitation_that_lapsed_is_not_sent(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    await owner.execute("update kring.invitation set expires_at = now() where id = $1", invited.invitations[0])
    await jobs.deliver({}, str(coordinator.municipality))
    assert await outbox_states(owner) == {"sent": 4, "cancelled": 1}


async def test_who_answered_is_not_reminded(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NOT_NOW)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await outbox.put(
            conn,
            coordinator.municipality,
            kind="reminder",
            subject_id=invited.invitations[0],
            resident=invited.people[0].resident,
        )
    await jobs.deliver({}, str(coordinator.municipality))
    assert len(mails.taken) == 5


async def test_a_started_platform_is_told_to_its_members(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    await factories.platform(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    kinds = await owner.fetch("select kind, count(*)::int from kring.outbox where state = 'sent' group by kind")
    assert [tuple(row) for row in kinds] == [("started", 5)]


async def test_who_said_yes_to_a_group_that_was_given_up_is_told(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    asked = await factories.approved(kring, coordinator)
    await factories.answer(kring, coordinator, asked.invitations[0])
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    await remind_and_expire(kring, coordinator.municipality)
    await jobs.deliver({}, str(coordinator.municipality))
    assert await owner.fetchval("select state from kring.outbox where kind = 'given_up'") == "sent"


async def test_who_can_only_be_reached_by_post_is_left_to_a_person(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    letter = Contact(Channel.POST, "Dorpsstraat 1\n1234 AB Waterdam")
    people = await factories.some_people(kring, coordinator, 4)
    people += (await factories.submit(kring, coordinator, contact=letter),)
    await factories.approved(kring, coordinator, people=people)
    await jobs.deliver({}, str(coordinator.municipality))
    assert await outbox_states(owner) == {"sent": 4, "manual": 1}


async def test_an_address_that_does_not_exist_is_a_failure_of_one_message(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    mails.refusals[await address_of(kring, owner, invited.people[1])] = "550 5.1.1 no such user"
    await jobs.deliver({}, str(coordinator.municipality))
    failed = await owner.fetch("select error from kring.outbox where state = 'failed'")
    assert [row["error"] for row in failed] == ["smtp_550"]


async def test_a_mailbox_that_is_full_is_tried_again_later(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    full = await address_of(kring, owner, invited.people[1])
    mails.refusals[full] = "452 4.2.2 mailbox full"
    await jobs.deliver({}, str(coordinator.municipality))
    mails.refusals.clear()
    await owner.execute("update kring.outbox set due_at = now() where state = 'due' and due_at > now()")
    await jobs.deliver({}, str(coordinator.municipality))
    assert sorted(mails.recipients) == sorted((await addresses(kring, owner)).values())


async def test_a_relay_that_refuses_us_does_not_burn_the_message(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    mails.refusals[await address_of(kring, owner, invited.people[1])] = "550 5.7.1 relaying denied"
    await jobs.deliver({}, str(coordinator.municipality))
    assert await outbox_states(owner) == {"sent": 4, "due": 1}


async def test_a_mail_server_that_is_away_is_tried_once_a_round(
    kring: Resources, coordinator: Staff, jobs: Jobs, mail_server: MailServer, owner: Owner
) -> None:
    await factories.approved(kring, coordinator)
    mail_server.stop()
    await jobs.deliver({}, str(coordinator.municipality))
    assert await owner.fetchval("select sum(attempts) from kring.outbox") == 1


async def test_nothing_is_lost_while_the_mail_server_is_away(
    kring: Resources, coordinator: Staff, jobs: Jobs, mail_server: MailServer, owner: Owner
) -> None:
    await factories.approved(kring, coordinator)
    mail_server.stop()
    await jobs.deliver({}, str(coordinator.municipality))
    mail_server.start()
    await owner.execute("update kring.outbox set due_at = now()")
    await jobs.deliver({}, str(coordinator.municipality))
    assert sorted(mail_server.mails.recipients) == sorted((await addresses(kring, owner)).values())


async def test_a_missing_key_keeps_only_its_own_message_waiting(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    await owner.execute("update vault.contact set key_id = 'lost' where resident_id = $1", invited.people[0].resident)
    await jobs.deliver({}, str(coordinator.municipality))
    assert await outbox_states(owner) == {"sent": 4, "due": 1}


async def overtake(kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails) -> None:
    """Everybody withdraws while the first message is on its way."""
    invited = await factories.approved(kring, coordinator)
    mails.hold_after = 0
    sending = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
    await eventually(lambda: _is(mails.holding.is_set()))
    for person in invited.people:
        await withdraw(kring, coordinator, person)
    mails.release.set()
    await sending


async def test_a_message_overtaken_by_a_withdrawal_stays_cancelled(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    await overtake(kring, coordinator, jobs, mails)
    assert await outbox_states(owner) == {"cancelled": 5}


async def test_a_link_overtaken_by_a_withdrawal_opens_nothing(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    await overtake(kring, coordinator, jobs, mails)
    assert await owner.fetchval("select count(*) from kring.link where revoked_at is null") == 0


async def test_a_withdrawal_and_a_delivery_wait_for_one_another_in_one_order(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner, hasty: Owner
) -> None:
    """PostgreSQL would end one of the two otherwise, and the withdrawal must never be the one."""
    invited = await factories.approved(kring, coordinator)
    async with hasty.transaction():
        for person in invited.people:
            await residents.take_consents(hasty, person.resident)
        delivery = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
        await eventually(lambda: waits_for_a_lock(owner))
        for person in invited.people:
            await consents.withdraw_everything(hasty, coordinator.municipality, person.resident, "link")
    await delivery
    assert mails.taken == []


async def test_the_message_in_flight_is_the_last_one_of_a_worker_that_stops(
    kring: Resources, coordinator: Staff, jobs: Jobs, stopping: asyncio.Event, mails: Mails, owner: Owner
) -> None:
    await factories.approved(kring, coordinator)
    mails.hold_after = 0
    sending = asyncio.create_task(jobs.deliver({}, str(coordinator.municipality)))
    await eventually(lambda: _is(mails.holding.is_set()))
    stopping.set()
    mails.release.set()
    await sending
    assert await outbox_states(owner) == {"sent": 1, "due": 4}


def test_waiting_grows_to_an_hour_for_one_message() -> None:
    assert 1800 <= backoff(50, Temporary("smtp_452")) <= 3600


def test_waiting_grows_to_a_minute_for_a_server_that_is_away() -> None:
    assert 30 <= backoff(50, Unreachable("mail_server_unreachable")) <= 60


async def withdraw(kring: Resources, staff: Staff, person: factories.Submitted) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await consents.withdraw_everything(conn, staff.municipality, person.resident, "link")


async def _is(value: bool) -> bool:
    return value
