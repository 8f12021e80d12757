"""Parts of a run under way: put down by the worker that has the run, done by any."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.db import Connection
from service.domain import MunicipalityId, RunId
from service.queries.rows import maybe


@dataclass(frozen=True, slots=True)
class Claimed:
    """A part this worker is to do. `started_at`: of the run, as of which everybody reads how long people wait."""

    number: int
    attempt: int
    task: dict[str, Any]
    started_at: datetime


async def put(
    conn: Connection, municipality: MunicipalityId, run_id: RunId, attempt: int, tasks: list[dict[str, Any]]
) -> None:
    """The parts of this attempt, in the place of those of earlier ones."""
    await clear(conn, run_id)
    await conn.executemany(
        "insert into kring.run_block (run_id, number, municipality_id, attempt, task) values ($1, $2, $3, $4, $5)",
        [(run_id, number, municipality, attempt, task) for number, task in enumerate(tasks)],
    )


async def claim(conn: Connection, run_id: RunId, lease_seconds: int) -> Claimed | None:
    """The next part that nobody is at, or that a silent worker left; None when there is none, or the run is over."""
    return maybe(
        Claimed,
        await conn.fetchrow(
            """
            update kring.run_block b set leased_until = now() + make_interval(secs => $2)
            from kring.match_run r
            where r.id = b.run_id and b.run_id = $1 and b.number = (
                select c.number from kring.run_block c join kring.match_run q on q.id = c.run_id
                where c.run_id = $1 and c.result is null and q.state = 'running' and q.attempt = c.attempt
                  and (c.leased_until is null or c.leased_until < now())
                order by c.number limit 1 for update of c skip locked)
            returning b.number, b.attempt, b.task, r.started_at
            """,
            run_id, float(lease_seconds),
        ),
    )  # fmt: skip


async def finish(conn: Connection, run_id: RunId, number: int, attempt: int, result: dict[str, Any]) -> None:
    """Keep the result, if this attempt still counts. Done twice it is the same result."""
    await conn.execute(
        "update kring.run_block set result = $4 where run_id = $1 and number = $2 and attempt = $3",
        run_id, number, attempt, result,
    )  # fmt: skip


async def left(conn: Connection, run_id: RunId) -> int:
    """How many parts have no result yet."""
    found: int = await conn.fetchval(
        "select count(*)::int from kring.run_block where run_id = $1 and result is null", run_id
    )
    return found


async def results(conn: Connection, run_id: RunId) -> list[dict[str, Any]]:
    """All results, in the order of the parts."""
    rows = await conn.fetch("select result from kring.run_block where run_id = $1 order by number", run_id)
    return [row["result"] for row in rows]


async def clear(conn: Connection, run_id: RunId) -> None:
    await conn.execute("delete from kring.run_block where run_id = $1", run_id)


async def waiting(conn: Connection) -> list[RunId]:
    """Runs with parts that nobody is at."""
    return [
        RunId(row["run_id"])
        for row in await conn.fetch(
            """
            select distinct b.run_id from kring.run_block b join kring.match_run r on r.id = b.run_id
            where b.result is null and r.state = 'running' and (b.leased_until is null or b.leased_until < now())
            """
        )
    ]
