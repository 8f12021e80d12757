"""Who the database refuses to place or to invite, tried in plain SQL as the application's own role."""

import re
from pathlib import Path

import asyncpg
import pytest

from models.age import age_circle
from models.need import AgeBand
from service.db import Connection
from service.domain import ResidentId, Staff
from service.queries import residents
from service.resources import Resources
from tests import factories
from tests.database import NOT_REFUSED, application, refused, rewritable, run, waiting
from tests.factories import Seated, Submitted
from tests.service.seats import ADULT, CHILD, MEMBER, TEENAGER, add, person

MIGRATIONS = Path(__file__).parents[2] / "service/migrations/versions"
INVITE = """
    insert into kring.invitation (municipality_id, proposal_id, resident_id, expires_at)
    values ($1, $2, $3, now() + interval '30 days')
"""
APART = """
    insert into kring.apart (municipality_id, resident_a, resident_b, recorded_by)
    values ($1, least($2::uuid, $3), greatest($2::uuid, $3), $4)
"""
TAKE_BACK = """
    insert into kring.consent_withdrawal (consent_id, municipality_id, how)
    select id, municipality_id, 'link' from kring.consent
"""
EXPIRE = "update kring.consent set given_at = now() - interval '2 days', valid_until = now() - interval '1 day'"

Owner = asyncpg.Connection


async def _group(kring: Resources, staff: Staff, age: AgeBand) -> Seated:
    people = tuple([await person(kring, staff, age) for _ in range(5)])
    return await factories.draft(kring, staff, people=people, meeting=True)


# --- invitations ----------------------------------------------------------------------------------------------------


async def test_a_draft_invites_nobody(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    here = coordinator.municipality
    assert (
        await refused(kring, here, INVITE, here, seated.proposal, seated.people[0].resident)
        == "invitation_approved_proposal"
    )


async def test_a_rejected_proposal_invites_nobody(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    here = coordinator.municipality
    await run(
        kring, here,
        "update kring.proposal set state = 'rejected', decided_by = $2, decided_at = now(), decision_reason = 'x' "
        "where id = $1",
        seated.proposal, coordinator.id,
    )  # fmt: skip
    assert (
        await refused(kring, here, INVITE, here, seated.proposal, seated.people[0].resident)
        == "invitation_approved_proposal"
    )


@pytest.mark.parametrize(
    "lose",
    [
        "delete from kring.consent where purpose = 'invitation'",
        f"{TAKE_BACK} where purpose = 'invitation'",
        f"{EXPIRE} where purpose = 'invitation'",
    ],
    ids=["absent", "withdrawn", "expired"],
)
async def test_nobody_is_invited_without_a_valid_consent_to_be(
    kring: Resources, coordinator: Staff, owner: Owner, lose: str
) -> None:
    invited = await factories.approved(kring, coordinator)
    await owner.execute(lose)
    here = coordinator.municipality
    assert (
        await refused(kring, here, INVITE, here, invited.proposal, invited.people[0].resident) == "invitation_consent"
    )


async def test_only_somebody_with_a_seat_is_invited(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    stranger = await person(kring, coordinator)
    here = coordinator.municipality
    assert await refused(kring, here, INVITE, here, invited.proposal, stranger.resident) == "invitation_live_seat"


async def test_a_seat_that_was_given_up_is_not_invited(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    one = invited.people[0].resident
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where resident_id = $1", one)
    assert await refused(kring, here, INVITE, here, invited.proposal, one) == "invitation_live_seat"


async def test_nobody_is_invited_twice_for_one_proposal(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    here = coordinator.municipality
    assert (
        await refused(kring, here, INVITE, here, invited.proposal, invited.people[0].resident)
        == "invitation_proposal_id_resident_id_key"
    )


async def test_an_invitation_never_becomes_somebody_elses(kring: Resources, coordinator: Staff) -> None:
    columns = ["resident_id", "proposal_id", "municipality_id", "id"]
    assert await rewritable(kring, coordinator.municipality, "invitation", columns) == []


@pytest.mark.parametrize("state", ["not_now", "never", "withdrawn", "expired"])
async def test_an_answer_stands(kring: Resources, coordinator: Staff, state: str) -> None:
    invited = await factories.approved(kring, coordinator)
    here = coordinator.municipality
    change = "update kring.invitation set state = $2, answered_at = now() where id = $1"
    await run(kring, here, change, invited.invitations[0], state)
    assert await refused(kring, here, change, invited.invitations[0], "accepted") == "invitation_answer_stands"


async def test_an_answer_has_a_moment(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    statement = "update kring.invitation set state = 'accepted' where id = $1"
    assert await refused(kring, coordinator.municipality, statement, invited.invitations[0]) == "invitation_check"


# --- seats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lose",
    [
        "delete from kring.consent where purpose = 'matching'",
        f"{TAKE_BACK} where purpose = 'matching'",
        f"{EXPIRE} where purpose = 'matching'",
    ],
    ids=["absent", "withdrawn", "expired"],
)
async def test_nobody_has_a_seat_without_a_valid_consent_to_match(
    kring: Resources, coordinator: Staff, owner: Owner, lose: str
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    await owner.execute(f"{lose} and resident_id = $1", one.resident)
    assert await add(kring, coordinator, seated.proposal, one) == "member_matching_consent"


async def test_a_need_that_is_not_open_has_no_seat(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    await run(kring, coordinator.municipality, "update kring.need set state = 'closed' where id = $1", one.need)
    assert await add(kring, coordinator, seated.proposal, one) == "member_need_open"


async def test_nobody_has_a_seat_on_another_persons_need(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = await person(kring, coordinator), await person(kring, coordinator)
    mixed = Submitted(one.reference, other.need, one.resident)
    assert await add(kring, coordinator, seated.proposal, mixed) == "member_need_open"


@pytest.mark.parametrize(
    ("group", "newcomer"), [(ADULT, TEENAGER), (TEENAGER, ADULT), (ADULT, CHILD), (TEENAGER, CHILD), (CHILD, TEENAGER)]
)
async def test_no_minor_is_in_a_group_with_adults_or_much_older_minors(
    kring: Resources, coordinator: Staff, group: AgeBand, newcomer: AgeBand
) -> None:
    seated = await _group(kring, coordinator, group)
    one = await person(kring, coordinator, newcomer)
    assert await add(kring, coordinator, seated.proposal, one) == "member_age_circle"


async def test_an_adult_may_join_adults(kring: Resources, coordinator: Staff) -> None:
    seated = await _group(kring, coordinator, ADULT)
    assert await add(kring, coordinator, seated.proposal, await person(kring, coordinator)) == NOT_REFUSED


async def test_a_member_does_not_become_a_minor_among_adults(kring: Resources, coordinator: Staff) -> None:
    seated = await _group(kring, coordinator, ADULT)
    statement = "update kring.resident set age_band = '16_17' where id = $1"
    assert (
        await refused(kring, coordinator.municipality, statement, seated.people[0].resident) == "resident_age_in_group"
    )


async def test_a_minor_and_an_adult_added_at_once_do_not_both_get_in(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await _group(kring, coordinator, ADULT)
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where proposal_id = $1", seated.proposal)
    adult, minor = await person(kring, coordinator), await person(kring, coordinator, TEENAGER)
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, adult.need, adult.resident)
        task = await waiting(owner, add(kring, coordinator, seated.proposal, minor))
    assert await task == "member_age_circle"


async def test_an_age_that_changes_while_a_seat_is_given_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await _group(kring, coordinator, ADULT)
    one = await person(kring, coordinator)
    here = coordinator.municipality
    change = refused(kring, here, "update kring.resident set age_band = '16_17' where id = $1", one.resident)
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, one.need, one.resident)
        task = await waiting(owner, change)
    assert await task == "resident_age_in_group"


async def test_the_database_and_the_engine_agree_about_ages(owner: Owner) -> None:
    circles = {band: await owner.fetchval("select kring.age_circle($1)", band) for band in AgeBand}
    assert circles == {band: age_circle(band) for band in AgeBand}


async def test_nobody_has_two_live_seats(kring: Resources, coordinator: Staff) -> None:
    first = await factories.draft(kring, coordinator, meeting=True)
    second = await factories.draft(kring, coordinator, meeting=True)
    assert await add(kring, coordinator, second.proposal, first.people[0]) == "one_live_seat_per_resident"


async def test_nobody_has_two_seats_in_one_proposal(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = seated.people[0]
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where resident_id = $1", one.resident)
    assert await add(kring, coordinator, seated.proposal, one) == "proposal_member_pkey"


async def test_a_seat_never_becomes_somebody_elses(kring: Resources, coordinator: Staff) -> None:
    columns = ["resident_id", "need_id", "proposal_id", "municipality_id"]
    assert await rewritable(kring, coordinator.municipality, "proposal_member", columns) == []


# --- consent at one moment with what needs it -----------------------------------------------------------------------


async def _withdraw(conn: Connection, resident: ResidentId) -> None:
    """As `service.consents` does it: first the turn, then the row."""
    await residents.take_consents(conn, resident)
    await conn.execute(f"{TAKE_BACK} where resident_id = $1", resident)


async def _withdrawn(kring: Resources, staff: Staff, resident: ResidentId) -> None:
    async with application(kring, staff.municipality) as conn:
        await _withdraw(conn, resident)


async def test_a_seat_given_during_a_withdrawal_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    async with application(kring, coordinator.municipality) as first:
        await _withdraw(first, one.resident)
        task = await waiting(owner, add(kring, coordinator, seated.proposal, one))
    assert await task == "member_matching_consent"


async def test_a_withdrawal_during_the_giving_of_a_seat_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    """So that it then finds the seat, and frees it."""
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, one.need, one.resident)
        await waiting(owner, _withdrawn(kring, coordinator, one.resident))


async def test_an_invitation_during_a_withdrawal_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    invited = await factories.approved(kring, coordinator)
    one = invited.people[0].resident
    here = coordinator.municipality
    async with application(kring, here) as first:
        await _withdraw(first, one)
        task = await waiting(owner, refused(kring, here, INVITE, here, invited.proposal, one))
    assert await task == "invitation_consent"


# --- people who must not meet ---------------------------------------------------------------------------------------


async def _apart(kring: Resources, staff: Staff, one: Submitted, other: Submitted) -> str:
    here = staff.municipality
    return await refused(kring, here, APART, here, one.resident, other.resident, staff.id)


async def test_a_member_is_never_added_to_somebody_to_be_kept_apart_from(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    assert await _apart(kring, coordinator, one, seated.people[0]) == NOT_REFUSED
    assert await add(kring, coordinator, seated.proposal, one) == "member_apart"


async def test_a_dropped_member_does_not_come_back_beside_somebody_to_be_kept_apart_from(
    kring: Resources, coordinator: Staff
) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = seated.people[:2]
    here = coordinator.municipality
    change = "update kring.proposal_member set live = $2 where resident_id = $1"
    await run(kring, here, change, one.resident, False)
    assert await _apart(kring, coordinator, one, other) == NOT_REFUSED
    assert await refused(kring, here, change, one.resident, True) == "member_apart"


@pytest.mark.parametrize("order", [1, -1])
async def test_two_who_sit_together_are_not_declared_apart(kring: Resources, coordinator: Staff, order: int) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = seated.people[:2][::order]
    assert await _apart(kring, coordinator, one, other) == "apart_in_one_proposal"


async def test_nobody_is_apart_from_themselves(kring: Resources, coordinator: Staff) -> None:
    one = await person(kring, coordinator)
    assert await _apart(kring, coordinator, one, one) == "apart_check"


async def test_a_seat_given_while_two_are_declared_apart_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(APART, here, one.resident, seated.people[0].resident, coordinator.id)
        task = await waiting(owner, add(kring, coordinator, seated.proposal, one))
    assert await task == "member_apart"


async def test_two_declared_apart_while_a_seat_is_given_wait_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, one.need, one.resident)
        task = await waiting(owner, _apart(kring, coordinator, one, seated.people[0]))
    assert await task == "apart_in_one_proposal"


async def test_two_who_are_apart_and_added_at_once_do_not_both_get_in(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = await person(kring, coordinator), await person(kring, coordinator)
    await _apart(kring, coordinator, one, other)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, one.need, one.resident)
        task = await waiting(owner, add(kring, coordinator, seated.proposal, other))
    assert await task == "member_apart"


# --- the list itself ------------------------------------------------------------------------------------------------


def test_every_rule_that_a_trigger_keeps_is_tried_here() -> None:
    rules = {
        rule for path in MIGRATIONS.glob("*.py") for rule in re.findall(r"kring\.refuse\('(\w+)'", path.read_text())
    }
    tests = [path.read_text() for path in Path(__file__).parent.glob("test_constraints*.py")]
    tried = set(re.findall(r'"(\w+)"', "".join(tests)))
    assert rules - tried == set()


# --- the vault ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "reader", "rule"),
    [
        ("curiosity", "worker", "contact_read_why"),
        (None, "worker", "contact_read_why"),
        ("own", "staff", "contact_read_own"),
        ("own", "resident", "contact_read_own"),
    ],
)
async def test_an_address_is_read_for_a_reason_and_only_by_who_may(
    kring: Resources, coordinator: Staff, why: str | None, reader: str, rule: str
) -> None:
    someone, other = await factories.some_people(kring, coordinator, 2)
    statement = "select from vault.read_contact($1, $2, $3, $4, 'worker', null)"
    assert (
        await refused(kring, coordinator.municipality, statement, someone.resident, why, reader, other.resident) == rule
    )
