"""Who waits for a group, why, and what would help: as the last run that ended found it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.errors import Param
from models.need import Perspective
from service.db import Connection
from service.domain import MunicipalityId, NeedId, ResidentId, RunId, ThemeId
from service.queries.rows import each, into

Reasons = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class NewUngrouped:
    """Somebody without a group, as a run stores it. Reasons are `code` and `params`."""

    need: NeedId
    code: str
    params: Mapping[str, Param]
    alternatives: Reasons
    raised: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A need that waits so long that a coordinator is told."""

    resident_id: ResidentId
    reference: str
    waiting_days: int
    code: str
    params: dict[str, Param]
    alternatives: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Needs that a coordinator is told of, and those among them that wait longest."""

    raised: int
    long: int


@dataclass(frozen=True, slots=True)
class ThemeShort:
    """A theme of the last run of which somebody is left over. `left`: how many."""

    id: ThemeId
    label: str
    perspective: Perspective | None
    left: int
    reasons: list[dict[str, Any]]


_LAST_RUN = "(select r.id from kring.match_run r where r.state = 'done' order by r.finished_at desc limit 1)"
_TOLD = f"""
    kring.ungrouped u join kring.need n on n.id = u.need_id
    where u.run_id = {_LAST_RUN} and u.raised and n.state = 'open'
      -- A group that was approved once stays the answer, whatever the resident said to it (`needs.outcomes`): somebody
      -- who is listed here again would be somebody who declined. Nor is anybody listed who got a seat since.
      and not exists (
          select from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
          where m.need_id = n.id
            and ((p.state = 'approved' and m.dropped_at is null) or (p.state = 'draft' and m.live)))
"""


async def insert_ungrouped(
    conn: Connection, municipality: MunicipalityId, run_id: RunId, left: Sequence[NewUngrouped]
) -> None:
    await conn.executemany(
        """
        insert into kring.ungrouped (run_id, need_id, municipality_id, code, params, alternatives, raised)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        [
            (run_id, one.need, municipality, one.code, dict(one.params), list(one.alternatives), one.raised)
            for one in left
        ],
    )


async def insert_theme_advice(
    conn: Connection, municipality: MunicipalityId, run_id: RunId, advice: Mapping[ThemeId, Reasons]
) -> None:
    await conn.executemany(
        "insert into kring.theme_advice (run_id, theme_id, municipality_id, reasons) values ($1, $2, $3, $4)",
        [(run_id, theme, municipality, list(reasons)) for theme, reasons in advice.items()],
    )


async def searched_at(conn: Connection) -> datetime | None:
    """When the run ended that all this is from; None when none did."""
    found: datetime | None = await conn.fetchval(
        "select finished_at from kring.match_run where state = 'done' order by finished_at desc limit 1"
    )
    return found


async def longest(conn: Connection, limit: int) -> list[Waiting]:
    """Who waits longest comes first."""
    return each(
        Waiting,
        await conn.fetch(
            f"""
            select n.resident_id, n.reference, extract(day from now() - n.waiting_since)::int as waiting_days,
                u.code, u.params, u.alternatives
            from {_TOLD} order by n.waiting_since, n.reference limit $1
            """,  # noqa: S608 - _TOLD is a constant
            limit,
        ),
    )


async def counts(conn: Connection, long_days: int) -> Counts:
    """`long`: of those who wait over `long_days`."""
    record = await conn.fetchrow(
        f"""
        select count(*)::int as raised,
            count(*) filter (where extract(day from now() - n.waiting_since) > $1)::int as long
        from {_TOLD}
        """,  # noqa: S608 - _TOLD is a constant
        long_days,
    )
    assert record is not None  # noqa: S101 - an aggregate gives one row
    return into(Counts, record)


async def themes_short(conn: Connection, limit: int) -> list[ThemeShort]:
    """Themes of which people are left over, most people first. Who withdrew since is not counted."""
    return each(
        ThemeShort,
        await conn.fetch(
            f"""
            select t.id, t.label, t.perspective, count(n.id)::int as left, a.reasons
            from kring.theme_advice a
            join kring.theme t on t.id = a.theme_id
            join kring.theme_need tn on tn.theme_id = a.theme_id and tn.run_id = a.run_id
            join kring.ungrouped u on u.need_id = tn.need_id and u.run_id = a.run_id
            join kring.need n on n.id = u.need_id and n.state = 'open'
            where a.run_id = {_LAST_RUN}
            group by t.id, a.run_id, a.theme_id order by count(n.id) desc, t.number limit $1
            """,  # noqa: S608 - _LAST_RUN is a constant
            limit,
        ),
    )


async def alternatives(conn: Connection, need: NeedId) -> list[dict[str, Any]]:
    """What the last run found that would help this person; empty when it placed them or did not see them."""
    found = await conn.fetchval(
        f"select alternatives from kring.ungrouped where need_id = $1 and run_id = {_LAST_RUN}",  # noqa: S608
        need,
    )
    return list(found or ())
