"""Who is in which draft: what a change does, what is refused, what is undone, and two people at one moment."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from models.need import AgeBand, Meeting
from service import consents, proposals, regrouping
from service.db import transaction
from service.domain import ProposalId, Staff
from service.errors import BoundsBroken, Conflict, NotFound, PersonLeft, ProposalDecided, SeatRefused, UndoImpossible
from service.queries import needs as need_rows
from service.queries import proposal_changes, residents
from service.queries import proposals as proposal_rows
from service.resources import Resources
from tests import factories
from tests.database import application, refused, together, waiting
from tests.factories import Submitted

Owner = asyncpg.Connection


async def _pooled(kring: Resources, staff: Staff) -> set[object]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {row.resident_id for row in await need_rows.pool(conn)}


async def two_drafts(
    kring: Resources, staff: Staff, *sizes: int, **changes: object
) -> tuple[factories.Seated, factories.Seated]:
    """Two drafts of one run; `changes` are fields of every need of the second."""
    first = await factories.some_people(kring, staff, sizes[0] if sizes else 6)
    second = await factories.some_people(kring, staff, sizes[1] if sizes else 6, **changes)
    run = await factories.store_plan(kring, staff, factories.plan_of(first, second))
    async with transaction(kring.pool, staff.municipality) as conn:
        records = await conn.fetch(
            """
            select m.need_id, m.proposal_id from kring.proposal_member m
            join kring.proposal p on p.id = m.proposal_id where p.run_id = $1
            """,
            run,
        )
    of_need = {record["need_id"]: record["proposal_id"] for record in records}
    return (
        factories.Seated(ProposalId(of_need[first[0].need]), first),
        factories.Seated(ProposalId(of_need[second[0].need]), second),
    )


async def drop(kring: Resources, staff: Staff, proposal: ProposalId, one: Submitted) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await regrouping.drop(conn, staff, proposal, one.resident)


async def restore(kring: Resources, staff: Staff, proposal: ProposalId, one: Submitted) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await regrouping.restore(conn, staff, proposal, one.resident)


async def move(kring: Resources, staff: Staff, source: ProposalId, one: Submitted, target: ProposalId) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await regrouping.move(conn, staff, source, one.resident, target)


async def merge(kring: Resources, staff: Staff, proposal: ProposalId, other: ProposalId) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await regrouping.merge(conn, staff, proposal, other)


async def undo(kring: Resources, staff: Staff, proposal: ProposalId) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        change = await proposal_changes.last_change(conn, proposal)
        assert change is not None
        await regrouping.undo(conn, staff, proposal, change.id)


async def everything(kring: Resources, staff: Staff) -> list[tuple[object, ...]]:
    """Every proposal and seat as a coordinator would tell them: state, names, who is in, who was taken out."""
    async with transaction(kring.pool, staff.municipality) as conn:
        told: list[tuple[object, ...]] = []
        for record in await conn.fetch(
            "select id, state, title, meeting_place, meeting_at, merged_into from kring.proposal order by id"
        ):
            seats = await proposal_rows.seats(conn, record["id"])
            inside = [seat.reference for seat in seats if seat.live]
            outside = [seat.reference for seat in seats if not seat.live and seat.dropped_at and seat.arrived]
            told.append((*record, inside, outside))
    return told


async def live(kring: Resources, staff: Staff, proposal: ProposalId) -> set[UUID]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return {seat.resident_id for seat in await proposal_rows.seats(conn, proposal) if seat.live}


# --- dropping and restoring -----------------------------------------------------------------------------------------


async def test_who_is_dropped_can_be_grouped_again(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    one = seated.people[0]
    for _ in range(2):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await regrouping.drop(conn, coordinator, seated.proposal, one.resident)
    assert await _pooled(kring, coordinator) == {one.resident}


async def test_a_dropped_member_comes_back(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    one = seated.people[0].resident
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, seated.proposal, one)
        await regrouping.restore(conn, coordinator, seated.proposal, one)
        seats = await proposal_rows.seats(conn, seated.proposal)
    assert [seat.live for seat in seats] == [True] * 5


async def test_a_dropped_member_who_must_not_meet_another_does_not_come_back(
    kring: Resources, coordinator: Staff
) -> None:
    seated = await factories.draft(kring, coordinator)
    one, other = seated.people[:2]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, seated.proposal, one.resident)
        await residents.insert_apart(conn, coordinator.municipality, other.resident, one.resident, coordinator.id)
    with pytest.raises(SeatRefused):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await regrouping.restore(conn, coordinator, seated.proposal, one.resident)


async def test_a_dropped_member_who_found_another_group_does_not_come_back(
    kring: Resources, coordinator: Staff
) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    one = seated.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await regrouping.drop(conn, coordinator, seated.proposal, one.resident)
    others = await factories.some_people(kring, coordinator, 4)
    await factories.draft(kring, coordinator, people=(one, *others))
    with pytest.raises(SeatRefused):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await regrouping.restore(conn, coordinator, seated.proposal, one.resident)


async def test_dropping_twice_is_one_change(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    for _ in range(2):
        await drop(kring, coordinator, seated.proposal, seated.people[0])
    assert await owner.fetchval("select count(*) from kring.proposal_change") == 1


# --- moving ---------------------------------------------------------------------------------------------------------


async def test_who_is_moved_sits_in_the_other_group_and_nowhere_else(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator)
    one = here.people[0]
    await move(kring, coordinator, here.proposal, one, there.proposal)
    assert one.resident not in await live(kring, coordinator, here.proposal)
    assert one.resident in await live(kring, coordinator, there.proposal)


async def test_a_draft_that_somebody_moved_into_is_not_replaced_by_a_run(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    here, there = await two_drafts(kring, coordinator)
    await move(kring, coordinator, here.proposal, here.people[0], there.proposal)
    await factories.draft(kring, coordinator)
    states = await owner.fetch("select state from kring.proposal where id = any($1)", [here.proposal, there.proposal])
    assert [record["state"] for record in states] == ["draft", "draft"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"languages": ("tr",)}, "taal"),
        ({"meeting": Meeting.ONLINE}, "online"),
        ({"dayparts": ("sun-evening",)}, None),  # one of seven: most can still come
    ],
)
async def test_a_move_that_breaks_a_bound_is_refused_in_words(
    kring: Resources, coordinator: Staff, changes: dict[str, object], word: str | None
) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 6, **changes)
    before = await everything(kring, coordinator)
    if word is None:
        await move(kring, coordinator, there.proposal, there.people[0], here.proposal)
        return
    with pytest.raises(BoundsBroken) as error:
        await move(kring, coordinator, there.proposal, there.people[0], here.proposal)
    assert word in error.value.message
    assert there.people[0].reference in error.value.message
    assert await everything(kring, coordinator) == before


async def test_a_minor_is_not_moved_among_adults(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 6, age_band=AgeBand.AGE_16_17)
    with pytest.raises(BoundsBroken, match="leeftijden"):
        await move(kring, coordinator, there.proposal, there.people[0], here.proposal)


async def test_two_who_must_not_meet_are_not_moved_together(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator)
    one, other = here.people[0], there.people[0]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await residents.insert_apart(conn, coordinator.municipality, one.resident, other.resident, coordinator.id)
    with pytest.raises(BoundsBroken, match="ontmoeten"):
        await move(kring, coordinator, here.proposal, one, there.proposal)


async def test_a_full_circle_takes_nobody_in(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 12)
    with pytest.raises(BoundsBroken, match="te groot: 13 mensen"):
        await move(kring, coordinator, here.proposal, here.people[0], there.proposal)


async def test_who_is_close_to_nobody_there_is_not_moved(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    """With vectors of an encoder that the web process does not have, and the level its run wrote down."""
    here, there = await two_drafts(kring, coordinator)
    for seated, vector in ((here, (1.0, 0.0)), (there, (0.0, 1.0))):
        await store_vectors(owner, seated.people, vector)
    await owner.execute("update kring.match_run set encoder = 'other:1', close_from = 0.5")
    with pytest.raises(BoundsBroken, match="te weinig anderen"):
        await move(kring, coordinator, here.proposal, here.people[0], there.proposal)


async def store_vectors(owner: Owner, people: tuple[Submitted, ...], vector: tuple[float, ...]) -> None:
    import numpy as np

    row = np.array(vector, dtype="<f4").tobytes()
    await owner.execute(
        "update kring.need set vector = $2, vector_model = 'other:1' where id = any($1)",
        [one.need for one in people], row,
    )  # fmt: skip


async def test_nobody_is_moved_to_the_group_they_are_in(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator)
    with pytest.raises(NotFound):
        await move(kring, coordinator, seated.proposal, seated.people[0], seated.proposal)


async def test_nobody_is_moved_into_a_group_of_another_municipality(
    kring: Resources, coordinator: Staff, other_coordinator: Staff
) -> None:
    here = await factories.draft(kring, coordinator, 6)
    abroad = await factories.draft(kring, other_coordinator)
    with pytest.raises(NotFound):
        await move(kring, coordinator, here.proposal, here.people[0], abroad.proposal)


async def test_a_group_may_become_too_small_and_then_cannot_be_approved(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 5, 6)
    await factories.plan_meeting(kring, coordinator, here.proposal)
    await move(kring, coordinator, here.proposal, here.people[0], there.proposal)
    assert len(await live(kring, coordinator, here.proposal)) == 4
    with pytest.raises(Conflict):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await proposals.approve(conn, coordinator, here.proposal, link_days=30)


async def test_a_decision_keeps_the_reasons_of_who_was_moved_in(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    here, there = await two_drafts(kring, coordinator)
    one = here.people[0]
    await move(kring, coordinator, here.proposal, one, there.proposal)
    await factories.plan_meeting(kring, coordinator, there.proposal)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.approve(conn, coordinator, there.proposal, link_days=30)
    reasons = await owner.fetchval(
        "select reasons::text from kring.proposal_member where live and resident_id = $1", one.resident
    )
    assert "can_come" in reasons


# --- merging --------------------------------------------------------------------------------------------------------


async def test_merging_brings_everybody_into_one_group(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 5)
    await merge(kring, coordinator, here.proposal, there.proposal)
    assert await live(kring, coordinator, here.proposal) == {one.resident for one in (*here.people, *there.people)}
    row = await owner.fetchrow("select state, merged_into from kring.proposal where id = $1", there.proposal)
    assert tuple(row or ()) == ("superseded", here.proposal)


async def test_merging_over_the_most_is_refused(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 7, 6)
    with pytest.raises(BoundsBroken, match="Er mogen er 12 in"):
        await merge(kring, coordinator, here.proposal, there.proposal)


async def test_a_superseded_draft_comes_back_only_when_a_merge_is_undone(kring: Resources, coordinator: Staff) -> None:
    old = await factories.draft(kring, coordinator)
    await factories.draft(kring, coordinator)
    statement = "update kring.proposal set state = 'draft' where id = $1"
    assert await refused(kring, coordinator.municipality, statement, old.proposal) == "proposal_decision_stands"


# --- undoing --------------------------------------------------------------------------------------------------------


async def test_each_change_is_undone_to_what_was_there(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 6)
    seen = [await everything(kring, coordinator)]
    one, other = here.people[:2]

    async def named() -> None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await proposals.rename(conn, here.proposal, "Samen koken", by=coordinator.id)

    async def planned() -> None:
        async with transaction(kring.pool, coordinator.municipality) as conn:
            at = datetime.now(UTC) + timedelta(days=20)
            await proposals.plan_meeting(conn, here.proposal, "Buurthuis", at, by=coordinator.id)

    steps = [
        named(),
        planned(),
        drop(kring, coordinator, here.proposal, one),
        restore(kring, coordinator, here.proposal, one),
        move(kring, coordinator, here.proposal, other, there.proposal),
        move(kring, coordinator, there.proposal, other, here.proposal),
        drop(kring, coordinator, here.proposal, one),
        merge(kring, coordinator, here.proposal, there.proposal),
    ]
    for step in steps:
        await step
        seen.append(await everything(kring, coordinator))
    while len(seen) > 1:
        assert await everything(kring, coordinator) == seen.pop()
        await undo(kring, coordinator, here.proposal)
    assert await everything(kring, coordinator) == seen[0]


@pytest.mark.parametrize("seed", range(6))
async def test_undoing_a_random_walk_ends_where_it_began(kring: Resources, coordinator: Staff, seed: int) -> None:
    """Any changes in three groups, undone one by one from whichever page, in the order of the last one first."""
    chance = random.Random(seed)
    groups = [await factories.some_people(kring, coordinator, 5) for _ in range(3)]
    run = await factories.store_plan(kring, coordinator, factories.plan_of(*groups))
    drafts = await factories.drafts_of_run(kring, coordinator, run)
    people = [one for group in groups for one in group]
    began = await everything(kring, coordinator)
    done: list[tuple[ProposalId, ...]] = []
    for _ in range(14):
        here, there = chance.sample(drafts, 2)
        one = chance.choice(people)
        step, touched = chance.choice(
            [
                (partial(drop, kring, coordinator, here, one), (here,)),
                (partial(restore, kring, coordinator, here, one), (here,)),
                (partial(move, kring, coordinator, here, one, there), (here, there)),
                (partial(merge, kring, coordinator, here, there), (here,)),
            ]
        )
        before = await everything(kring, coordinator)
        try:
            await step()
        except (Conflict, NotFound):
            assert await everything(kring, coordinator) == before
        else:
            if await everything(kring, coordinator) != before:
                done.append(touched)
    assert done, "this walk went nowhere"
    for touched in reversed(done):
        await undo(kring, coordinator, chance.choice(touched))
    assert await everything(kring, coordinator) == began


async def test_only_the_last_change_is_undone(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, 7)
    await drop(kring, coordinator, seated.proposal, seated.people[0])
    async with transaction(kring.pool, coordinator.municipality) as conn:
        first = await proposal_changes.last_change(conn, seated.proposal)
    await drop(kring, coordinator, seated.proposal, seated.people[1])
    assert first is not None
    with pytest.raises(Conflict):
        async with transaction(kring.pool, coordinator.municipality) as conn:
            await regrouping.undo(conn, coordinator, seated.proposal, first.id)


@pytest.mark.parametrize("kind", ["drop", "move", "merge"])
async def test_what_was_done_with_somebody_who_left_is_not_undone(
    kring: Resources, coordinator: Staff, owner: Owner, kind: str
) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 6)
    gone = there.people[0]
    if kind == "drop":
        await drop(kring, coordinator, there.proposal, gone)
    elif kind == "move":
        await move(kring, coordinator, there.proposal, gone, here.proposal)
    else:
        await merge(kring, coordinator, here.proposal, there.proposal)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, gone.resident, "link")
    before = await everything(kring, coordinator)
    with pytest.raises(PersonLeft):
        await undo(kring, coordinator, there.proposal if kind == "drop" else here.proposal)
    assert await everything(kring, coordinator) == before
    left = await owner.fetchval(
        "select count(*) from kring.proposal_change where $1 = any(residents) or $1 = any(arrived)", gone.resident
    )
    assert left == 0, "an id of somebody who withdrew is still there"


async def test_an_erased_resident_is_in_no_change(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    await drop(kring, coordinator, seated.proposal, seated.people[0])
    await owner.execute("delete from kring.resident where id = $1", seated.people[0].resident)
    assert await owner.fetchval("select residents from kring.proposal_change") == []


async def test_a_move_is_not_undone_once_the_other_group_is_decided(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator)
    await move(kring, coordinator, here.proposal, here.people[0], there.proposal)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, there.proposal, "Te ver.")
    with pytest.raises(UndoImpossible):
        await undo(kring, coordinator, here.proposal)


async def test_a_move_is_not_undone_when_the_person_has_moved_on(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator)
    await move(kring, coordinator, here.proposal, here.people[0], there.proposal)
    await drop(kring, coordinator, there.proposal, here.people[0])
    with pytest.raises(UndoImpossible):
        await undo(kring, coordinator, here.proposal)


async def test_a_decided_proposal_is_not_undone(kring: Resources, coordinator: Staff) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    await drop(kring, coordinator, seated.proposal, seated.people[0])
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.reject(conn, coordinator, seated.proposal, "Te ver.")
    with pytest.raises(ProposalDecided):
        await undo(kring, coordinator, seated.proposal)


@pytest.mark.parametrize(
    "change",
    ["residents = array[gen_random_uuid()]", "undone_at = null", "made_at = now()", "kind = 'drop'", "title = 'x'"],
)
async def test_what_was_done_stays_written(kring: Resources, coordinator: Staff, change: str) -> None:
    seated = await factories.draft(kring, coordinator, 6)
    await drop(kring, coordinator, seated.proposal, seated.people[0])
    await undo(kring, coordinator, seated.proposal)
    statement = f"update kring.proposal_change set {change}"
    assert await refused(kring, coordinator.municipality, statement) in {"proposal_change_stands", "denied"}


# --- at one moment --------------------------------------------------------------------------------------------------


async def test_of_two_who_move_somebody_to_two_groups_one_wins(kring: Resources, coordinator: Staff) -> None:
    groups = [await factories.some_people(kring, coordinator, 6) for _ in range(3)]
    run = await factories.store_plan(kring, coordinator, factories.plan_of(*groups))
    drafts = await factories.drafts_of_run(kring, coordinator, run)
    (source,) = [one for one in drafts if groups[0][0].resident in await live(kring, coordinator, one)]
    targets = [one for one in drafts if one != source]
    outcomes = await together(*(move(kring, coordinator, source, groups[0][0], target) for target in targets))
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
    assert sum([len(await live(kring, coordinator, one)) for one in drafts]) == 18


async def test_two_who_move_people_across_each_other_never_wait_for_ever(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 8, 8)
    outcomes = await together(
        *(move(kring, coordinator, here.proposal, one, there.proposal) for one in here.people[:3]),
        *(move(kring, coordinator, there.proposal, one, here.proposal) for one in there.people[:3]),
    )
    assert outcomes == [None] * 6


async def test_no_place_is_given_twice_when_two_fill_the_last_one(kring: Resources, coordinator: Staff) -> None:
    here, there = await two_drafts(kring, coordinator, 6, 11)
    outcomes = await together(
        *(move(kring, coordinator, here.proposal, one, there.proposal) for one in here.people[:2])
    )
    assert sum(isinstance(outcome, BoundsBroken) for outcome in outcomes) == 1
    assert len(await live(kring, coordinator, there.proposal)) == 12


async def test_who_withdraws_while_being_moved_is_in_no_group(
    kring: Resources, coordinator: Staff, owner: Owner
) -> None:
    here, there = await two_drafts(kring, coordinator)
    one = here.people[0]
    async with application(kring, coordinator.municipality) as conn:
        await consents.withdraw_everything(conn, coordinator.municipality, one.resident, "link")
        moving = await waiting(owner, move(kring, coordinator, here.proposal, one, there.proposal))
    with pytest.raises(Conflict):
        await moving
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 11


async def test_an_undo_and_a_change_at_once_lose_nothing(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    seated = await factories.draft(kring, coordinator, 8)
    await drop(kring, coordinator, seated.proposal, seated.people[0])
    outcomes = await together(
        undo(kring, coordinator, seated.proposal), drop(kring, coordinator, seated.proposal, seated.people[1])
    )
    undone = outcomes[0] is None
    assert undone or isinstance(outcomes[0], Conflict)
    assert len(await live(kring, coordinator, seated.proposal)) == (7 if undone else 6)
