"""Following a platform: its events in order, its meetings, and a pulse whose answers have no author."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from service import consents, platforms
from service.db import transaction
from service.domain import EndReason, MeetingId, PlatformId, PlatformState, PulseId, Staff
from service.errors import Conflict, FieldErrors, LinkUnknown, NotFound, PlatformEnded, PulseTooSoon
from service.queries import needs as need_rows
from service.queries import platforms as platform_rows
from service.queries import pulses, residents
from service.resources import Resources
from tests import factories
from tests.database import together, waiting
from tests.factories import Invited

Owner = asyncpg.Connection


async def _meeting(kring: Resources, staff: Staff, platform: PlatformId, *, held: bool = True) -> MeetingId:
    """The first meeting, moved to yesterday when it must have been."""
    async with transaction(kring.pool, staff.municipality) as conn:
        if held:
            await conn.execute("update kring.meeting set starts_at = now() - interval '1 day'")
        (meeting,) = await platform_rows.meetings(conn, platform)
    return meeting.id


async def _attended(kring: Resources, staff: Staff, platform: PlatformId, attended: int, newcomers: int = 0) -> None:
    meeting = await _meeting(kring, staff, platform)
    async with transaction(kring.pool, staff.municipality) as conn:
        await platforms.record_attendance(conn, staff, platform, meeting, attended=attended, newcomers=newcomers)


async def _state(kring: Resources, staff: Staff, platform: PlatformId) -> PlatformState:
    async with transaction(kring.pool, staff.municipality) as conn:
        found = await platform_rows.platform(conn, platform)
    assert found is not None
    return found.state


async def test_the_first_meeting_that_was_held_makes_a_platform_active(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    before = await _state(kring, coordinator, platform)
    await _attended(kring, coordinator, platform, 4)
    assert (before, await _state(kring, coordinator, platform)) == (PlatformState.FORMING, PlatformState.ACTIVE)


async def test_a_meeting_that_nobody_came_to_makes_nothing_active(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    await _attended(kring, coordinator, platform, 0)
    assert await _state(kring, coordinator, platform) is PlatformState.FORMING


async def test_what_happens_is_kept_in_order(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    await _attended(kring, coordinator, platform, 4, 1)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.pause(conn, coordinator, platform)
        await platforms.resume(conn, coordinator, platform)
        await platforms.end(conn, coordinator, platform, EndReason.NOT_NEEDED)
        events = [event.kind for event in reversed(await platform_rows.events(conn, platform))]
    assert events == ["started", "meeting_planned", "meeting_held", "active", "paused", "active", "ended"]


async def test_attendance_of_a_meeting_to_come_is_refused_and_not_kept(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    meeting = await _meeting(kring, coordinator, platform, held=False)
    with pytest.raises(FieldErrors):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.record_attendance(conn, coordinator, platform, meeting, attended=4, newcomers=0)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert [found.state for found in await platform_rows.meetings(conn, platform)] == ["planned"]


async def test_numbers_that_cannot_be_are_refused(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    for attended, newcomers in ((-1, 0), (501, 0), (3, 4), (3, -1)):
        with pytest.raises(FieldErrors):
            await _attended(kring, coordinator, platform, attended, newcomers)


async def test_a_second_click_plans_cancels_and_records_nothing_more(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    later = datetime(2099, 7, 7, 17, 30, tzinfo=UTC)
    meeting = await _meeting(kring, coordinator, platform)
    for _ in range(2):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.record_attendance(conn, coordinator, platform, meeting, attended=4, newcomers=1)
            planned = await platforms.plan_meeting(conn, coordinator, platform, "Zaal 5", later)
    for _ in range(2):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.cancel_meeting(conn, coordinator, platform, planned)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        kinds = [event.kind for event in await platform_rows.events(conn, platform)]
    assert {kind: kinds.count(kind) for kind in ("meeting_held", "meeting_planned", "meeting_cancelled")} == {
        "meeting_held": 1,
        "meeting_planned": 2,  # one came with the start
        "meeting_cancelled": 1,
    }


async def test_a_cancelled_meeting_has_no_attendance(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    meeting = await _meeting(kring, coordinator, platform)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.cancel_meeting(conn, coordinator, platform, meeting)
    with pytest.raises(NotFound):
        await _attended(kring, coordinator, platform, 3)


async def test_a_meeting_is_of_its_own_platform(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    other, _ = await factories.platform(kring, coordinator)
    meeting = await _meeting(kring, coordinator, platform)
    with pytest.raises(NotFound):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.record_attendance(conn, coordinator, other, meeting, attended=3, newcomers=0)


async def test_an_ended_platform_changes_no_more(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.end(conn, coordinator, platform, EndReason.ATTENDANCE)
    with pytest.raises(PlatformEnded):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await platforms.plan_meeting(conn, coordinator, platform, "Buurthuis", datetime.now(UTC))


async def test_people_of_an_ended_platform_can_be_grouped_again(kring: Resources, coordinator: Staff) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        before = await need_rows.pool(conn)
        await platforms.end(conn, coordinator, platform, EndReason.LOGISTICS)
        after = {row.resident_id for row in await need_rows.pool(conn)}
    assert (before, after) == ([], {one.resident for one in invited.people})


async def test_a_platform_is_paused_once(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.pause(conn, coordinator, platform)
        with pytest.raises(Conflict):
            await platforms.pause(conn, coordinator, platform)


# --- pulses ---------------------------------------------------------------------------------------------------------


async def _ask(kring: Resources, staff: Staff, platform: PlatformId) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await platforms.ask_pulse(conn, staff.municipality, platform)


async def _asked(kring: Resources, staff: Staff, owner: Owner) -> tuple[PlatformId, Invited, PulseId]:
    platform, invited = await factories.platform(kring, staff)
    await _ask(kring, staff, platform)
    pulse: UUID = await owner.fetchval("select id from kring.pulse")
    return platform, invited, PulseId(pulse)


async def _answer(kring: Resources, staff: Staff, pulse: PulseId, invited: Invited, member: int, value: int) -> bool:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await platforms.answer_pulse(
            conn, staff.municipality, pulse, invited.people[member].resident,
            welcome=value, helped=value, staying=value,
        )  # fmt: skip


async def test_only_members_who_consented_to_it_are_asked_how_it_goes(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    await owner.execute(
        "insert into kring.consent_withdrawal (consent_id, municipality_id, how) "
        "select id, municipality_id, 'link' from kring.consent where purpose = 'follow_up' and resident_id = $1",
        invited.people[0].resident,
    )
    assert await _ask(kring, coordinator, platform) == 4
    assert await owner.fetchval("select count(*) from kring.outbox where kind = 'pulse'") == 4


async def test_who_withdraws_while_a_pulse_goes_out_is_not_asked(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await residents.take_consents(conn, invited.people[0].resident)
        asking = await waiting(owner, _ask(kring, coordinator, platform))
        await consents.withdraw_everything(conn, here, invited.people[0].resident, "link")
    assert await asking == 4


async def test_a_pulse_is_not_asked_again_within_days(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    platform, _, _ = await _asked(kring, coordinator, owner)
    with pytest.raises(PulseTooSoon):
        await _ask(kring, coordinator, platform)


async def test_two_pulses_asked_at_one_moment_are_one(kring: Resources, coordinator: Staff) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    outcomes = await together(_ask(kring, coordinator, platform), _ask(kring, coordinator, platform))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PulseTooSoon", "int"]


async def test_the_round_asks_active_platforms_that_were_not_asked_lately(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, _ = await factories.platform(kring, coordinator)

    async def round_of_the_worker() -> int:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            return await platforms.ask_due_pulses(conn, coordinator.municipality, every_days=42)

    forming = await round_of_the_worker()
    await _attended(kring, coordinator, platform, 5)
    asked = [await round_of_the_worker(), await round_of_the_worker()]
    await owner.execute("update kring.pulse set sent_at = sent_at - interval '43 days'")
    assert (forming, asked, await round_of_the_worker()) == (0, [1, 0], 1)


async def test_a_pulse_is_answered_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited, pulse = await _asked(kring, coordinator, owner)
    answers = await together(*[_answer(kring, coordinator, pulse, invited, 0, 5) for _ in range(3)])
    assert sorted(answers) == [False, False, True]
    assert await owner.fetchval("select count(*) from kring.pulse_answer") == 1


async def test_somebody_who_was_not_asked_cannot_answer(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, _, pulse = await _asked(kring, coordinator, owner)
    _, strangers = await factories.platform(kring, coordinator)
    with pytest.raises(LinkUnknown):
        await _answer(kring, coordinator, pulse, strangers, 0, 5)


async def test_an_answer_outside_the_scale_is_refused(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited, pulse = await _asked(kring, coordinator, owner)
    for value in (0, 6):
        with pytest.raises(FieldErrors):
            await _answer(kring, coordinator, pulse, invited, 0, value)


async def test_averages_are_shown_from_three_answers_on(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    platform, invited, pulse = await _asked(kring, coordinator, owner)
    shown = []
    for member, value in enumerate((5, 4, 3)):
        await _answer(kring, coordinator, pulse, invited, member, value)
        async with transaction(kring.pool, coordinator.municipality) as conn:
            (found,) = await pulses.rounds(conn, platform, platforms.PULSE_LEAST)
        shown.append((found.asked, found.answered, found.welcome))
    assert shown == [(5, 1, None), (5, 2, None), (5, 3, 4.0)]


async def test_an_answer_has_no_resident_and_no_moment(owner: Owner) -> None:
    columns = await owner.fetch(
        """
        select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = 'kring.pulse_answer'::regclass and attnum > 0 and not attisdropped
        """
    )
    assert {column["name"]: column["type"] for column in columns} == {
        "id": "uuid", "municipality_id": "uuid", "pulse_id": "uuid",
        "welcome": "smallint", "helped": "smallint", "staying": "smallint",
    }  # fmt: skip


async def test_an_answer_refers_to_its_group_only(owner: Owner) -> None:
    references = await owner.fetch(
        """
        select confrelid::regclass::text from pg_constraint
        where contype = 'f' and conrelid = 'kring.pulse_answer'::regclass
        """
    )
    assert [record[0] for record in references] == ["kring.pulse"]


async def test_the_moment_a_row_was_written_does_not_point_at_the_author_of_an_answer(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    """PostgreSQL shows the transaction that wrote each row; an answer and its request are written in one."""
    _, invited, pulse = await _asked(kring, coordinator, owner)
    for member, value in ((3, 5), (1, 4), (2, 2)):
        await _answer(kring, coordinator, pulse, invited, member, value)
    assert await owner.fetchval("select count(distinct xmin::text) from kring.pulse_request") == 1
