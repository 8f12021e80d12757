"""Runs of the matching: asked for by a coordinator, and followed until their drafts are there."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service import matching
from service.auth import Coordinator, Kring, SafeForm
from service.db import transaction
from service.domain import RunId, Staff
from service.errors import NotFound, RunInProgress
from service.queries import proposals, runs
from service.resources import Resources
from service.web import names
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)
UNDER_WAY = {"queued", "running"}


@router.get("/zoektochten")
async def index(request: Request, kring: Kring, staff: Coordinator) -> Response:
    async with transaction(kring.pool, staff.municipality) as conn:
        found = await runs.recent_runs(conn)
    current = next((run for run in found if run.state in UNDER_WAY), None)
    return page(request, "staff/runs.html", runs=found, current=current, names=names)


@router.post("/zoektochten", dependencies=[SafeForm])
async def ask(kring: Kring, staff: Coordinator) -> Response:
    """Asked twice, or while the nightly one is busy: both lead to the one run that is under way."""
    try:
        async with transaction(kring.pool, staff.municipality) as conn:
            run_id = await matching.request_run(conn, staff)
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
    return page(request, "staff/run.html", **await _context(kring, staff, RunId(run_id)))


async def _context(kring: Resources, staff: Staff, run_id: RunId) -> dict[str, Any]:
    async with transaction(kring.pool, staff.municipality) as conn:
        run = await runs.run(conn, run_id)
        if run is None:
            raise NotFound
        themes = await runs.themes_of_run(conn, run_id)
        ungrouped = await runs.ungrouped_counts(conn, run_id)
        made = await proposals.made_by_run(conn, run_id)
        drafts = await proposals.drafts_waiting(conn)
    return {
        "run": run,
        "under_way": run.state in UNDER_WAY,
        "phase": _phase(run),
        "problem": names.RUN_ERRORS.get(run.error_code or "", names.RUN_ERROR_OTHER),
        "themes": themes,
        "ungrouped": [(names.UNGROUPED.get(code, names.UNGROUPED_OTHER), count) for code, count in ungrouped],
        "ungrouped_total": sum(count for _, count in ungrouped),
        "made": made,
        "drafts": drafts,
    }


def _phase(run: runs.Run) -> str:
    if run.state == "queued":
        return "Kring begint zo met zoeken."
    return names.RUN_PHASES.get(run.phase or "", "Kring is bezig.")
