"""What the database itself refuses to have decided, rewritten or done twice, in plain SQL as the application's role."""

from uuid import UUID

import asyncpg
import pytest

from models.need import AgeBand
from service.domain import MunicipalityId, Purpose, Staff
from service.queries.municipalities import Municipality
from service.resources import Resources
from tests import factories
from tests.database import NOT_REFUSED, application, refused, rewritable, run
from tests.service.seats import add, person

Owner = asyncpg.Connection


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
    one = await person(kring, coordinator)
    assert await add(kring, coordinator, invited.proposal, one) == "member_draft_proposal"


# --- consents and needs ---------------------------------------------------------------------------------------------


WITHDRAWAL = """
    insert into kring.consent_withdrawal (consent_id, municipality_id, how, recorded_by)
    select id, $1, $3, $4 from kring.consent where resident_id = $2
"""


async def test_a_withdrawn_consent_stays_withdrawn(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    one = await person(kring, caseworker)
    here = caseworker.municipality
    assert await refused(kring, here, WITHDRAWAL, here, one.resident, "link", None) == NOT_REFUSED
    again = await refused(kring, here, WITHDRAWAL, here, one.resident, "caseworker", caseworker.id)
    columns = ["consent_id", "municipality_id", "at", "how", "recorded_by"]
    assert (again, await rewritable(kring, here, "consent_withdrawal", columns)) == ("consent_withdrawal_pkey", [])
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await owner.execute("update kring.consent_withdrawal set at = now()")
    assert error.value.constraint_name == "consent_stays_withdrawn"


@pytest.mark.parametrize("table", ["consent", "consent_withdrawal", "consent_text"])
async def test_nothing_leaves_the_ledger(kring: Resources, caseworker: Staff, table: str) -> None:
    await person(kring, caseworker)
    assert await refused(kring, caseworker.municipality, f"delete from kring.{table}") == "denied"


async def test_what_was_consented_to_is_never_rewritten(kring: Resources, caseworker: Staff, owner: Owner) -> None:
    await person(kring, caseworker)
    for table in ("consent", "consent_text"):
        columns = [
            record["attname"]
            for record in await owner.fetch(
                "select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0 "
                "and not attisdropped",
                f"kring.{table}",
            )
        ]
        assert (len(columns) > 5, await rewritable(kring, caseworker.municipality, table, columns)) == (True, [])


async def test_a_row_that_is_never_rewritten_can_be_held(kring: Resources, caseworker: Staff) -> None:
    """The right to update a column is what PostgreSQL asks for a lock; without it nobody could take turns."""
    await person(kring, caseworker)
    async with application(kring, caseworker.municipality) as conn:
        held = [
            await conn.execute(f"select from kring.consent for {mode}") for mode in ("share", "no key update", "update")
        ]
    assert held == ["SELECT 3"] * 3


async def test_a_withdrawal_through_a_link_is_nobody_elses(kring: Resources, caseworker: Staff) -> None:
    one = await person(kring, caseworker)
    here = caseworker.municipality
    statement = WITHDRAWAL, here, one.resident, "link", caseworker.id
    assert await refused(kring, here, *statement) == "withdrawal_by_link_is_ones_own"


async def test_the_text_that_is_kept_is_the_one_that_was_hashed(kring: Resources, caseworker: Staff) -> None:
    statement = """
        insert into kring.consent_text (municipality_id, hash, purpose, version, language, label, explanation)
        values ($1, sha256('iets anders'), 'matching', 'v', 'nl', 'Ja', 'Ja')
    """
    here = caseworker.municipality
    assert await refused(kring, here, statement, here) == "consent_text_is_what_was_hashed"


async def test_a_changed_text_is_a_new_version(kring: Resources, caseworker: Staff) -> None:
    statement = """
        insert into kring.consent_text (municipality_id, hash, purpose, version, language, label, explanation)
        values ($1, sha256(convert_to($2 || E'\\n' || 'Ja', 'UTF8')), 'matching', 'v', 'nl', $2, 'Ja')
    """
    here = caseworker.municipality
    assert await refused(kring, here, statement, here, "Ja") == NOT_REFUSED
    assert (
        await refused(kring, here, statement, here, "Nee")
        == "consent_text_municipality_id_purpose_version_language_key"
    )


CONSENT = """
    insert into kring.consent (municipality_id, resident_id, purpose, text_version, text_hash, language, given_by,
        recorded_how, valid_until)
    values ($1, $2, $3, 'v', '', 'nl', $4, 'paper', now() + interval '1 day')
"""


async def test_under_16_a_representative_consents(kring: Resources, caseworker: Staff) -> None:
    child = await factories.submit(
        kring, caseworker, factories.childs_need(consents=frozenset({Purpose.MATCHING}), contact=None)
    )
    here = caseworker.municipality
    assert await refused(kring, here, CONSENT, here, child.resident, Purpose.INVITATION, "self") == "consent_under_16"


async def test_from_16_on_nobody_consents_for_somebody_else(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker, age_band=AgeBand.AGE_16_17)
    here = caseworker.municipality
    statement = CONSENT, here, one.resident, Purpose.INVITATION, "representative"
    assert await refused(kring, here, *statement) == "consent_from_16"


async def test_who_turns_out_to_be_under_16_did_not_consent_alone(kring: Resources, caseworker: Staff) -> None:
    one = await factories.submit(kring, caseworker, age_band=AgeBand.AGE_16_17)
    statement = "update kring.resident set age_band = '12_15' where id = $1"
    assert await refused(kring, caseworker.municipality, statement, one.resident) == "resident_under_16"


async def test_a_form_is_stored_once(kring: Resources, caseworker: Staff) -> None:
    await person(kring, caseworker)
    await person(kring, caseworker)
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
    await person(kring, caseworker)
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
    # A session ends, an address is forgotten, a pair is no longer kept apart, a later run says something else, and what
    # workers hand one another is over when the run is.
    assert deletable == {
        "kring.staff_session", "vault.contact", "kring.apart", "kring.theme_need", "kring.ungrouped", "kring.run_block",
        "kring.correction_request",  # what a resident asked for is decided
        # what is over goes after its term (service.retention), and a sign-in that came back is over
        "kring.link", "kring.outbox", "kring.membership", "kring.pulse_answer", "kring.erasure", "kring.sign_in",
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
    stranger = await person(kring, coordinator)
    here = coordinator.municipality
    pulse = await _pulse(kring, here, platform)
    assert await refused(kring, here, ASK, here, pulse, stranger.resident) == "pulse_member"


async def test_a_quarter_is_reported_once(kring: Resources, municipality: Municipality) -> None:
    statement = "insert into kring.release (municipality_id, quarter, tables) values ($1, '2026-K3', '[]')"
    await run(kring, municipality.id, statement, municipality.id)
    assert await refused(kring, municipality.id, statement, municipality.id) == "release_municipality_id_quarter_key"


async def test_a_release_is_frozen(kring: Resources, municipality: Municipality) -> None:
    assert await refused(kring, municipality.id, "update kring.release set tables = '[]'") == "denied"


@pytest.mark.parametrize(
    "change",
    ["residents = residents || gen_random_uuid()", "arrived = arrived || gen_random_uuid()"],
)
async def test_nobody_is_written_into_a_change_afterwards(kring: Resources, coordinator: Staff, change: str) -> None:
    seated = await factories.draft(kring, coordinator)
    await factories.plan_meeting(kring, coordinator, seated.proposal)
    statement = f"update kring.proposal_change set {change} where proposal_id = $1"
    assert await refused(kring, coordinator.municipality, statement, seated.proposal) == "proposal_change_stands"


async def test_a_change_is_undone_once(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    await factories.plan_meeting(kring, coordinator, seated.proposal)
    undo = "update kring.proposal_change set undone_at = clock_timestamp(), undone_by = $2 where proposal_id = $1"
    here = coordinator.municipality
    assert await refused(kring, here, undo, seated.proposal, coordinator.id) == NOT_REFUSED
    assert await refused(kring, here, undo, seated.proposal, coordinator.id) == "proposal_change_stands"
