"""The demo's first day: needs come in, groups are found, a coordinator approves three, invitations go out.

All of it through the use-cases, the queue and the worker that the real service has; nothing is written past them.
"""

import asyncio
import mailbox
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from models.labels import number_of
from models.need import AgeBand
from service import matching, proposals
from service.db import Pool, transaction
from service.domain import MunicipalityId, ProposalState, Role, RunId, Staff
from service.errors import KringError, ProposalTooSmall
from service.importing import Assumptions, submit_rows
from service.jsonl import read_needs
from service.migrate import add_municipality, set_neighbours
from service.places import read_places
from service.queries import municipalities, runs
from service.queries import proposals as proposal_rows
from service.resources import Resources, open_resources
from service.settings import Settings
from service.web.meeting_form import suggestion

HERE = Path(__file__).parent
SLUG = "elzermeer"
NEIGHBOURS = ("Duinrand", "Oudeveer")  # as fictional as Elzermeer itself
APPROVED = 3  # proposals the demo's coordinator says yes to, so that there is mail to look at
MEETS_ELSE = "tue-afternoon"  # a group in which nobody said when
RUN_SECONDS = 120.0
MAIL_SECONDS = 60.0
POLL_SECONDS = 0.3

STAFF = (
    ("anouk", "Anouk", [Role.CASEWORKER]),
    ("bilal", "Bilal", [Role.CASEWORKER, Role.COORDINATOR]),
    ("carla", "Carla", [Role.MANAGER]),
)


class FirstDayFailed(KringError):
    """De demo kon niet worden klaargezet."""


async def is_new(settings: Settings) -> bool:
    """Whether Elzermeer still has to have its first day; one that was cut off is taken up where it stopped."""
    async with open_resources(settings) as kring:
        async with kring.pool.acquire() as conn:
            found = await municipalities.municipality_by_slug(conn, SLUG)
        if found is None:
            return True
        async with transaction(kring.pool, found.id) as conn:
            return not await proposal_rows.proposals(conn, ProposalState.APPROVED, limit=1)


def fill(settings: Settings) -> None:
    """Elzermeer with its staff and needs, and nothing done with them yet."""

    async def run() -> None:
        async with open_resources(settings) as kring:
            municipality = await _set_up(settings, kring.pool)
            await _submit(kring, await _staff(kring.pool, municipality, "anouk"), Console(quiet=True))

    asyncio.run(run())


async def first_day(settings: Settings, console: Console) -> None:
    async with open_resources(settings) as kring:
        municipality = await _set_up(settings, kring.pool)
        anouk, bilal = await _staff(kring.pool, municipality, "anouk"), await _staff(kring.pool, municipality, "bilal")
        stored = await _submit(kring, anouk, console)
        console.print(f"[green]✓[/green] {stored} needs of Elzermeer submitted, with consent")
        run = await _match(kring, bilal, console)
        console.print(
            f"[green]✓[/green] {run.grouped} of {run.needs} people placed in groups; the others were told why not"
        )
        invited = await _approve(kring, bilal, run.id)
        await kring.queue.wake("deliver", municipality)
        sent = await _mail(settings)
        console.print(
            f"[green]✓[/green] {len(invited)} groups approved, {sum(invited)} people invited, "
            f"{sent} messages sent so far"
        )


async def _set_up(settings: Settings, pool: Pool) -> MunicipalityId:
    if settings.migrate_url is None:
        raise FirstDayFailed("the demo needs KRING_MIGRATE_URL to add its municipality")
    owner_url = settings.migrate_url.get_secret_value()
    municipality = await add_municipality(owner_url, SLUG, "Elzermeer")
    await set_neighbours(owner_url, SLUG, NEIGHBOURS)
    async with transaction(pool, municipality) as conn:
        for place in read_places(HERE / "areas.csv"):
            await municipalities.put_area(
                conn, municipality, code=place.code, name=place.name, lat=place.lat, lon=place.lon
            )
        for subject, name, roles in STAFF:
            await municipalities.put_staff(conn, municipality, subject=subject, name=name, roles=roles)
    return municipality


async def _staff(pool: Pool, municipality: MunicipalityId, subject: str) -> Staff:
    async with transaction(pool, municipality) as conn:
        staff = await municipalities.staff_by_subject(conn, subject)
    if staff is None:
        raise FirstDayFailed(f"{subject} is missing")
    return staff


async def _submit(kring: Resources, staff: Staff, console: Console) -> int:
    rows = list(read_needs(HERE / "needs.jsonl"))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Submitting needs", total=len(rows))
        imported = await submit_rows(
            kring.pool,
            staff,
            rows,
            Assumptions(frozenset(), AgeBand.AGE_40_64),
            vault=kring.vault,
            consent_days=kring.settings.consent_days,
            done=lambda: progress.advance(task),
        )
    if imported.refused:
        first = imported.refused[0]
        raise FirstDayFailed(f"needs.jsonl line {first.line}: {first.reason}")
    return len(imported.references)


async def _match(kring: Resources, coordinator: Staff, console: Console) -> runs.Run:
    """Ask for a run, as the button does, and wait for the worker."""
    async with transaction(kring.pool, coordinator.municipality) as conn:
        current = await runs.current_run(conn)
        run_id = current.id if current else await matching.request_run(conn, coordinator)
    await kring.queue.wake("match", coordinator.municipality, run_id)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Finding groups", total=None)
        deadline = asyncio.get_running_loop().time() + RUN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            async with transaction(kring.pool, coordinator.municipality) as conn:
                run = await runs.run(conn, run_id)
            if run is not None and run.state == "done":
                return run
            if run is None or run.state == "failed":
                raise FirstDayFailed(f"the run failed: {run.error_code if run else 'it is gone'}")
            progress.update(task, description=f"Finding groups: {run.phase or 'queued'}")
            await asyncio.sleep(POLL_SECONDS)
    raise FirstDayFailed("the worker did not finish the run; see worker.log")


async def _approve(kring: Resources, coordinator: Staff, run: RunId) -> list[int]:
    """Give three drafts a first meeting and approve them; how many people each of them invites."""
    async with transaction(kring.pool, coordinator.municipality) as conn:
        drafts = [p for p in await proposal_rows.proposals(conn, ProposalState.DRAFT) if p.run_id == run]
    invited: list[int] = []
    # Groups whose people share a word come first: those a coordinator would say yes to at a glance
    for draft in sorted(drafts, key=lambda p: (number_of(p.theme_label) is not None, -p.seats, p.title)):
        if len(invited) == APPROVED:
            break
        at = suggestion(draft.daypart or MEETS_ELSE, datetime.now(UTC))
        with suppress(ProposalTooSmall):  # too few of its people may be invited: the next one then
            async with transaction(kring.pool, coordinator.municipality) as conn:
                await proposals.plan_meeting(conn, draft.id, "Buurthuis De Schakel, Elzermeer", at, by=coordinator.id)
                invited.append(await proposals.approve(conn, coordinator, draft.id, link_days=kring.settings.link_days))
    return invited


async def _mail(settings: Settings) -> int:
    """How many messages have arrived, once there are some."""
    if settings.demo_mailbox is None:
        raise FirstDayFailed("the demo needs KRING_DEMO_MAILBOX to see its mail")
    deadline = asyncio.get_running_loop().time() + MAIL_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        arrived = len(mailbox.Maildir(settings.demo_mailbox))
        if arrived:
            return arrived
        await asyncio.sleep(POLL_SECONDS)
    raise FirstDayFailed("no mail arrived; see worker.log")
