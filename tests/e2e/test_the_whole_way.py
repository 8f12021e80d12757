"""From a consented need to a living platform, as caseworker, coordinator, residents and manager, in one sitting."""

import mailbox
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from models.taxonomy import taxonomy
from tests.e2e.conftest import Kring, People, Person

pytestmark = pytest.mark.browser

NOTE = (
    "Pleegmoeder van een meisje van negen. Zij wil andere pleegouders spreken over de bezoekregeling en over loslaten."
)
TOPIC = "foster_parents"
WAIT_SECONDS = 60.0
Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str) -> Found:
    """The worker works beside us: look again until it is there."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"never came: {what}")


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def fits(page: Page) -> bool:
    """No scrolling sideways."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return wide


def links(kring: Kring, *, skip: int = 0) -> list[str]:
    """The personal link of each message, oldest first."""

    def body(message: Message) -> str:
        for part in message.walk():
            if part.get_content_type() == "text/plain":
                payload = part.get_payload(decode=True)
                assert isinstance(payload, bytes)
                return payload.decode()
        raise AssertionError("a message without plain text")

    assert kring.settings.demo_mailbox is not None
    box = mailbox.Maildir(kring.settings.demo_mailbox)
    messages = [box[key] for key in sorted(box.keys())]
    found = [re.search(rf"{re.escape(kring.url)}/u/\S+", body(message)) for message in messages]
    return [match[0] for match in found if match][skip:]


def submit_a_need(anouk: Person) -> str:
    """Step 2: a suggested topic is confirmed, a name caught in place and rewritten, and the need gets its number."""
    page = anouk.page
    page.goto("/hulpvragen/nieuw")
    page.locator("input[name=perspective][value=foster_parent]").check()
    page.get_by_label("Waar gaat het om?").fill(NOTE)
    topic = page.locator(f"#topics-offered input[value={TOPIC}]")
    topic.check()
    page.get_by_label("Waar gaat het om?").fill(NOTE + " Bel mevrouw Jansen op 06 12345678.")
    expect(page.locator("#text-check-details mark").first).to_be_visible()
    expect(topic).to_be_checked()
    anouk.picture("hulpvraag-onderwerpen")
    assert_accessible(page)
    for box in ("Op een plek", "Het maakt niet uit wanneer", "Nederlands"):
        page.get_by_label(box, exact=False).first.check()
    page.get_by_label("Hoe oud is degene").select_option("40_64")
    page.get_by_label("In welke wijk").select_option(label="Elzermeer-Centrum")
    for purpose in ("matching", "invitation", "follow_up"):
        page.locator(f"input[name=consents][value={purpose}]").check()
    page.locator("input[name=given_by][value=self]").check()
    page.locator("input[name=recorded_how][value=in_person]").check()
    page.locator("input[name=channel][value=email]").check()
    page.get_by_label("E-mailadres").last.fill("pleegmoeder@elzermeer.example")
    page.get_by_role("button", name="Hulpvraag indienen").click()
    expect(page).to_have_title(re.compile("^Fout:"))
    anouk.picture("hulpvraag-herkenbaar")
    assert_accessible(page)
    expect(topic).to_be_checked()
    page.get_by_label("Waar gaat het om?").fill(NOTE)
    page.get_by_role("button", name="Hulpvraag indienen").click()
    expect(page).to_have_url(re.compile("/ontvangen$"))
    anouk.picture("hulpvraag-ontvangen")
    reference = page.url.split("/")[-2]
    page.goto(f"/hulpvragen/{reference}")
    expect(page.locator("dd", has_text=taxonomy().topic(TOPIC).label)).to_be_visible()
    assert_accessible(page)
    return reference


def find_groups(bilal: Person) -> None:
    """Step 3: on demand, with its progress in sight."""
    page = bilal.page
    page.goto("/zoektochten")
    page.get_by_role("button", name="Zoek groepen").click()
    page.wait_for_url(re.compile("/zoektochten/.+"))
    expect(page.get_by_role("link", name=re.compile("voorstel", re.I)).last).to_be_visible()
    expect(page.locator("progress")).to_have_count(0, timeout=WAIT_SECONDS * 1000)
    bilal.picture("zoektocht-klaar")
    assert_accessible(page)


def review_and_approve(bilal: Person) -> int:
    """Steps 4 and 5: drop somebody, rename, plan, approve; how many people are invited."""
    page = bilal.page
    page.goto("/voorstellen")
    bilal.picture("voorstellen")
    page.get_by_role("link", name=re.compile("pleegouder", re.I)).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    bilal.picture("voorstel")
    assert_accessible(page)
    page.get_by_role("button", name=re.compile("^Weghalen")).first.click()
    page.get_by_role("button", name="Doen").click()
    expect(page.get_by_role("button", name=re.compile("^Terugzetten"))).to_have_count(1)
    page.get_by_label("Naam", exact=True).fill("Pleegouders aan tafel")
    page.get_by_role("button", name="Naam opslaan").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pleegouders aan tafel")
    page.get_by_label("Plaats", exact=True).fill("Buurthuis De Schakel")
    page.get_by_label("Datum", exact=True).fill((datetime.now(UTC) + timedelta(days=14)).date().isoformat())
    page.get_by_label("Tijd", exact=True).fill("19:30")
    page.get_by_role("button", name="Bijeenkomst opslaan").click()
    page.get_by_role("button", name="Goedkeuren en uitnodigen").click()
    expect(page.get_by_text("keurde dit voorstel goed")).to_be_visible()
    asked = re.search(r"Ja: 0 · Nog geen ja: (\d+)", page.content())
    assert asked
    return int(asked[1])


def answer(resident: Person, link: str, choice: str) -> None:
    """Step 6, on a telephone."""
    page = resident.page
    page.goto(link)
    assert "/u/" not in page.url
    page.get_by_label(choice).check()
    page.get_by_role("button", name="Verstuur mijn antwoord").click()


def test_from_a_consented_need_to_a_living_platform(kring: Kring, people: People) -> None:
    anouk = people.staff("Anouk")
    reference = submit_a_need(anouk)
    bilal = people.staff("Bilal")
    find_groups(bilal)
    asked = review_and_approve(bilal)

    sent = until(lambda: found if len(found := links(kring)) >= asked - 1 else None, "the invitations")
    first = people.resident()
    for _ in range(3):
        first.page.goto(sent[0])
    first.picture("uitnodiging-telefoon")
    assert_accessible(first.page)
    assert fits(first.page)
    assert "pleeg" not in first.page.content().lower(), "no theme is shown before the choice"
    bilal.page.reload()
    expect(bilal.page.get_by_text("Ja: 0")).to_be_visible()

    for link in sent[:5]:
        resident = people.resident()
        answer(resident, link, "Ja, ik doe mee")
        expect(resident.page.get_by_role("heading", level=1)).to_have_text("U doet mee")
    resident.picture("ja-telefoon")
    assert_accessible(resident.page)
    started = until(lambda: found if len(found := links(kring, skip=len(sent))) >= 5 else None, "the start messages")

    follow(bilal, kring, people, asked_before=len(sent) + len(started))

    carla = people.staff("Carla")
    carla.page.goto("/rapportage")
    if carla.page.get_by_role("button", name="Rapport maken").count():
        carla.page.get_by_role("button", name="Rapport maken").click()
    expect(carla.page.locator("svg").first).to_be_visible()
    carla.picture("rapportage")
    assert_accessible(carla.page)
    numbers = [int(cell) for cell in carla.page.locator("td").all_inner_texts() if cell.strip().isdigit()]
    assert numbers
    assert all(number >= 10 and number % 5 == 0 for number in numbers)
    assert carla.page.goto(f"/hulpvragen/{reference}").status == 403  # type: ignore[union-attr]
    assert anouk.page.goto("/rapportage").status == 403  # type: ignore[union-attr]

    withdraw(first, sent[0], bilal)


def follow(bilal: Person, kring: Kring, people: People, *, asked_before: int) -> None:
    """Step 7: a meeting that was held, a pulse that a member answers."""
    page = bilal.page
    page.goto("/platforms")
    page.get_by_role("link", name="Pleegouders aan tafel").click()
    page.get_by_label("Plaats", exact=True).fill("Buurthuis De Schakel")
    page.get_by_label("Datum", exact=True).fill((datetime.now(UTC) - timedelta(days=1)).date().isoformat())
    page.get_by_label("Tijd", exact=True).fill("10:00")
    page.get_by_role("button", name="Bijeenkomst toevoegen").click()
    page.locator("select#held").select_option(index=1)
    page.get_by_label("Aanwezig", exact=True).fill("5")
    page.get_by_label("Van wie nieuw").fill("5")
    page.get_by_role("button", name="Opkomst opslaan").click()
    expect(page.get_by_text("geweest", exact=True)).to_be_visible()
    page.get_by_role("button", name="Peiling sturen").click()
    pulses = until(lambda: links(kring, skip=asked_before) or None, "the pulse")
    member = people.resident()
    member.page.goto(pulses[0])
    for number in range(3):
        member.page.get_by_label("Helemaal wel").check()
        if number == 0:
            member.picture("peiling-telefoon")
            assert_accessible(member.page)
        member.page.get_by_role("button", name=re.compile("Volgende vraag|Verstuur mijn antwoorden")).click()
    expect(member.page.get_by_text("Dank u wel", exact=False).first).to_be_visible()
    page.reload()
    expect(page.get_by_text("te weinig antwoorden om te tonen")).to_be_visible()
    bilal.picture("platform")
    assert_accessible(page)


def withdraw(resident: Person, link: str, bilal: Person) -> None:
    """The same link takes everything back, and then works no more than one that never was."""
    page = resident.page
    page.goto(link)
    page.get_by_role("link", name=re.compile("gegevens|bewaren", re.I)).first.click()
    resident.picture("mijn-gegevens-telefoon")
    assert_accessible(page)
    page.get_by_role("link", name="Alles intrekken").click()
    page.get_by_role("button", name="Alles intrekken").click()
    expect(page).to_have_url(re.compile("/ingetrokken$"))
    resident.picture("ingetrokken-telefoon")
    used, unknown = page.goto(link), page.goto(link[:-4] + "AAAA")
    assert used is not None
    assert unknown is not None
    assert used.status == unknown.status == 404
    bilal.page.goto("/platforms")
    bilal.page.get_by_role("link", name="Pleegouders aan tafel").click()
    expect(bilal.page.locator("dd").filter(has_text=re.compile(r"^\s*4\s*$"))).to_have_count(1)
