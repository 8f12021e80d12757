"""Runs of the matching: asked for, read for the engine, and stored as drafts for a person to decide on.

The run's row is the truth (docs/decisions/0001): a worker takes it under a lease, computes without a transaction, and
stores in one. The engine itself is `models.match`; what happens between is `workers.matching`.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg

from models.encoder import Vector
from models.errors import ModelError
from models.need import Need
from models.plan import Code, Group, MatchSettings, PastTheme, Plan, Reason, Rejected, Ungrouped
from service import joining, themes, waiting, wording
from service.db import Connection, refusal
from service.domain import BOUNDS, TITLE_MOST, MunicipalityId, NeedId, Purpose, RunId, Staff
from service.errors import LeaseLost, RunInProgress
from service.queries import needs, proposals, residents, runs
from service.queries import themes as theme_rows
from service.settings import Settings
from service.themes import StoredTheme


async def request_run(conn: Connection, staff: Staff) -> RunId:
    """Ask for a run on demand. One at a time for a municipality; raises RunInProgress."""
    run = await runs.insert_run(conn, staff.municipality, cause="demand", by=staff.id, seed=secrets.randbelow(2**31))
    if run is None:
        raise RunInProgress
    return run


async def nightly_run(conn: Connection, municipality: MunicipalityId) -> RunId | None:
    """None when a run is under way already: it sees the same needs."""
    return await runs.insert_run(conn, municipality, cause="nightly", by=None, seed=secrets.randbelow(2**31))


def bounds(settings: Settings) -> MatchSettings:
    """The bounds of a group as this installation sets them. Raises Infeasible when one can never hold."""
    return MatchSettings(reach_km=settings.reach_km, daypart_share=settings.daypart_share)


async def pool(
    conn: Connection, *, as_of: datetime | None = None, only: Sequence[NeedId] | None = None
) -> tuple[list[Need], dict[str, Vector]]:
    """The open, consented needs as the engine takes them, and the vectors that were made of them before.

    `as_of`: the moment until which waiting counts; `only`: those of the pool among these.

    `apart` pairs of residents become pairs of needs, and so does a resident with two needs: one person, one group.
    A group that a coordinator rejected is not turned into pairs: its people may well meet in another one.
    """
    rows = await needs.pool(conn, as_of=as_of, only=only)
    of_resident: dict[UUID, list[str]] = defaultdict(list)
    for row in rows:
        of_resident[row.resident_id].append(str(row.id))
    apart: dict[str, set[str]] = defaultdict(set)
    for one, other in await residents.apart_pairs(conn):
        for need in of_resident.get(one, ()):
            apart[need].update(of_resident.get(other, ()))
        for need in of_resident.get(other, ()):
            apart[need].update(of_resident.get(one, ()))
    for own in of_resident.values():
        for need in own:
            apart[need].update(set(own) - {need})
    stored = await needs.vectors(conn, [row.id for row in rows])
    return [row.as_need(apart[str(row.id)]) for row in rows], {str(need): vector for need, vector in stored.items()}


async def past_themes(conn: Connection) -> tuple[PastTheme, ...]:
    """The themes that go on, with who was in them in the last run: the engine mixes those that may be mixed."""
    return tuple(themes.as_past(theme) for theme in await theme_rows.lasting(conn) if not theme.ended)


async def rejected(conn: Connection) -> tuple[Rejected, ...]:
    """Groups that coordinators turned down, which the engine does not compose again."""
    return tuple(
        Rejected(form, frozenset(map(str, members))) for form, members in await proposals.rejected_groups(conn)
    )


async def keep_vectors(conn: Connection, made: dict[str, Vector]) -> None:
    """Store what an encoder made of notes, for the runs to come."""
    await needs.put_vectors(conn, {NeedId(UUID(need)): vector for need, vector in made.items()})


async def store(
    conn: Connection,
    municipality: MunicipalityId,
    run: runs.Run,
    plan: Plan,
    *,
    pooled: int,
    failed: Sequence[ModelError] = (),
) -> int:
    """Store what a run found, in the caller's one transaction; how many drafts it made.

    Between reading and storing people may have withdrawn, been paused or got a seat. So the pool is read again, here,
    where the database holds it; a group that is no longer what the engine composed is left out, its people wait for
    the next run. The run is held first, then the residents, then their consents: a withdrawal waits or is waited for.
    Raises LeaseLost when another worker took over: nothing may then be committed.
    """
    if not await runs.hold_run(conn, run.id, run.attempt):
        raise LeaseLost
    placed = {member for group in plan.groups for member in group.members}
    placed |= {member for offer in plan.joinings for member in offer.members}
    here = [row.resident_id for row in await needs.pool(conn) if str(row.id) in placed]
    await residents.hold_residents(conn, here)
    await residents.hold_consents(conn, here, Purpose.MATCHING)
    await proposals.supersede_untouched(conn)
    still = {str(row.id): row for row in await needs.pool(conn)}
    turned_down = await rejected(conn)
    joined = await joining.store_joinings(conn, municipality, run.id, plan.joinings, still)
    found = await themes.store(conn, municipality, run.id, plan, set(still))
    stored = [
        group
        for group in plan.groups
        if _stands(group, still, turned_down)
        and await _store_group(conn, municipality, run.id, found[group.theme_id], group, still)
    ]
    without = (*plan.ungrouped, *_left_over(plan, stored), *joining.left_over(plan.joinings, joined))
    left = [one for one in without if one.id in still]
    advice = {found[theme].id: reasons for theme, reasons in plan.advice.items() if theme in found}
    await waiting.store_advice(conn, municipality, run.id, left, advice)
    grouped = sum(len(group.members) for group in stored) + sum(len(offer.members) for offer in joined)
    if not await runs.finish_run(
        conn, run.id, run.attempt, encoder=plan.model_id, close_from=plan.close_from, needs=pooled, grouped=grouped
    ):
        raise LeaseLost
    if failed:  # in words on the page of the run; what went well stands
        await runs.note_failures(conn, run.id, failed[0].code, {**failed[0].params, "blocks": len(failed)})
    return len(stored) + len(joined)


def _left_over(plan: Plan, stored: list[Group]) -> list[Ungrouped]:
    """The people of a group that was not stored: they hear why not too, and the counts of a run add up."""
    return [
        Ungrouped(member, Reason(Code.NO_FITTING_GROUP, {"found": len(group.members) - 1}))
        for group in plan.groups
        if group not in stored
        for member in group.members
    ]


def _stands(group: Group, still: dict[str, needs.PoolNeed], turned_down: Sequence[Rejected]) -> bool:
    """Everybody is still there, and nobody turned this group down while the engine computed."""
    return (
        all(member in still for member in group.members)
        and len(group.members) >= BOUNDS[group.form].least
        and not any(one.is_again(group.form, group.members) for one in turned_down)
    )


async def _store_group(
    conn: Connection,
    municipality: MunicipalityId,
    run: RunId,
    theme: StoredTheme,
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
                theme_id=theme.id,
                title=wording.group_title(theme.label, group.form, theme.perspective)[:TITLE_MOST],
                form=group.form,
                daypart=group.daypart,
                reasons=_rows(_under_its_name(group.reasons, theme.label)),
                language=group.language,
                meeting=group.meeting,
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


def _under_its_name(reasons: tuple[Reason, ...], label: str) -> tuple[Reason, ...]:
    """What these people share by the name that lasts: the engine numbers the themes of one run."""
    return tuple(
        replace(reason, params={"label": label}) if reason.code is Code.SHARED_THEME else reason for reason in reasons
    )


def _rows(reasons: tuple[Reason, ...]) -> list[dict[str, object]]:
    """Reasons are stored as code and parameters; `service.wording` makes sentences of them."""
    return [{"code": reason.code, "params": dict(reason.params)} for reason in reasons]
