"""The manager's page: made once, the same for everybody, and closed to everybody else."""

import httpx
import pytest

from service.db import Connection, transaction
from service.domain import Role, Staff
from service.queries import municipalities
from service.queries.reports import Line, Table
from service.resources import Resources
from service.web.routes import reports
from tests import factories
from tests.app import App


@pytest.fixture
async def browser(app: App, manager: Staff) -> httpx.AsyncClient:
    return await app.signed_in(manager)


@pytest.fixture
async def people(kring: Resources, coordinator: Staff, caseworkers: list[Staff]) -> list[factories.Submitted]:
    """36 residents in one theme, and 15 in none, with needs from three caseworkers."""
    submitted = [await factories.submit(kring, caseworkers[number % 3]) for number in range(51)]
    await factories.store_plan(kring, coordinator, factories.plan_of(tuple(submitted[:36])))
    return submitted


async def make(app: App, browser: httpx.AsyncClient) -> httpx.Response:
    return await app.submit(browser, "/rapportage", {})


@pytest.mark.parametrize("page", ["/rapportage", "/rapportage.csv"])
async def test_a_caseworker_and_a_coordinator_are_refused(
    app: App, caseworker: Staff, coordinator: Staff, page: str
) -> None:
    for staff in (caseworker, coordinator):
        assert (await (await app.signed_in(staff)).get(page)).status_code == 403


async def test_a_coordinator_cannot_make_a_report(app: App, coordinator: Staff, owner: Connection) -> None:
    browser = await app.signed_in(coordinator)
    answer = await app.submit(browser, "/voorstellen", {}, to="/rapportage")
    assert answer.status_code == 403
    assert await owner.fetchval("select count(*) from kring.release") == 0


async def test_a_form_without_its_token_is_refused(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/rapportage")).status_code == 403


async def test_opening_the_page_makes_no_report(
    browser: httpx.AsyncClient, people: list[factories.Submitted], owner: Connection
) -> None:
    assert "Rapport maken" in (await browser.get("/rapportage")).text
    assert await owner.fetchval("select count(*) from kring.release") == 0


async def test_too_few_people_is_said_in_place(app: App, browser: httpx.AsyncClient) -> None:
    answer = await make(app, browser)
    assert answer.status_code == 409
    assert "Er zijn nog te weinig hulpvragen voor een rapport." in answer.text
    assert "Rapport maken" in answer.text


async def test_a_report_is_made_once(
    app: App, browser: httpx.AsyncClient, people: list[factories.Submitted], owner: Connection
) -> None:
    assert (await make(app, browser)).status_code == 303
    first = (await browser.get("/rapportage")).text
    assert "Rapport maken" not in first
    form = {"csrf": first.partition('name="csrf" value="')[2].partition('"')[0]}
    assert (await browser.post("/rapportage", data=form)).status_code == 303
    assert await owner.fetchval("select count(*) from kring.release") == 1


async def test_the_chart_of_themes_has_its_table(
    app: App, browser: httpx.AsyncClient, people: list[factories.Submitted]
) -> None:
    await make(app, browser)
    text = (await browser.get("/rapportage")).text
    assert text.count("<svg") == 1
    assert ">mantelzorg</text>" in text
    assert '<th scope="row" class="utrecht-table__cell">mantelzorg</th>' in text


async def test_no_text_reference_or_id_is_in_the_report(
    app: App, browser: httpx.AsyncClient, people: list[factories.Submitted]
) -> None:
    await make(app, browser)
    text = (await browser.get("/rapportage")).text + (await browser.get("/rapportage.csv")).text
    assert "Zorgt al jaren" not in text
    assert not [one for one in people if one.reference in text or str(one.need) in text or str(one.resident) in text]


async def test_the_download_has_the_numbers_of_the_page(
    app: App, browser: httpx.AsyncClient, people: list[factories.Submitted]
) -> None:
    await make(app, browser)
    answer = await browser.get("/rapportage.csv")
    rows = [row.split(";") for row in answer.content.decode("utf-8-sig").splitlines()]
    assert answer.headers["content-type"].startswith("text/csv")
    assert ["Hulpvragen per thema", "mantelzorg", "35"] in [row[1:] for row in rows]
    assert all(int(row[3]) % 5 == 0 for row in rows[1:])


async def test_without_a_report_there_is_nothing_to_download(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/rapportage.csv")).status_code == 404


async def test_another_municipality_has_no_report_of_ours(
    app: App, kring: Resources, browser: httpx.AsyncClient, people: list[factories.Submitted], other_coordinator: Staff
) -> None:
    await make(app, browser)
    async with transaction(kring.pool, other_coordinator.municipality) as conn:
        stranger = await municipalities.staff_by_subject(conn, Role.MANAGER)
    assert stranger is not None
    assert "mantelzorg" not in (await (await app.signed_in(stranger)).get("/rapportage")).text


def test_a_name_from_outside_is_no_formula_in_a_spreadsheet() -> None:
    assert reports.spreadsheet_safe("=HYPERLINK(1)") == "HYPERLINK(1)"


def test_a_chart_speaks_dutch() -> None:
    table = Table((Line("parent", 20),), complete=False)
    assert reports.table_of("perspectives", table)["bars"] == [("Een ouder", 20, 0, "20")]
