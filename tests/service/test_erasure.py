"""Erasing: nothing of somebody is found anywhere but where the decision says so, whoever does what at that moment."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis

from models.plan import Plan
from service import erasure, matching, proposals, regrouping
from service.audit import OPERATOR, WORKER, Actor
from service.db import transaction
from service.domain import Answer, Purpose, ResidentId, Staff
from service.embedded import EmbeddedServers
from service.errors import LinkUnknown, MembersChanged, NotFound, PersonInUse
from service.queries import erasure as rows
from service.queries import invitations, needs, outbox, run_blocks
from service.queries import platforms as platform_rows
from service.resources import Resources
from tests import factories
from tests.database import together, waiting
from tests.factories import Submitted
from tests.service.filled import fill

Owner = asyncpg.Connection

# The trail keeps the pseudonym and the ids of what was done (it is chained, and so never rewritten); the tombstone
# keeps the pseudonym with the proof of consent. docs/decisions/0021
KEPT = {("kring.audit", "resident_id"), ("kring.audit", "object_id"), ("kring.audit", "actor_id")}
TOMBSTONE = ("kring.erasure", "resident_id")

ALL_COLUMNS = """
    select c.oid::regclass::text as name from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
      and c.relnamespace::regnamespace::text not like 'pg_toast%' order by 1
"""


def needles(texts: list[str]) -> list[str]:
    """As they stand, and as the bytes of a column would show them; an id also as its sixteen bytes."""
    found = {form for text in texts for form in (text, text.encode().hex(), text.replace("-", "").lower())}
    return sorted(found)


async def where_found(owner: Owner, texts: list[str]) -> set[tuple[str, str]]:
    """Every table and column of the database, whatever its type, in which one of `texts` occurs."""
    wanted = needles(texts)
    return {
        (table["name"], column["key"])
        for table in await owner.fetch(ALL_COLUMNS)
        for column in await owner.fetch(
            f"""
            select distinct key from {table["name"]} t, jsonb_each_text(to_jsonb(t)) c (key, value)
            where exists (select from unnest($1::text[]) needle where strpos(c.value, needle) > 0)
            """,
            wanted,
        )
    }


async def erase(kring: Resources, staff: Staff, resident: ResidentId, actor: Actor = OPERATOR) -> rows.Holdings:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await erasure.erase(conn, staff.municipality, resident, actor)


def of(*people: Submitted) -> list[str]:
    return [text for one in people for text in (str(one.resident), str(one.need), one.reference)]


async def everybody(owner: Owner, staff: Staff) -> list[Submitted]:
    return [
        Submitted(row["reference"], row["id"], row["resident_id"])
        for row in await owner.fetch(
            "select reference, id, resident_id from kring.need where municipality_id = $1", staff.municipality
        )
    ]


WHAT_HANGS_ON_A_NEED = """
    insert into kring.correction_request (municipality_id, need_id, field, wanted)
    select municipality_id, id, 'text', 'Andere woorden.' from kring.need on conflict do nothing;
    insert into kring.overruled_hit (municipality_id, need_id, label, reason, overruled_by)
    select municipality_id, id, 'NAME', 'illness', submitted_by from kring.need;
"""


# --- nothing is left ------------------------------------------------------------------------------------------------


async def test_nothing_of_anybody_is_found_in_any_column_of_any_table(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    await fill(kring, coordinator)
    people = await everybody(owner, coordinator)
    await owner.execute(WHAT_HANGS_ON_A_NEED)
    words = [row["text"] for row in await owner.fetch("select distinct text from kring.need where text is not null")]
    hanging = {
        row["name"]
        for row in await owner.fetch(
            """
            select distinct conrelid::regclass::text as name from pg_constraint
            where contype = 'f' and confrelid in ('kring.resident'::regclass, 'kring.need'::regclass)
            """
        )
    }
    texts = [*of(*people), *words]
    before = {table for table, _ in await where_found(owner, texts)}
    for one in people:
        await erase(kring, coordinator, one.resident)
    after = await where_found(owner, texts)
    assert hanging - before == set()  # each of them held somebody, or this would show nothing
    assert after - KEPT == {TOMBSTONE}


async def test_nothing_is_left_in_what_coordinators_changed(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 7, meeting=True)
    one = seated.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, seated.proposal, one.resident)
    before = await where_found(owner, of(one))
    await erase(kring, coordinator, one.resident)
    after = await where_found(owner, of(one))
    assert ("kring.proposal_change", "residents") in before
    assert after - KEPT == {TOMBSTONE}


async def test_nothing_is_left_in_the_parts_of_a_run(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    one, other = await factories.some_people(kring, coordinator, 2)
    run = await factories.claimed_run(kring, coordinator)
    part = {"blocks": [str(one.need), str(other.need)]}
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await run_blocks.put(conn, coordinator.municipality, run.id, run.attempt, [part])
        await run_blocks.finish(conn, run.id, 0, run.attempt, {"groups": [str(one.need)], "failed": []})
    before = await where_found(owner, of(one))
    await erase(kring, coordinator, one.resident)
    left = await where_found(owner, of(one)), await where_found(owner, [str(other.need)])
    assert {("kring.run_block", "task"), ("kring.run_block", "result")} <= before
    assert left[0] - KEPT == {TOMBSTONE}
    assert ("kring.run_block", "task") in left[1]


async def test_a_worker_that_was_at_a_part_leaves_no_trace_once_the_run_ends(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 6)
    run = await factories.claimed_run(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await run_blocks.put(conn, coordinator.municipality, run.id, run.attempt, [{"blocks": []}])
    await erase(kring, coordinator, people[0].resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await run_blocks.finish(conn, run.id, 0, run.attempt, {"groups": [str(people[0].need)], "failed": []})
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await matching.store(conn, coordinator.municipality, run, factories.plan_of(people[:5], people[5:]), pooled=6)
    assert await where_found(owner, of(people[0])) - KEPT == {TOMBSTONE}


async def test_redis_holds_nothing_of_who_was_erased(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    await kring.queue.wake("deliver", coordinator.municipality)
    await erase(kring, coordinator, invited.people[0].resident)
    with redis.Redis.from_url(kring.settings.redis_url.get_secret_value()) as client:
        held = [key.decode(errors="replace") + repr(client.dump(key)) for key in client.scan_iter()]
    assert held
    assert [text for text in needles(of(*invited.people)) if any(text in one for one in held)] == []


async def test_the_words_are_in_no_file_of_a_table_once_it_is_rewritten(
    kring: Resources, coordinator: Staff, owner: Owner, shared_servers: EmbeddedServers
) -> None:
    """What docs/how-to-erase.md promises of `vacuum full`; the log of changes and backups are another matter."""
    words = "Zoekt iemand om mee te praten over de onverwachte verhuizing na een overstroming."
    one = await factories.submit(kring, coordinator, text=words)
    before = await _files_with(owner, shared_servers.folder, words)
    await erase(kring, coordinator, one.resident)
    await owner.execute("vacuum full kring.need")
    assert before
    assert await _files_with(owner, shared_servers.folder, words) == []


async def _files_with(owner: Owner, folder: Path, words: str) -> list[str]:
    """Files of this database that hold the words, after all that is in memory was written to them."""
    await owner.execute("checkpoint")
    oid = await owner.fetchval("select oid from pg_database where datname = current_database()")
    return await asyncio.to_thread(_read_files, folder, oid, words.encode())


def _read_files(folder: Path, database: int, words: bytes) -> list[str]:
    (place,) = folder.rglob(f"base/{database}")
    return [path.name for path in place.iterdir() if path.is_file() and words in path.read_bytes()]


# --- what stays -----------------------------------------------------------------------------------------------------


COUNTS = """
    select
        (select count(*) from kring.invitation) as asked,
        (select count(*) from kring.pulse_request) as pulsed,
        (select count(*) from kring.pulse_answer) as answers,
        (select count(*) from kring.ungrouped) as ungrouped,
        (select jsonb_agg(jsonb_build_array(code) order by code) from kring.ungrouped) as codes,
        (select sum(size) from kring.theme_in_run) as sizes,
        (select jsonb_agg(jsonb_build_array(needs, grouped) order by created_at) from kring.match_run) as runs,
        (select jsonb_agg(params order by number) from kring.platform_event where kind <> 'left') as history,
        (select jsonb_agg(tables) from kring.release) as releases
"""


async def test_counts_stay(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await fill(kring, coordinator)
    before = dict(await owner.fetchrow(COUNTS) or {})
    for one in await everybody(owner, coordinator):
        await erase(kring, coordinator, one.resident)
    assert before["asked"]
    assert before["pulsed"]
    assert before["ungrouped"]
    assert dict(await owner.fetchrow(COUNTS) or {}) == before


async def test_nobody_else_loses_anything(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited = await factories.platform(kring, coordinator)
    one, other = invited.people[:2]
    before = await where_found(owner, of(other))
    await erase(kring, coordinator, one.resident)
    assert await where_found(owner, of(other)) == before


async def test_somebody_of_another_municipality_is_unknown(
    kring: Resources, coordinator: Staff, other_coordinator: Staff, owner: Owner
) -> None:
    theirs = await factories.submit(kring, other_coordinator)
    with pytest.raises(NotFound):
        await erase(kring, coordinator, theirs.resident)
    assert await owner.fetchval("select count(*) from kring.resident") == 1


async def test_the_function_itself_stays_in_its_municipality(
    kring: Resources, coordinator: Staff, other_coordinator: Staff, owner: Owner
) -> None:
    """It runs as the owner, past row-level security."""
    theirs = await factories.submit(kring, other_coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        assert not await rows.erase(conn, theirs.resident, cause="operator", proof=[])
    assert await owner.fetchval("select count(*) from kring.resident") == 1


async def test_somebody_unknown_is_not_found(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    with pytest.raises(NotFound):
        await erase(kring, coordinator, ResidentId(uuid.uuid4()))
    assert await owner.fetchval("select count(*) from kring.erasure") == 0


@pytest.mark.parametrize(
    ("actor", "cause"),
    [
        (OPERATOR, "operator"),
        (WORKER, "retention"),
        (Actor.of_resident(ResidentId(uuid.uuid4())), "resident"),
        (Actor("staff", uuid.uuid4(), "page"), "staff"),
    ],
)
async def test_the_proof_says_what_was_consented_to_until_when_and_why_it_ended(
    kring: Resources, coordinator: Staff, actor: Actor, cause: str
) -> None:
    one = await factories.submit(kring, coordinator)
    await erase(kring, coordinator, one.resident, actor)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        kept = await rows.erasure(conn, one.resident)
    assert kept is not None
    assert kept.cause == cause
    assert {proof["purpose"] for proof in kept.consents} == set(Purpose)
    assert {(proof["given_on"], proof["ended_on"]) for proof in kept.consents} == {
        (kept.erased_on.isoformat(), kept.erased_on.isoformat())
    }


async def test_the_trail_says_who_erased(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    one = await factories.submit(kring, coordinator)
    await erase(kring, coordinator, one.resident, Actor.of_resident(one.resident))
    entry = await owner.fetchrow(
        "select actor_kind, origin, object_id, result from kring.audit where action = 'resident.erased'"
    )
    assert entry is not None
    assert tuple(entry) == ("resident", "link", str(one.resident), "done")


# --- groups, platforms and messages go on -----------------------------------------------------------------------------


async def test_a_platform_goes_on_and_tells_that_somebody_left(kring: Resources, coordinator: Staff) -> None:
    platform, invited = await factories.platform(kring, coordinator)
    await erase(kring, coordinator, invited.people[0].resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        found = await platform_rows.platform(conn, platform)
        events = [(event.kind, event.params) for event in await platform_rows.events(conn, platform)]
        members = await platform_rows.members(conn, platform)
    assert found is not None
    assert (found.state, found.members, len(members)) == ("forming", 4, 4)
    assert events[0] == ("left", {})
    assert ("started", {"members": 5}) in events


async def test_the_tally_of_a_proposal_still_counts_who_was_asked(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator)
    await factories.answer(kring, coordinator, invited.invitations[0], Answer.NEVER)
    await factories.answer(kring, coordinator, invited.invitations[1])
    for one in invited.people[:2]:
        await erase(kring, coordinator, one.resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        tally = await invitations.tally(conn, invited.proposal)
    assert (tally.asked, tally.accepted) == (5, 0)


async def test_a_draft_loses_its_seat_and_a_later_run_may_replace_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    await erase(kring, coordinator, seated.people[0].resident)
    await factories.store_plan(kring, coordinator, factories.plan_of(seated.people[1:]))
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 5


async def test_an_approval_after_an_erasure_looks_again(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, 5, meeting=True)
    await erase(kring, coordinator, seated.people[0].resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        left = [seat.resident_id for seat in await proposals.proposals.seats(conn, seated.proposal)]
    assert set(left) == {one.resident for one in seated.people[1:]}


# --- whoever does what at that moment ---------------------------------------------------------------------------------


async def test_erasing_twice_at_once_erases_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited = await factories.platform(kring, coordinator)
    one = invited.people[0]
    outcomes = await together(*[erase(kring, coordinator, one.resident) for _ in range(4)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Holdings", "NotFound", "NotFound", "NotFound"]
    assert await where_found(owner, of(one)) - KEPT == {TOMBSTONE}


async def test_everybody_in_a_group_can_be_erased_at_once(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    _, invited = await factories.platform(kring, coordinator)
    outcomes = await together(*[erase(kring, coordinator, one.resident) for one in invited.people])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Holdings"] * 5
    assert await where_found(owner, of(*invited.people)) - KEPT == {TOMBSTONE}


async def test_an_erasure_waits_for_a_run_that_stores_and_then_undoes_it(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    people = await factories.some_people(kring, coordinator, 6)
    run = await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await matching.store(conn, here, run, factories.plan_of(people), pooled=6)
        erasing = await waiting(owner, erase(kring, coordinator, people[0].resident))
    await erasing
    assert await where_found(owner, of(people[0])) - KEPT == {TOMBSTONE}
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 5


@pytest.mark.parametrize("grouped", [True, False])
async def test_a_run_that_stores_during_an_erasure_does_not_meet_the_erased(
    kring: Resources, coordinator: Staff, owner: Owner, grouped: bool
) -> None:
    """Also when the engine found no group for this person: a row about somebody who is gone would break the run."""
    people = await factories.some_people(kring, coordinator, 6)
    run = await factories.claimed_run(kring, coordinator)
    here = coordinator.municipality
    group = people[:5] if grouped else people[1:]
    plan = factories.plan_of(group)
    left = [one for one in people if one not in group]
    plan = Plan(plan.groups, plan.themes, tuple(_ungrouped(one) for one in left), plan.model_id, plan.seed)

    async def store() -> int:
        async with transaction(kring.pool, here) as conn:
            return await matching.store(conn, here, run, plan, pooled=6)

    async with transaction(kring.pool, here) as conn:
        await erasure.erase(conn, here, people[0].resident, OPERATOR)
        storing = await waiting(owner, store())
    assert await storing == (0 if grouped else 1)
    assert await where_found(owner, of(people[0])) - KEPT == {TOMBSTONE}


def _ungrouped(one: Submitted) -> Any:
    from models.plan import Code, Reason, Ungrouped

    return Ungrouped(str(one.need), Reason(Code.NO_SIMILAR_NEED))


async def test_vectors_that_are_stored_late_find_nobody(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    import numpy as np

    from models.encoder import Vector

    one = await factories.submit(kring, coordinator)
    await erase(kring, coordinator, one.resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await matching.keep_vectors(conn, {str(one.need): Vector("handmade", np.ones(4, dtype=np.float32))})
    assert await where_found(owner, of(one)) - KEPT == {TOMBSTONE}


async def test_an_approval_during_an_erasure_invites_nobody(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    here = coordinator.municipality

    async def approve() -> int:
        async with transaction(kring.pool, here) as conn:
            return await proposals.approve(conn, coordinator, seated.proposal, link_days=30)

    async with transaction(kring.pool, here) as conn:
        await erasure.erase(conn, here, seated.people[0].resident, OPERATOR)
        approving = await waiting(owner, approve())
    with pytest.raises(MembersChanged):
        await approving
    assert await where_found(owner, of(seated.people[0])) - KEPT == {TOMBSTONE}


async def test_an_erasure_during_an_approval_undoes_its_invitation(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    seated = await factories.draft(kring, coordinator, 6, meeting=True)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await proposals.approve(conn, coordinator, seated.proposal, link_days=30)
        erasing = await waiting(owner, erase(kring, coordinator, seated.people[0].resident))
    await erasing
    assert await where_found(owner, of(seated.people[0])) - KEPT == {TOMBSTONE}


@pytest.mark.parametrize("choice", list(Answer))
async def test_an_answer_during_an_erasure_finds_the_link_gone(
    kring: Resources, coordinator: Staff, owner: Owner, choice: Answer
) -> None:
    invited = await factories.approved(kring, coordinator)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await erasure.erase(conn, here, invited.people[0].resident, OPERATOR)
        answering = await waiting(owner, factories.answer(kring, coordinator, invited.invitations[0], choice))
    with pytest.raises(LinkUnknown):
        await answering


async def test_a_yes_that_starts_a_platform_and_an_erasure_do_not_block_each_other(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    """The last yes holds one person's consents and then looks at all five; an erasure holds one of those five."""
    for _ in range(5):
        invited = await factories.one_yes_short(kring, coordinator)
        outcomes = await together(
            factories.answer(kring, coordinator, invited.invitations[4]),
            *[erase(kring, coordinator, one.resident) for one in invited.people[:3]],
        )
        assert [outcome for outcome in outcomes if isinstance(outcome, asyncpg.PostgresError | PersonInUse)] == []
        assert await where_found(owner, of(*invited.people[:3])) - KEPT == {TOMBSTONE}


async def test_somebody_who_is_held_on_to_is_not_erased_half(
    kring: Resources, coordinator: Staff, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await factories.submit(kring, coordinator)
    monkeypatch.setattr(erasure, "TRIES", 3)
    async with owner.transaction():
        await owner.execute("select from kring.resident where id = $1 for share", one.resident)
        with pytest.raises(PersonInUse):
            await erase(kring, coordinator, one.resident)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        held = await needs.need_by_reference(conn, one.reference)
    assert held is not None
    assert held.state == "open"


async def test_an_erasure_waits_for_who_holds_a_person_for_a_moment(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    one = await factories.submit(kring, coordinator)
    async with owner.transaction():
        await owner.execute("select from kring.resident where id = $1 for share", one.resident)
        erasing = asyncio.create_task(erase(kring, coordinator, one.resident))
        await asyncio.sleep(3 * erasure.PAUSE_SECONDS)
        assert not erasing.done()
    assert (await erasing).references == (one.reference,)


async def test_a_message_under_way_when_its_reader_is_erased_breaks_nothing(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    """Sent between two transactions, as the worker does: what is written down afterwards finds no row."""
    invited = await factories.approved(kring, coordinator)
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        owed = await outbox.next_owed(conn)
        assert owed is not None
        row = await outbox.claim(conn, owed.id, 60)
    assert row is not None
    await erase(kring, coordinator, row.resident_id)
    async with transaction(kring.pool, here) as conn:
        await invitations.mark_sent(conn, invited.invitations[0])
        await outbox.sent(conn, row.id)
    assert await owner.fetchval("select count(*) from kring.outbox where resident_id = $1", row.resident_id) == 0
