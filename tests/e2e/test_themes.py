"""The pages of themes as a coordinator sees them: none yet, some with a story, many; at a desk and on a telephone."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Page, expect

from models.age import age_circle
from models.need import AgeBand, Form, Meeting, Perspective
from models.plan import Group, Plan, Theme
from service import matching, proposals
from service.db import transaction
from service.demo.first_day import SLUG
from service.domain import RunId, Staff
from service.queries import municipalities, runs
from service.queries.proposals import proposals as listed
from service.resources import Resources, open_resources
from tests.e2e.conftest import DESK, PHONE, Kring, People, Person
from tests.e2e.test_the_whole_way import assert_accessible, fits

pytestmark = pytest.mark.browser

Sets = list[tuple[str, Perspective | None, list[str]]]
"""The themes of a run: label, perspective, needs."""
Result = TypeVar("Result")


def beside(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a thread of its own: the browser's own loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _coordinator(kring: Resources) -> Staff:
    async with kring.pool.acquire() as connection:
        municipality = await municipalities.municipality_by_slug(connection, SLUG)
    assert municipality is not None
    async with transaction(kring.pool, municipality.id) as conn:
        bilal = await municipalities.staff_by_subject(conn, "bilal")
    assert bilal is not None
    return bilal


async def _store(kring: Resources, staff: Staff, sets: Sets, seats: list[str]) -> RunId:
    themes = tuple(
        Theme(f"t{number}", label, perspective, tuple(needs)) for number, (label, perspective, needs) in enumerate(sets)
    )
    groups = (
        [
            Group(
                "t0", sets[0][0], Form.CIRCLE, tuple(seats), "nl", Meeting.EITHER, None, (), dict.fromkeys(seats, 0.5)
            ),
        ]
        if seats
        else []
    )
    async with transaction(kring.pool, staff.municipality) as conn:
        run_id = await matching.request_run(conn, staff)
        run = await runs.claim_run(conn, run_id, 60)
        assert run is not None
        plan = Plan(tuple(groups), themes, (), "handmade", 1)
        await matching.store(conn, staff.municipality, run, plan, pooled=sum(len(needs) for _, _, needs in sets))
    return run_id


async def _adults(kring: Resources, staff: Staff) -> list[str]:
    async with transaction(kring.pool, staff.municipality) as conn:
        needs, _ = await matching.pool(conn)
    adult = age_circle(AgeBand.AGE_40_64)
    return [need.id for need in needs if need.age_band and age_circle(need.age_band) == adult and not need.apart]


def tell_a_story(kring: Kring) -> RunId:
    """Three runs, and a draft that a coordinator works on; the last run."""

    async def story() -> RunId:
        async with open_resources(kring.settings) as resources:
            bilal = await _coordinator(resources)
            needs = await _adults(resources, bilal)
            parents, partners, debts, widowed = needs[:9], needs[9:17], needs[17:23], needs[23:28]
            await _store(
                resources,
                bilal,
                [
                    ("Autisme", Perspective.PARENT, parents[:5]),
                    ("Thema 2", Perspective.PARTNER, partners),
                    ("Schulden", Perspective.SELF, debts),
                    ("Thema 4", Perspective.SELF, widowed),
                ],
                [],
            )
            await _store(
                resources,
                bilal,
                [
                    ("Autisme", Perspective.PARENT, parents),
                    ("Thema 2", Perspective.PARTNER, partners[:5]),
                    ("Thema 3", Perspective.PARTNER, partners[5:]),
                    ("Schulden", Perspective.SELF, debts),
                    ("Thema 5", Perspective.SELF, widowed),
                ],
                parents[:6],
            )
            async with transaction(resources.pool, bilal.municipality) as conn:
                (draft,) = [one for one in await listed(conn, proposals.ProposalState.DRAFT) if one.seats == 6]
                await proposals.rename(conn, draft.id, "Ouders aan tafel", by=bilal.id)
            return await _store(
                resources,
                bilal,
                [
                    ("Autisme", Perspective.PARENT, parents[6:]),
                    ("Thema 2", Perspective.PARTNER, partners[:5]),
                    ("Schulden en rouw", Perspective.SELF, debts + widowed),
                ],
                [],
            )

    return beside(story())


def find_many(kring: Kring) -> None:
    """As many themes as the needs of Elzermeer allow."""

    async def many() -> None:
        async with open_resources(kring.settings) as resources:
            bilal = await _coordinator(resources)
            needs = await _adults(resources, bilal)
            sides = list(Perspective)
            await _store(
                resources,
                bilal,
                [
                    (f"Thema {at}", sides[at % len(sides)], [one, other])
                    for at, (one, other) in enumerate(zip(needs[::2], needs[1::2], strict=False), start=1)
                ],
                [],
            )

    beside(many())


def look(person: Person, path: str, name: str) -> Page:
    """Open a page at a desk and on a telephone: no barriers, no scrolling sideways."""
    for viewport, kind in ((PHONE, "-telefoon"), (DESK, "")):
        person.page.set_viewport_size(viewport)  # type: ignore[arg-type]
        person.page.goto(path)
        assert fits(person.page)
        assert_accessible(person.page)
        person.picture(f"{name}{kind}")
    return person.page


def test_the_pages_of_themes_from_none_to_many(kring: Kring, people: People) -> None:
    bilal = people.staff("Bilal")
    page = look(bilal, "/themas", "themas-geen")
    expect(page.get_by_role("heading", name="Er zijn nog geen thema's")).to_be_visible()

    run = tell_a_story(kring)
    page = look(bilal, f"/zoektochten/{run}", "zoektocht-nieuw")
    expect(page.get_by_role("heading", name="Nieuw sinds de vorige keer")).to_be_visible()
    page = look(bilal, "/themas", "themas")
    page.locator("summary").click()
    assert_accessible(page)
    bilal.picture("themas-voorbij")

    page.get_by_role("link", name="Autisme").click()
    page = look(bilal, page.url, "thema")
    expect(page.get_by_role("link", name="Ouders aan tafel")).to_be_visible()
    page.get_by_label("Ook anderen dan ouders mogen meedoen").check()
    page.get_by_role("button", name="Opslaan").click()
    expect(page.get_by_text("Bilal zette aan dat ook anderen mogen meedoen.")).to_be_visible()
    expect(page.get_by_label("Ook anderen dan ouders mogen meedoen")).to_be_checked()

    find_many(kring)
    page = look(bilal, "/themas", "themas-veel")
    assert page.locator("tbody tr").count() > 30
