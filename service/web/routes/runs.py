"""Runs of the matching: asked for by a coordinator, and followed until their drafts are there."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import matching
from service.audit import Action
from service.auth import Coordinator, Kring, SafeForm
from service.db import Connection, transaction
from service.domain import RunId, Staff
from service.errors import NotFound, RunInProgress
from service.queries import proposals, runs, theme_pages
from service.resources import Resources
from service.trail import kept
from service.web import names, theme_story
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)
UNDER_WAY = {"queued", "running"}
TOLD = 20
"""Events on the page of a run: those that concern most people come first, and each theme's own page has its all."""


@dataclass(frozen=True, slots=True)
class SinceLast:
    """What a run found that the one before had not. `happened` is at most `TOLD` of `happenings` events."""

    before: runs.Run
    new_proposals: int
    happened: list[theme_story.Told]
    happenings: int


@router.get("/zoektochten")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with kept(request, kring, staff, Action.RUN_LISTED, "run") as trace:
        found = await runs.recent_runs(trace.conn)
    current = next((run for run in found if run.state in UNDER_WAY), None)
    return page(request, "staff/runs.html", runs=found, current=current, names=names)


@router.post("/zoektochten", dependencies=[SafeForm])
async def ask(request: Request, kring: Kring, staff: Coordinator) -> Response:
    """Asked twice, or while the nightly one is busy: both lead to the one run that is under way."""
    try:
        async with kept(request, kring, staff, Action.RUN_STARTED, "run") as trace:
            run_id = await matching.request_run(trace.conn, staff)
            trace.object_id = str(run_id)
    except RunInProgress:
        async with transaction(kring.pool, staff.municipality) as conn:
            current = await runs.current_run(conn)
        if current is None:  # it ended in between
            return RedirectResponse("/zoektochten", status_code=303)
        return RedirectResponse(f"/zoektochten/{current.id}", status_code=303)
    await kring.queue.wake("match", staff.municipality, run_id)
    return RedirectResponse(f"/zoektochten/{run_id}", status_code=303)


@router.get("/zoektochten/{run_id}")
async def show(request: Request, kring: Kring, staff: Coordinator, run_id: UUID) -> Response:
    return page(request, "staff/run.html", **await _context(request, kring, staff, RunId(run_id)))


async def _context(request: Request, kring: Resources, staff: Staff, run_id: RunId) -> dict[str, Any]:
    async with kept(request, kring, staff, Action.RUN_READ, "run", run_id) as trace:
        conn = trace.conn
        run = await runs.run(conn, run_id)
        if run is None:
            raise NotFound
        found = await theme_pages.of_run(conn, run_id)
        since = await _since_last(conn, run)
        ungrouped = await runs.ungrouped_counts(conn, run_id)
        made = await proposals.made_by_run(conn, run_id)
        drafts = await proposals.drafts_waiting(conn)
    return {
        "run": run,
        "under_way": run.state in UNDER_WAY,
        "phase": _phase(run),
        "problem": names.RUN_ERRORS.get(run.error_code or "", names.RUN_ERROR_OTHER),
        "themes": found,
        "since": since,
        "called": theme_story.name,
        "ungrouped": [(names.UNGROUPED.get(code, names.UNGROUPED_OTHER), count) for code, count in ungrouped],
        "ungrouped_total": sum(count for _, count in ungrouped),
        "made": made,
        "drafts": drafts,
    }


async def _since_last(conn: Connection, run: runs.Run) -> SinceLast | None:
    """None when there is nothing to compare with: the first run, or one that is not done."""
    before = await runs.run_before(conn, run.id)
    if before is None:
        return None
    events = await theme_pages.events_of_run(conn, run.id, TOLD)
    mentioned = await theme_pages.names(conn, theme_story.mentioned(events))
    return SinceLast(
        before=before,
        new_proposals=await runs.new_proposals(conn, run.id, before.id),
        happened=[theme_story.told(event, mentioned) for event in events],
        happenings=await theme_pages.event_count_of_run(conn, run.id),
    )


def _phase(run: runs.Run) -> str:
    if run.state == "queued":
        return "Kring begint zo met zoeken."
    return names.RUN_PHASES.get(run.phase or "", "Kring is bezig.")
