"""A resident sees what is held and can end it all, with any link."""

import html
import secrets
from pathlib import Path

import httpx
import pytest

from models.need import DAYPARTS
from models.taxonomy import taxonomy
from service.consents import TEXTS
from service.db import Connection
from service.domain import Staff
from service.resources import Resources
from service.web.pages import TEMPLATES
from tests import factories
from tests.app import App
from tests.service.web.compare import everything, without_nonce


async def test_the_page_shows_what_is_held(resident: httpx.AsyncClient, invited: factories.Invited) -> None:
    shown = html.unescape((await resident.get("/mijn-gegevens")).text)
    expected = [
        invited.people[0].reference,
        factories.new_need().text,
        "dinsdagavond",
        "Nederlands",
        "Binnenstad",
        "40 tot en met 64 jaar",
        "Een zoon of dochter",
        "een e-mailadres",
        *(text.label for text in TEXTS.values()),
    ]
    assert [part for part in expected if part not in shown] == []


async def test_the_address_itself_is_not_shown(resident: httpx.AsyncClient) -> None:
    assert "@" not in (await resident.get("/mijn-gegevens")).text


async def test_the_note_stays_folded_until_asked_for(resident: httpx.AsyncClient) -> None:
    shown = (await resident.get("/mijn-gegevens")).text
    before, _, rest = shown.partition("<details>")
    folded, _, after = rest.partition("</details>")
    text = html.escape(factories.new_need().text)
    assert (text in before, text in folded, text in after) == (False, True, False)


async def test_what_the_note_is_about_stays_folded_too(resident: httpx.AsyncClient, owner: Connection) -> None:
    await owner.execute("update kring.need set topics = '{dementia_parent}'")
    shown = html.unescape((await resident.get("/mijn-gegevens")).text)
    before, _, rest = shown.partition("<details>")
    folded, _, after = rest.partition("</details>")
    label = taxonomy().topic("dementia_parent").label
    assert (label in before, label in folded, label in after) == (False, True, False)


async def test_the_name_of_the_group_stays_unsaid_until_the_answer(
    app: App, resident: httpx.AsyncClient, owner: Connection
) -> None:
    await owner.execute("update kring.proposal set title = 'Samen op dinsdag'")
    assert "Samen op dinsdag" not in (await resident.get("/mijn-gegevens")).text
    await app.submit(resident, "/uitnodiging", {"choice": "accepted"})
    assert "Samen op dinsdag" in (await resident.get("/mijn-gegevens")).text


async def test_looking_changes_nothing(resident: httpx.AsyncClient, owner: Connection) -> None:
    before = await everything(owner)
    for path in ("/mijn-gegevens", "/mijn-gegevens/intrekken", "/ingetrokken"):
        assert (await resident.get(path)).status_code == 200
        assert (await resident.head(path)).status_code == 200
    assert await everything(owner) == before


async def test_withdrawing_needs_the_form_of_this_session(resident: httpx.AsyncClient, owner: Connection) -> None:
    before = await everything(owner)
    assert (await resident.post("/mijn-gegevens/intrekken")).status_code == 403
    assert await everything(owner) == before


async def test_withdrawing_takes_away_words_address_and_session(
    app: App, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited
) -> None:
    gone = await app.submit(resident, "/mijn-gegevens/intrekken", {})
    assert (gone.status_code, gone.headers["location"]) == (303, "/ingetrokken")
    assert "Max-Age=0" in gone.headers["set-cookie"]
    person = invited.people[0].resident
    assert await owner.fetchval("select text from kring.need where resident_id = $1", person) is None
    assert await owner.fetchval("select count(*) from vault.contact where resident_id = $1", person) == 0


async def test_after_withdrawing_every_link_of_this_person_is_unknown(
    app: App, kring: Resources, coordinator: Staff, invited: factories.Invited, token: str, resident: httpx.AsyncClient
) -> None:
    second = await factories.link(kring, coordinator, invited.invitations[0])
    await app.submit(resident, "/mijn-gegevens/intrekken", {})
    visitor = await app.visitor()
    unknown = without_nonce(await visitor.get(f"/u/{secrets.token_urlsafe(24)}"))
    assert without_nonce(await visitor.get(f"/u/{token}")) == unknown
    assert without_nonce(await visitor.get(f"/u/{second}")) == unknown


async def test_withdrawing_leaves_the_others_alone(
    app: App, kring: Resources, coordinator: Staff, invited: factories.Invited, resident: httpx.AsyncClient
) -> None:
    other = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[1]))
    await app.submit(resident, "/mijn-gegevens/intrekken", {})
    assert (await other.get("/mijn-gegevens")).status_code == 200


async def test_without_a_link_there_is_nothing_to_see(app: App) -> None:
    visitor = await app.visitor()
    for path in ("/mijn-gegevens", "/mijn-gegevens/intrekken"):
        assert (await visitor.get(path)).status_code == 404


async def test_a_resident_whose_form_is_too_old_is_not_sent_to_the_sign_in_of_staff(
    resident: httpx.AsyncClient,
) -> None:
    refused = await resident.post("/mijn-gegevens/intrekken", data={"csrf": "old"})
    assert 'href="/"' not in refused.text
    assert "Er is nog niets veranderd." in refused.text
    assert "Open de link in uw bericht nog een keer." in refused.text


async def test_who_can_come_at_any_time_is_not_read_a_list_of_the_whole_week(
    app: App, kring: Resources, coordinator: Staff
) -> None:
    people = await factories.some_people(kring, coordinator, 5, dayparts=DAYPARTS)
    invited = await factories.approved(kring, coordinator, people=people)
    resident = await app.link_holder(await factories.link(kring, coordinator, invited.invitations[0]))
    shown = (await resident.get("/mijn-gegevens")).text
    assert "Het maakt niet uit wanneer" in shown
    assert "maandagochtend" not in shown


@pytest.mark.parametrize("page", ["invitation", "answered", "pulse", "pulse_done"])
def test_every_page_of_a_resident_leads_to_the_data(page: str) -> None:
    """They inherit it from the layout; only the pages behind the link itself leave it out."""
    assert "block my_data" in Path(TEMPLATES, "resident", "layout.html").read_text()
    assert "block my_data" not in Path(TEMPLATES, "resident", f"{page}.html").read_text()
