"""What the database refuses around a platform that people join, tried in plain SQL as the application's own role."""

import asyncpg
import pytest

from models.need import AgeBand, Form
from service.domain import BOUNDS, PlatformId, ProposalId, Staff
from service.resources import Resources
from tests import factories
from tests.database import NOT_REFUSED, application, refused, run, waiting
from tests.factories import Invited, Submitted
from tests.service import joinings
from tests.service.seats import ADULT, CHILD, MEMBER, TEENAGER, add, person
from tests.service.test_constraints import APART

Owner = asyncpg.Connection
MEMBERSHIP = "insert into kring.membership (municipality_id, platform_id, resident_id) values ($1, $2, $3)"
ENDED = "update kring.platform set state = 'ended', ended_at = now(), end_reason = 'not_needed' where id = $1"
AGE = "update kring.resident set age_band = $2 where id = $1"
DRAFT = """
    insert into kring.proposal (municipality_id, run_id, theme_id, platform_id, title, form, reasons)
    select municipality_id, run_id, theme_id, $2, 'x', $3, '[]' from kring.proposal where id = $1
"""


@pytest.fixture
async def begun(kring: Resources, coordinator: Staff) -> tuple[PlatformId, Invited]:
    """A platform of five members."""
    return await factories.platform(kring, coordinator)


@pytest.fixture
async def platform(begun: tuple[PlatformId, Invited]) -> PlatformId:
    return begun[0]


@pytest.fixture
async def member(begun: tuple[PlatformId, Invited]) -> Submitted:
    return begun[1].people[0]


@pytest.fixture
async def offer(kring: Resources, coordinator: Staff, platform: PlatformId) -> ProposalId:
    """A draft that offers one person a place."""
    return await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))


async def _joins(kring: Resources, staff: Staff, platform: PlatformId, one: Submitted) -> str:
    here = staff.municipality
    return await refused(kring, here, MEMBERSHIP, here, platform, one.resident)


async def _apart(kring: Resources, staff: Staff, one: Submitted, other: Submitted) -> str:
    here = staff.municipality
    return await refused(kring, here, APART, here, one.resident, other.resident, staff.id)


# --- the draft ------------------------------------------------------------------------------------------------------


async def test_a_platform_has_one_draft_at_most(
    kring: Resources, coordinator: Staff, platform: PlatformId, offer: ProposalId
) -> None:
    assert await refused(kring, coordinator.municipality, DRAFT, offer, platform, "circle") == "one_draft_per_platform"


async def test_two_drafts_at_once_are_one(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, begun: tuple[PlatformId, Invited]
) -> None:
    here, own = coordinator.municipality, begun[1].proposal
    async with application(kring, here) as first:
        await first.execute(DRAFT, own, platform, "circle")
        task = await waiting(owner, refused(kring, here, DRAFT, own, platform, "circle"))
    assert await task == "one_draft_per_platform"


async def test_nobody_is_offered_a_place_in_a_platform_that_ended(
    kring: Resources, coordinator: Staff, platform: PlatformId, begun: tuple[PlatformId, Invited]
) -> None:
    here = coordinator.municipality
    await run(kring, here, ENDED, platform)
    assert await refused(kring, here, DRAFT, begun[1].proposal, platform, "circle") == "joining_platform_ended"


async def test_a_draft_made_while_the_platform_ends_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, begun: tuple[PlatformId, Invited]
) -> None:
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(ENDED, platform)
        task = await waiting(owner, refused(kring, here, DRAFT, begun[1].proposal, platform, "circle"))
    assert await task == "joining_platform_ended"


async def test_an_offer_is_not_approved_after_the_end(
    kring: Resources, coordinator: Staff, platform: PlatformId, offer: ProposalId
) -> None:
    here = coordinator.municipality
    await run(kring, here, ENDED, platform)
    statement = """
        update kring.proposal set state = 'approved', decided_by = $2, decided_at = now(), meeting_place = 'x',
            meeting_at = now() where id = $1
    """
    assert await refused(kring, here, statement, offer, coordinator.id) == "joining_platform_ended"


async def test_an_offer_has_the_form_of_its_platform(
    kring: Resources, coordinator: Staff, platform: PlatformId, begun: tuple[PlatformId, Invited]
) -> None:
    assert await refused(kring, coordinator.municipality, DRAFT, begun[1].proposal, platform, "cafe") == "joining_form"


async def test_the_platform_of_an_offer_stands(
    kring: Resources, coordinator: Staff, offer: ProposalId, begun: tuple[PlatformId, Invited]
) -> None:
    here = coordinator.municipality
    change = "update kring.proposal set platform_id = $2 where id = $1"
    assert await refused(kring, here, change, offer, None) == "proposal_joins_one_platform"
    assert await refused(kring, here, change, begun[1].proposal, begun[0]) == "proposal_joins_one_platform"


async def test_an_offer_is_merged_into_nothing(
    kring: Resources, coordinator: Staff, offer: ProposalId, begun: tuple[PlatformId, Invited]
) -> None:
    statement = "update kring.proposal set state = 'superseded', merged_into = $2 where id = $1"
    assert (
        await refused(kring, coordinator.municipality, statement, offer, begun[1].proposal)
        == "proposal_joining_stays_apart"
    )


# --- seats beside the members ---------------------------------------------------------------------------------------


async def test_a_member_has_no_seat_in_an_offer_of_their_own_platform(
    kring: Resources, coordinator: Staff, offer: ProposalId, member: Submitted
) -> None:
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where resident_id = $1", member.resident)
    assert await add(kring, coordinator, offer, member) == "joining_member_already"


async def test_who_left_a_platform_is_not_offered_it(
    kring: Resources, coordinator: Staff, offer: ProposalId, member: Submitted
) -> None:
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where resident_id = $1", member.resident)
    await run(kring, here, "update kring.membership set left_at = now() where resident_id = $1", member.resident)
    assert await add(kring, coordinator, offer, member) == "joining_member_already"


async def test_a_seat_beside_somebody_to_be_kept_apart_from_is_refused(
    kring: Resources, coordinator: Staff, offer: ProposalId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    assert await _apart(kring, coordinator, one, member) == NOT_REFUSED
    assert await add(kring, coordinator, offer, one) == "joining_apart"


async def test_a_seat_beside_somebody_who_was_asked_for_the_same_platform_is_refused(
    kring: Resources, coordinator: Staff
) -> None:
    platform, invited = await factories.platform(kring, coordinator, 6)
    offer = await joinings.offered(kring, coordinator, platform, await person(kring, coordinator))
    one, unanswered = await person(kring, coordinator), invited.people[5]
    assert await _apart(kring, coordinator, one, unanswered) == NOT_REFUSED
    assert await add(kring, coordinator, offer, one) == "joining_apart"


async def test_who_was_taken_out_does_not_come_back_beside_somebody_to_be_kept_apart_from(
    kring: Resources, coordinator: Staff, platform: PlatformId, member: Submitted
) -> None:
    here = coordinator.municipality
    one = await person(kring, coordinator)
    await joinings.offered(kring, coordinator, platform, one)
    change = "update kring.proposal_member set live = $2 where resident_id = $1"
    await run(kring, here, change, one.resident, False)
    assert await _apart(kring, coordinator, one, member) == NOT_REFUSED
    assert await refused(kring, here, change, one.resident, True) == "joining_apart"


async def test_two_of_whom_one_is_a_member_and_one_is_asked_are_not_declared_apart(
    kring: Resources, coordinator: Staff, platform: PlatformId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    await joinings.offered(kring, coordinator, platform, one)
    assert await _apart(kring, coordinator, one, member) == "apart_in_one_platform"
    assert await _apart(kring, coordinator, member, one) == "apart_in_one_platform"


async def test_two_of_a_platform_that_ended_may_be_kept_apart(
    kring: Resources, coordinator: Staff, platform: PlatformId, begun: tuple[PlatformId, Invited]
) -> None:
    here = coordinator.municipality
    await run(kring, here, ENDED, platform)
    await run(kring, here, "update kring.proposal_member set live = false where proposal_id = $1", begun[1].proposal)
    assert await _apart(kring, coordinator, *begun[1].people[:2]) == NOT_REFUSED


async def test_a_seat_given_while_two_are_declared_apart_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, offer: ProposalId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(APART, here, one.resident, member.resident, coordinator.id)
        task = await waiting(owner, add(kring, coordinator, offer, one))
    assert await task == "joining_apart"


async def test_two_declared_apart_while_a_seat_is_given_wait_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, offer: ProposalId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, offer, one.need, one.resident)
        task = await waiting(owner, _apart(kring, coordinator, one, member))
    assert await task == "apart_in_one_platform"


@pytest.mark.parametrize("age", [TEENAGER, CHILD])
async def test_a_minor_has_no_seat_beside_members_who_are_adults(
    kring: Resources, coordinator: Staff, platform: PlatformId, begun: tuple[PlatformId, Invited], age: AgeBand
) -> None:
    """Not even in a draft that has nobody else in it."""
    here = coordinator.municipality
    await run(kring, here, DRAFT, begun[1].proposal, platform, "circle")
    draft = await joinings.draft_of(kring, coordinator, platform)
    minor = await person(kring, coordinator, age)
    assert await add(kring, coordinator, draft, minor) == "joining_age_circle"


async def test_a_member_does_not_become_a_minor_among_adults(
    kring: Resources, coordinator: Staff, member: Submitted
) -> None:
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where resident_id = $1", member.resident)
    assert await refused(kring, here, AGE, member.resident, "16_17") == "resident_age_in_platform"


async def test_a_seat_given_while_the_platform_ends_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, offer: ProposalId
) -> None:
    one = await person(kring, coordinator)
    async with application(kring, coordinator.municipality) as first:
        await first.execute(ENDED, platform)
        task = await waiting(owner, add(kring, coordinator, offer, one))
    assert await task == "joining_platform_ended"


# --- becoming a member ----------------------------------------------------------------------------------------------


async def test_nobody_joins_a_platform_that_ended(kring: Resources, coordinator: Staff, platform: PlatformId) -> None:
    await run(kring, coordinator.municipality, ENDED, platform)
    one = await person(kring, coordinator)
    assert await _joins(kring, coordinator, platform, one) == "membership_platform_ended"


async def test_who_joins_while_the_platform_ends_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    one = await person(kring, coordinator)
    async with application(kring, coordinator.municipality) as first:
        await first.execute(ENDED, platform)
        task = await waiting(owner, _joins(kring, coordinator, platform, one))
    assert await task == "membership_platform_ended"


async def test_nobody_joins_whom_a_member_must_not_meet(
    kring: Resources, coordinator: Staff, platform: PlatformId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    await _apart(kring, coordinator, one, member)
    assert await _joins(kring, coordinator, platform, one) == "membership_apart"


async def test_who_joins_while_two_are_declared_apart_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(APART, here, one.resident, member.resident, coordinator.id)
        task = await waiting(owner, _joins(kring, coordinator, platform, one))
    assert await task == "membership_apart"


async def test_two_declared_apart_while_one_joins_wait_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId, member: Submitted
) -> None:
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBERSHIP, here, platform, one.resident)
        task = await waiting(owner, _apart(kring, coordinator, one, member))
    assert await task == "apart_in_one_platform"


@pytest.mark.parametrize("age", [TEENAGER, CHILD])
async def test_a_minor_does_not_join_adults(
    kring: Resources, coordinator: Staff, platform: PlatformId, age: AgeBand
) -> None:
    minor = await person(kring, coordinator, age)
    assert await _joins(kring, coordinator, platform, minor) == "membership_age_circle"


async def test_who_joins_while_their_age_changes_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    one = await person(kring, coordinator, ADULT)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(AGE, one.resident, "16_17")
        task = await waiting(owner, _joins(kring, coordinator, platform, one))
    assert await task == "membership_age_circle"


async def test_a_circle_never_holds_more_than_twelve(
    kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    outcomes = [
        await _joins(kring, coordinator, platform, one) for one in await factories.some_people(kring, coordinator, 8)
    ]
    assert outcomes == [NOT_REFUSED] * 7 + ["membership_full"]


async def test_two_who_join_at_once_do_not_both_get_the_last_place(
    kring: Resources, coordinator: Staff, owner: Owner, platform: PlatformId
) -> None:
    *others, one, other = await factories.some_people(kring, coordinator, 8)
    for joiner in others:
        await _joins(kring, coordinator, platform, joiner)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBERSHIP, here, platform, one.resident)
        task = await waiting(owner, _joins(kring, coordinator, platform, other))
    assert await task == "membership_full"


async def test_who_left_makes_room(
    kring: Resources, coordinator: Staff, platform: PlatformId, member: Submitted
) -> None:
    *others, one = await factories.some_people(kring, coordinator, 8)
    for joiner in others:
        await _joins(kring, coordinator, platform, joiner)
    here = coordinator.municipality
    await run(kring, here, "update kring.membership set left_at = now() where resident_id = $1", member.resident)
    assert await _joins(kring, coordinator, platform, one) == NOT_REFUSED


async def test_the_database_and_the_service_agree_about_sizes(owner: Owner) -> None:
    most = {form: await owner.fetchval("select kring.form_most($1)", form) for form in Form}
    assert most == {form: BOUNDS[form].most for form in Form}
