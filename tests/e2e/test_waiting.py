"""The pages of who waits for a group, in a real browser: on a desk and on a telephone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from models.need import Perspective
from models.plan import Code, Plan, Reason, Theme, Ungrouped
from service import themes, waiting
from service.db import transaction
from service.demo.first_day import SLUG
from service.queries import municipalities, needs, runs
from service.resources import open_resources
from tests import factories
from tests.e2e.conftest import PHONE, Kring, People

pytestmark = pytest.mark.browser

HELPS = (
    Reason(Code.MORE_PEOPLE, {"more": 2}),
    Reason(Code.OTHER_DAYPART, {"daypart": "tue-evening", "size": 5, "ask": 1}),
    Reason(Code.TRAVEL_FURTHER, {"km": 12.4, "now": 10.0, "size": 6, "areas": "De Elzen, Koudehorn, Oude Sluis"}),
    Reason(Code.MEET_ONLINE, {"size": 7, "ask": 3}),
    Reason(Code.ASK_NEIGHBOUR, {"neighbours": "Duinrand, Oudeveer"}),
)


@pytest.fixture(scope="module")
def waits(kring: Kring) -> str:
    """A run of which five people are left over; the reference of who waits longest."""

    async def store() -> str:
        async with open_resources(kring.settings) as service:
            async with service.pool.acquire() as conn:
                found = await municipalities.municipality_by_slug(conn, SLUG)
            assert found is not None
            async with transaction(service.pool, found.id) as conn:
                bilal = await municipalities.staff_by_subject(conn, "bilal")
                people = sorted(await needs.pool(conn), key=lambda need: -need.waiting_days)[:5]
            assert bilal is not None
            left = [
                Ungrouped(str(need.id), Reason(Code.TOO_FAR, {"found": 3, "needed": 4, "km": 10.0}), HELPS[at:], True)
                for at, need in enumerate(people)
            ]
            run = await factories.claimed_run(service, bilal)
            theme = Theme("t0", "Mantelzorg", Perspective.CHILD, tuple(one.id for one in left))
            async with transaction(service.pool, found.id) as conn:
                plan = Plan((), (theme,), tuple(left), "handmade", 1)
                named = await themes.store(conn, found.id, run.id, plan, set(theme.members))
                await waiting.store_advice(conn, found.id, run.id, left, {named["t0"].id: HELPS})
                await runs.finish_run(conn, run.id, run.attempt, encoder="handmade", close_from=0.2, needs=5, grouped=0)
                record = await conn.fetchval("select reference from kring.need where id = $1", people[0].id)
            return str(record)

    with ThreadPoolExecutor(1) as thread:  # the browser keeps a loop in this one
        return thread.submit(asyncio.run, store()).result()


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{page.url} scrolls sideways"


def test_when_nobody_waits_the_page_is_kind_and_accessible(kring: Kring, people: People) -> None:
    bilal = people.staff("Bilal")
    bilal.page.goto("/zonder-groep")
    expect(bilal.page.get_by_text("Niemand wacht lang")).to_be_visible()
    bilal.picture("zonder-groep-leeg")
    assert_accessible(bilal.page)


def test_a_coordinator_finds_who_waits_and_what_would_help(waits: str, kring: Kring, people: People) -> None:
    bilal = people.staff("Bilal")
    for name, viewport in (("", None), ("-telefoon", PHONE)):
        if viewport:
            bilal.page.set_viewport_size(viewport)  # type: ignore[arg-type]
        bilal.page.goto("/")
        expect(bilal.page.get_by_text("Langer dan 60 dagen: 5", exact=False)).to_be_visible()
        bilal.picture(f"start-zonder-groep{name}")
        assert_accessible(bilal.page)
        bilal.page.goto("/zonder-groep")
        bilal.picture(f"zonder-groep{name}")
        assert_accessible(bilal.page)
        bilal.page.get_by_role("link", name=waits).click()
        expect(bilal.page.get_by_role("heading", name="Wat zou helpen")).to_be_visible()
        bilal.picture(f"hulpvraag-wat-zou-helpen{name}")
        assert_accessible(bilal.page)
