"""Join before found: what the engine is told of platforms, the drafts it becomes, and what follows from a yes."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from models.bundled import bundled
from models.encoder import Vector
from models.match import match
from models.need import Meeting, Need
from models.plan import Code, OpenPlatform, Plan, Reason, Ungrouped
from service import consents, invitations, joining, matching, platforms, proposals, regrouping
from service.db import Connection, transaction
from service.domain import Answer, EndReason, NeedId, PlatformId, PlatformState, ProposalState, ResidentId, Staff
from service.errors import (
    MeetingInPast,
    MeetingMissing,
    NobodyToInvite,
    NotFound,
    PlatformEnded,
    PlatformFull,
    SeatRefused,
)
from service.queries import needs as need_rows
from service.queries import outbox
from service.queries import platforms as platform_rows
from service.queries import proposals as proposal_rows
from service.queries import reports as report_rows
from service.resources import Resources
from tests import factories
from tests.database import run as execute
from tests.database import together
from tests.factories import Invited, Submitted
from tests.service import joinings
from tests.service.seats import person

Owner = asyncpg.Connection
OWED = ("id", "resident_id", "kind", "subject_id", "attempts")


@pytest.fixture
async def begun(kring: Resources, coordinator: Staff) -> tuple[PlatformId, Invited]:
    """A platform of five members, of whom nobody waits for an answer."""
    return await factories.platform(kring, coordinator)


@pytest.fixture
async def platform(begun: tuple[PlatformId, Invited]) -> PlatformId:
    return begun[0]


async def _open(kring: Resources, staff: Staff) -> tuple[list[OpenPlatform], dict[str, Vector]]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await joining.open_platforms(conn)


async def _answer(kring: Resources, staff: Staff, invited: Invited, which: int = 0) -> invitations.Answered:
    return await factories.answer(kring, staff, invited.invitations[which])


async def _members(owner: Owner, platform: PlatformId) -> set[object]:
    records = await owner.fetch(
        "select resident_id from kring.membership where platform_id = $1 and left_at is null", platform
    )
    return {record["resident_id"] for record in records}


async def _fill(kring: Resources, staff: Staff, platform: PlatformId, count: int) -> None:
    """Members that came some other way."""
    for one in await factories.some_people(kring, staff, count):
        await execute(
            kring, staff.municipality,
            "insert into kring.membership (municipality_id, platform_id, resident_id) values ($1, $2, $3)",
            staff.municipality, platform, one.resident,
        )  # fmt: skip


async def _messages(owner: Owner, kind: str) -> list[object]:
    return [record["resident_id"] for record in await owner.fetch("select * from kring.outbox where kind = $1", kind)]


# --- what the engine is told ----------------------------------------------------------------------------------------


async def test_a_platform_is_open_with_the_needs_of_its_members(
    kring: Resources, coordinator: Staff, begun: tuple[PlatformId, Invited]
) -> None:
    await joinings.alike(kring, coordinator, *begun[1].people)
    (found,), vectors = await _open(kring, coordinator)
    needs = {str(one.need) for one in begun[1].people}
    assert ({member.id for member in found.members}, set(vectors)) == (needs, needs)
    assert (found.room, found.daypart, found.meeting, found.language) == (7, "tue-evening", Meeting.IN_PERSON, "nl")


async def test_who_was_asked_and_has_not_answered_keeps_a_place(kring: Resources, coordinator: Staff) -> None:
    await factories.platform(kring, coordinator, 8)
    (found,), _ = await _open(kring, coordinator)
    assert found.room == 12 - 5 - 3


async def test_a_paused_an_ended_and_a_full_platform_are_not_open(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.pause(conn, coordinator, platform)
        assert await joining.open_platforms(conn) == ([], {})
        await platforms.resume(conn, coordinator, platform)
    await _fill(kring, coordinator, platform, 7)
    assert (await _open(kring, coordinator))[0] == []
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)
    assert (await _open(kring, coordinator))[0] == []


async def test_a_member_who_withdrew_is_not_compared_with(
    kring: Resources, coordinator: Staff, begun: tuple[PlatformId, Invited]
) -> None:
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, begun[1].people[0].resident, "link")
    (found,), _ = await _open(kring, coordinator)
    assert {member.id for member in found.members} == {str(one.need) for one in begun[1].people[1:]}
    assert found.room == 8


async def test_a_member_whose_consent_ran_out_is_not_compared_with(
    kring: Resources, coordinator: Staff, owner: Owner, begun: tuple[PlatformId, Invited]
) -> None:
    await owner.execute(
        "update kring.consent set given_at = now() - interval '2 days', valid_until = now() "
        "where purpose = 'matching' and resident_id = $1",
        begun[1].people[0].resident,
    )
    (found,), _ = await _open(kring, coordinator)
    assert {member.id for member in found.members} == {str(one.need) for one in begun[1].people[1:]}
    assert found.room == 7  # the place is still taken


async def test_whom_a_member_must_not_meet_the_engine_is_told(
    kring: Resources, coordinator: Staff, begun: tuple[PlatformId, Invited]
) -> None:
    member = begun[1].people[0]
    one = await factories.submit(kring, coordinator, apart=(member.reference,))
    (found,), _ = await _open(kring, coordinator)
    assert {need.id: need.apart for need in found.members if need.apart} == {
        str(member.need): frozenset({str(one.need)})
    }


@pytest.mark.parametrize("choice", [Answer.NOT_NOW, Answer.NEVER])
async def test_who_said_no_is_not_asked_for_this_platform_again(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, choice: Answer
) -> None:
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    await factories.answer(kring, coordinator, invited.invitations[0], choice)
    await owner.execute("update kring.need set state = 'open'")  # as after asking to be asked again
    (found,), _ = await _open(kring, coordinator)
    assert str(invited.people[0].need) in found.asked


async def test_who_was_taken_out_is_not_offered_it_again(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    one, other = await factories.some_people(kring, coordinator, 2)
    offer = await joinings.offered(kring, coordinator, platform, one, other)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, offer, one.resident)
    await joinings.approve(kring, coordinator, offer)
    (found,), _ = await _open(kring, coordinator)
    assert str(one.need) in found.asked


async def test_an_offer_turned_down_is_not_made_again_and_forbids_no_group(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    offer = await joinings.offered(kring, coordinator, platform, *people)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, offer, "Zij willen iets anders.")
        assert await matching.rejected(conn) == ()
    (found,), _ = await _open(kring, coordinator)
    assert found.asked >= {str(one.need) for one in people}


async def test_an_offer_that_nobody_looked_at_may_be_made_again(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    one = await person(kring, coordinator)
    await joinings.offered(kring, coordinator, platform, one)
    (found,), _ = await _open(kring, coordinator)
    assert str(one.need) not in found.asked
    await joinings.offered(kring, coordinator, platform, one)


async def test_a_draft_that_somebody_worked_on_is_decided_first(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    offer = await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))
    await factories.plan_meeting(kring, coordinator, offer)
    assert (await _open(kring, coordinator))[0] == []


async def test_nothing_of_another_municipality_is_open(
    kring: Resources, other_coordinator: Staff, platform: PlatformId
) -> None:
    assert await _open(kring, other_coordinator) == ([], {})


@pytest.mark.parametrize(
    ("spoken", "shared"),
    [((("nl", "tr"), ("tr", "nl")), "nl"), ((("tr", "ar"), ("tr",)), "tr"), ((("nl",), ("tr",)), None), ((), None)],
)
def test_the_language_of_an_older_platform_is_what_all_speak(
    spoken: tuple[tuple[str, ...], ...], shared: str | None
) -> None:
    members = [Need(str(at), "", languages=frozenset(languages)) for at, languages in enumerate(spoken)]
    assert joining.common_language(members) == shared


# --- a run ----------------------------------------------------------------------------------------------------------


async def _plan(kring: Resources, staff: Staff) -> Plan:
    """What the engine answers to what is stored now."""
    async with transaction(kring.pool, staff.municipality) as conn:
        pool, _ = await matching.pool(conn)
        opened, _ = await joining.open_platforms(conn)
    return match(pool, encoder=bundled(), platforms=opened, seed=1)


async def test_who_fits_a_platform_is_offered_it_before_anything_new(
    kring: Resources, coordinator: Staff, platform: PlatformId, owner: Owner
) -> None:
    newcomers = await factories.some_people(kring, coordinator, 6)
    plan = await _plan(kring, coordinator)
    (stored,) = await joinings.store(kring, coordinator, *plan.joinings)
    assert (set(stored.members), plan.groups) == ({str(one.need) for one in newcomers}, ())
    offer = await joinings.draft_of(kring, coordinator, platform)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        draft = await proposal_rows.proposal(conn, offer)
        found = await platform_rows.platform(conn, platform)
        seats = await proposal_rows.seats(conn, offer)
    assert draft is not None
    assert found is not None
    assert (draft.title, draft.theme_label, draft.seats) == (found.name, found.theme_label, 6)
    assert draft.reasons[0] == {"code": Code.ROOM_IN_PLATFORM, "params": {"room": 7}}
    assert {reason["code"] for seat in seats for reason in seat.reasons} >= {Code.CLOSE_TO_OTHERS, Code.CAN_COME}


async def test_the_engine_keeps_away_whom_a_member_must_not_meet(
    kring: Resources, coordinator: Staff, begun: tuple[PlatformId, Invited]
) -> None:
    await factories.submit(kring, coordinator, apart=(begun[1].people[0].reference,))
    assert (await _plan(kring, coordinator)).joinings == ()


async def test_who_withdrew_meanwhile_is_left_out_and_the_others_are_not(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    one, other = await factories.some_people(kring, coordinator, 2)
    answered = joinings.joining_of(platform, one, other)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, one.resident, "link")
    (stored,) = await joinings.store(kring, coordinator, answered)
    assert stored.members == (str(other.need),)


def test_who_got_no_seat_hears_why_there_is_no_group() -> None:
    one, other = (Submitted("", NeedId(uuid.UUID(int=n)), ResidentId(uuid.UUID(int=n))) for n in (1, 2))
    answered = joinings.joining_of(PlatformId(uuid.UUID(int=3)), one, other)
    stored = replace(answered, members=(str(one.need),))
    assert joining.left_over([answered], [stored]) == [
        Ungrouped(str(other.need), Reason(Code.NO_FITTING_GROUP, {"found": 5}))
    ]
    assert [left.id for left in joining.left_over([answered], [])] == [str(one.need), str(other.need)]


async def test_a_draft_with_nobody_in_it_is_not_made(
    kring: Resources, coordinator: Staff, owner: Owner, begun: tuple[PlatformId, Invited]
) -> None:
    one = await factories.submit(kring, coordinator, apart=(begun[1].people[0].reference,))
    assert await joinings.store(kring, coordinator, joinings.joining_of(begun[0], one)) == ()
    assert await owner.fetchval("select count(*) from kring.proposal where platform_id is not null") == 0


async def test_room_that_went_meanwhile_makes_no_draft(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    people = await factories.some_people(kring, coordinator, 2)
    await _fill(kring, coordinator, platform, 6)
    assert await joinings.store(kring, coordinator, joinings.joining_of(platform, *people)) == ()


async def test_a_platform_that_ended_meanwhile_makes_no_draft(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    one = await person(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)
    assert await joinings.store(kring, coordinator, joinings.joining_of(platform, one)) == ()


# --- what a coordinator does ----------------------------------------------------------------------------------------


async def test_one_person_is_enough_and_comes_to_the_next_meeting(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    one = await person(kring, coordinator)
    offer = await joinings.offered(kring, coordinator, platform, one)
    assert await joinings.approve(kring, coordinator, offer) == 1
    async with transaction(kring.pool, coordinator.municipality) as conn:
        (meeting,) = await platform_rows.meetings(conn, platform)
        found = await proposal_rows.proposal(conn, offer)
    assert found is not None
    assert (found.meeting_place, found.meeting_at) == (meeting.place, meeting.starts_at)


async def test_another_meeting_becomes_one_of_the_platform(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    offer = await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))
    at = datetime.now(UTC) + timedelta(days=20)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.plan_meeting(conn, offer, "Bibliotheek", at, by=coordinator.id)
    await joinings.approve(kring, coordinator, offer)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        planned = {(one.place, one.starts_at, one.state) for one in await platform_rows.meetings(conn, platform)}
    assert ("Bibliotheek", at, "planned") in planned
    assert len(planned) == 2


async def test_without_a_meeting_nobody_is_invited(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    offer = await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))
    await owner.execute("update kring.meeting set state = 'cancelled'")
    with pytest.raises(MeetingMissing):
        await joinings.approve(kring, coordinator, offer)
    await owner.execute(
        "update kring.proposal set meeting_place = 'x', meeting_at = now() - interval '1 day' where id = $1", offer
    )
    with pytest.raises(MeetingInPast):
        await joinings.approve(kring, coordinator, offer)


async def test_not_more_are_asked_than_there_are_places(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    offer = await joinings.offered(kring, coordinator, platform, *await factories.some_people(kring, coordinator, 2))
    await _fill(kring, coordinator, platform, 6)
    with pytest.raises(PlatformFull):
        await joinings.approve(kring, coordinator, offer)


async def test_without_consent_to_be_invited_there_is_nobody_to_invite(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    offer = await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))
    await owner.execute("delete from kring.consent where purpose = 'invitation'")
    with pytest.raises(NobodyToInvite):
        await joinings.approve(kring, coordinator, offer)


async def test_the_approval_of_a_new_group_is_not_a_way_round(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    offer = await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await proposals.approve(conn, coordinator, offer, link_days=30) == 1


async def test_a_new_group_is_not_approved_as_an_offer(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, meeting=True)
    with pytest.raises(NotFound):
        await joinings.approve(kring, coordinator, seated.proposal)


async def test_who_was_taken_out_can_be_put_back(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    one = await person(kring, coordinator)
    offer = await joinings.offered(kring, coordinator, platform, one)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, offer, one.resident)
        await joining.restore(conn, coordinator, offer, one.resident)
    assert await owner.fetchval("select live from kring.proposal_member where proposal_id = $1", offer)


async def test_who_was_taken_out_is_not_put_back_beside_somebody_to_be_kept_apart_from(
    kring: Resources, coordinator: Staff, begun: tuple[PlatformId, Invited], owner: Owner
) -> None:
    one = await person(kring, coordinator)
    offer = await joinings.offered(kring, coordinator, begun[0], one)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, offer, one.resident)
    await owner.execute(
        "insert into kring.apart (municipality_id, resident_a, resident_b, recorded_by) "
        "values ($1, least($2::uuid, $3), greatest($2::uuid, $3), $4)",
        coordinator.municipality, one.resident, begun[1].people[0].resident, coordinator.id,
    )  # fmt: skip
    with pytest.raises(SeatRefused):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await joining.restore(conn, coordinator, offer, one.resident)


async def test_an_offer_takes_nobody_in_from_another_draft(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    """Not one, and not a whole group: `regrouping` changes new groups only."""
    one = await person(kring, coordinator)
    seated = await factories.draft(kring, coordinator, meeting=True)
    offer = await joinings.offered(kring, coordinator, platform, one)
    for change in (
        lambda conn: regrouping.move(conn, coordinator, seated.proposal, seated.people[0].resident, offer),
        lambda conn: regrouping.move(conn, coordinator, offer, one.resident, seated.proposal),
        lambda conn: regrouping.merge(conn, coordinator, offer, seated.proposal),
        lambda conn: regrouping.merge(conn, coordinator, seated.proposal, offer),
    ):
        with pytest.raises(NotFound):
            async with transaction(kring.pool, coordinator.municipality) as conn:
                await change(conn)


# --- what follows from the answer -----------------------------------------------------------------------------------


async def test_a_yes_is_a_membership_at_once(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    answered = await _answer(kring, coordinator, invited)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        events = [event.kind for event in await platform_rows.events(conn, platform)]
        members = [member.reference for member in await platform_rows.members(conn, platform)]
    assert (answered.platform_started, answered.no_place) == (True, False)
    assert invited.people[0].resident in await _members(owner, platform)
    assert (len(members), members[-1], events[0]) == (6, invited.people[0].reference, "joined")
    assert await _messages(owner, "joined") == [invited.people[0].resident]
    assert await owner.fetchval("select count(*) from kring.platform") == 1


async def test_nobody_in_the_platform_is_told_who_was_asked(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    before = await owner.fetch("select * from kring.outbox where kind <> 'invitation'")
    await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    assert await owner.fetch("select * from kring.outbox where kind <> 'invitation'") == before
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert [event.kind for event in await platform_rows.events(conn, platform)] == ["meeting_planned", "started"]


@pytest.mark.parametrize("choice", [Answer.NOT_NOW, Answer.NEVER])
async def test_a_no_frees_the_place_when_the_time_to_answer_is_over(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, choice: Answer
) -> None:
    """Not sooner: a place that came free would tell a coordinator who said no."""
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    await factories.answer(kring, coordinator, invited.invitations[0], choice)
    (before,), _ = await _open(kring, coordinator)
    await owner.execute("update kring.invitation set expires_at = now() where id = $1", invited.invitations[0])
    (after,), _ = await _open(kring, coordinator)
    assert (before.room, after.room) == (6, 7)


async def test_two_yeses_for_the_last_place_at_once_are_one_member(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    invited = await joinings.asked(kring, coordinator, platform, *await factories.some_people(kring, coordinator, 2))
    await _fill(kring, coordinator, platform, 6)
    answers = await together(*[factories.answer(kring, coordinator, one) for one in invited.invitations])
    assert sorted(answer.no_place for answer in answers) == [False, True]
    (late,) = [one for one, answer in zip(invited.people, answers, strict=True) if answer.no_place]
    assert len(await _members(owner, platform)) == 12
    assert await _messages(owner, "given_up") == [late.resident]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        free = {row.resident_id for row in await need_rows.pool(conn)}
    assert {one.resident for one in invited.people} & free == {late.resident}


async def test_what_somebody_hears_after_a_yes_is_still_true_when_it_goes(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    """A welcome, and for who came too late that there was no place; after the end nobody is welcomed any more."""
    invited = await joinings.asked(kring, coordinator, platform, *await factories.some_people(kring, coordinator, 2))
    await _answer(kring, coordinator, invited)
    await _fill(kring, coordinator, platform, 6)
    await _answer(kring, coordinator, invited, 1)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        wanted = {row.kind: await outbox.is_wanted(conn, row) for row in await _owed_after_a_yes(conn)}
        await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)
        later = {row.kind: await outbox.is_wanted(conn, row) for row in await _owed_after_a_yes(conn)}
    assert (wanted, later) == ({"joined": True, "given_up": True}, {"joined": False, "given_up": True})


async def _owed_after_a_yes(conn: Connection) -> list[outbox.OutboxRow]:
    records = await conn.fetch("select * from kring.outbox where kind in ('joined', 'given_up')")
    return [outbox.OutboxRow(*(record[name] for name in OWED)) for record in records]


async def test_who_found_no_place_may_be_offered_one_that_comes_free(
    kring: Resources, coordinator: Staff, owner: Owner, begun: tuple[PlatformId, Invited]
) -> None:
    platform, members = begun
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    await _fill(kring, coordinator, platform, 7)
    assert (await _answer(kring, coordinator, invited)).no_place
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, members.people[0].resident, "link")
    again = await joinings.asked(kring, coordinator, platform, invited.people[0])
    assert not (await _answer(kring, coordinator, again)).no_place
    assert invited.people[0].resident in await _members(owner, platform)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        listed = [member.reference for member in await platform_rows.members(conn, platform)]
    assert listed.count(invited.people[0].reference) == 1


async def test_who_withdraws_while_asked_leaves_no_trace_of_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, invited.people[0].resident, "link")
        events = [event.kind for event in await platform_rows.events(conn, platform)]
    assert events == ["meeting_planned", "started"]
    (found,), _ = await _open(kring, coordinator)
    assert found.room == 6  # as if the answer were still to come


async def test_the_end_of_a_platform_frees_who_was_asked_and_who_joined(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    joined, asked, fitting = await factories.some_people(kring, coordinator, 3)
    invited = await joinings.asked(kring, coordinator, platform, joined, asked)
    await _answer(kring, coordinator, invited)
    offer = await joinings.offered(kring, coordinator, platform, fitting)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)
        free = {row.resident_id for row in await need_rows.pool(conn)}
        draft = await proposal_rows.proposal(conn, offer)
    assert draft is not None
    assert free >= {joined.resident, asked.resident, fitting.resident}
    assert draft.state is ProposalState.SUPERSEDED
    with pytest.raises(PlatformEnded):
        await _answer(kring, coordinator, invited, 1)


async def test_a_yes_while_the_platform_ends_does_not_hang(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))

    async def end() -> None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)

    answered, ended = await together(_answer(kring, coordinator, invited), end())
    assert ended is None
    assert isinstance(answered, invitations.Answered | PlatformEnded)
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 0


async def test_an_offer_is_never_given_up(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    """One yes and one that lapses: who joined stays, who did not answer is free."""
    invited = await joinings.asked(kring, coordinator, platform, *await factories.some_people(kring, coordinator, 2))
    await _answer(kring, coordinator, invited)
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await invitations.expire(conn) == 1
        assert await invitations.give_up(conn, coordinator.municipality) == 0
    live = await owner.fetch(
        "select resident_id from kring.proposal_member where live and proposal_id = $1", invited.proposal
    )
    assert [record["resident_id"] for record in live] == [invited.people[0].resident]


async def test_who_joined_is_not_sought_a_group_for(kring: Resources, coordinator: Staff, platform: PlatformId) -> None:
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    await _answer(kring, coordinator, invited)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert await need_rows.pool(conn) == []


async def test_a_report_counts_who_joined_as_placed_asked_and_there(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    invited = await joinings.asked(kring, coordinator, platform, await person(kring, coordinator))
    await _answer(kring, coordinator, invited)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        counted = await report_rows.people(conn)
    assert len(counted) == 6
    assert {(one.placed, one.asked, one.accepted, one.platform, one.theme is None) for one in counted} == {
        (True, True, True, PlatformState.FORMING, False)
    }
