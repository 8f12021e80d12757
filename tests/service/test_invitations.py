"""Answering an invitation: what each answer does, five at one moment, links that work and links that do not."""

import asyncpg
import pytest

from service import auth, invitations, platforms
from service.db import transaction
from service.domain import Answer, EndReason, Purpose, Staff
from service.errors import AlreadyAnswered, LinkUnknown, PlatformEnded
from service.invitations import hash_token
from service.queries import needs as need_rows
from service.queries import platforms as platform_rows
from service.queries import residents
from service.resources import Resources
from tests import factories
from tests.database import together

Owner = asyncpg.Connection


async def _messages(owner: Owner, kind: str) -> dict[str, int]:
    """How many messages of a kind there are in each state."""
    records = await owner.fetch("select state, count(*) from kring.outbox where kind = $1 group by state", kind)
    return {record["state"]: record["count"] for record in records}


async def test_four_yeses_start_nothing(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    invited = await factories.approved(kring, coordinator)
    answers = [await factories.answer(kring, coordinator, one) for one in invited.invitations[:4]]
    assert [answer.platform_started for answer in answers] == [False] * 4
    assert await owner.fetchval("select count(*) from kring.platform") == 0


async def test_the_fifth_yes_starts_the_platform_and_tells_all_five(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    assert await owner.fetchval("select count(*) from kring.membership where platform_id = $1", platform) == 5
    assert await _messages(owner, "started") == {"due": 5}


async def test_five_yeses_at_one_moment_start_one_platform_with_five_members(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    answers = await together(*[factories.answer(kring, coordinator, one) for one in invited.invitations])
    assert sorted(answer.platform_started for answer in answers) == [False] * 4 + [True]
    members = await owner.fetch("select count(*) from kring.membership group by platform_id")
    assert [record["count"] for record in members] == [5]


async def test_a_later_yes_joins_the_platform(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    platform, invited = await factories.platform(kring, coordinator, 6)
    answer = await factories.answer(kring, coordinator, invited.invitations[5])
    async with transaction(kring.pool, coordinator.municipality) as conn:
        events = [event.kind for event in await platform_rows.events(conn, platform)]
    assert answer.platform_started
    assert events == ["joined", "meeting_planned", "started"]


async def test_an_answer_is_given_once(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NEVER)
    with pytest.raises(AlreadyAnswered):
        await factories.answer(kring, coordinator, invited.invitations[0], Answer.ACCEPTED)


async def test_two_taps_on_one_button_are_one_answer(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    outcomes = await together(*[factories.answer(kring, coordinator, invited.invitations[0]) for _ in range(3)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyAnswered", "AlreadyAnswered", "Answered"]


async def test_not_now_frees_the_seat_and_asks_nobody_for_a_while(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    one = invited.people[0]
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NOT_NOW)
    pools = []
    for shift in ("0 days", "91 days"):
        await owner.execute("update kring.need set paused_until = paused_until - $1::text::interval", shift)
        async with transaction(kring.pool, coordinator.municipality) as conn:
            pools.append([row.resident_id for row in await need_rows.pool(conn)])
    assert pools == [[], [one.resident]]


async def test_never_withdraws_the_consent_to_be_invited(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    one = invited.people[0].resident
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NEVER)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        standing = {row.purpose for row in await residents.consents(conn, one) if row.withdrawn_at is None}
        assert await need_rows.pool(conn) == []
    assert standing == {Purpose.MATCHING}


async def test_an_answer_cancels_what_was_still_to_be_sent(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    invited = await factories.approved(kring, coordinator)
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NOT_NOW)
    assert await _messages(owner, "invitation") == {"due": 4, "cancelled": 1}


# --- reminders and running out --------------------------------------------------------------------------------------


async def _remind(kring: Resources, staff: Staff) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await invitations.remind(conn, staff.municipality, after_days=7)


async def test_one_reminder_to_who_has_not_answered_for_a_week(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    for invitation in invited.invitations[:3]:
        await factories.link(kring, coordinator, invitation)
    await factories.answer(kring, coordinator, invited.invitations[0])
    assert await _remind(kring, coordinator) == 0
    await owner.execute("update kring.invitation set sent_at = sent_at - interval '8 days'")
    assert [await _remind(kring, coordinator), await _remind(kring, coordinator)] == [2, 0]


async def test_who_does_not_answer_in_time_can_be_grouped_again(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    await factories.answer(kring, coordinator, invited.invitations[0])
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await invitations.expire(conn) == 4
        pool = {row.resident_id for row in await need_rows.pool(conn)}
    assert pool == {one.resident for one in invited.people[1:]}
    assert await _messages(owner, "invitation") == {"cancelled": 5}


async def test_too_few_yeses_in_time_frees_everybody_and_tells_who_said_yes(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    asked = await factories.approved(kring, coordinator)
    for invitation in asked.invitations[:2]:
        await factories.answer(kring, coordinator, invitation)
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await invitations.expire(conn)
        assert await invitations.give_up(conn, coordinator.municipality) == 1
        assert await invitations.give_up(conn, coordinator.municipality) == 0
    told = await owner.fetch("select resident_id from kring.outbox where kind = 'given_up'")
    assert {row["resident_id"] for row in told} == {person.resident for person in asked.people[:2]}
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 0


async def test_nobody_is_given_up_before_the_time_is_over(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    asked = await factories.approved(kring, coordinator)
    for number, invitation in enumerate(asked.invitations):
        await factories.answer(kring, coordinator, invitation, Answer.ACCEPTED if number < 2 else Answer.NOT_NOW)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await invitations.give_up(conn, coordinator.municipality) == 0, "it would tell that the others said no"


async def test_a_yes_after_the_time_is_over_is_too_late(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    invited = await factories.approved(kring, coordinator)
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await invitations.expire(conn)
    with pytest.raises(LinkUnknown):
        await factories.answer(kring, coordinator, invited.invitations[0])


async def test_nobody_joins_a_platform_that_has_ended(kring: Resources, coordinator: Staff) -> None:
    platform, invited = await factories.platform(kring, coordinator, 6)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)
    with pytest.raises(PlatformEnded):
        await factories.answer(kring, coordinator, invited.invitations[5])


async def test_a_yes_while_the_platform_ends_does_not_hang(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    platform, invited = await factories.platform(kring, coordinator, 6)

    async def end() -> None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)

    outcomes = await together(factories.answer(kring, coordinator, invited.invitations[5]), end())
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] in ([], [outcomes[0]])
    assert outcomes[1] is None


# --- links ----------------------------------------------------------------------------------------------------------


async def test_a_link_opens_what_it_was_made_for(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    found = await auth.find_link(kring, hash_token(token))
    assert (found.subject_id, found.resident_id) == (invited.invitations[0], invited.people[0].resident)


async def test_a_token_is_long_and_only_its_hash_is_kept(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    row = await owner.fetchval("select l::text from kring.link l")
    assert len(token) >= 128 // 6
    assert token not in row


@pytest.mark.parametrize(
    "lose",
    [
        "delete from kring.link",
        "update kring.link set expires_at = now() - interval '1 second'",
        "update kring.link set revoked_at = now()",
    ],
    ids=["unknown", "expired", "revoked"],
)
async def test_a_link_that_does_not_stand_is_unknown(
    kring: Resources, coordinator: Staff, owner: Owner, lose: str
) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    await owner.execute(lose)
    with pytest.raises(LinkUnknown):
        await auth.find_link(kring, hash_token(token))


async def test_the_link_still_opens_after_the_answer(kring: Resources, coordinator: Staff) -> None:
    """So that everything can be withdrawn with it later."""
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    await factories.answer(kring, coordinator, invited.invitations[0])
    assert (await auth.find_link(kring, hash_token(token))).subject_id == invited.invitations[0]


async def test_withdrawing_closes_the_link(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await invitations.withdraw(conn, coordinator.municipality, invited.people[0].resident)
    with pytest.raises(LinkUnknown):
        await auth.find_link(kring, hash_token(token))
