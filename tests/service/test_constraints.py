"""What the database itself refuses, tried in plain SQL as the application's own role."""

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from models.age import age_circle
from models.need import AgeBand
from service.domain import MunicipalityId, ProposalId, Purpose, Staff
from service.queries.municipalities import Municipality
from service.resources import Resources
from tests import factories
from tests.database import NOT_REFUSED, application, refused, run, waiting
from tests.factories import Seated, Submitted

MIGRATIONS = Path(__file__).parents[2] / "service/migrations/versions"
MEMBER = """
    insert into kring.proposal_member (municipality_id, proposal_id, need_id, resident_id) values ($1, $2, $3, $4)
"""
INVITE = """
    insert into kring.invitation (municipality_id, proposal_id, resident_id, expires_at)
    values ($1, $2, $3, now() + interval '30 days')
"""
APART = """
    insert into kring.apart (municipality_id, resident_a, resident_b, recorded_by)
    values ($1, least($2::uuid, $3), greatest($2::uuid, $3), $4)
"""
EXPIRE = "update kring.consent set given_at = now() - interval '2 days', valid_until = now() - interval '1 day'"
ADULT, TEENAGER, CHILD = AgeBand.AGE_40_64, AgeBand.AGE_12_15, AgeBand.UNDER_12

Owner = asyncpg.Connection


async def _add(kring: Resources, staff: Staff, proposal: ProposalId, one: Submitted) -> str:
    return await refused(kring, staff.municipality, MEMBER, staff.municipality, proposal, one.need, one.resident)


async def _person(kring: Resources, staff: Staff, age: AgeBand = ADULT) -> Submitted:
    if age in (TEENAGER, CHILD):
        return await factories.submit(kring, staff, factories.childs_need(age_band=age))
    return await factories.submit(kring, staff, age_band=age)


async def _group(kring: Resources, staff: Staff, age: AgeBand) -> Seated:
    people = tuple([await _person(kring, staff, age) for _ in range(5)])
    return await factories.draft(kring, staff, people=people, meeting=True)


async def _rewritable(kring: Resources, here: MunicipalityId, table: str, columns: list[str]) -> list[str]:
    """Those of `columns` that the application may change in a row that is there."""
    return [
        column
        for column in columns
        if await refused(kring, here, f"update kring.{table} set {column} = {column}") != "denied"
    ]


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
        "update kring.consent set withdrawn_at = now(), withdrawn_how = 'link' where purpose = 'invitation'",
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
    stranger = await _person(kring, coordinator)
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
    assert await _rewritable(kring, coordinator.municipality, "invitation", columns) == []


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
        "update kring.consent set withdrawn_at = now(), withdrawn_how = 'link' where purpose = 'matching'",
        f"{EXPIRE} where purpose = 'matching'",
    ],
    ids=["absent", "withdrawn", "expired"],
)
async def test_nobody_has_a_seat_without_a_valid_consent_to_match(
    kring: Resources, coordinator: Staff, owner: Owner, lose: str
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await _person(kring, coordinator)
    await owner.execute(f"{lose} and resident_id = $1", one.resident)
    assert await _add(kring, coordinator, seated.proposal, one) == "member_matching_consent"


async def test_a_need_that_is_not_open_has_no_seat(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await _person(kring, coordinator)
    await run(kring, coordinator.municipality, "update kring.need set state = 'closed' where id = $1", one.need)
    assert await _add(kring, coordinator, seated.proposal, one) == "member_need_open"


async def test_nobody_has_a_seat_on_another_persons_need(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = await _person(kring, coordinator), await _person(kring, coordinator)
    mixed = Submitted(one.reference, other.need, one.resident)
    assert await _add(kring, coordinator, seated.proposal, mixed) == "member_need_open"


@pytest.mark.parametrize(
    ("group", "newcomer"), [(ADULT, TEENAGER), (TEENAGER, ADULT), (ADULT, CHILD), (TEENAGER, CHILD), (CHILD, TEENAGER)]
)
async def test_no_minor_is_in_a_group_with_adults_or_much_older_minors(
    kring: Resources, coordinator: Staff, group: AgeBand, newcomer: AgeBand
) -> None:
    seated = await _group(kring, coordinator, group)
    one = await _person(kring, coordinator, newcomer)
    assert await _add(kring, coordinator, seated.proposal, one) == "member_age_circle"


async def test_an_adult_may_join_adults(kring: Resources, coordinator: Staff) -> None:
    seated = await _group(kring, coordinator, ADULT)
    assert await _add(kring, coordinator, seated.proposal, await _person(kring, coordinator)) == NOT_REFUSED


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
    adult, minor = await _person(kring, coordinator), await _person(kring, coordinator, TEENAGER)
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, adult.need, adult.resident)
        task = await waiting(owner, _add(kring, coordinator, seated.proposal, minor))
    assert await task == "member_age_circle"


async def test_an_age_that_changes_while_a_seat_is_given_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await _group(kring, coordinator, ADULT)
    one = await _person(kring, coordinator)
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
    assert await _add(kring, coordinator, second.proposal, first.people[0]) == "one_live_seat_per_resident"


async def test_nobody_has_two_seats_in_one_proposal(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = seated.people[0]
    here = coordinator.municipality
    await run(kring, here, "update kring.proposal_member set live = false where resident_id = $1", one.resident)
    assert await _add(kring, coordinator, seated.proposal, one) == "proposal_member_pkey"


async def test_a_seat_never_becomes_somebody_elses(kring: Resources, coordinator: Staff) -> None:
    columns = ["resident_id", "need_id", "proposal_id", "municipality_id"]
    assert await _rewritable(kring, coordinator.municipality, "proposal_member", columns) == []


# --- people who must not meet ---------------------------------------------------------------------------------------


async def _apart(kring: Resources, staff: Staff, one: Submitted, other: Submitted) -> str:
    here = staff.municipality
    return await refused(kring, here, APART, here, one.resident, other.resident, staff.id)


async def test_a_member_is_never_added_to_somebody_to_be_kept_apart_from(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await _person(kring, coordinator)
    assert await _apart(kring, coordinator, one, seated.people[0]) == NOT_REFUSED
    assert await _add(kring, coordinator, seated.proposal, one) == "member_apart"


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
    one = await _person(kring, coordinator)
    assert await _apart(kring, coordinator, one, one) == "apart_check"


async def test_a_seat_given_while_two_are_declared_apart_waits_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await _person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(APART, here, one.resident, seated.people[0].resident, coordinator.id)
        task = await waiting(owner, _add(kring, coordinator, seated.proposal, one))
    assert await task == "member_apart"


async def test_two_declared_apart_while_a_seat_is_given_wait_for_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one = await _person(kring, coordinator)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, one.need, one.resident)
        task = await waiting(owner, _apart(kring, coordinator, one, seated.people[0]))
    assert await task == "apart_in_one_proposal"


async def test_two_who_are_apart_and_added_at_once_do_not_both_get_in(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = await _person(kring, coordinator), await _person(kring, coordinator)
    await _apart(kring, coordinator, one, other)
    here = coordinator.municipality
    async with application(kring, here) as first:
        await first.execute(MEMBER, here, seated.proposal, one.need, one.resident)
        task = await waiting(owner, _add(kring, coordinator, seated.proposal, other))
    assert await task == "member_apart"


# --- decisions ------------------------------------------------------------------------------------------------------


DECIDE = """
    update kring.proposal set state = $2, decided_by = $3, decided_at = case when $3::uuid is not null then now() end,
        decision_reason = $4, meeting_place = $5, meeting_at = case when $5::text is not null then now() end
    where id = $1
"""


@pytest.mark.parametrize(
    ("state", "by_somebody", "reason", "place", "expected"),
    [
        ("approved", False, None, "Buurthuis", "proposal_decided_by_a_person"),
        ("rejected", False, "te ver", None, "proposal_decided_by_a_person"),
        ("draft", True, None, None, "proposal_decided_by_a_person"),
        ("rejected", True, "", None, "proposal_rejected_with_reason"),
        ("rejected", True, None, None, "proposal_rejected_with_reason"),
        ("approved", True, None, None, "proposal_approved_with_meeting"),
        ("approved", True, None, "Buurthuis", NOT_REFUSED),
        ("rejected", True, "te ver", None, NOT_REFUSED),
    ],
)
async def test_a_decision_has_a_person_and_what_belongs_to_it(
    kring: Resources,
    coordinator: Staff,
    state: str,
    by_somebody: bool,
    reason: str | None,
    place: str | None,
    expected: str,
) -> None:
    seated = await factories.draft(kring, coordinator)
    by = coordinator.id if by_somebody else None
    assert await refused(kring, coordinator.municipality, DECIDE, seated.proposal, state, by, reason, place) == expected


@pytest.mark.parametrize("change", ["state = 'draft', decided_by = null, decided_at = null", "decided_at = now()"])
async def test_a_decision_stands(kring: Resources, coordinator: Staff, change: str) -> None:
    invited = await factories.approved(kring, coordinator)
    statement = f"update kring.proposal set {change} where id = $1"
    assert await refused(kring, coordinator.municipality, statement, invited.proposal) == "proposal_decision_stands"


async def test_a_proposal_starts_as_a_draft(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    statement = """
        insert into kring.proposal (municipality_id, run_id, theme_id, title, form, reasons, state, meeting_place,
            meeting_at, decided_by, decided_at)
        select municipality_id, run_id, theme_id, title, form, reasons, 'approved', 'x', now(), $2, now()
        from kring.proposal where id = $1
    """
    assert (
        await refused(kring, coordinator.municipality, statement, seated.proposal, coordinator.id)
        == "proposal_starts_as_draft"
    )


async def test_nobody_is_added_after_the_decision(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    one = await _person(kring, coordinator)
    assert await _add(kring, coordinator, invited.proposal, one) == "member_draft_proposal"


# --- consents and needs ---------------------------------------------------------------------------------------------


async def test_a_withdrawn_consent_stays_withdrawn(kring: Resources, caseworker: Staff) -> None:
    one = await _person(kring, caseworker)
    here = caseworker.municipality
    change = "update kring.consent set withdrawn_at = {0}, withdrawn_how = {1} where resident_id = $1"
    await run(kring, here, change.format("now()", "'link'"), one.resident)
    assert await refused(kring, here, change.format("null", "null"), one.resident) == "consent_stays_withdrawn"


async def test_what_was_consented_to_is_never_rewritten(kring: Resources, caseworker: Staff) -> None:
    columns = ["resident_id", "purpose", "text_version", "text_hash", "language", "given_by", "given_at", "valid_until"]
    assert await _rewritable(kring, caseworker.municipality, "consent", columns) == []


async def test_a_withdrawal_says_how(kring: Resources, caseworker: Staff) -> None:
    await _person(kring, caseworker)
    statement = "update kring.consent set withdrawn_at = now()"
    assert await refused(kring, caseworker.municipality, statement) == "consent_check1"


CONSENT = """
    insert into kring.consent (municipality_id, resident_id, purpose, text_version, text_hash, language, given_by,
        recorded_how, valid_until)
    values ($1, $2, $3, 'v', '', 'nl', $4, 'paper', now() + interval '1 day')
"""


async def test_one_consent_stands_for_a_purpose(kring: Resources, caseworker: Staff) -> None:
    one = await _person(kring, caseworker)
    here = caseworker.municipality
    assert (
        await refused(kring, here, CONSENT, here, one.resident, Purpose.MATCHING, "self")
        == "one_standing_consent_per_purpose"
    )


async def test_under_16_a_representative_consents(kring: Resources, caseworker: Staff) -> None:
    child = await factories.submit(
        kring, caseworker, factories.childs_need(consents=frozenset({Purpose.MATCHING}), contact=None)
    )
    here = caseworker.municipality
    assert await refused(kring, here, CONSENT, here, child.resident, Purpose.INVITATION, "self") == "consent_under_16"


async def test_who_turns_out_to_be_under_16_did_not_consent_alone(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker, age_band=AgeBand.AGE_16_17)
    statement = "update kring.resident set age_band = '12_15' where id = $1"
    assert await refused(kring, caseworker.municipality, statement, one.resident) == "resident_under_16"


async def test_a_form_is_stored_once(kring: Resources, caseworker: Staff) -> None:
    await _person(kring, caseworker)
    await _person(kring, caseworker)
    statement = """
        insert into kring.need (municipality_id, resident_id, reference, submission_key, text, perspective, area_id,
            languages, dayparts, meeting, submitted_by, noted_by)
        select municipality_id, resident_id, '2222-2222', submission_key, text, perspective, area_id, languages,
            dayparts, meeting, submitted_by, noted_by from kring.need limit 1
    """
    assert await refused(kring, caseworker.municipality, statement) == "need_municipality_id_submission_key_key"


@pytest.mark.parametrize("change", ["state = 'withdrawn'", "text = null"])
async def test_a_need_loses_its_words_exactly_when_it_is_withdrawn(
    kring: Resources, caseworker: Staff, change: str
) -> None:
    await _person(kring, caseworker)
    assert await refused(kring, caseworker.municipality, f"update kring.need set {change}") == "need_check"


async def test_the_application_deletes_no_history(kring: Resources, municipality: Municipality, owner: Owner) -> None:
    tables = {
        record["name"]
        for record in await owner.fetch(
            "select oid::regclass::text as name from pg_class "
            "where relkind = 'r' and relnamespace::regnamespace::text in ('kring', 'vault')"
        )
    }
    deletable = {
        table for table in tables if await refused(kring, municipality.id, f"delete from {table}") == NOT_REFUSED
    }
    # A session ends, an address is forgotten, a pair is no longer kept apart, a later run says something else.
    assert deletable == {
        "kring.staff_session", "vault.contact", "kring.apart", "kring.theme_need", "kring.ungrouped"
    }  # fmt: skip


async def test_the_application_adds_no_municipality(kring: Resources, municipality: Municipality) -> None:
    statement = "insert into kring.municipality (slug, name) values ('x-y', 'x')"
    assert await refused(kring, municipality.id, statement) == "denied"


# --- runs, messages, platforms --------------------------------------------------------------------------------------


async def test_one_run_at_a_time_in_a_municipality(kring: Resources, coordinator: Staff) -> None:
    await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality
    statement = "insert into kring.match_run (municipality_id, cause, seed) values ($1, 'demand', 1)"
    assert await refused(kring, here, statement, here) == "one_run_at_a_time"


async def test_one_cause_is_one_message(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    here = coordinator.municipality
    statement = """
        insert into kring.outbox (municipality_id, resident_id, kind, subject_id) values ($1, $2, 'invitation', $3)
    """
    assert (
        await refused(kring, here, statement, here, invited.people[0].resident, invited.invitations[0])
        == "outbox_kind_subject_id_resident_id_key"
    )


async def test_nobody_is_a_member_twice(kring: Resources, coordinator: Staff) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    here = coordinator.municipality
    statement = "insert into kring.membership (municipality_id, platform_id, resident_id) values ($1, $2, $3)"
    assert await refused(kring, here, statement, here, platform, invited.people[0].resident) == "membership_pkey"


async def test_a_proposal_becomes_one_platform(kring: Resources, coordinator: Staff) -> None:
    _, invited = await factories.platform(kring, coordinator)
    here = coordinator.municipality
    statement = "insert into kring.platform (municipality_id, proposal_id, name, form) values ($1, $2, 'x', 'circle')"
    assert await refused(kring, here, statement, here, invited.proposal) == "platform_proposal_id_key"


async def test_a_platform_ends_for_a_reason(kring: Resources, coordinator: Staff) -> None:
    await factories.platform(kring, coordinator)
    statement = "update kring.platform set state = 'ended', ended_at = now()"
    assert await refused(kring, coordinator.municipality, statement) == "platform_check"


async def test_there_are_not_more_newcomers_than_visitors(kring: Resources, coordinator: Staff) -> None:
    await factories.platform(kring, coordinator)
    statement = "update kring.meeting set state = 'held', attended = 3, newcomers = 4"
    assert await refused(kring, coordinator.municipality, statement) == "meeting_check"


async def _pulse(kring: Resources, here: MunicipalityId, platform: UUID) -> UUID:
    async with application(kring, here) as conn:
        pulse: UUID = await conn.fetchval(
            "insert into kring.pulse (municipality_id, platform_id) values ($1, $2) returning id", here, platform
        )
    return pulse


ASK = "insert into kring.pulse_request (municipality_id, pulse_id, resident_id) values ($1, $2, $3)"


async def test_nobody_is_asked_how_it_goes_without_consent_to_that(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    here = coordinator.municipality
    pulse = await _pulse(kring, here, platform)
    await owner.execute("delete from kring.consent where purpose = 'follow_up'")
    assert await refused(kring, here, ASK, here, pulse, invited.people[0].resident) == "pulse_consent"


async def test_only_members_are_asked_how_it_goes(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    stranger = await _person(kring, coordinator)
    here = coordinator.municipality
    pulse = await _pulse(kring, here, platform)
    assert await refused(kring, here, ASK, here, pulse, stranger.resident) == "pulse_member"


async def test_a_quarter_is_reported_once(kring: Resources, municipality: Municipality) -> None:
    statement = "insert into kring.release (municipality_id, quarter, tables) values ($1, '2026-K3', '[]')"
    await run(kring, municipality.id, statement, municipality.id)
    assert await refused(kring, municipality.id, statement, municipality.id) == "release_municipality_id_quarter_key"


async def test_a_release_is_frozen(kring: Resources, municipality: Municipality) -> None:
    assert await refused(kring, municipality.id, "update kring.release set tables = '[]'") == "denied"


# --- the list itself ------------------------------------------------------------------------------------------------


def test_every_rule_that_a_trigger_keeps_is_tried_here() -> None:
    rules = {
        rule for path in MIGRATIONS.glob("*.py") for rule in re.findall(r"kring\.refuse\('(\w+)'", path.read_text())
    }
    tried = set(re.findall(r'"(\w+)"', Path(__file__).read_text()))
    assert rules - tried == set()
