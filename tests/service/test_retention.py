"""Retention on a fake clock: a second too early nothing goes, a second late it has, and only what a rule is about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from models.plan import Code, Plan, Reason, Ungrouped
from service import consents, erasure, matching, platforms, regrouping, retention
from service.audit import OPERATOR
from service.db import transaction
from service.domain import AMSTERDAM, EndReason, Purpose, Staff
from service.queries import municipalities
from service.queries import platforms as platform_rows
from service.resources import Resources
from service.retention import RULES, Rule
from service.settings import Settings
from tests import factories
from tests.factories import Submitted

Owner = asyncpg.Connection
OVER = datetime(2026, 2, 3, tzinfo=AMSTERDAM)
"""When what the tests arrange was over: the end of a day, because a proof counts days."""
BEFORE = OVER - timedelta(days=365)
SECOND = timedelta(seconds=1)
BY_CODE = {rule.code: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Place:
    kring: Resources
    staff: Staff
    owner: Owner


async def apply(place: Place, rule: Rule, now: datetime) -> int:
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        return await retention.apply(conn, place.staff.municipality, rule, settings=place.kring.settings, now=now)


def due_at(place: Place, rule: Rule) -> datetime:
    return OVER + timedelta(days=rule.days(place.kring.settings))


# --- for each rule, something that was over at OVER, and what is left of it ------------------------------------------


async def _consent_is_over(place: Place, *purposes: Purpose) -> Submitted:
    one = await factories.submit(place.kring, place.staff)
    await _end_consent(place, one, *purposes)
    return one


async def _end_consent(place: Place, one: Submitted, *purposes: Purpose) -> None:
    await place.owner.execute(
        """
        update kring.consent set given_at = $3, valid_until = $2
        where resident_id = $1 and purpose = any($4)
        """,
        one.resident, OVER, BEFORE, list(purposes),
    )  # fmt: skip


async def _matching_ended(place: Place) -> None:
    await _consent_is_over(place, Purpose.MATCHING)


async def _closed(place: Place) -> None:
    await factories.submit(place.kring, place.staff)
    await place.owner.execute("update kring.need set state = 'closed'")
    await place.owner.execute("update kring.need set ended_at = $1", OVER)


async def _withdrawn(place: Place, one: Submitted | None = None) -> None:
    one = one or await factories.submit(place.kring, place.staff)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await consents.withdraw_everything(conn, place.staff.municipality, one.resident, "caseworker")
    await place.owner.execute("update kring.need set ended_at = $2 where id = $1", one.need, OVER)
    await place.owner.execute("update kring.resident set created_at = $2 where id = $1", one.resident, BEFORE)


async def _writing_ended(place: Place) -> None:
    await _consent_is_over(place, Purpose.INVITATION, Purpose.FOLLOW_UP)


async def _link_expired(place: Place) -> None:
    invited = await factories.approved(place.kring, place.staff)
    await factories.link(place.kring, place.staff, invited.invitations[0])
    await place.owner.execute("update kring.link set expires_at = $1", OVER)


async def _signed_in(place: Place) -> None:
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await municipalities.insert_session(conn, place.staff, b"key")
    await place.owner.execute("update kring.staff_session set created_at = $1", OVER)


async def _sent(place: Place) -> None:
    await factories.approved(place.kring, place.staff)
    await _mark_sent(place)


async def _mark_sent(place: Place) -> None:
    await place.owner.execute(
        "update kring.outbox set state = 'sent', created_at = $1, due_at = $1, sent_at = $1", OVER
    )


async def _left(place: Place) -> None:
    _, invited = await factories.platform(place.kring, place.staff)
    await place.owner.execute(
        "update kring.membership set joined_at = $3, left_at = $2 where resident_id = $1",
        invited.people[0].resident, OVER, BEFORE,
    )  # fmt: skip


async def _superseded(place: Place) -> None:
    """A draft that a coordinator took somebody out of, and that was then replaced."""
    seated = await factories.draft(place.kring, place.staff, 6)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await regrouping.drop(conn, place.staff, seated.proposal, seated.people[0].resident)
    await place.owner.execute("update kring.proposal set edited_at = null")
    await factories.store_plan(place.kring, place.staff, factories.plan_of(seated.people))
    await place.owner.execute("update kring.proposal set created_at = $1 where state = 'superseded'", OVER)


async def _decided_long_ago(place: Place) -> None:
    async with place.owner.transaction():
        await place.owner.execute("set local session_replication_role = replica")  # a decision stands, else
        await place.owner.execute(
            """
            update kring.proposal set created_at = $1::timestamptz, edited_at = $1,
                decided_at = case when state = 'approved' then $1::timestamptz end
            """,
            OVER,
        )


async def _run_ended(place: Place) -> None:
    one = await factories.submit(place.kring, place.staff)
    for _ in range(2):
        await _leave_out(place, one)
    await place.owner.execute(
        """
        update kring.match_run set finished_at = $1
        where id = (select id from kring.match_run order by finished_at limit 1)
        """,
        OVER,
    )


async def _leave_out(place: Place, one: Submitted) -> None:
    run = await factories.claimed_run(place.kring, place.staff)
    plan = Plan((), (), (Ungrouped(str(one.need), Reason(Code.NO_SIMILAR_NEED)),), "handmade", 1)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await matching.store(conn, place.staff.municipality, run, plan, pooled=1)


async def _pulsed(place: Place) -> None:
    platform, invited = await factories.platform(place.kring, place.staff)
    here = place.staff.municipality
    async with transaction(place.kring.pool, here) as conn:
        await platforms.ask_pulse(conn, here, platform)
        pulse = await conn.fetchval("select id from kring.pulse")
        await platforms.answer_pulse(conn, here, pulse, invited.people[0].resident, welcome=5, helped=4, staying=5)
    await place.owner.execute("update kring.pulse set sent_at = $1", OVER)


async def _erased(place: Place) -> None:
    one = await factories.submit(place.kring, place.staff)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await erasure.erase(conn, place.staff.municipality, one.resident, OPERATOR)
    await place.owner.execute("update kring.erasure set erased_on = $1", date(2026, 2, 2))


CASES: dict[str, tuple[Callable[[Place], Awaitable[None]], str]] = {
    "words_without_consent": (_matching_ended, "select count(*) from kring.need where text is not null"),
    "words_of_closed": (_closed, "select count(*) from kring.need where text is not null"),
    "resident_over": (_withdrawn, "select count(*) from kring.resident"),
    "contact_without_consent": (_writing_ended, "select count(*) from vault.contact"),
    "links": (_link_expired, "select count(*) from kring.link"),
    "sessions": (_signed_in, "select count(*) from kring.staff_session"),
    "messages": (_sent, "select count(*) from kring.outbox"),
    "memberships": (_left, "select count(*) from kring.membership where left_at is not null"),
    "seats": (
        _superseded,
        """
        select (select count(*) from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
                where p.state = 'superseded')
             + (select count(*) from kring.proposal_change where residents <> '{}')
        """,
    ),
    "ungrouped": (
        _run_ended,
        """
        select count(*) from kring.ungrouped u join kring.match_run r on r.id = u.run_id
        where u.need_id is not null
          and r.finished_at < (select max(finished_at) from kring.match_run)
        """,
    ),
    "pulse_requests": (_pulsed, "select count(*) from kring.pulse_request where resident_id is not null"),
    "pulse_answers": (_pulsed, "select count(*) from kring.pulse_answer"),
    "proofs": (_erased, "select count(*) from kring.erasure"),
}


@pytest.fixture
def place(kring: Resources, coordinator: Staff, owner: Owner) -> Place:
    return Place(kring, coordinator, owner)


def test_every_rule_is_tried_here() -> None:
    assert set(CASES) == set(BY_CODE)


@pytest.mark.parametrize("code", CASES)
async def test_a_second_before_its_time_nothing_goes(place: Place, code: str) -> None:
    arrange, left = CASES[code]
    await arrange(place)
    before = await place.owner.fetchval(left)
    assert before > 0
    assert await apply(place, BY_CODE[code], due_at(place, BY_CODE[code]) - SECOND) == 0
    assert await place.owner.fetchval(left) == before


@pytest.mark.parametrize("code", CASES)
async def test_a_second_after_its_time_it_is_gone_and_the_trail_says_so(place: Place, code: str) -> None:
    arrange, left = CASES[code]
    await arrange(place)
    rule, now = BY_CODE[code], due_at(place, BY_CODE[code]) + SECOND
    done = await apply(place, rule, now)
    again = await apply(place, rule, now)
    assert (done > 0, again) == (True, 0)
    assert await place.owner.fetchval(left) == 0
    action, about = ("resident.erased", "resident") if rule.erases else ("retention.applied", "rule")
    kinds = await place.owner.fetch(
        "select object_kind from kring.audit where action = $1 and actor_kind = 'worker'", action
    )
    assert {row["object_kind"] for row in kinds} == {about}


@pytest.mark.parametrize("code", CASES)
async def test_another_municipality_keeps_what_it_has(place: Place, other_coordinator: Staff, code: str) -> None:
    arrange, left = CASES[code]
    await arrange(Place(place.kring, other_coordinator, place.owner))
    before = await place.owner.fetchval(left)
    assert await apply(place, BY_CODE[code], due_at(place, BY_CODE[code]) + SECOND) == 0
    assert await place.owner.fetchval(left) == before


# --- what a rule is not about ----------------------------------------------------------------------------------------

LATER = OVER + timedelta(days=5 * 365)


async def test_words_stay_while_matching_is_consented_to(place: Place) -> None:
    await _consent_is_over(place, Purpose.INVITATION)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        until = await conn.fetchval("select max(valid_until) from kring.consent where purpose = 'matching'")
    assert await apply(place, BY_CODE["words_without_consent"], until) == 0


async def test_who_never_consented_to_matching_counts_from_when_they_came(place: Place) -> None:
    one = await factories.submit(place.kring, place.staff)
    await place.owner.execute("delete from kring.consent where purpose = 'matching'")
    await place.owner.execute("update kring.resident set created_at = $2 where id = $1", one.resident, OVER)
    rule = BY_CODE["words_without_consent"]
    assert [await apply(place, rule, due_at(place, rule) + wait) for wait in (-SECOND, SECOND)] == [0, 1]


async def test_words_whose_consent_was_renewed_stay(place: Place) -> None:
    one = await _consent_is_over(place, Purpose.MATCHING)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await consents.give_again(
            conn, place.staff, one.resident, factories.new_need().age_band, [Purpose.MATCHING],
            factories.new_need().recorded_how, valid_days=365,
        )  # fmt: skip
    assert await apply(place, BY_CODE["words_without_consent"], datetime.now(UTC)) == 0


async def test_words_that_go_leave_the_draft_they_are_in(place: Place) -> None:
    seated = await factories.draft(place.kring, place.staff, 6)
    await _end_consent(place, seated.people[0], Purpose.MATCHING)
    await apply(place, BY_CODE["words_without_consent"], due_at(place, BY_CODE["words_without_consent"]) + SECOND)
    assert await place.owner.fetchval("select count(*) from kring.proposal_member where live") == 5


async def test_a_member_whose_words_are_gone_stays_a_member(place: Place) -> None:
    platform, invited = await factories.platform(place.kring, place.staff)
    await _end_consent(place, invited.people[0], Purpose.MATCHING)
    for code in ("words_without_consent", "resident_over", "memberships", "seats"):
        while await apply(place, BY_CODE[code], LATER):
            pass
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        members = [member.reference for member in await platform_rows.members(conn, platform)]
    assert sorted(members) == sorted(one.reference for one in invited.people)


async def test_a_member_is_let_go_after_leaving(place: Place) -> None:
    _, invited = await factories.platform(place.kring, place.staff)
    await _withdrawn(place, invited.people[0])
    assert await apply(place, BY_CODE["resident_over"], due_at(place, BY_CODE["resident_over"]) + SECOND) == 1


async def test_the_people_of_a_platform_that_ended_are_forgotten(place: Place) -> None:
    platform, _ = await factories.platform(place.kring, place.staff)
    async with transaction(place.kring.pool, place.staff.municipality) as conn:
        await platforms.end(conn, place.staff, platform, EndReason.NOT_NEEDED)
    await place.owner.execute("update kring.platform set ended_at = $1", OVER)
    rule = BY_CODE["memberships"]
    assert [await apply(place, rule, due_at(place, rule) + wait) for wait in (-SECOND, SECOND)] == [0, 5]


async def test_contact_details_stay_while_somebody_may_be_asked_how_it_goes(place: Place) -> None:
    await _consent_is_over(place, Purpose.INVITATION)
    rule = BY_CODE["contact_without_consent"]
    assert await apply(place, rule, due_at(place, rule) + SECOND) == 0


async def test_a_message_is_kept_while_its_link_works(place: Place) -> None:
    invited = await factories.approved(place.kring, place.staff)
    await factories.link(place.kring, place.staff, invited.invitations[0])
    await _mark_sent(place)
    rule = BY_CODE["messages"]
    now = due_at(place, rule) + SECOND
    await place.owner.execute("update kring.link set expires_at = $1", now + SECOND)
    assert await apply(place, rule, now) == 4


async def test_a_message_that_is_still_owed_is_kept(place: Place) -> None:
    await factories.approved(place.kring, place.staff)
    await place.owner.execute("update kring.outbox set created_at = $1, due_at = $1", OVER)
    assert await apply(place, BY_CODE["messages"], LATER) == 0


async def test_why_somebody_has_no_group_stays_of_the_last_run(place: Place) -> None:
    await _leave_out(place, await factories.submit(place.kring, place.staff))
    await place.owner.execute("update kring.match_run set finished_at = $1", OVER)
    assert await apply(place, BY_CODE["ungrouped"], LATER) == 0


async def test_how_often_a_reason_was_given_stays(place: Place) -> None:
    await _run_ended(place)
    await apply(place, BY_CODE["ungrouped"], due_at(place, BY_CODE["ungrouped"]) + SECOND)
    codes = await place.owner.fetch("select code, count(*)::int from kring.ungrouped group by code")
    assert [tuple(row) for row in codes] == [("no_similar_need", 2)]


async def test_a_draft_and_an_open_invitation_keep_their_people(place: Place) -> None:
    await factories.draft(place.kring, place.staff, 5, meeting=True)
    await factories.approved(place.kring, place.staff)
    await _decided_long_ago(place)
    assert await apply(place, BY_CODE["seats"], LATER) == 0


async def test_what_was_said_to_an_invitation_stays_as_a_count(place: Place) -> None:
    invited = await factories.approved(place.kring, place.staff)
    for invitation, choice in zip(invited.invitations, factories.Answer, strict=False):
        await factories.answer(place.kring, place.staff, invitation, choice)
    states = "select state, count(*)::int from kring.invitation group by state order by state"
    await place.owner.execute("update kring.proposal_member set live = false")
    before = [tuple(row) for row in await place.owner.fetch(states)]
    await _decided_long_ago(place)
    done = await apply(place, BY_CODE["seats"], due_at(place, BY_CODE["seats"]) + SECOND)
    assert done == 3
    assert [tuple(row) for row in await place.owner.fetch(states)] == before
    assert await place.owner.fetchval("select count(*) from kring.invitation where resident_id is null") == 3


# --- the rules as they are read and set ------------------------------------------------------------------------------


def test_every_rule_has_a_setting_of_its_own_and_every_such_setting_a_rule() -> None:
    assert sorted(rule.setting for rule in RULES) == sorted(
        name for name in Settings.model_fields if name.startswith("keep_")
    )


def test_messages_are_kept_at_least_as_long_as_the_links_in_them(settings: Settings) -> None:
    values: dict[str, Any] = settings.model_dump() | {"keep_messages_days": 29, "link_days": 30}
    with pytest.raises(ValueError, match="KRING_KEEP_MESSAGES_DAYS"):
        Settings(**values)
