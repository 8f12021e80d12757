"""From the own page a resident changes, ends, renews, keeps a copy of and erases what is held; one thing a page."""

import html
import json
import re
from typing import Any

import httpx
import pytest

from service import own_page
from service.db import Connection, transaction
from service.domain import Staff
from service.queries import needs
from service.resources import Resources
from service.web.routes.my_data_changes import FIELDS
from service.web.routes.my_data_ends import DONE, NOT_BEGUN, PURPOSES
from tests import factories
from tests.app import App
from tests.service.web.compare import everything

AGED = """
    update kring.consent
    set given_at = given_at - interval '340 days', valid_until = valid_until - interval '340 days'
"""


@pytest.fixture
async def member(app: App, kring: Resources, coordinator: Staff) -> httpx.AsyncClient:
    """Somebody in a platform, with the link of the invitation it began with."""
    _, invited = await factories.platform(kring, coordinator)
    return await app.link_holder(await factories.link(kring, coordinator, invited.invitations[0]))


async def _own_link(kring: Resources, staff: Staff, one: factories.Submitted) -> str:
    async with transaction(kring.pool, staff.municipality) as conn:
        need = await needs.need_by_reference(conn, one.reference)
        assert need is not None
        return await own_page.print_own_page(conn, staff, need, link_days=30)


PAGES = [
    *[f"/mijn-gegevens/wijzigen/{field}" for field in FIELDS],
    *[f"/mijn-gegevens/intrekken/{slug}" for slug in PURPOSES],
    *[f"/mijn-gegevens/klaar/{what}" for what in sorted(DONE)],
    "/mijn-gegevens/verlengen",
    "/mijn-gegevens/wissen",
    "/mijn-gegevens/bestand",
    "/gewist",
]


@pytest.mark.parametrize("page", PAGES)
async def test_opening_a_page_changes_nothing(resident: httpx.AsyncClient, owner: Connection, page: str) -> None:
    before = await everything(owner)
    assert [(await resident.request(method, page)).status_code for method in ("GET", "HEAD")] == [200, 200]
    assert await everything(owner) == before


@pytest.mark.parametrize("page", [page for page in PAGES if "/klaar/" not in page and "bestand" not in page][:-1])
async def test_changing_needs_the_form_of_this_session(
    resident: httpx.AsyncClient, owner: Connection, page: str
) -> None:
    before = await everything(owner)
    assert (await resident.post(page, data={"csrf": "old"})).status_code == 403
    assert await everything(owner) == before


@pytest.mark.parametrize("page", [page for page in PAGES if page != "/gewist"])
async def test_without_a_link_there_is_no_page(app: App, page: str) -> None:
    assert (await (await app.visitor()).get(page)).status_code == 404


@pytest.mark.parametrize(
    "page", ["wijzigen/bsn", "intrekken/alles", "klaar/nergens", "groep/x", f"groep/{NOT_BEGUN}", "groep/" + "0" * 32]
)
async def test_an_address_that_leads_nowhere_is_told_without_a_menu(resident: httpx.AsyncClient, page: str) -> None:
    answer = await resident.get(f"/mijn-gegevens/{page}")
    assert (answer.status_code, "/hulpvragen" in answer.text) == (404, False)


# --- changing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "shown"),
    [
        ("talen", {"languages": ["nl", "tr"]}, "Nederlands en Turks"),
        ("momenten", {"dayparts": ["sat-morning"]}, "zaterdagochtend"),
        ("momenten", {"dayparts": ["any"]}, "Het maakt niet uit wanneer"),
        ("ontmoeten", {"meeting": "online"}, "Online"),
        ("reizen", {"reach_km": "25"}, "Tot 25 km"),
        ("wijk", {"area": "BU02"}, "Havenkwartier"),
        ("leeftijd", {"age_band": "65_plus"}, "65 jaar of ouder"),
    ],
)
async def test_what_is_changed_is_what_the_page_shows(
    app: App, resident: httpx.AsyncClient, field: str, typed: dict[str, Any], shown: str
) -> None:
    done = await app.submit(resident, f"/mijn-gegevens/wijzigen/{field}", typed)
    assert (done.status_code, done.headers["location"]) == (303, "/mijn-gegevens/klaar/gewijzigd")
    assert shown in html.unescape((await resident.get("/mijn-gegevens")).text)


@pytest.mark.parametrize(
    ("field", "typed", "wrong"),
    [
        ("talen", {}, "languages"),
        ("momenten", {"dayparts": "never"}, "dayparts"),
        ("ontmoeten", {"meeting": "telepathy"}, "meeting"),
        ("reizen", {"reach_km": "9999"}, "reach_km"),
        ("wijk", {"area": ""}, "area"),
        ("leeftijd", {"age_band": "200"}, "age_band"),
        ("bereiken", {}, "channel"),
        ("bereiken", {"channel": "email"}, "contact_email"),
        ("bereiken", {"channel": "mobile", "contact_mobile": "12"}, "contact_mobile"),
        ("tekst", {"text": ""}, "text"),
    ],
)
async def test_what_is_wrong_is_told_above_and_at_the_field(
    app: App, resident: httpx.AsyncClient, owner: Connection, field: str, typed: dict[str, Any], wrong: str
) -> None:
    before = await everything(owner)
    refused = await app.submit(resident, f"/mijn-gegevens/wijzigen/{field}", typed)
    assert (refused.status_code, f'href="#{wrong}"' in refused.text) == (400, True)
    assert (f'id="{wrong}"' in refused.text, f'id="{wrong}-e"' in refused.text) == (True, True)
    assert await everything(owner) == before


async def test_words_that_identify_are_marked_and_stored_nowhere(
    app: App, resident: httpx.AsyncClient, owner: Connection
) -> None:
    typed = "Ik zoek mensen die hetzelfde meemaken. Bel mij op 06 12345678."
    refused = await app.submit(resident, "/mijn-gegevens/wijzigen/tekst", {"text": typed})
    assert (refused.status_code, "<mark>06 12345678</mark>" in refused.text) == (400, True)
    assert await owner.fetchval("select count(*) from kring.correction_request") == 0


async def test_the_address_that_is_held_is_in_no_form(
    resident: httpx.AsyncClient, kring: Resources, owner: Connection
) -> None:
    assert "@voorbeeld.test" not in (await resident.get("/mijn-gegevens/wijzigen/bereiken")).text


async def test_other_words_wait_for_the_contact_person(app: App, resident: httpx.AsyncClient) -> None:
    done = await app.submit(
        resident, "/mijn-gegevens/wijzigen/tekst", {"text": "Ik zorg voor mijn moeder en ben daar moe van."}
    )
    assert done.headers["location"] == "/mijn-gegevens/klaar/gevraagd"
    assert "U vroeg op" in (await resident.get("/mijn-gegevens")).text


async def test_at_16_the_page_says_that_the_young_person_decides(
    app: App, kring: Resources, coordinator: Staff
) -> None:
    child = await factories.submit(kring, coordinator, factories.childs_need())
    parent = await app.link_holder(await _own_link(kring, coordinator, child))
    assert "U bent de ouder of voogd." in (await parent.get("/mijn-gegevens")).text
    done = await app.submit(parent, "/mijn-gegevens/wijzigen/leeftijd", {"age_band": "16_17"})
    assert done.headers["location"] == "/mijn-gegevens/klaar/zestien"
    assert "Vanaf 16 jaar beslist iemand zelf." in (await parent.get("/mijn-gegevens")).text


# --- ending ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", PURPOSES)
async def test_one_purpose_is_withdrawn_and_the_link_still_works(
    app: App, resident: httpx.AsyncClient, owner: Connection, slug: str
) -> None:
    done = await app.submit(resident, f"/mijn-gegevens/intrekken/{slug}", {})
    assert done.headers["location"] == f"/mijn-gegevens/klaar/{slug}"
    shown = (await resident.get("/mijn-gegevens")).text
    assert (f"/mijn-gegevens/intrekken/{slug}" in shown, "Dit trok u in op" in shown) == (False, True)


async def test_after_withdrawing_matching_there_is_nothing_left_to_change(
    app: App, resident: httpx.AsyncClient
) -> None:
    await app.submit(resident, "/mijn-gegevens/intrekken/zoeken", {})
    assert "/mijn-gegevens/wijzigen/" not in (await resident.get("/mijn-gegevens")).text
    assert (await resident.get("/mijn-gegevens/wijzigen/talen")).status_code == 404


async def test_who_leaves_a_group_sees_it_no_more_and_comes_back_by_the_same_link(
    app: App, member: httpx.AsyncClient, owner: Connection
) -> None:
    (address,) = re.findall(r'href="(/mijn-gegevens/groep/[^"]+)"', (await member.get("/mijn-gegevens")).text)
    done = await app.submit(member, address, {})
    assert done.headers["location"] == "/mijn-gegevens/klaar/groep"
    assert "U zit niet in een groep." in (await member.get("/mijn-gegevens")).text
    assert (await member.get("/uitnodiging")).headers["location"] == "/mijn-gegevens"
    assert await owner.fetchval("select count(*) from kring.membership where left_at is null") == 4


async def test_who_said_yes_to_a_group_that_has_not_begun_can_leave_it(app: App, resident: httpx.AsyncClient) -> None:
    await app.submit(resident, "/uitnodiging", {"choice": "accepted"})
    done = await app.submit(resident, f"/mijn-gegevens/groep/{NOT_BEGUN}", {})
    assert done.headers["location"] == "/mijn-gegevens/klaar/groep"
    assert "U zit niet in een groep." in (await resident.get("/mijn-gegevens")).text


async def test_erasing_leaves_no_row_of_this_person_and_no_session(
    app: App, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited
) -> None:
    gone = await app.submit(resident, "/mijn-gegevens/wissen", {})
    assert (gone.status_code, gone.headers["location"]) == (303, "/gewist")
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert (await resident.get("/mijn-gegevens")).status_code == 404
    left = await owner.fetchval("select count(*) from kring.resident where id = $1", invited.people[0].resident)
    assert left == 0


# --- going on -------------------------------------------------------------------------------------------------------


async def test_a_consent_that_lasts_is_not_offered_again(resident: httpx.AsyncClient) -> None:
    assert "/mijn-gegevens/verlengen" not in (await resident.get("/mijn-gegevens")).text


async def test_who_says_yes_again_to_one_thing_says_it_to_that_alone(
    app: App, resident: httpx.AsyncClient, owner: Connection
) -> None:
    await owner.execute(AGED)
    shown = (await resident.get("/mijn-gegevens/verlengen")).text
    assert (shown.count('type="checkbox"'), shown.count("checked")) == (3, 0)
    done = await app.submit(resident, "/mijn-gegevens/verlengen", {"purposes": ["matching"]})
    assert done.headers["location"] == "/mijn-gegevens/klaar/verlengd"
    new = await owner.fetch(
        "select purpose, recorded_how, recorded_by from kring.consent where valid_until > now() + interval '300 days' "
        "and resident_id = (select resident_id from kring.consent group by 1 having count(*) = 4)"
    )
    assert [tuple(row) for row in new] == [("matching", "link", None)]


async def test_a_yes_without_a_box_is_no_yes(app: App, resident: httpx.AsyncClient, owner: Connection) -> None:
    await owner.execute(AGED)
    before = await everything(owner)
    assert (await app.submit(resident, "/mijn-gegevens/verlengen", {})).status_code == 400
    assert await everything(owner) == before


# --- who looked, and a copy -----------------------------------------------------------------------------------------


async def test_the_page_says_which_staff_looked_and_never_who(
    app: App, kring: Resources, coordinator: Staff, resident: httpx.AsyncClient, invited: factories.Invited
) -> None:
    staff = await app.signed_in(coordinator)
    await staff.get(f"/hulpvragen/{invited.people[0].reference}/inwoner")
    shown = html.unescape((await resident.get("/mijn-gegevens")).text)
    looked = shown.partition("Wie keek naar uw gegevens?")[2]
    assert "Een verbinder las uw vraag." in looked
    assert coordinator.name not in looked


async def test_what_the_resident_did_is_not_told_back_as_a_look(resident: httpx.AsyncClient) -> None:
    await resident.get("/mijn-gegevens")
    assert "bekeek de eigen pagina" not in (await resident.get("/mijn-gegevens")).text


async def test_the_copy_is_one_file_that_reads_the_same_for_a_program(
    kring: Resources, resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited
) -> None:
    file = await resident.get("/mijn-gegevens/bestand")
    assert file.headers["content-disposition"] == 'attachment; filename="mijn-gegevens-waterdam.html"'
    found = re.search(r'<script type="application/json" id="gegevens">(.*?)</script>', file.text, re.DOTALL)
    assert found
    told = json.loads(found[1])
    parts = told["Onderdelen"]
    assert parts["Uw vraag"][0]["Nummer"] == invited.people[0].reference
    assert parts["Uw vraag"][0]["Tekst"] == factories.new_need().text
    assert "@voorbeeld.test" in parts["Hoe wij u bereiken"][0]["Adres of nummer"]
    assert [consent["Geldt nu"] for consent in parts["Waar u ja op zei"]] == ["ja"] * 3
    readable = html.unescape(file.text.partition("<script")[0])
    said = [str(value) for items in parts.values() for item in items for value in item.values()]
    assert [value for value in said if value not in readable] == []


async def test_the_copy_is_written_down_with_the_opening_of_the_address(
    resident: httpx.AsyncClient, owner: Connection
) -> None:
    await resident.get("/mijn-gegevens/bestand")
    rows = await owner.fetch("select action, detail from kring.audit where actor_kind = 'resident' order by seq")
    assert [tuple(row) for row in rows] == [("contact.read", "own"), ("own_data.exported", None)]


async def test_a_note_cannot_end_the_part_for_programs(
    resident: httpx.AsyncClient, owner: Connection, invited: factories.Invited
) -> None:
    note = "Zoekt mensen </script><script>alert(1)</script> & meer"
    await owner.execute("update kring.need set text = $2 where id = $1", invited.people[0].need, note)
    file = (await resident.get("/mijn-gegevens/bestand")).text
    assert file.count("<script") == 1
    found = re.search(r'id="gegevens">(.*?)</script>', file, re.DOTALL)
    assert found
    assert json.loads(found[1])["Onderdelen"]["Uw vraag"][0]["Tekst"] == note


async def test_the_name_of_a_group_stays_unsaid_in_the_copy_until_the_answer(
    app: App, resident: httpx.AsyncClient, owner: Connection
) -> None:
    await owner.execute("update kring.proposal set title = 'Samen op dinsdag'")
    assert "Samen op dinsdag" not in (await resident.get("/mijn-gegevens/bestand")).text
    await app.submit(resident, "/uitnodiging", {"choice": "accepted"})
    assert "Samen op dinsdag" in (await resident.get("/mijn-gegevens/bestand")).text
