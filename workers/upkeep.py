"""The sweep: every few seconds round the municipalities, to find in PostgreSQL what Redis forgot or a worker dropped.

The nightly round is found the same way, so a worker or Redis that was away at two o'clock does it when it is back.
"""

from datetime import UTC, datetime, time, timedelta
from functools import partial

import structlog

from service import audit, matching, retention
from service.db import nowhere, transaction
from service.domain import AMSTERDAM, MunicipalityId
from service.logs import where
from service.queries import municipalities, outbox, run_blocks, runs
from service.resources import Resources
from workers.consents import tell_of_ends
from workers.invitations import remind_and_expire
from workers.platforms import ask_pulses

log = structlog.get_logger(__name__)

NIGHT = time(2)  # nobody is at work, and the computer has time


async def sweep(kring: Resources, now: datetime | None = None) -> None:
    """Wake workers for everything that is owed; waking once too often does no harm."""
    now = now or datetime.now(UTC)
    night = last_night(now)
    async with nowhere(kring.pool) as conn:
        everywhere = await municipalities.all_municipalities(conn)
    for municipality in everywhere:
        for step in (partial(_night, night=night, now=now), _wake):
            try:
                await step(kring, municipality.id)
            except Exception as error:  # one municipality, or one step, never holds up the next
                log.error(
                    "sweep_failed", municipality=str(municipality.id), error=type(error).__name__, code=where(error)
                )


async def _night(kring: Resources, municipality: MunicipalityId, *, night: datetime, now: datetime) -> None:
    async with transaction(kring.pool, municipality) as conn:
        owed = await runs.nightly_is_owed(conn, municipality, night)
    if owed:
        await nightly_round(kring, municipality, now)


async def _wake(kring: Resources, municipality: MunicipalityId) -> None:
    async with transaction(kring.pool, municipality) as conn:
        overdue = await runs.overdue_runs(conn, kring.settings.lease_seconds)
        shared = await run_blocks.waiting(conn)
        owed = await outbox.is_owed(conn)
    for run in overdue:
        await kring.queue.wake("match", municipality, run)
    for run in shared:
        await kring.queue.wake("blocks", municipality, run)
    if owed:
        await kring.queue.wake("deliver", municipality)


async def nightly_round(kring: Resources, municipality: MunicipalityId, now: datetime) -> None:
    """What happens once a night. The run comes last: its row says that the round was made."""
    await remind_and_expire(kring, municipality)
    await ask_pulses(kring, municipality)
    await let_go(kring, municipality, now)
    await tell_of_ends(kring, municipality, now)  # after letting go, so that nobody is told of what went
    await write_down_the_trail(kring, municipality)
    async with transaction(kring.pool, municipality) as conn:
        await matching.nightly_run(conn, municipality)


async def write_down_the_trail(kring: Resources, municipality: MunicipalityId) -> None:
    """Log where the audit trail ends, as `kring audit verify --anchor` takes it: logs are kept outside the database."""
    async with transaction(kring.pool, municipality) as conn:
        anchor = await audit.end(conn, municipality)
    log.info("audit_trail_ends", municipality=str(municipality), anchor=str(anchor))


async def let_go(kring: Resources, municipality: MunicipalityId, now: datetime) -> None:
    """Everything that is kept no longer, a few rows a transaction; what breaks off is found again the next night."""
    for rule in retention.RULES:
        total = 0
        try:
            while done := await _applied(kring, municipality, rule, now):
                total += done
        except Exception as error:  # one rule never holds up the next
            log.error(
                "retention_failed",
                municipality=str(municipality),
                rule=rule.code,
                error=type(error).__name__,
                code=where(error),
            )
        if total:
            log.info("retention", municipality=str(municipality), rule=rule.code, count=total)


async def _applied(kring: Resources, municipality: MunicipalityId, rule: retention.Rule, now: datetime) -> int:
    async with transaction(kring.pool, municipality) as conn:
        return await retention.apply(conn, municipality, rule, settings=kring.settings, now=now)


def last_night(now: datetime) -> datetime:
    """The latest two o'clock in Amsterdam that is not in the future."""
    here = now.astimezone(AMSTERDAM)
    tonight = datetime.combine(here.date(), NIGHT, AMSTERDAM)
    return tonight if tonight <= here else datetime.combine(here.date() - timedelta(days=1), NIGHT, AMSTERDAM)
