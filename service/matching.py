"""Runs of the matching: asked for, read for the engine, and stored as drafts for a person to decide on.

The run's row is the truth (docs/decisions/0001): a worker takes it under a lease, computes without a transaction, and
stores in one. The engine itself is `models.match`; what happens between is `workers.matching`.
"""

import secrets
from collections import defaultdict
from uuid import UUID

import asyncpg

from models.encoder import Vector
from models.need import Need
from models.plan import Code, Group, Plan, Reason, Ungrouped
from service import wording
from service.db import Connection, refusal
from service.domain import BOUNDS, TITLE_MOST, MunicipalityId, NeedId, Purpose, RunId, Staff
from service.errors import LeaseLost, RunInProgress
from service.queries import needs, proposals, residents, runs


async def request_run(conn: Connection, staff: Staff) -> RunId:
    """Ask for a run on demand. One at a time for a municipality; raises RunInProgress."""
    run = await runs.insert_run(conn, staff.municipality, cause="demand", by=staff.id, seed=secrets.randbelow(2**31))
    if run is None:
        raise RunInProgress
    return run


async def nightly_run(conn: Connection, municipality: MunicipalityId) -> RunId | None:
    """None when a run is under way already: it sees the same needs."""
    return await runs.insert_run(conn, municipality, cause="nightly", by=None, seed=secrets.randbelow(2**31))


async def pool(conn: Connection) -> tuple[list[Need], dict[str, Vector]]:
    """The open, consented needs as the engine takes them, and the vectors that were made of them before.

    `apart` pairs of residents become pairs of needs, and so does a resident with two needs: one person, one group.
    A group that a coordinator rejected is not turned into pairs: its people may well meet in another one.
    """
    rows = await needs.pool(conn)
    of_resident: dict[UUID, list[str]] = defaultdict(list)
    for row in rows:
        of_resident[row.resident_id].append(str(row.id))
    apart: dict[str, set[str]] = defaultdict(set)
    for one, other in await residents.apart_pairs(conn):
        for need in of_resident[one]:
            apart[need].update(of_resident[other])
        for need in of_resident[other]:
            apart[need].update(of_resident[one])
    for own in of_resident.values():
        for need in own:
            apart[need].update(set(own) - {need})
    stored = await needs.vectors(conn, [row.id for row in rows])
    return [
        Need(
            id=str(row.id),
            text=row.text,
            perspective=row.perspective,
            age_band=row.age_band,
            lat=row.lat,
            lon=row.lon,
            languages=frozenset(row.languages),
            dayparts=frozenset(row.dayparts),
            meeting=row.meeting,
            waiting_days=row.waiting_days,
            caseworker=row.noted_by,
            topics=row.topics,
            apart=frozenset(apart[str(row.id)]),
        )
        for row in rows
    ], {str(need): vector for need, vector in stored.items()}


async def keep_vectors(conn: Connection, made: dict[str, Vector]) -> None:
    """Store what an encoder made of notes, for the runs to come."""
    await needs.put_vectors(conn, {NeedId(UUID(need)): vector for need, vector in made.items()})


async def store(conn: Connection, municipality: MunicipalityId, run: runs.Run, plan: Plan, *, pooled: int) -> int:
    """Store what a run found, in the caller's one transaction; how many drafts it made.

    Between reading and storing people may have withdrawn, been paused or got a seat. So the pool is read again, here,
    where the database holds it; a group that is no longer what the engine composed is left out, its people wait for
    the next run. The run is held first, then the residents, then their consents: a withdrawal waits or is waited for.
    Raises LeaseLost when another worker took over: nothing may then be committed.
    """
    if not await runs.hold_run(conn, run.id, run.attempt):
        raise LeaseLost
    grouped_needs = {member for group in plan.groups for member in group.members}
    here = [row.resident_id for row in await needs.pool(conn) if str(row.id) in grouped_needs]
    await residents.hold_residents(conn, here)
    await residents.hold_consents(conn, here, Purpose.MATCHING)
    await proposals.supersede_untouched(conn)
    still = {str(row.id): row for row in await needs.pool(conn)}
    rejected = [frozenset(map(str, group)) for group in await proposals.rejected_groups(conn)]
    themes = await _store_themes(conn, municipality, run.id, plan, set(still))
    stored = [
        group
        for group in plan.groups
        if _stands(group, still, rejected)
        and await _store_group(conn, municipality, run.id, themes[group.theme_id], group, still)
    ]
    await runs.insert_ungrouped(
        conn,
        municipality,
        run.id,
        [
            (NeedId(UUID(left.id)), left.reason.code, dict(left.reason.params))
            for left in (*plan.ungrouped, *_left_over(plan, stored))
            if left.id in still
        ],
    )
    grouped = sum(len(group.members) for group in stored)
    if not await runs.finish_run(conn, run.id, run.attempt, encoder=plan.model_id, needs=pooled, grouped=grouped):
        raise LeaseLost
    return len(stored)


async def _store_themes(
    conn: Connection, municipality: MunicipalityId, run: RunId, plan: Plan, still: set[str]
) -> dict[str, UUID]:
    """Row of each theme by its id in the plan; a theme that everybody left is no theme."""
    themes: dict[str, UUID] = {}
    for theme in plan.themes:
        members = [NeedId(UUID(need)) for need in theme.members if need in still]
        if members:
            themes[theme.id] = await runs.insert_theme(conn, municipality, run, theme.label, members)
    return themes


def _left_over(plan: Plan, stored: list[Group]) -> list[Ungrouped]:
    """The people of a group that was not stored: they hear why not too, and the counts of a run add up."""
    return [
        Ungrouped(member, Reason(Code.NO_FITTING_GROUP, {"found": len(group.members) - 1}))
        for group in plan.groups
        if group not in stored
        for member in group.members
    ]


def _stands(group: Group, still: dict[str, needs.PoolNeed], rejected: list[frozenset[str]]) -> bool:
    """Everybody is still there, and it is not a group that a coordinator turned down."""
    members = frozenset(group.members)
    return (
        all(member in still for member in members)
        and len(members) >= BOUNDS[group.form].least
        and not any(members <= other for other in rejected)
    )


async def _store_group(
    conn: Connection,
    municipality: MunicipalityId,
    run: RunId,
    theme: UUID,
    group: Group,
    still: dict[str, needs.PoolNeed],
) -> bool:
    """False when the database refused somebody: an age, a seat or an apart pair changed since the pool was read."""
    try:
        async with conn.transaction():
            proposal = await proposals.insert_proposal(
                conn,
                municipality,
                run_id=run,
                theme_id=theme,
                title=wording.group_title(group.label, group.form, still[group.members[0]].perspective)[:TITLE_MOST],
                form=group.form,
                daypart=group.daypart,
                reasons=_rows(group.reasons),
            )
            for member in group.members:
                row = still[member]
                await proposals.insert_seat(
                    conn,
                    municipality,
                    proposal,
                    need=row.id,
                    resident=row.resident_id,
                    reasons=_rows(group.member_reasons.get(member, ())),
                )
    except asyncpg.IntegrityConstraintViolationError as error:
        if refusal(error) is None:
            raise
        return False
    return True


def _rows(reasons: tuple[Reason, ...]) -> list[dict[str, object]]:
    """Reasons are stored as code and parameters; `service.wording` makes sentences of them."""
    return [{"code": reason.code, "params": dict(reason.params)} for reason in reasons]
