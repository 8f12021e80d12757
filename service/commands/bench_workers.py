"""`kring bench-workers`: one run of the matching shared by 1, 2 and 4 worker processes, on servers of its own."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID, uuid4

import asyncpg
import typer
from rich.console import Console

from models.age import read_age_band
from models.benchmarks.machine import machine
from models.benchmarks.pool import make_pool, unseen
from models.benchmarks.tables import Table, seconds
from models.need import DAYPARTS, AgeBand, Need
from models.training.corpus import notes
from service import matching
from service.commands.errors import clear_errors, stop
from service.commands.files import check_output, write_output
from service.db import transaction
from service.demo.children import Child
from service.demo.mail import mail_catcher
from service.demo.settings import demo_settings
from service.domain import MunicipalityId
from service.embedded import EmbeddedServers
from service.migrate import add_municipality, migrate, plain_url
from service.processes import free_port
from service.references import new_reference
from service.resources import Resources, open_resources
from service.settings import Settings

PAGE: Final = Path("docs/benchmarks-workers.md")
PATIENCE_SECONDS: Final = 900.0
POLL_SECONDS: Final = 0.2
ABOUT: Final = """\
`kring bench-workers` puts {needs:,} made-up needs (see [benchmarks](benchmarks.md)) in a PostgreSQL of its own, starts
worker processes as in production, and asks for one run at a time. The worker that takes the run finds the themes and
puts their blocks down as rows; all workers do these, and the one that has the run stores the groups. *Whole run*: from
being taken to being stored. *Groups*: the part in which blocks are shared. The groups must be the same whatever the
number of workers; the fingerprint is a hash over who is in which. The machine has {cores} cores, so more workers than
that can gain nothing here; PostgreSQL, too, runs on it.
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """One run by so many workers."""

    workers: int
    whole: float
    groups: float
    found: int
    fingerprint: str
    helped: int
    """Parts done by another worker than the one that had the run."""


def bench_workers(
    needs: Annotated[int, typer.Option(help="Needs in the pool.", min=100, max=100_000)] = 10_000,
    workers: Annotated[str, typer.Option(help="Numbers of worker processes, comma-separated.")] = "1,2,4",
    seed: Annotated[int, typer.Option(help="Same seed, same pool.", min=0, max=2**31 - 1)] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the page here.")] = PAGE,
) -> None:
    """Measure how one run of the matching is shared by several worker processes, and that its groups stay the same."""
    check_output(output)
    counts = _counts(workers)
    console = Console(stderr=True, highlight=False)
    with clear_errors(), tempfile.TemporaryDirectory() as folder:
        measured = list(_measured(Path(folder), counts, needs, seed, console))
    facts = machine([])
    table = _table(measured, ABOUT.format(needs=needs, cores=facts.cores))
    page = f"# One run, several workers\n\nMeasured on {date.today()}: {facts.cpu}.\n\n{table.markdown()}"  # noqa: DTZ011
    write_output(output, page)
    typer.echo(page)
    if len({one.fingerprint for one in measured}) > 1:
        raise stop("the groups were not the same for every number of workers")


def _counts(typed: str) -> list[int]:
    try:
        counts = [int(part) for part in typed.split(",")]
    except ValueError:
        counts = []
    if not counts or min(counts) < 1:
        raise stop(f"--workers wants numbers from 1 on, comma-separated; got {typed!r}")
    return counts


def _measured(folder: Path, counts: Sequence[int], needs: int, seed: int, console: Console) -> Iterator[Shared]:
    with ExitStack() as stack:
        servers = stack.enter_context(EmbeddedServers(folder / "servers", durable=False))
        mail = stack.enter_context(mail_catcher(folder / "mail"))
        settings = demo_settings(folder, servers, mail=mail, port=free_port())
        migrate(settings)
        console.print(f"Making a pool of {needs:,} needs")
        municipality = asyncio.run(_fill(settings, needs, seed))
        asyncio.run(_run(settings, municipality, folder, 1))  # reads all notes once, which no later run has to
        for count in counts:
            console.print(f"One run by {count} worker{'s' if count > 1 else ''}")
            yield asyncio.run(_run(settings, municipality, folder, count))


async def _run(settings: Settings, municipality: MunicipalityId, folder: Path, count: int) -> Shared:
    """Start so many workers, let them do one run, and stop them."""
    log = folder / "worker.log"
    log.unlink(missing_ok=True)
    children = [Child(settings, folder, "worker") for _ in range(count)]
    try:
        async with open_resources(settings) as kring:
            await _until(lambda: _said(log, "worker") >= count)
            async with transaction(kring.pool, municipality) as conn:
                run = await matching.nightly_run(conn, municipality)
                # one seed for all, or else they could not be compared
                await conn.execute("update kring.match_run set seed = 1 where id = $1", run)
            if run is None:
                raise stop("a run is under way already")
            await kring.queue.wake("match", municipality, run)
            groups = await _watched(kring, municipality, run)
            return await _told(kring, municipality, run, count, groups, _said(log, "part"))
    finally:
        for child in children:
            child.stop()


async def _watched(kring: Resources, municipality: MunicipalityId, run: UUID) -> float:
    """Wait until the run is done; for how long it was grouping, as its row says."""
    deadline, began, ended = time.monotonic() + PATIENCE_SECONDS, None, None
    while True:
        async with transaction(kring.pool, municipality) as conn:
            found = await conn.fetchrow("select state, phase, error_code from kring.match_run where id = $1", run)
        now = time.monotonic()
        if found is None or found["state"] == "failed" or now > deadline:
            raise stop(f"the run did not end well: {found['error_code'] if found else 'it is gone'}")
        if found["phase"] == "groups":
            began, ended = began or now, now
        if found["state"] == "done":
            return 0.0 if began is None or ended is None else ended - began
        await asyncio.sleep(POLL_SECONDS)


async def _told(
    kring: Resources, municipality: MunicipalityId, run: UUID, count: int, groups: float, helped: int
) -> Shared:
    async with transaction(kring.pool, municipality) as conn:
        whole = await conn.fetchval(
            "select extract(epoch from finished_at - started_at)::float from kring.match_run where id = $1", run
        )
        rows = await conn.fetch(
            """
            select p.form, p.daypart, array_agg(m.need_id order by m.need_id) as members
            from kring.proposal p join kring.proposal_member m on m.proposal_id = p.id
            where p.run_id = $1 group by p.id order by members
            """,
            run,
        )
    digest = hashlib.sha256("\n".join(str(tuple(row)) for row in rows).encode()).hexdigest()[:12]
    return Shared(count, float(whole), groups, len(rows), digest, helped)


def _said(log: Path, event: str) -> int:
    """How often the workers logged this event; each line is a JSON object."""
    lines = log.read_text().splitlines() if log.exists() else []
    return sum(f'"event": "{event}"' in line for line in lines)


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            raise stop("the workers did not start")
        await asyncio.sleep(POLL_SECONDS)


async def _fill(settings: Settings, count: int, seed: int) -> MunicipalityId:
    """The pool as rows, put in by the owner: no note of it was submitted by anybody."""
    if settings.migrate_url is None:
        raise stop("KRING_MIGRATE_URL is needed to make a municipality")
    url = settings.migrate_url.get_secret_value()
    municipality = await add_municipality(url, "maatstad", "Maatstad")
    owner = await asyncpg.connect(plain_url(url))
    try:
        async with owner.transaction():
            await _put(owner, municipality, make_pool(count, unseen(notes()), seed=seed).needs)
    finally:
        await owner.close()
    return municipality


async def _put(
    owner: "asyncpg.Connection[asyncpg.Record]", municipality: MunicipalityId, needs: Sequence[Need]
) -> None:
    staff = await owner.fetchval(
        "insert into kring.staff (municipality_id, subject, name, roles) values ($1, 'maat', 'Maat', '{caseworker}') "
        "returning id",
        municipality,
    )
    centres = sorted({(need.lat or 0.0, need.lon or 0.0) for need in needs})
    areas = {centre: uuid4() for centre in centres}
    await owner.copy_records_to_table(
        "area",
        schema_name="kring",
        columns=["id", "municipality_id", "code", "name", "lat", "lon"],
        records=[(areas[at], municipality, f"W{n}", f"Wijk {n}", *at) for n, at in enumerate(centres)],
    )
    people = [(uuid4(), need) for need in needs]
    now = datetime.now(UTC)
    await owner.copy_records_to_table(
        "resident",
        schema_name="kring",
        columns=["id", "municipality_id", "age_band"],
        records=[(one, municipality, _band(need).value) for one, need in people],
    )
    await owner.copy_records_to_table(
        "need",
        schema_name="kring",
        columns=(
            "municipality_id resident_id reference submission_key text perspective area_id languages dayparts meeting "
            "reach_km submitted_by noted_by waiting_since"
        ).split(),
        records=[
            (
                municipality,
                one,
                new_reference(),
                uuid4(),
                need.text,
                need.perspective.value,
                areas[need.lat or 0.0, need.lon or 0.0],
                sorted(need.languages),
                sorted(need.dayparts) or list(DAYPARTS),
                need.meeting.value,
                None if need.reach_km is None else round(need.reach_km),
                staff,
                need.caseworker or "maat",
                now - timedelta(days=need.waiting_days),
            )
            for one, need in people
        ],
    )
    await owner.copy_records_to_table(
        "consent",
        schema_name="kring",
        columns=(
            "municipality_id resident_id purpose text_version text_hash language given_by recorded_how recorded_by "
            "valid_until"
        ).split(),
        records=[
            (
                municipality,
                one,
                "matching",
                "made-up",
                b"",
                "nl",
                "representative" if _band(need) in (AgeBand.UNDER_12, AgeBand.AGE_12_15) else "self",
                "paper",
                staff,
                now + timedelta(days=1),
            )
            for one, need in people
        ],
    )
    await owner.execute("analyze")


def _band(need: Need) -> AgeBand:
    return need.age_band or read_age_band(need.text, need.perspective) or AgeBand.AGE_40_64


def _table(measured: Sequence[Shared], about: str) -> Table:
    first = measured[0]
    return Table(
        "Results",
        about,
        ("workers", "whole run", "against the first", "groups", "parts done by others", "groups found", "fingerprint"),
        tuple(
            (
                str(one.workers),
                seconds(one.whole),
                f"{one.whole / first.whole:.2f} ×",
                seconds(one.groups),
                str(one.helped),
                str(one.found),
                f"`{one.fingerprint}`",
            )
            for one in measured
        ),
    )
