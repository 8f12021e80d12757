"""An offer of places through the pages: a coordinator decides, a resident answers, and is a member."""

import re

import httpx
import pytest

from service import platforms
from service.db import Connection, transaction
from service.domain import EndReason, PlatformId, ProposalId, Staff
from service.resources import Resources
from tests import factories
from tests.app import App
from tests.factories import Submitted
from tests.service import joinings
from tests.service.seats import person

ACTIONS = ["weghalen", "terugzetten", "bijeenkomst", "goedkeuring", "afwijzing"]
YES = {"choice": "accepted"}


@pytest.fixture
async def platform(kring: Resources, coordinator: Staff) -> PlatformId:
    return (await factories.platform(kring, coordinator))[0]


@pytest.fixture
async def newcomer(kring: Resources, coordinator: Staff) -> Submitted:
    return await person(kring, coordinator)


@pytest.fixture
async def offer(kring: Resources, coordinator: Staff, platform: PlatformId, newcomer: Submitted) -> ProposalId:
    return await joinings.offered(kring, coordinator, platform, newcomer)


@pytest.fixture
async def browser(app: App, coordinator: Staff) -> httpx.AsyncClient:
    return await app.signed_in(coordinator)


def _page(offer: ProposalId) -> str:
    return f"/voorstellen/{offer}/aansluiten"


def _seen(html: str) -> dict[str, str]:
    found = re.search(r'name="seen" value="([^"]+)"', html)
    assert found
    return {"seen": found[1]}


async def _approve(app: App, browser: httpx.AsyncClient, offer: ProposalId) -> httpx.Response:
    shown = (await browser.get(_page(offer))).text
    return await app.submit(browser, _page(offer), _seen(shown), to=f"{_page(offer)}/goedkeuring")


async def _invited(app: App, kring: Resources, staff: Staff, owner: Connection, offer: ProposalId) -> httpx.AsyncClient:
    invitation = await owner.fetchval("select id from kring.invitation where proposal_id = $1", offer)
    return await app.link_holder(await factories.link(kring, staff, invitation))


# --- who may --------------------------------------------------------------------------------------------------------


async def test_a_caseworker_and_a_manager_are_refused(
    app: App, caseworker: Staff, manager: Staff, offer: ProposalId
) -> None:
    for staff in (caseworker, manager):
        assert (await (await app.signed_in(staff)).get(_page(offer))).status_code == 403


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_form_without_its_token_is_refused(browser: httpx.AsyncClient, offer: ProposalId, action: str) -> None:
    assert (await browser.post(f"{_page(offer)}/{action}", data={"reason": "x"})).status_code == 403


@pytest.mark.parametrize("action", ACTIONS)
async def test_an_offer_of_another_municipality_does_not_exist(
    app: App, other_coordinator: Staff, offer: ProposalId, action: str
) -> None:
    stranger = await app.signed_in(other_coordinator)
    assert (await stranger.get(_page(offer))).status_code == 404
    meeting = {"place": "x", "date": "2099-07-07", "time": "19:30"}
    assert (await app.submit(stranger, "/platforms", meeting, to=f"{_page(offer)}/{action}")).status_code == 404


async def test_a_proposal_for_a_new_group_has_no_such_page(
    kring: Resources, coordinator: Staff, browser: httpx.AsyncClient
) -> None:
    seated = await factories.draft(kring, coordinator)
    assert (await browser.get(_page(seated.proposal))).status_code == 404


# --- reading and deciding -------------------------------------------------------------------------------------------


async def test_the_page_says_which_platform_who_and_what_approving_does(
    browser: httpx.AsyncClient, offer: ProposalId, newcomer: Submitted
) -> None:
    html = (await browser.get(_page(offer))).text
    assert "er is nog plaats voor 7" in html
    assert newcomer.reference in html
    assert "Dit is de volgende bijeenkomst van" in html
    assert "Kring stuurt meteen een e-mail aan 1 inwoner." in html


async def test_the_list_and_the_ordinary_address_lead_to_it(browser: httpx.AsyncClient, offer: ProposalId) -> None:
    assert "Erbij in" in (await browser.get("/voorstellen")).text
    led = await browser.get(f"/voorstellen/{offer}")
    assert (led.status_code, led.headers["location"]) == (303, _page(offer))


async def test_approving_twice_shows_the_same_page(app: App, browser: httpx.AsyncClient, offer: ProposalId) -> None:
    shown = (await browser.get(_page(offer))).text
    for _ in range(2):
        answer = await app.submit(browser, "/platforms", _seen(shown), to=f"{_page(offer)}/goedkeuring")
        assert (answer.status_code, answer.headers["location"]) == (303, _page(offer))
    assert "keurde dit voorstel goed" in (await browser.get(_page(offer))).text


async def test_what_changed_since_is_not_approved(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, platform: PlatformId, offer: ProposalId
) -> None:
    """The platform meets sooner than the page said."""
    shown = (await browser.get(_page(offer))).text
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await conn.execute("update kring.meeting set starts_at = now() + interval '1 day'")
    assert (await app.submit(browser, "/platforms", _seen(shown), to=f"{_page(offer)}/goedkeuring")).status_code == 409


async def test_without_a_meeting_the_page_asks_for_one(
    app: App, browser: httpx.AsyncClient, owner: Connection, offer: ProposalId
) -> None:
    await owner.execute("update kring.meeting set state = 'cancelled'")
    answer = await _approve(app, browser, offer)
    assert answer.status_code == 400
    assert "Vul eerst de plaats en de tijd van de eerste bijeenkomst in." in answer.text
    typed = {"place": "Bibliotheek", "date": "2099-07-07", "time": "19:30"}
    await app.submit(browser, _page(offer), typed, to=f"{_page(offer)}/bijeenkomst")
    assert (await _approve(app, browser, offer)).status_code == 303
    assert await owner.fetchval("select place from kring.meeting where state = 'planned'") == "Bibliotheek"


async def test_a_meeting_that_is_typed_wrong_is_said_in_the_form(
    app: App, browser: httpx.AsyncClient, offer: ProposalId
) -> None:
    wrong = {"place": "Bibliotheek", "date": "ooit", "time": ""}
    answer = await app.submit(browser, _page(offer), wrong, to=f"{_page(offer)}/bijeenkomst")
    assert answer.status_code == 400
    assert "Vul een datum in" in answer.text
    assert 'value="Bibliotheek"' in answer.text


async def test_taking_out_and_putting_back(
    app: App, browser: httpx.AsyncClient, offer: ProposalId, newcomer: Submitted
) -> None:
    who = {"nummer": newcomer.reference}
    await app.submit(browser, _page(offer), who, to=f"{_page(offer)}/weghalen")
    without = (await browser.get(_page(offer))).text
    assert "Er is niemand die u mag uitnodigen" in without
    assert "goedkeuring" not in without
    await app.submit(browser, _page(offer), who, to=f"{_page(offer)}/terugzetten")
    assert "Kring stuurt meteen een e-mail aan 1 inwoner." in (await browser.get(_page(offer))).text


async def test_turning_down_needs_a_reason(app: App, browser: httpx.AsyncClient, offer: ProposalId) -> None:
    to = f"{_page(offer)}/afwijzing"
    assert (await app.submit(browser, _page(offer), {"reason": " "}, to=to)).status_code == 400
    for _ in range(2):  # a second click shows what the first one did
        assert (await app.submit(browser, "/platforms", {"reason": "Past niet."}, to=to)).status_code == 303
    assert "Reden: Past niet." in (await browser.get(_page(offer))).text


async def test_the_platform_says_how_many_places_and_where_the_draft_is(
    app: App, browser: httpx.AsyncClient, platform: PlatformId, offer: ProposalId
) -> None:
    before = (await browser.get(f"/platforms/{platform}")).text
    assert f'href="{_page(offer)}"' in before
    await _approve(app, browser, offer)
    after = (await browser.get(f"/platforms/{platform}")).text
    assert f'href="{_page(offer)}"' not in after
    assert re.search(r"Vrije plekken</dt><dd[^>]*>6<", after)
    assert re.search(r"nog geen ja</dt><dd[^>]*>1<", after)


# --- the resident ---------------------------------------------------------------------------------------------------


async def test_the_whole_way_from_draft_to_member(
    app: App,
    browser: httpx.AsyncClient,
    kring: Resources,
    coordinator: Staff,
    owner: Connection,
    platform: PlatformId,
    offer: ProposalId,
    newcomer: Submitted,
) -> None:
    await owner.execute("update kring.platform set name = 'Mantelzorgcafé'")
    await _approve(app, browser, offer)
    resident = await _invited(app, kring, coordinator, owner, offer)
    asked = (await resident.get("/uitnodiging")).text
    assert "Er is al een groep." in asked
    assert "De groep begint als" not in asked
    assert "antelzorg" not in asked
    await app.submit(resident, "/uitnodiging", YES)
    assert "U bent welkom bij: Mantelzorgcafé." in (await resident.get("/uitnodiging")).text
    assert newcomer.reference in (await browser.get(f"/platforms/{platform}")).text
    assert "Ja: 1" in (await browser.get(_page(offer))).text


async def test_who_says_yes_when_it_is_full_reads_so_kindly(
    app: App,
    browser: httpx.AsyncClient,
    kring: Resources,
    coordinator: Staff,
    owner: Connection,
    platform: PlatformId,
    offer: ProposalId,
) -> None:
    await _approve(app, browser, offer)
    for one in await factories.some_people(kring, coordinator, 7):
        await owner.execute(
            "insert into kring.membership (municipality_id, platform_id, resident_id) values ($1, $2, $3)",
            coordinator.municipality, platform, one.resident,
        )  # fmt: skip
    resident = await _invited(app, kring, coordinator, owner, offer)
    await app.submit(resident, "/uitnodiging", YES)
    told = (await resident.get("/uitnodiging")).text
    assert "Er is geen plek meer" in told
    assert "Wij blijven zoeken" in told
    assert "U zit niet in een groep." in (await resident.get("/mijn-gegevens")).text


async def test_who_was_asked_for_a_platform_that_ended_reads_so_kindly(
    app: App,
    browser: httpx.AsyncClient,
    kring: Resources,
    coordinator: Staff,
    owner: Connection,
    platform: PlatformId,
    offer: ProposalId,
) -> None:
    await _approve(app, browser, offer)
    resident = await _invited(app, kring, coordinator, owner, offer)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await platforms.end(conn, coordinator, platform, EndReason.LOGISTICS)
    told = await resident.get("/uitnodiging")
    assert told.status_code == 200
    assert "De groep is gestopt" in told.text
