"""The pages of themes, and what a run's page says is new."""

import uuid
from typing import TypeAlias

import asyncpg
import pytest

from models.need import Perspective
from models.plan import Plan, Theme
from service import consents
from service.db import transaction
from service.domain import Role, RunId, Staff
from service.resources import Resources
from tests import factories
from tests.app import App
from tests.factories import Submitted

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Found = tuple[str, Perspective | None, tuple[Submitted, ...]]


async def store(kring: Resources, staff: Staff, *found: Found) -> RunId:
    """A run that found these themes and proposed nothing."""
    themes = tuple(
        Theme(f"t{at}", label, perspective, tuple(str(one.need) for one in people))
        for at, (label, perspective, people) in enumerate(found)
    )
    return await factories.store_plan(kring, staff, Plan((), themes, (), "handmade", 1))


async def parents(kring: Resources, staff: Staff, label: str = "Autisme", count: int = 4) -> tuple[str, RunId]:
    """A theme of parents: the address of its page, and the run that found it."""
    run = await store(kring, staff, (label, Perspective.PARENT, await factories.some_people(kring, staff, count)))
    async with transaction(kring.pool, staff.municipality) as conn:
        theme = await conn.fetchval("select theme_id from kring.theme_in_run where run_id = $1", run)
    return f"/themas/{theme}", run


async def read(app: App, staff: Staff, page: str) -> str:
    answer = await (await app.signed_in(staff)).get(page)
    assert answer.status_code == 200
    return answer.text


# --- the list -------------------------------------------------------------------------------------------------------


async def test_without_themes_the_list_says_how_they_come(app: App, coordinator: Staff) -> None:
    shown = await read(app, coordinator, "/themas")
    assert "Er zijn nog geen thema's" in shown
    assert "Thema's die voorbij zijn" not in shown


async def test_the_list_says_what_each_theme_is(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 9)
    await store(
        kring, coordinator, ("Autisme", Perspective.PARENT, people[:5]), ("Thema 2", Perspective.PARTNER, people[5:])
    )
    shown = await read(app, coordinator, "/themas")
    assert "<td>ouders</td>" in shown
    assert 'numeric-column">5</td>' in shown
    assert "Partners (thema\u00a02)" in shown
    assert "nieuw, " in shown


async def test_ended_themes_are_folded_away(app: App, kring: Resources, coordinator: Staff) -> None:
    await parents(kring, coordinator)
    await store(kring, coordinator)
    shown = await read(app, coordinator, "/themas")
    assert "Er zijn nu geen thema's" in shown
    before, _, folded = shown.partition("<details")
    assert "Autisme" not in before
    assert "Thema's die voorbij zijn (1)" in folded
    assert "Autisme" in folded


async def test_a_theme_that_went_into_another_says_so(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 7)
    await store(kring, coordinator, ("Rouw", Perspective.SELF, people[:4]), ("Schulden", Perspective.SELF, people[4:]))
    await store(kring, coordinator, ("Rouw", Perspective.SELF, people))
    assert "opgegaan in een ander thema, " in await read(app, coordinator, "/themas")


# --- one theme ------------------------------------------------------------------------------------------------------


async def test_a_theme_tells_its_story(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 9)
    await store(kring, coordinator, ("Autisme", Perspective.PARENT, people[:4]))
    await store(kring, coordinator, ("Autisme", Perspective.PARENT, people))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        theme = await conn.fetchval("select id from kring.theme")
    shown = await read(app, coordinator, f"/themas/{theme}")
    assert "Het thema is nieuw. Hulpvragen: 4." in shown
    assert "Het thema groeide: van 4 naar 9 hulpvragen." in shown
    assert shown.index("groeide") < shown.index("is nieuw"), "the last first"
    assert shown.count('numeric-column">4</td>') == shown.count('numeric-column">9</td>') == 1
    assert '<svg class="kring-chart"' in shown


async def test_a_part_of_a_theme_names_where_it_came_from(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 9)
    await store(kring, coordinator, ("Autisme", Perspective.PARENT, people))
    run = await store(
        kring, coordinator, ("Autisme", Perspective.PARENT, people[:6]), ("School", Perspective.PARENT, people[6:])
    )
    async with transaction(kring.pool, coordinator.municipality) as conn:
        part = await conn.fetchval("select id from kring.theme where label = 'School'")
    shown = await read(app, coordinator, f"/themas/{part}")
    assert "Een deel van de hulpvragen komt uit:" in shown
    assert ">Autisme</a>." in shown
    told = await read(app, coordinator, f"/zoektochten/{run}")
    assert "Een deel hoort nu bij:" in told
    assert ">School</a>." in told


async def test_a_theme_shows_its_open_proposals_and_platforms(
    app: App, kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    seated = await factories.draft(kring, coordinator, meeting=True)
    themes = await owner.fetch("select theme_id, id from kring.proposal order by created_at")
    assert f"/platforms/{platform}" in await read(app, coordinator, f"/themas/{themes[0]['theme_id']}")
    shown = await read(app, coordinator, f"/themas/{themes[1]['theme_id']}")
    assert f"/voorstellen/{seated.proposal}" in shown
    assert "wacht op een besluit" in shown
    assert f"/platforms/{platform}" not in shown


async def test_no_page_of_themes_names_a_need_or_a_resident(
    app: App, kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    page, run = await parents(kring, coordinator)
    secrets = await owner.fetch("select reference, id::text, resident_id::text, text from kring.need")
    for path in ("/themas", page, f"/zoektochten/{run}"):
        shown = await read(app, coordinator, path)
        assert [value for record in secrets for value in record if value in shown] == []


# --- mixing ---------------------------------------------------------------------------------------------------------


async def test_a_coordinator_turns_mixing_on_and_off(
    app: App, kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    page, _ = await parents(kring, coordinator)
    client = await app.signed_in(coordinator)
    assert "Ook anderen dan ouders mogen meedoen" in (await client.get(page)).text
    for data, mixed in (({"mixed": "on"}, True), ({}, False)):
        answer = await app.submit(client, page, data, to=f"{page}/meedoen")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{page}#meedoen")
        assert await owner.fetchval("select mixed from kring.theme") is mixed
        assert ('value="on" id="mixed"' in (await client.get(page)).text) is True
        assert (" checked" in (await client.get(page)).text) is mixed
    assert "zette uit dat ook anderen mogen meedoen." in (await client.get(page)).text


async def test_a_mixed_theme_says_so(app: App, kring: Resources, coordinator: Staff) -> None:
    await store(kring, coordinator, ("Autisme", None, await factories.some_people(kring, coordinator, 4)))
    assert "<td>gemengd</td>" in await read(app, coordinator, "/themas")


async def test_an_ended_theme_cannot_be_mixed(app: App, kring: Resources, coordinator: Staff, owner: Owner) -> None:
    page, _ = await parents(kring, coordinator)
    await store(kring, coordinator)
    assert "meedoen</label>" not in await read(app, coordinator, page)
    client = await app.signed_in(coordinator)
    await app.submit(client, "/zoektochten", {"mixed": "on"}, to=f"{page}/meedoen")
    assert await owner.fetchval("select mixed from kring.theme") is False


async def test_mixing_needs_the_forms_own_token(app: App, kring: Resources, coordinator: Staff, owner: Owner) -> None:
    page, _ = await parents(kring, coordinator)
    answer = await (await app.signed_in(coordinator)).post(f"{page}/meedoen", data={"mixed": "on"})
    assert answer.status_code == 403
    assert await owner.fetchval("select mixed from kring.theme") is False


async def test_reading_changes_nothing(app: App, kring: Resources, coordinator: Staff, owner: Owner) -> None:
    page, _ = await parents(kring, coordinator)
    client = await app.signed_in(coordinator)
    before = await owner.fetch("select * from kring.theme_event")
    assert (await client.get(f"{page}/meedoen")).status_code == 405
    for path in ("/themas", page):
        await client.get(path)
        await client.head(path)
    assert await owner.fetch("select * from kring.theme_event") == before
    assert await owner.fetchval("select mixed from kring.theme") is False


# --- who may see it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.CASEWORKER, Role.MANAGER])
async def test_only_a_coordinator_sees_themes(
    app: App, kring: Resources, coordinator: Staff, caseworker: Staff, manager: Staff, role: Role, owner: Owner
) -> None:
    staff = {Role.CASEWORKER: caseworker, Role.MANAGER: manager}[role]
    page, run = await parents(kring, coordinator)
    client = await app.signed_in(staff)
    asked = [(await client.get(path)).status_code for path in ("/themas", page, f"/zoektochten/{run}")]
    asked.append((await app.submit(client, "/", {"mixed": "on"}, to=f"{page}/meedoen")).status_code)
    assert asked == [403] * 4
    assert await owner.fetchval("select mixed from kring.theme") is False
    assert "/themas" not in (await client.get("/")).text


async def test_a_visitor_sees_no_themes(app: App, kring: Resources, coordinator: Staff) -> None:
    page, _ = await parents(kring, coordinator)
    visitor = await app.visitor()
    for path in ("/themas", page):
        assert "Autisme" not in (await visitor.get(path, follow_redirects=True)).text


async def test_the_menu_leads_a_coordinator_to_the_themes(app: App, coordinator: Staff) -> None:
    assert 'href="/themas"' in await read(app, coordinator, "/")


async def test_another_municipalitys_theme_does_not_exist(
    app: App, kring: Resources, coordinator: Staff, other_coordinator: Staff, owner: Owner
) -> None:
    page, _ = await parents(kring, other_coordinator)
    client = await app.signed_in(coordinator)
    assert (await client.get(page)).status_code == 404
    assert (await app.submit(client, "/zoektochten", {"mixed": "on"}, to=f"{page}/meedoen")).status_code == 404
    assert page not in (await client.get("/themas")).text
    assert await owner.fetchval("select mixed from kring.theme") is False


@pytest.mark.parametrize("theme", ["nonsense", str(uuid.UUID(int=0))])
async def test_an_unknown_theme_is_not_found(app: App, coordinator: Staff, theme: str) -> None:
    assert (await (await app.signed_in(coordinator)).get(f"/themas/{theme}")).status_code == 404


# --- what is new in a run -------------------------------------------------------------------------------------------


async def test_the_first_run_compares_itself_with_nothing(app: App, kring: Resources, coordinator: Staff) -> None:
    _, run = await parents(kring, coordinator)
    assert "Nieuw sinds de vorige keer" not in await read(app, coordinator, f"/zoektochten/{run}")


async def test_a_run_in_which_nothing_happened_says_so(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 4)
    for _ in range(2):
        run = await store(kring, coordinator, ("Autisme", Perspective.PARENT, people))
    assert "De thema's zijn hetzelfde gebleven." in await read(app, coordinator, f"/zoektochten/{run}")


async def test_a_run_tells_what_happened_to_themes(app: App, kring: Resources, coordinator: Staff) -> None:
    page, _ = await parents(kring, coordinator)
    others = await factories.some_people(kring, coordinator, 3)
    run = await store(kring, coordinator, ("Rouw", Perspective.SELF, others))
    shown = await read(app, coordinator, f"/zoektochten/{run}")
    assert f'<a class="nl-link" href="{page}">Autisme</a>: Het thema is voorbij.' in shown
    assert ">Rouw</a>: Het thema is nieuw. Hulpvragen: 3." in shown


async def test_a_run_with_a_long_story_leads_to_the_rest(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 42)
    await store(kring, coordinator)
    run = await store(
        kring, coordinator, *((f"Thema {at}", Perspective.SELF, people[at : at + 2]) for at in range(0, 42, 2))
    )
    shown = await read(app, coordinator, f"/zoektochten/{run}")
    assert shown.count("Het thema is nieuw.") == 20
    assert "Er gebeurde nog meer: 1." in shown


async def test_a_run_tells_which_proposals_are_new(app: App, kring: Resources, coordinator: Staff) -> None:
    """Of two groups, one is as it was, and in the other somebody left."""
    groups = [await factories.some_people(kring, coordinator, count) for count in (5, 6)]
    await factories.store_plan(kring, coordinator, factories.plan_of(*groups))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, groups[1][0].resident, "link")
    run = await factories.store_plan(kring, coordinator, factories.plan_of(groups[0], groups[1][1:]))
    shown = await read(app, coordinator, f"/zoektochten/{run}")
    assert "Er zijn 2 voorstellen" in shown
    assert ">1. De vorige keer ook al voorgesteld: 1." in shown
    assert "De vorige keer: 11. Nu: 10." in shown


async def test_an_older_run_compares_itself_with_the_one_before_it(
    app: App, kring: Resources, coordinator: Staff
) -> None:
    people = await factories.some_people(kring, coordinator, 4)
    runs = [await store(kring, coordinator, ("Autisme", Perspective.PARENT, people)) for _ in range(3)]
    shown = await read(app, coordinator, f"/zoektochten/{runs[1]}")
    assert f"/zoektochten/{runs[0]}" in shown
    assert f"/zoektochten/{runs[2]}" not in shown
