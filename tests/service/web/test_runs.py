"""The pages of runs: asking for one and following it."""

import uuid
from typing import TypeAlias

import asyncpg
import pytest

from models.plan import Code, Plan, Reason, Ungrouped
from service.db import transaction
from service.domain import Staff
from service.queries import runs
from service.resources import Resources
from tests.app import App
from tests.factories import claimed_run, draft, store_plan, submit

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def test_asking_makes_a_run_and_wakes_a_worker(app: App, coordinator: Staff, owner: Owner) -> None:
    client = await app.signed_in(coordinator)
    sent = await app.submit(client, "/zoektochten", {})
    run = await owner.fetchval("select id from kring.match_run")
    assert sent.headers["location"] == f"/zoektochten/{run}"
    assert "Kring begint zo met zoeken." in (await client.get(sent.headers["location"])).text


async def test_asking_twice_leads_to_one_run(app: App, coordinator: Staff, owner: Owner) -> None:
    client = await app.signed_in(coordinator)
    first = await app.submit(client, "/zoektochten", {})
    second = await app.submit(client, "/", {}, to="/zoektochten")
    assert first.headers["location"] == second.headers["location"]
    assert await owner.fetchval("select count(*) from kring.match_run") == 1


async def test_a_run_under_way_refreshes_itself_without_a_script(
    app: App, kring: Resources, coordinator: Staff
) -> None:
    run = await claimed_run(kring, coordinator)
    shown = (await (await app.signed_in(coordinator)).get(f"/zoektochten/{run.id}")).text
    assert 'http-equiv="refresh"' in shown
    assert "<progress" in shown


async def test_progress_is_shown_in_steps(app: App, kring: Resources, coordinator: Staff) -> None:
    run = await claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await runs.beat(conn, run.id, run.attempt, phase="encoding", done=3, total=7)
    shown = (await (await app.signed_in(coordinator)).get(f"/zoektochten/{run.id}")).text
    assert "Kring vergelijkt de hulpvragen" in shown
    assert 'max="7" value="3"' in shown


async def test_a_run_that_is_done_shows_what_it_found_and_stands_still(
    app: App, kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    await draft(kring, coordinator)
    run = await owner.fetchval("select id from kring.match_run")
    shown = (await (await app.signed_in(coordinator)).get(f"/zoektochten/{run}")).text
    assert "Er is 1 voorstel gemaakt." in shown
    assert "mantelzorg" in shown
    assert 'http-equiv="refresh"' not in shown


async def test_who_has_no_group_is_counted_by_reason(app: App, kring: Resources, coordinator: Staff) -> None:
    people = [await submit(kring, coordinator) for _ in range(3)]
    left = tuple(Ungrouped(str(one.need), Reason(Code.TOO_FAR)) for one in people)
    run = await store_plan(kring, coordinator, Plan((), (), left, "handmade", 1))
    shown = (await (await app.signed_in(coordinator)).get(f"/zoektochten/{run}")).text
    assert "Anderen wonen te ver weg" in shown
    assert 'numeric-column">3</td>' in shown


@pytest.mark.parametrize("code", ["encoder_not_found", "never_heard_of"])
async def test_a_failed_run_says_so_in_words(app: App, kring: Resources, coordinator: Staff, code: str) -> None:
    run = await claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await runs.fail_run(conn, run.id, run.attempt, code, {})
    shown = (await (await app.signed_in(coordinator)).get(f"/zoektochten/{run.id}")).text
    assert "Het zoeken is niet gelukt" in shown
    assert code not in shown


async def test_the_list_says_what_to_do_when_nothing_was_searched(app: App, coordinator: Staff) -> None:
    shown = (await (await app.signed_in(coordinator)).get("/zoektochten")).text
    assert "Zoek groepen" in shown
    assert "nog nooit gezocht" in shown


async def test_while_a_run_is_under_way_the_list_leads_to_it(app: App, kring: Resources, coordinator: Staff) -> None:
    run = await claimed_run(kring, coordinator)
    shown = (await (await app.signed_in(coordinator)).get("/zoektochten")).text
    assert f"/zoektochten/{run.id}" in shown
    assert "Zoek groepen</span>" not in shown


async def test_a_run_needs_the_forms_own_token(app: App, coordinator: Staff, owner: Owner) -> None:
    assert (await (await app.signed_in(coordinator)).post("/zoektochten")).status_code == 403
    assert await owner.fetchval("select count(*) from kring.match_run") == 0


async def test_a_caseworker_starts_no_run(app: App, caseworker: Staff, owner: Owner) -> None:
    client = await app.signed_in(caseworker)
    assert (await client.get("/zoektochten")).status_code == 403
    assert (await app.submit(client, "/", {}, to="/zoektochten")).status_code == 403
    assert await owner.fetchval("select count(*) from kring.match_run") == 0


async def test_a_manager_sees_no_run(app: App, manager: Staff) -> None:
    assert (await (await app.signed_in(manager)).get("/zoektochten")).status_code == 403


async def test_another_municipalitys_run_does_not_exist(
    app: App, kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    run = await claimed_run(kring, other_coordinator)
    client = await app.signed_in(coordinator)
    assert (await client.get(f"/zoektochten/{run.id}")).status_code == 404
    assert str(run.id) not in (await client.get("/zoektochten")).text


@pytest.mark.parametrize("run", ["nonsense", str(uuid.UUID(int=0))])
async def test_an_unknown_run_is_not_found(app: App, coordinator: Staff, run: str) -> None:
    assert (await (await app.signed_in(coordinator)).get(f"/zoektochten/{run}")).status_code == 404


async def test_a_run_that_went_wrong_in_part_says_so_in_words(app: App, kring: Resources, coordinator: Staff) -> None:
    run = await claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await runs.finish_run(conn, run.id, run.attempt, encoder="handmade", close_from=0.2, needs=9, grouped=5)
        await runs.note_failures(conn, run.id, "vector_not_finite", {"blocks": 1})
    client = await app.signed_in(coordinator)
    text = (await client.get(f"/zoektochten/{run.id}")).text
    assert "Voor een deel van de mensen is het zoeken niet gelukt." in text
    assert "Kring is klaar." in text
