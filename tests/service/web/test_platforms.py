"""A coordinator follows a platform: meetings, attendance, pulses, what happened, pause and end."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from service import platforms
from service.db import Connection, transaction
from service.domain import MeetingId, PlatformId, Staff
from service.queries.platforms import Event
from service.resources import Resources
from service.web import names, platform_events
from tests import factories
from tests.app import App

MEETING = {"place": "Buurthuis De Linde", "date": "2099-07-07", "time": "19:30"}


@pytest.fixture
async def browser(app: App, coordinator: Staff) -> httpx.AsyncClient:
    return await app.signed_in(coordinator)


@pytest.fixture
async def platform(kring: Resources, coordinator: Staff) -> PlatformId:
    found, _ = await factories.platform(kring, coordinator)
    return found


async def met(kring: Resources, staff: Staff, platform: PlatformId) -> MeetingId:
    """A meeting of yesterday of which nobody recorded anything yet."""
    async with transaction(kring.pool, staff.municipality) as conn:
        return await platforms.plan_meeting(
            conn, staff, platform, "Buurthuis De Linde", datetime.now(UTC) - timedelta(days=1)
        )


def attendance(meeting: MeetingId, attended: str, newcomers: str) -> dict[str, str]:
    return {"held": str(meeting), "attended": attended, "newcomers": newcomers}


# --- who may --------------------------------------------------------------------------------------------------------


async def test_a_platform_of_another_municipality_does_not_exist(
    app: App, other_coordinator: Staff, platform: PlatformId
) -> None:
    stranger = await app.signed_in(other_coordinator)
    assert (await stranger.get(f"/platforms/{platform}")).status_code == 404


async def test_a_manager_is_refused(app: App, manager: Staff, platform: PlatformId) -> None:
    assert (await (await app.signed_in(manager)).get(f"/platforms/{platform}")).status_code == 403


@pytest.mark.parametrize("action", ["bijeenkomsten", "opkomst", "afzegging", "peiling", "pauze", "hervatting", "einde"])
async def test_a_form_without_its_token_is_refused(
    browser: httpx.AsyncClient, platform: PlatformId, action: str
) -> None:
    assert (await browser.post(f"/platforms/{platform}/{action}", data={"reason": "conflict"})).status_code == 403


@pytest.mark.parametrize(("action", "data"), [("pauze", {}), ("einde", {"reason": "conflict"}), ("peiling", {})])
async def test_a_stranger_changes_nothing(
    app: App, other_coordinator: Staff, platform: PlatformId, action: str, data: dict[str, str]
) -> None:
    stranger = await app.signed_in(other_coordinator)
    answer = await app.submit(stranger, "/platforms", data, to=f"/platforms/{platform}/{action}")
    assert answer.status_code == 404


# --- the list and the page ------------------------------------------------------------------------------------------


async def test_without_platforms_the_page_leads_to_the_proposals(browser: httpx.AsyncClient) -> None:
    assert 'href="/voorstellen"><span' in (await browser.get("/platforms")).text


async def test_the_list_has_the_platform_with_its_state_and_members(
    browser: httpx.AsyncClient, platform: PlatformId
) -> None:
    text = (await browser.get("/platforms")).text
    assert f'href="/platforms/{platform}"' in text
    assert names.PLATFORM_STATES["forming"] in text
    assert '<td class="utrecht-table__cell--numeric-column">5</td>' in text


async def test_members_are_listed_by_reference_only(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    text = (await browser.get(f"/platforms/{platform}")).text
    assert all(one.reference in text for one in invited.people)
    assert not [one for one in invited.people if str(one.resident) in text]


# --- meetings -------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_added_on_the_clock_of_the_netherlands(
    app: App, browser: httpx.AsyncClient, platform: PlatformId, owner: Connection
) -> None:
    await app.submit(browser, f"/platforms/{platform}", MEETING, to=f"/platforms/{platform}/bijeenkomsten")
    at = await owner.fetchval("select max(starts_at) from kring.meeting")
    assert at == datetime(2099, 7, 7, 17, 30, tzinfo=UTC)


async def test_a_meeting_without_a_date_is_shown_in_place(
    app: App, browser: httpx.AsyncClient, platform: PlatformId
) -> None:
    page = f"/platforms/{platform}"
    answer = await app.submit(browser, page, MEETING | {"date": ""}, to=f"{page}/bijeenkomsten")
    assert answer.status_code == 400
    assert 'id="date-e"' in answer.text
    assert 'value="Buurthuis De Linde"' in answer.text


async def test_attendance_makes_the_platform_active_and_a_bar_with_its_table(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    page = f"/platforms/{platform}"
    meeting = await met(kring, coordinator, platform)
    await app.submit(browser, page, attendance(meeting, "7", "2"), to=f"{page}/opkomst")
    text = (await browser.get(page)).text
    assert ">7, nieuw: 2</text>" in text
    assert '<td class="utrecht-table__cell--numeric-column">7</td>' in text
    assert "Het platform is actief." in text


@pytest.mark.parametrize(
    ("attended", "newcomers", "field"),
    [("", "0", "attended"), ("zeven", "0", "attended"), ("7", "-1", "newcomers"), ("7", "8", "newcomers")],
)
async def test_wrong_attendance_is_shown_in_place_and_kept(
    app: App,
    browser: httpx.AsyncClient,
    kring: Resources,
    coordinator: Staff,
    platform: PlatformId,
    attended: str,
    newcomers: str,
    field: str,
) -> None:
    page = f"/platforms/{platform}"
    meeting = await met(kring, coordinator, platform)
    answer = await app.submit(browser, page, attendance(meeting, attended, newcomers), to=f"{page}/opkomst")
    assert answer.status_code == 400
    assert f'id="{field}-e"' in answer.text
    assert f'name="newcomers" type="text" value="{newcomers}"' in answer.text


async def test_a_cancelled_meeting_stays_to_be_read(
    app: App, browser: httpx.AsyncClient, platform: PlatformId, owner: Connection
) -> None:
    page = f"/platforms/{platform}"
    meeting = await owner.fetchval("select id from kring.meeting")
    await app.submit(browser, page, {"meeting": str(meeting)}, to=f"{page}/afzegging")
    assert "afgezegd" in (await browser.get(page)).text


async def test_a_meeting_that_is_no_id_is_not_found(app: App, browser: httpx.AsyncClient, platform: PlatformId) -> None:
    page = f"/platforms/{platform}"
    assert (await app.submit(browser, page, {"meeting": "1"}, to=f"{page}/afzegging")).status_code == 404


# --- pulses ---------------------------------------------------------------------------------------------------------


async def test_a_pulse_is_sent_once_and_then_not_offered_for_a_week(
    app: App, browser: httpx.AsyncClient, platform: PlatformId, owner: Connection
) -> None:
    page = f"/platforms/{platform}"
    assert (await app.submit(browser, page, {}, to=f"{page}/peiling")).status_code == 303
    assert (await app.submit(browser, page, {}, to=f"{page}/peiling")).status_code == 409
    assert await owner.fetchval("select count(*) from kring.outbox where kind = 'pulse'") == 5
    assert "Peiling sturen" not in (await browser.get(page)).text


@pytest.mark.parametrize(("answers", "shown"), [(2, "te weinig antwoorden om te tonen"), (3, ">4,0</td>")])
async def test_averages_are_shown_from_three_answers(
    browser: httpx.AsyncClient,
    kring: Resources,
    coordinator: Staff,
    platform: PlatformId,
    owner: Connection,
    answers: int,
    shown: str,
) -> None:
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.ask_pulse(conn, coordinator.municipality, platform)
        asked = await conn.fetch("select pulse_id, resident_id from kring.pulse_request")
        for request in asked[:answers]:
            await platforms.answer_pulse(
                conn, coordinator.municipality, request["pulse_id"], request["resident_id"],
                welcome=4, helped=5, staying=3,
            )  # fmt: skip
    assert shown in (await browser.get(f"/platforms/{platform}")).text


# --- pause and end --------------------------------------------------------------------------------------------------


async def test_a_platform_is_paused_and_goes_on(
    app: App, browser: httpx.AsyncClient, platform: PlatformId, owner: Connection
) -> None:
    page = f"/platforms/{platform}"
    await app.submit(browser, page, {}, to=f"{page}/pauze")
    assert await owner.fetchval("select state from kring.platform") == "paused"
    await app.submit(browser, page, {}, to=f"{page}/hervatting")
    assert await owner.fetchval("select state from kring.platform") == "active"


@pytest.mark.parametrize("reason", ["", "zomaar"])
async def test_ending_needs_one_of_the_reasons(
    app: App, browser: httpx.AsyncClient, platform: PlatformId, owner: Connection, reason: str
) -> None:
    page = f"/platforms/{platform}"
    answer = await app.submit(browser, page, {"reason": reason}, to=f"{page}/einde")
    assert answer.status_code == 400
    assert 'id="reason-e"' in answer.text
    assert await owner.fetchval("select state from kring.platform") == "forming"


async def test_an_ended_platform_says_why_and_has_no_forms(
    app: App, browser: httpx.AsyncClient, platform: PlatformId
) -> None:
    page = f"/platforms/{platform}"
    await app.submit(browser, page, {"reason": "not_needed"}, to=f"{page}/einde")
    text = (await browser.get(page)).text
    assert names.END_REASONS["not_needed"] in text
    assert f'action="{page}' not in text


async def test_changing_an_ended_platform_is_a_conflict(
    app: App, browser: httpx.AsyncClient, platform: PlatformId
) -> None:
    page = f"/platforms/{platform}"
    await app.submit(browser, page, {"reason": "not_needed"}, to=f"{page}/einde")
    answer = await app.submit(browser, page, {}, to=f"{page}/pauze")
    assert answer.status_code == 409
    assert f'href="{page}"' in answer.text, "no way back to the platform"


async def test_a_meeting_that_an_ended_platform_still_had_is_not_called_planned(
    app: App, browser: httpx.AsyncClient, platform: PlatformId
) -> None:
    page = f"/platforms/{platform}"
    assert "gepland" in (await browser.get(page)).text.partition("Wat er gebeurde")[0]
    await app.submit(browser, page, {"reason": "not_needed"}, to=f"{page}/einde")
    meetings = (await browser.get(page)).text.partition("Wat er gebeurde")[0]
    assert "ging niet door" in meetings
    assert "gepland" not in meetings


# --- events ---------------------------------------------------------------------------------------------------------


def test_an_event_this_page_does_not_know_is_still_a_sentence() -> None:
    event = Event(1, datetime.now(UTC), "moved", {"to": "elsewhere"})
    assert platform_events.sentence(event) == platform_events.OTHER


async def test_every_event_that_is_recorded_has_its_own_sentence(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, platform: PlatformId
) -> None:
    page = f"/platforms/{platform}"
    meeting = await met(kring, coordinator, platform)
    await app.submit(browser, page, attendance(meeting, "7", "2"), to=f"{page}/opkomst")
    for action in ("peiling", "pauze", "hervatting"):
        await app.submit(browser, page, {}, to=f"{page}/{action}")
    await app.submit(browser, page, {"reason": "conflict"}, to=f"{page}/einde")
    assert platform_events.OTHER not in (await browser.get(page)).text
