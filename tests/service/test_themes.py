"""Themes that last, on the real database: runs in which needs come, withdraw and get a place."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from models.need import Perspective
from models.plan import Code, Plan, Reason, Theme
from service import consents, matching, proposals, themes
from service.db import transaction
from service.domain import RunId, Staff, ThemeId
from service.errors import NotFound
from service.queries import theme_pages as rows
from service.resources import Resources
from tests import factories
from tests.database import refused, rewritable, together, waiting
from tests.factories import Submitted

Owner = asyncpg.Connection
People = tuple[Submitted, ...]


def plan(*groups: People, label: str | None = None, perspective: Perspective | None = Perspective.CHILD) -> Plan:
    """What an engine finds that proposes nothing: themes numbered within this run, unless they have a `label`."""
    return Plan(
        groups=(),
        themes=tuple(
            Theme(f"t{number}", label or f"Thema {number}", perspective, tuple(str(one.need) for one in group))
            for number, group in enumerate(groups, start=1)
        ),
        ungrouped=(),
        model_id="handmade",
        seed=1,
    )


async def found(kring: Resources, staff: Staff) -> dict[int, tuple[str, int]]:
    """Number → label and size of the themes that go on."""
    async with transaction(kring.pool, staff.municipality) as conn:
        return {one.number: (one.label, one.needs) for one in await rows.themes(conn, ended=False, limit=100)}


async def told(kring: Resources, staff: Staff, run: RunId) -> list[tuple[Any, ...]]:
    """What a run saw happen: kind, number, the numbers of the others, counts."""
    async with transaction(kring.pool, staff.municipality) as conn:
        events = await rows.events_of_run(conn, run, 100)
        number = {record["id"]: record["number"] for record in await conn.fetch("select id, number from kring.theme")}
    return [
        (event.kind, number[event.theme_id], [number[other] for other in event.others], event.params)
        for event in events
    ]


async def theme_id(owner: Owner, staff: Staff, number: int) -> ThemeId:
    found_id = await owner.fetchval(
        "select id from kring.theme where municipality_id = $1 and number = $2", staff.municipality, number
    )
    return ThemeId(found_id)


async def withdraw(kring: Resources, staff: Staff, *people: Submitted) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        for one in people:
            await consents.withdraw_everything(conn, staff.municipality, one.resident, "link")


async def place(kring: Resources, staff: Staff, people: People) -> factories.Seated:
    """The only theme of a run, all of whose people are in a proposal that a coordinator works on: out of the pool."""
    return await factories.draft(kring, staff, people=people, meeting=True)


# --- a sequence of runs ---------------------------------------------------------------------------------------------


async def test_themes_keep_their_number_while_needs_come_withdraw_and_get_a_place(
    kring: Resources, coordinator: Staff
) -> None:
    carers = await factories.some_people(kring, coordinator, 8)
    parents = await factories.some_people(kring, coordinator, 4)
    run = await factories.store_plan(kring, coordinator, plan(carers, parents))
    assert await told(kring, coordinator, run) == [("born", 1, [], {"size": 8}), ("born", 2, [], {"size": 4})]

    # parents come, one carer withdraws; the engine numbers them the other way round
    await withdraw(kring, coordinator, carers[0])
    parents += await factories.some_people(kring, coordinator, 5)
    group = replace(factories.plan_of(carers[1:6]).groups[0], theme_id="t2")
    run = await factories.store_plan(kring, coordinator, replace(plan(parents, carers), groups=(group,)))
    assert await told(kring, coordinator, run) == [("grew", 2, [], {"was": 4, "size": 9})]
    assert await found(kring, coordinator) == {2: ("Thema 2", 9), 1: ("Thema 1", 7)}

    # five carers are in a proposal that a coordinator works on; the two that are left join the parents
    (draft,) = await factories.drafts_of_run(kring, coordinator, run)
    await factories.plan_meeting(kring, coordinator, draft)
    run = await factories.store_plan(kring, coordinator, plan(parents + carers[6:]))
    assert await told(kring, coordinator, run) == [("merged", 2, [1], {"size": 11})]
    assert await found(kring, coordinator) == {2: ("Thema 2", 11)}

    # nobody of them is left: the theme is over, and a theme of new people gets a new number
    await withdraw(kring, coordinator, *parents)
    others = await factories.some_people(kring, coordinator, 3)
    run = await factories.store_plan(kring, coordinator, plan(others))
    assert await told(kring, coordinator, run) == [
        ("born", 3, [], {"size": 3}),
        ("ended", 2, [], {"left": 9, "scattered": 2}),
    ]
    assert await found(kring, coordinator) == {3: ("Thema 3", 3)}


async def test_the_same_themes_again_tell_nothing(kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 6)
    await factories.store_plan(kring, coordinator, plan(people[:3], people[3:]))
    run = await factories.store_plan(kring, coordinator, plan(people[3:], people[:3]))
    assert await told(kring, coordinator, run) == []


async def test_one_person_a_run_adds_up_to_growth(kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 8)
    events = []
    for size in (5, 6, 7, 8):
        run = await factories.store_plan(kring, coordinator, plan(people[:size]))
        events.append([kind for kind, *_ in await told(kring, coordinator, run)])
    assert events == [["born"], [], [], ["grew"]]


async def test_a_theme_whose_people_come_back_together_is_the_same_one(kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    seated = await place(kring, coordinator, people)
    run = await factories.store_plan(kring, coordinator, plan())
    assert await told(kring, coordinator, run) == [("ended", 1, [], {"left": 5, "scattered": 0})]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, seated.proposal, "Te ver uit elkaar.")
    run = await factories.store_plan(kring, coordinator, plan(people))
    assert await told(kring, coordinator, run) == [("returned", 1, [], {"size": 5})]
    assert await found(kring, coordinator) == {1: ("Thema 1", 5)}


async def test_a_theme_that_went_into_another_does_not_come_back(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 7)
    await factories.store_plan(kring, coordinator, plan(people[:4], people[4:]))
    await factories.store_plan(kring, coordinator, plan(people))
    run = await factories.store_plan(kring, coordinator, plan(people[:4], people[4:]))
    assert await told(kring, coordinator, run) == [
        ("split", 1, [3], {"was": 7, "size": 4}),
        ("born", 3, [], {"size": 3}),
    ]


async def test_members_of_an_ended_theme_are_forgotten_in_time(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    await place(kring, coordinator, people)
    await factories.store_plan(kring, coordinator, plan())
    assert await owner.fetchval("select count(*) from kring.theme_need") == 5
    await owner.execute("update kring.theme set ended_at = now() - make_interval(days => 91)")
    await factories.store_plan(kring, coordinator, plan())
    assert await owner.fetchval("select count(*) from kring.theme_need") == 0


async def test_only_the_last_run_knows_who_is_in_a_theme(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    await factories.store_plan(kring, coordinator, plan(people))
    run = await factories.store_plan(kring, coordinator, plan(people[:4]))
    kept = await owner.fetch("select run_id, need_id from kring.theme_need")
    assert {record["run_id"] for record in kept} == {run}
    assert {record["need_id"] for record in kept} == {one.need for one in people[:4]}
    assert await owner.fetch("select size from kring.theme_in_run order by size") == [(4,), (5,)]


async def test_one_person_is_no_theme(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 3)
    run = await factories.claimed_run(kring, coordinator)
    await withdraw(kring, coordinator, *people[:2])
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await matching.store(conn, coordinator.municipality, run, plan(people), pooled=3)
    assert await owner.fetchval("select count(*) from kring.theme") == 0


async def test_each_municipality_counts_its_own_themes(
    kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    for staff in (coordinator, other_coordinator):
        await factories.store_plan(kring, staff, plan(await factories.some_people(kring, staff, 3)))
        assert await found(kring, staff) == {1: ("Thema 1", 3)}


# --- names ----------------------------------------------------------------------------------------------------------


async def test_a_theme_that_finds_a_word_is_called_by_it_and_keeps_its_number(
    kring: Resources, coordinator: Staff
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    await factories.store_plan(kring, coordinator, plan(people))
    await factories.store_plan(kring, coordinator, plan(people, label="Mantelzorg"))
    assert await found(kring, coordinator) == {1: ("Mantelzorg", 5)}
    await factories.store_plan(kring, coordinator, plan(people))
    assert await found(kring, coordinator) == {1: ("Thema 1", 5)}


async def test_a_run_shows_themes_by_the_name_they_had_then(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    first = await factories.store_plan(kring, coordinator, plan(people))
    await factories.store_plan(kring, coordinator, plan(people, label="Mantelzorg"))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert [one.label for one in await rows.of_run(conn, first)] == ["Thema 1"]


async def test_a_proposal_is_called_by_the_lasting_number(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    """The engine calls the only theme of its run the first; here it is the second there ever was."""
    await factories.store_plan(kring, coordinator, plan(await factories.some_people(kring, coordinator, 3)))
    people = await factories.some_people(kring, coordinator, 5)
    group = factories.plan_of(people).groups[0]
    reasons = (Reason(Code.SHARED_THEME, {"label": "Thema 1"}),)
    group = replace(group, theme_id="t1", label="Thema 1", reasons=reasons)
    await factories.store_plan(kring, coordinator, replace(plan(people), groups=(group,)))
    assert await owner.fetchval("select title from kring.proposal") == "Kring van zonen en dochters (thema 2)"
    assert "Thema 2" in await owner.fetchval("select reasons::text from kring.proposal")


# --- what the engine is given ---------------------------------------------------------------------------------------


async def test_the_engine_gets_the_themes_that_go_on(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 6)
    await factories.store_plan(kring, coordinator, plan(people[:3], people[3:]))
    await factories.store_plan(kring, coordinator, plan(people[:3]))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        (past,) = await matching.past_themes(conn)
    assert past.id == str(await theme_id(owner, coordinator, 1))
    assert past.members == {str(one.need) for one in people[:3]}
    assert past.mixed is False


# --- mixing ---------------------------------------------------------------------------------------------------------


async def set_mixed(kring: Resources, staff: Staff, theme: ThemeId, *, mixed: bool) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await themes.set_mixed(conn, staff, theme, mixed=mixed)


async def test_a_coordinator_lets_others_into_a_theme(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await factories.store_plan(kring, coordinator, plan(await factories.some_people(kring, coordinator, 3)))
    theme = await theme_id(owner, coordinator, 1)
    for mixed in (True, True, False):  # asked twice is decided once
        await set_mixed(kring, coordinator, theme, mixed=mixed)
        async with transaction(kring.pool, coordinator.municipality) as conn:
            assert (await matching.past_themes(conn))[0].mixed is mixed
    decided = await owner.fetch("select kind, decided_by from kring.theme_event where run_id is null order by number")
    assert decided == [("mixing_on", coordinator.id), ("mixing_off", coordinator.id)]


async def test_mixing_stays_on_from_run_to_run(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 3)
    await factories.store_plan(kring, coordinator, plan(people))
    await set_mixed(kring, coordinator, await theme_id(owner, coordinator, 1), mixed=True)
    await factories.store_plan(kring, coordinator, plan(people, perspective=None))
    theme = await owner.fetchrow("select mixed, perspective from kring.theme")
    assert tuple(theme) == (True, None)


async def test_a_theme_of_another_municipality_cannot_be_mixed(
    kring: Resources, coordinator: Staff, other_coordinator: Staff, owner: Owner
) -> None:
    await factories.store_plan(kring, other_coordinator, plan(await factories.some_people(kring, other_coordinator, 3)))
    with pytest.raises(NotFound):
        await set_mixed(kring, coordinator, await theme_id(owner, other_coordinator, 1), mixed=True)


# --- who was in it --------------------------------------------------------------------------------------------------


async def traces(owner: Owner, one: Submitted) -> list[str]:
    """The theme tables that have a row with this need or this resident in it."""
    return [
        table
        for table in ("theme", "theme_in_run", "theme_need", "theme_event")
        for found in [await owner.fetchval(f"select string_agg(t::text, ' ') from kring.{table} t") or ""]
        if str(one.need) in found or str(one.resident) in found
    ]


async def test_who_withdraws_leaves_no_trace_in_a_theme(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    await factories.store_plan(kring, coordinator, plan(people))
    assert await traces(owner, people[0]) == ["theme_need"]
    await withdraw(kring, coordinator, people[0])
    assert await traces(owner, people[0]) == []
    assert await traces(owner, people[1]) == ["theme_need"]
    await factories.store_plan(kring, coordinator, plan(people))
    assert await traces(owner, people[0]) == []


async def test_who_withdraws_from_an_ended_theme_leaves_no_trace(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    await place(kring, coordinator, people)
    await factories.store_plan(kring, coordinator, plan())
    await withdraw(kring, coordinator, people[0])
    assert await traces(owner, people[0]) == []


async def test_who_withdraws_while_a_run_stores_leaves_no_trace(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    """They are in a theme and in no group, so nothing of theirs is held before the theme itself."""
    people = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await matching.store(conn, here, run, plan(people), pooled=5)
        leaving = await waiting(owner, withdraw(kring, coordinator, people[0]))
    await leaving
    assert await traces(owner, people[0]) == []
    assert await traces(owner, people[1]) == ["theme_need"]


async def test_who_withdrew_just_before_a_run_stores_is_not_put_back(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    run = await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality

    async def store() -> None:
        async with transaction(kring.pool, here) as conn:
            await matching.store(conn, here, run, plan(people), pooled=5)

    async with transaction(kring.pool, here) as conn:
        await consents.withdraw_everything(conn, here, people[0].resident, "link")
        storing = await waiting(owner, store())
    await storing
    assert await traces(owner, people[0]) == []
    assert await traces(owner, people[1]) == ["theme_need"]


# --- two runs, and the rows -----------------------------------------------------------------------------------------


async def test_two_that_store_one_run_store_its_themes_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 3)
    run = await factories.claimed_run(kring, coordinator)

    async def store() -> None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await matching.store(conn, coordinator.municipality, run, plan(people), pooled=3)

    outcomes = await together(store(), store())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LeaseLost", "NoneType"]
    assert await owner.fetchval("select count(*) from kring.theme") == 1
    assert await owner.fetchval("select count(*) from kring.theme_event") == 1


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("theme", {"label", "perspective", "mixed", "ended_at"}),
        ("theme_in_run", set()),
        ("theme_need", set()),
        ("theme_event", set()),
    ],
)
async def test_only_what_may_change_of_a_theme_can_be_changed(
    kring: Resources, coordinator: Staff, owner: Owner, table: str, columns: set[str]
) -> None:
    await factories.store_plan(kring, coordinator, plan(await factories.some_people(kring, coordinator, 3)))
    every = await owner.fetch(
        """
        select attname from pg_attribute
        where attrelid = $1::text::regclass and attnum > 0 and attidentity = '' and not attisdropped
        """,
        f"kring.{table}",
    )
    names = [record["attname"] for record in every]
    assert set(await rewritable(kring, coordinator.municipality, table, names)) == columns


async def test_a_run_puts_nobody_in_two_themes(kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 6)
    await factories.store_plan(kring, coordinator, plan(people[:3], people[3:]))
    statement = """
        insert into kring.theme_need (run_id, theme_id, need_id, municipality_id)
        select n.run_id, t.id, n.need_id, n.municipality_id from kring.theme_need n
        join kring.theme t on t.id <> n.theme_id
    """
    assert await refused(kring, coordinator.municipality, statement) == "theme_need_pkey"


async def test_an_event_is_seen_by_a_run_or_decided_by_somebody(kring: Resources, coordinator: Staff) -> None:
    await factories.store_plan(kring, coordinator, plan(await factories.some_people(kring, coordinator, 3)))
    statement = """
        insert into kring.theme_event (municipality_id, theme_id, kind) select municipality_id, id, 'grew'
        from kring.theme
    """
    assert await refused(kring, coordinator.municipality, statement) == "theme_event_seen_or_decided"
