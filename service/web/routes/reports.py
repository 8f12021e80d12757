"""The report of a manager: made once a quarter, and the same for everybody who reads it."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from models.disclosure import percentage
from models.labels import number_of
from service import reports
from service.audit import Action
from service.auth import Kring, Manager, SafeForm
from service.domain import Staff
from service.errors import NotFound, TooFewPeople, TooLittleChanged
from service.queries import runs
from service.queries.reports import Line, Part, Release, Table
from service.resources import Resources
from service.trail import kept
from service.web import names
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)

STEPS = {
    "needs": "Open hulpvragen",
    "placed": "Daarvan ooit in een voorstel voor een groep",
    "asked": "Daarvan uitgenodigd",
    "accepted": "Daarvan zeiden ja",
}
PLATFORM_LINES = {
    **{state: f"Platform {name}" for state, name in names.PLATFORM_STATES.items()},
    reports.NO_PLATFORM: "Platform nog niet begonnen",
}
CAPTIONS: dict[Part, str] = {
    "themes": "Hulpvragen per thema",
    "perspectives": "Wie de hulpvraag stelt",
    "areas": "Hulpvragen per wijk",
    "platforms": "Wat er werd van wie ja zei",
}


@router.get("/rapportage")
async def show(request: Request, kring: Kring, staff: Manager) -> Response:
    return page(request, "staff/report.html", **await _context(request, kring, staff))


@router.post("/rapportage", dependencies=[SafeForm])
async def make(request: Request, kring: Kring, staff: Manager) -> Response:
    """Make the report of this quarter. Asked twice, or by two managers, it is one report."""
    try:
        async with kept(request, kring, staff, Action.RELEASE_MADE, "release") as trace:
            await reports.freeze(trace.conn, staff.municipality, reports.quarter_of(datetime.now(UTC)))
    except (TooFewPeople, TooLittleChanged) as error:
        context = await _context(request, kring, staff) | {"refused": error.message}
        return page(request, "staff/report.html", status=error.status, **context)
    return RedirectResponse("/rapportage", status_code=303)


@router.get("/rapportage.csv")
async def download(request: Request, kring: Kring, staff: Manager) -> Response:
    """The numbers of the page, for a spreadsheet: semicolons and a byte order mark, as Dutch Excel expects."""
    async with kept(request, kring, staff, Action.RELEASE_EXPORTED, "release") as trace:
        release = await reports.latest(trace.conn)
    if release is None:
        raise NotFound
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["kwartaal", "tabel", "regel", "inwoners"])
    writer.writerows([release.quarter, *row] for row in _rows(release))
    return Response(
        text.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="kring-{release.quarter}.csv"'},
    )


def _rows(release: Release) -> list[tuple[str, str, int]]:
    rows = [("Van hulpvraag naar groep", STEPS[line.name], line.residents) for line in release.tables.steps]
    for part, table in _parts(release):
        rows += [(CAPTIONS[part], spreadsheet_safe(_name(part, line)), line.residents) for line in table.lines]
    return rows


def _parts(release: Release) -> list[tuple[Part, Table]]:
    """In the order of the page; the database keeps none."""
    return [(part, release.tables.parts[part]) for part in CAPTIONS if part in release.tables.parts]


_FORMULA: Final = re.compile(r"^[\s=+\-@＝＋－＠]+")  # also as the wide signs that some spreadsheets read alike


def spreadsheet_safe(text: str) -> str:
    """A spreadsheet takes what starts like this for a formula; a name of an area is somebody's input."""
    return _FORMULA.sub("", text)


def _name(part: Part, line: Line) -> str:
    match part:
        case "themes":
            return line.name or "Geen thema gevonden"
        case "perspectives":
            return names.PERSPECTIVES[line.name]
        case "platforms":
            return PLATFORM_LINES[line.name]
        case "areas":
            return line.name


async def _context(request: Request, kring: Resources, staff: Staff) -> dict[str, Any]:
    async with kept(request, kring, staff, Action.RELEASE_READ, "release") as trace:
        conn = trace.conn
        release = await reports.latest(conn)
        has_run = any(run.state == "done" for run in await runs.recent_runs(conn))
    quarter = reports.quarter_of(datetime.now(UTC))
    return {
        "release": release,
        "quarter_name": _quarter_name(release.quarter) if release else "",
        "this_quarter": _quarter_name(quarter),
        "may_make": release is None or release.quarter != quarter,
        "has_run": has_run,
        "steps": [_shown(STEPS[line.name], line, release.tables.total) for line in release.tables.steps]
        if release
        else [],
        "step_names": len(STEPS),
        "tables": [table_of(part, table) for part, table in _parts(release)] if release else [],
        "refused": "",
    }


def table_of(part: Part, table: Table) -> dict[str, Any]:
    lines = [(_name(part, line), line.residents) for line in table.lines]
    # what no theme was found for is no theme
    bars = [(_name(part, line), line.residents, 0, str(line.residents)) for line in table.lines if line.name]
    numbered = part == "themes" and any(number_of(line.name) is not None for line in table.lines)
    return {
        "part": part,
        "caption": CAPTIONS[part],
        "lines": lines,
        "complete": table.complete,
        "bars": bars,
        "numbered": numbered,
    }


def _shown(name: str, line: Line, total: int) -> tuple[str, int, int | None]:
    """Name, number, and of how many in a hundred that is: of the numbers that are shown, so it tells nothing more."""
    return name, line.residents, percentage(line.residents, total) if line.name != "needs" else None


def _quarter_name(quarter: str) -> str:
    """`2026-K4` becomes `het vierde kwartaal van 2026`."""
    year, _, number = quarter.partition("-K")
    return f"het {('eerste', 'tweede', 'derde', 'vierde')[int(number) - 1]} kwartaal van {year}"
