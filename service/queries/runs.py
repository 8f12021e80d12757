"""Runs of the matching and what they found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.db import Connection
from service.domain import MunicipalityId, RunId, StaffId
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class Run:
    id: RunId
    state: str
    cause: str
    seed: int
    encoder: str | None
    phase: str | None
    steps_done: int
    steps_total: int
    attempt: int
    needs: int | None
    grouped: int | None
    error_code: str | None
    error_params: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


_COLUMNS = """id, state, cause, seed, encoder, phase, steps_done, steps_total, attempt, needs, grouped, error_code,
    error_params, created_at, started_at, finished_at"""
_RUN = f"select {_COLUMNS} from kring.match_run"  # noqa: S608 - a constant


async def insert_run(
    conn: Connection, municipality: MunicipalityId, *, cause: str, by: StaffId | None, seed: int
) -> RunId | None:
    """None when a run of this municipality is already under way."""
    found = await conn.fetchval(
        """
        insert into kring.match_run (municipality_id, cause, requested_by, seed) values ($1, $2, $3, $4)
        on conflict (municipality_id) where state in ('queued', 'running') do nothing
        returning id
        """,
        municipality, cause, by, seed,
    )  # fmt: skip
    return None if found is None else RunId(found)


async def run(conn: Connection, run_id: RunId) -> Run | None:
    return maybe(Run, await conn.fetchrow(f"{_RUN} where id = $1", run_id))


async def recent_runs(conn: Connection, limit: int = 20) -> list[Run]:
    return each(Run, await conn.fetch(f"{_RUN} order by created_at desc limit $1", limit))


async def current_run(conn: Connection) -> Run | None:
    return maybe(Run, await conn.fetchrow(f"{_RUN} where state in ('queued', 'running')"))


async def run_before(conn: Connection, run_id: RunId) -> Run | None:
    """The last run that was done when this one was; None when this is the first, or is not done."""
    return maybe(
        Run,
        await conn.fetchrow(
            f"""
            {_RUN} where state = 'done' and finished_at < (
                select finished_at from kring.match_run where id = $1 and state = 'done')
            order by finished_at desc, id limit 1
            """,  # noqa: S608 - _RUN is a constant
            run_id,
        ),
    )


async def claim_run(conn: Connection, run_id: RunId, lease_seconds: int) -> Run | None:
    """Take the run, or take it over from a worker that has been silent for `lease_seconds`."""
    return maybe(
        Run,
        await conn.fetchrow(
            f"""
            update kring.match_run
            set state = 'running', attempt = attempt + 1, heartbeat_at = now(),
                started_at = coalesce(started_at, now()), phase = 'loading', steps_done = 0, steps_total = 0
            where id = $1 and (state = 'queued'
                or (state = 'running' and heartbeat_at < now() - make_interval(secs => $2)))
            returning {_COLUMNS}
            """,  # noqa: S608 - _COLUMNS is a constant
            run_id, float(lease_seconds),
        ),
    )  # fmt: skip


async def beat(conn: Connection, run_id: RunId, attempt: int, *, phase: str, done: int, total: int) -> bool:
    """Progress and lease in one. False when another worker has taken the run over."""
    return (
        await conn.fetchval(
            """
            update kring.match_run set heartbeat_at = now(), phase = $3, steps_done = $4, steps_total = $5
            where id = $1 and attempt = $2 and state = 'running' returning true
            """,
            run_id, attempt, phase, done, total,
        )
        is True
    )  # fmt: skip


async def hold_run(conn: Connection, run_id: RunId, attempt: int) -> bool:
    """Keep the run while its result is stored; False when another worker has taken it over."""
    return (
        await conn.fetchval(
            "select true from kring.match_run where id = $1 and attempt = $2 and state = 'running' for update",
            run_id, attempt,
        )
        is True
    )  # fmt: skip


async def finish_run(
    conn: Connection, run_id: RunId, attempt: int, *, encoder: str, close_from: float, needs: int, grouped: int
) -> bool:
    """`close_from`: the cosine of this encoder from which two needs counted as close.

    False when this worker has lost the run: the transaction must then be rolled back."""
    return (
        await conn.fetchval(
            """
            update kring.match_run
            set state = 'done', phase = 'done', encoder = $3, needs = $4, grouped = $5, close_from = $6,
                finished_at = now()
            where id = $1 and attempt = $2 and state = 'running' returning true
            """,
            run_id, attempt, encoder, needs, grouped, close_from,
        )
        is True
    )  # fmt: skip


async def fail_run(conn: Connection, run_id: RunId, attempt: int, code: str, params: dict[str, Any]) -> None:
    await conn.execute(
        """
        update kring.match_run set state = 'failed', error_code = $3, error_params = $4, finished_at = now()
        where id = $1 and attempt = $2 and state = 'running'
        """,
        run_id, attempt, code, params,
    )  # fmt: skip


async def note_failures(conn: Connection, run_id: RunId, code: str, params: dict[str, Any]) -> None:
    """The run is done, but for some blocks."""
    await conn.execute(
        "update kring.match_run set error_code = $2, error_params = $3 where id = $1", run_id, code, params
    )


async def release_run(conn: Connection, run_id: RunId, attempt: int) -> None:
    """Give the run back when the worker stops in order: the next one need not wait for the lease to run out."""
    await conn.execute(
        """
        update kring.match_run set state = 'queued', phase = null
        where id = $1 and attempt = $2 and state = 'running'
        """,
        run_id, attempt,
    )  # fmt: skip


async def nightly_is_owed(conn: Connection, municipality: MunicipalityId, since: datetime) -> bool:
    """No nightly run since `since`. A municipality that joined after it waits for its first night."""
    return bool(
        await conn.fetchval(
            """
            select m.created_at < $2 and not exists (
                select from kring.match_run r where r.cause = 'nightly' and r.created_at >= $2)
            from kring.municipality m where m.id = $1
            """,
            municipality, since,
        )
    )  # fmt: skip


async def overdue_runs(conn: Connection, lease_seconds: int) -> list[RunId]:
    """Queued and not picked up, or running without a heartbeat: the queue forgot them, or their worker died."""
    return [
        RunId(record["id"])
        for record in await conn.fetch(
            """
            select id from kring.match_run
            where state = 'queued' or (state = 'running' and heartbeat_at < now() - make_interval(secs => $1))
            """,
            float(lease_seconds),
        )
    ]


async def ungrouped_counts(conn: Connection, run_id: RunId) -> list[tuple[str, int]]:
    return [
        (record["code"], record["n"])
        for record in await conn.fetch(
            "select code, count(*)::int as n from kring.ungrouped where run_id = $1 group by code order by 2 desc",
            run_id,
        )
    ]


async def new_proposals(conn: Connection, run_id: RunId, before: RunId) -> int:
    """How many of a run's proposals are of people who were not proposed together, just so, in the run before."""
    found: int = await conn.fetchval(
        """
        with people as (
            select p.run_id, array_agg(m.need_id order by m.need_id) as needs
            from kring.proposal p join kring.proposal_member m on m.proposal_id = p.id
            where p.run_id in ($1, $2) group by p.id)
        select count(*)::int from people n
        where n.run_id = $1 and not exists (select from people o where o.run_id = $2 and o.needs = n.needs)
        """,
        run_id, before,
    )  # fmt: skip
    return found
