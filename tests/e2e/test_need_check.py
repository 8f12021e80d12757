"""The form of a need around its note, in a real browser: with a script and without, on a desk and on a telephone."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import DESK, PHONE, Kring, People

pytestmark = pytest.mark.browser

NEW = "/hulpvragen/nieuw"
TEXT = (
    "Mijn buurvrouw Anja rijdt mij soms. Ik ben van het enige gezin met een drieling in het dorp. "
    "Mijn man slaat mij als hij boos is. Bel 06 12345678."
)


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{page.url} scrolls sideways"


def _fill_in_the_rest(page: Page) -> None:
    page.select_option("#age_band", "40_64")
    page.select_option("#area", index=1)
    for name, value in (
        ("perspective", "self"),
        ("languages", "nl"),
        ("dayparts", "any"),
        ("meeting", "either"),
        ("consents", "matching"),
        ("given_by", "self"),
        ("recorded_how", "in_person"),
    ):
        page.check(f"[name={name}][value={value}]")


@pytest.fixture
def without_a_script(browser: Browser, kring: Kring) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, base_url=kring.url, java_script_enabled=False)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto("/aanmelden")
    page.get_by_role("button", name="Aanmelden als Anouk").click()
    yield page
    context.close()


def test_a_note_is_put_right_while_it_is_typed(kring: Kring, people: People) -> None:
    anouk = people.staff("Anouk")
    for name, viewport in (("", DESK), ("-telefoon", PHONE)):
        anouk.page.set_viewport_size(viewport)  # type: ignore[arg-type]
        anouk.page.goto(NEW)
        anouk.page.fill("#text", TEXT)
        expect(anouk.page.locator("[data-hit]")).to_have_count(2)
        anouk.picture(f"hulpvraag-controle{name}")
        assert_accessible(anouk.page)
    page = anouk.page
    page.get_by_role("button", name="Vervang “buurvrouw Anja”").click()
    expect(page.locator("#text")).to_have_value(TEXT.replace("buurvrouw Anja", "buurvrouw"))
    expect(page.get_by_role("button", name="Haal weg")).to_be_focused()


def test_an_overruled_hit_stays_overruled_while_the_note_changes(kring: Kring, people: People) -> None:
    page = people.staff("Anouk").page
    page.goto(NEW)
    page.fill("#text", "Mijn buurvrouw Anja rijdt mij soms.")
    hit = page.locator("[data-hit='NAME:Anja']")
    hit.locator("summary").click()
    hit.locator("select").select_option(label="Anders")
    expect(hit).to_contain_text("Dit blijft staan.")
    page.locator("#text").press_sequentially(" Wij wandelen graag.")
    expect(page.locator("#text-check-status")).to_contain_text("Wij zien geen namen, plaatsen of data meer")
    expect(hit.locator("select")).to_have_value("NAME:other:Anja")


def test_the_reminder_asks_one_question_and_stops_nothing(kring: Kring, people: People) -> None:
    anouk = people.staff("Anouk")
    page = anouk.page
    page.goto(NEW)
    page.fill("#text", "Mijn man slaat mij als hij boos is. Ik wil met andere vrouwen praten.")
    _fill_in_the_rest(page)
    page.get_by_role("button", name="Hulpvraag indienen").click()
    expect(page.locator("#nog-een-vraag")).to_be_focused()
    anouk.picture("hulpvraag-nog-een-vraag")
    assert_accessible(page)
    page.get_by_role("button", name="Hulpvraag indienen").click()
    expect(page.get_by_role("heading", name="Hulpvraag ontvangen")).to_be_visible()


def test_an_answer_given_while_typing_stays_and_saves_the_question(kring: Kring, people: People) -> None:
    page = people.staff("Anouk").page
    page.goto(NEW)
    page.fill("#text", "Mijn man slaat mij als hij boos is.")
    page.get_by_label("Nee, ik doe dat nu").check()
    page.locator("#text").press_sequentially(" Ik wil met een drieling naar buiten.")
    expect(page.locator("#text-check-details")).to_contain_text("drieling")
    expect(page.get_by_label("Nee, ik doe dat nu")).to_be_checked()
    _fill_in_the_rest(page)
    page.get_by_role("button", name="Hulpvraag indienen").click()
    expect(page.get_by_role("heading", name="Hulpvraag ontvangen")).to_be_visible()


def test_all_of_it_works_without_a_script(without_a_script: Page) -> None:
    page = without_a_script
    page.goto(NEW)
    page.fill("#text", TEXT)
    page.get_by_role("button", name="Hulpvraag indienen").click()
    page.locator("[data-hit='PHONE:06 12345678'] button").click()
    expect(page.locator("#text")).not_to_have_value(TEXT)
    page.locator("[data-hit^='NAME:'] summary").first.click()
    for select in page.locator("[data-hit^='NAME:'] select").all():
        select.select_option(label="Een gewoon woord", force=True)
    _fill_in_the_rest(page)
    page.get_by_role("button", name="Hulpvraag indienen").click()
    expect(page.get_by_role("heading", name="Hulpvraag ontvangen")).to_be_visible()
