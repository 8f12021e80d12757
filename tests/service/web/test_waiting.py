"""Who waits long without a group: what a coordinator reads, what nobody may read, and what never tells who declined."""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest

from models.need import Perspective
from models.plan import Code, Reason, Theme, Ungrouped
from service import consents, themes, waiting
from service.db import transaction
from service.domain import Answer, Staff
from service.queries import runs
from service.resources import Resources
from tests import factories
from tests.app import App
from tests.database import refused
from tests.factories import Submitted

Owner = asyncpg.Connection
PAGE = "/zonder-groep"
WHY = Reason(Code.TOO_FAR, {"found": 2, "needed": 4, "km": 10})
NEARER = Reason(Code.TRAVEL_FURTHER, {"km": 12.5, "now": 10.0, "size": 5, "areas": "Binnenstad, Havenkwartier"})


def left(one: Submitted, *alternatives: Reason, raised: bool = True) -> Ungrouped:
    return Ungrouped(str(one.need), WHY, alternatives, raised)


async def store(
    kring: Resources, staff: Staff, without: Sequence[Ungrouped], theme: Sequence[Submitted] = (), *advice: Reason
) -> None:
    """A run that ended, with these people left over; `theme` is one theme of the run, `advice` what it is short of."""
    found = (Theme("t0", "Mantelzorg", Perspective.CHILD, tuple(str(one.need) for one in theme)),) if theme else ()
    plan = replace(factories.plan_of(), themes=found)
    run = await factories.claimed_run(kring, staff)
    here = staff.municipality
    async with transaction(kring.pool, here) as conn:
        named = await themes.store(conn, here, run.id, plan, {str(one.need) for one in theme})
        told = {named["t0"].id: advice} if advice else {}
        await waiting.store_advice(conn, here, run.id, without, told)
        await runs.finish_run(
            conn, run.id, run.attempt, encoder="handmade", close_from=0.2, needs=len(without), grouped=0
        )


async def waits(owner: Owner, one: Submitted, days: int) -> Submitted:
    await owner.execute(
        "update kring.need set waiting_since = now() - make_interval(days => $2) where id = $1", one.need, days
    )
    return one


async def shown(app: App, staff: Staff, page: str = PAGE) -> str:
    answer = await (await app.signed_in(staff)).get(page)
    assert answer.status_code == 200
    return answer.text


async def test_who_waits_longest_comes_first_with_why_and_what_would_help(
    app: App, kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    shorter = await waits(owner, await factories.submit(kring, coordinator), 65)
    longest = await waits(owner, await factories.submit(kring, coordinator), 120)
    await store(kring, coordinator, [left(shorter), left(longest, NEARER)])
    page = await shown(app, coordinator)
    assert page.index(longest.reference) < page.index(shorter.reference)
    assert f"/hulpvragen/{longest.reference}" in page
    assert "wonen dichtbij genoeg" in page
    assert "Met 12,5 km reizen in plaats van 10 km" in page
    assert "<strong>2 mensen</strong> wachten langer dan 60 dagen" in page


@pytest.mark.parametrize(("days", "badge"), [(61, "neutral"), (91, "warning")])
async def test_over_ninety_days_is_marked(
    app: App, kring: Resources, coordinator: Staff, owner: Owner, days: int, badge: str
) -> None:
    await store(kring, coordinator, [left(await waits(owner, await factories.submit(kring, coordinator), days))])
    assert f'utrecht-status-badge--{badge}">Wacht {days} dagen' in await shown(app, coordinator)


async def test_a_theme_says_what_it_is_short_of(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 3)
    advice = Reason(Code.MORE_PEOPLE, {"more": 2})
    await store(kring, coordinator, [left(one, raised=False) for one in people], people, advice)
    page = await shown(app, coordinator)
    assert "Mantelzorg" in page
    assert "Mensen zonder groep: 3" in page
    assert "Als 2 mensen meer meedoen, kan er een groep komen." in page


async def test_when_nobody_waits_long_it_says_so_kindly(app: App, kring: Resources, coordinator: Staff) -> None:
    await store(kring, coordinator, [left(await factories.submit(kring, coordinator), raised=False)])
    assert "Niemand wacht lang" in await shown(app, coordinator)
    assert "Niemand wacht langer dan 60 dagen." in await shown(app, coordinator, "/")


async def test_before_the_first_run_the_page_is_there(app: App, coordinator: Staff) -> None:
    assert "Niemand wacht lang" in await shown(app, coordinator)


async def test_the_start_page_counts_who_waits(app: App, kring: Resources, coordinator: Staff, owner: Owner) -> None:
    people = await factories.some_people(kring, coordinator, 3)
    await waits(owner, people[0], 91)
    await store(kring, coordinator, [left(one) for one in people])
    page = await shown(app, coordinator, "/")
    assert "Langer dan 60 dagen: <strong>3</strong>. Langer dan 90 dagen: <strong>1</strong>." in page


async def test_only_the_last_run_counts(app: App, kring: Resources, coordinator: Staff) -> None:
    one = await factories.submit(kring, coordinator)
    await store(kring, coordinator, [left(one)])
    await store(kring, coordinator, [])
    assert one.reference not in await shown(app, coordinator)


# --- who sees it, and what it never tells ---------------------------------------------------------------------------


async def test_managers_and_caseworkers_may_not_see_the_page(app: App, manager: Staff, caseworker: Staff) -> None:
    for staff in (manager, caseworker):
        client = await app.signed_in(staff)
        assert (await client.get(PAGE)).status_code == 403
        assert PAGE not in (await client.get("/")).text


@pytest.mark.parametrize("choice", Answer)
async def test_whatever_somebody_answered_they_are_not_listed_again(
    app: App, kring: Resources, coordinator: Staff, owner: Owner, choice: Answer
) -> None:
    """Somebody back in the pool after an approved group could only be there because of the answer."""
    invited = await factories.approved(kring, coordinator, 6)
    other = await factories.submit(kring, coordinator)
    await factories.answer(kring, coordinator, invited.invitations[0], choice)
    await store(kring, coordinator, [left(invited.people[0], NEARER), left(other)])
    page = await shown(app, coordinator)
    assert invited.people[0].reference not in page
    assert other.reference in page
    assert "Wat zou helpen" not in await shown(app, coordinator, f"/hulpvragen/{invited.people[0].reference}")
    assert "Langer dan 60 dagen: <strong>1</strong>" in await shown(app, coordinator, "/")


async def test_who_withdrew_since_is_gone(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 3)
    await store(kring, coordinator, [left(one) for one in people], people, Reason(Code.MORE_PEOPLE, {"more": 2}))
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, people[0].resident, "link")
    page = await shown(app, coordinator)
    assert people[0].reference not in page
    assert "Mensen zonder groep: 2" in page


async def test_who_got_a_seat_since_is_gone(app: App, kring: Resources, coordinator: Staff) -> None:
    people = await factories.some_people(kring, coordinator, 5)
    await factories.draft(kring, coordinator, people=people, meeting=True)
    await store(kring, coordinator, [left(people[0])])
    assert people[0].reference not in await shown(app, coordinator)


async def test_another_municipality_sees_nobody(
    app: App, kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    one = await factories.submit(kring, coordinator)
    await store(kring, coordinator, [left(one)])
    assert one.reference not in await shown(app, other_coordinator)


async def test_the_application_cannot_change_who_is_a_neighbour(kring: Resources, coordinator: Staff) -> None:
    done = await refused(kring, coordinator.municipality, "update kring.municipality set neighbours = '{Duinrand}'")
    assert done == "denied"


# --- on the page of the need ----------------------------------------------------------------------------------------


async def test_a_caseworker_reads_what_would_help_on_the_page_of_the_need(
    app: App, kring: Resources, caseworker: Staff, coordinator: Staff
) -> None:
    one = await factories.submit(kring, caseworker)
    await store(kring, coordinator, [left(one, NEARER, Reason(Code.TALK_AGAIN), raised=False)])
    page = await shown(app, caseworker, f"/hulpvragen/{one.reference}")
    assert "uit Binnenstad en Havenkwartier." in page
    assert "Praat nog eens met deze inwoner." in page


async def test_a_reason_of_an_older_engine_is_left_out(
    app: App, kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, coordinator)
    await store(kring, coordinator, [left(one, NEARER)])
    gone = '[{"code": "a_code_that_is_gone", "params": {}}]'
    await owner.execute("update kring.ungrouped set alternatives = $1::text::jsonb || alternatives", gone)
    page = await shown(app, coordinator)
    assert "Met 12,5 km" in page
    assert "a_code_that_is_gone" not in page
