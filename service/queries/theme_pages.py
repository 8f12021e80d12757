"""What pages tell of themes: how each stands, what happened to it, how large it was, what came of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from models.errors import Param
from models.need import Form, Perspective
from service.db import Connection
from service.domain import (
    PlatformId,
    PlatformState,
    ProposalId,
    ProposalState,
    RunId,
    ThemeId,
)
from service.queries.rows import each, maybe
from service.queries.themes import LAST_RUN


@dataclass(frozen=True, slots=True)
class ThemeCount:
    """A theme in one run, under the name it had then."""

    id: ThemeId
    label: str
    perspective: Perspective | None
    needs: int


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme as pages list it. `needs`: in the run that saw it last; `last_kind`: of what happened to it
    last, `merged_into` when that was the end of it."""

    id: ThemeId
    number: int
    label: str
    perspective: Perspective | None
    mixed: bool
    born_at: datetime
    ended_at: datetime | None
    needs: int
    last_kind: str | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    number: int
    theme_id: ThemeId
    run_id: RunId | None
    at: datetime
    kind: str
    others: tuple[ThemeId, ...]
    params: dict[str, Param]
    decided_by_name: str | None


@dataclass(frozen=True, slots=True)
class Name:
    """What a theme is called by: `wording.theme_name` makes a name of it."""

    id: ThemeId
    label: str
    perspective: Perspective | None


@dataclass(frozen=True, slots=True)
class Size:
    run_id: RunId
    at: datetime
    label: str
    needs: int


@dataclass(frozen=True, slots=True)
class ProposalOfTheme:
    id: ProposalId
    title: str
    form: Form
    state: ProposalState
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlatformOfTheme:
    id: PlatformId
    name: str
    form: Form
    state: PlatformState
    created_at: datetime


_THEME = """
    select t.id, t.number, t.label, t.perspective, t.mixed, t.born_at, t.ended_at, coalesce(last.size, 0) as needs,
        case when went.at is not null then 'merged_into' else own.kind end as last_kind,
        coalesce(went.at, own.at) as last_at
    from listed t
    left join lateral (
        select s.size from kring.theme_in_run s join kring.match_run r on r.id = s.run_id
        where s.theme_id = t.id order by r.finished_at desc nulls last limit 1) last on true
    left join lateral (
        select e.kind, e.at from kring.theme_event e where e.theme_id = t.id order by e.number desc limit 1) own on true
    -- what went into another theme stays there
    left join lateral (
        select e.at from kring.theme_event e
        where t.ended_at is not null and e.kind = 'merged' and e.others @> array[t.id] limit 1) went on true
"""


async def themes(conn: Connection, *, ended: bool, limit: int) -> list[Theme]:
    """The largest first; of the ended ones those that ended last."""
    return each(
        Theme,
        await conn.fetch(
            f"""
            with listed as (
                select t.*, s.size from kring.theme t
                left join kring.theme_in_run s on s.theme_id = t.id and s.run_id = ({LAST_RUN})
                where (t.ended_at is not null) = $1
                order by t.ended_at desc, s.size desc nulls last, t.number limit $2)
            {_THEME} order by t.ended_at desc, t.size desc nulls last, t.number
            """,  # noqa: S608 - both are constants
            ended, limit,
        ),
    )  # fmt: skip


async def count(conn: Connection, *, ended: bool) -> int:
    found: int = await conn.fetchval("select count(*)::int from kring.theme where (ended_at is not null) = $1", ended)
    return found


async def theme(conn: Connection, theme_id: ThemeId) -> Theme | None:
    listed = "with listed as (select * from kring.theme where id = $1)"
    return maybe(Theme, await conn.fetchrow(f"{listed} {_THEME}", theme_id))


async def events(conn: Connection, theme_id: ThemeId) -> list[Event]:
    """What happened to a theme, the last first; also what happened to another one that it came from or went into."""
    return each(
        Event,
        await conn.fetch(
            """
            select e.number, e.theme_id, e.run_id, e.at, e.kind, e.others, e.params, s.name as decided_by_name
            from kring.theme_event e left join kring.staff s on s.id = e.decided_by
            where e.theme_id = $1 or e.others @> array[$1::uuid] order by e.number desc
            """,
            theme_id,
        ),
    )


async def events_of_run(conn: Connection, run_id: RunId, limit: int) -> list[Event]:
    """What a run saw happen, in the order in which it is told: merged, split, grew, shrank, new, over."""
    return each(
        Event,
        await conn.fetch(
            """
            select number, theme_id, run_id, at, kind, others, params, null as decided_by_name
            from kring.theme_event where run_id = $1 order by number limit $2
            """,
            run_id, limit,
        ),
    )  # fmt: skip


async def event_count_of_run(conn: Connection, run_id: RunId) -> int:
    found: int = await conn.fetchval("select count(*)::int from kring.theme_event where run_id = $1", run_id)
    return found


async def names(conn: Connection, wanted: Collection[ThemeId]) -> dict[ThemeId, Name]:
    return {
        found.id: found
        for found in each(
            Name, await conn.fetch("select id, label, perspective from kring.theme where id = any($1)", list(wanted))
        )
    }


async def sizes(conn: Connection, theme_id: ThemeId, limit: int) -> list[Size]:
    """How large the theme was in each run that found it, the last first."""
    return each(
        Size,
        await conn.fetch(
            """
            select s.run_id, coalesce(r.finished_at, r.created_at) as at, s.label, s.size as needs
            from kring.theme_in_run s join kring.match_run r on r.id = s.run_id
            where s.theme_id = $1 order by r.finished_at desc nulls last limit $2
            """,
            theme_id, limit,
        ),
    )  # fmt: skip


async def of_run(conn: Connection, run_id: RunId) -> list[ThemeCount]:
    """What one run found, the largest first."""
    return each(
        ThemeCount,
        await conn.fetch(
            """
            select t.id, s.label, t.perspective, s.size as needs
            from kring.theme_in_run s join kring.theme t on t.id = s.theme_id
            where s.run_id = $1 order by s.size desc, s.label, t.number
            """,
            run_id,
        ),
    )


async def open_proposals(conn: Connection, theme_id: ThemeId) -> list[ProposalOfTheme]:
    """Those a coordinator still decides on, and approved ones that wait for enough people to say yes."""
    return each(
        ProposalOfTheme,
        await conn.fetch(
            """
            select p.id, p.title, p.form, p.state, p.created_at from kring.proposal p
            where p.theme_id = $1 and (p.state = 'draft' or (p.state = 'approved'
                and exists (select from kring.proposal_member m where m.proposal_id = p.id and m.live)
                and not exists (select from kring.platform f where f.proposal_id = p.id)))
            order by p.created_at desc, p.title
            """,
            theme_id,
        ),
    )


async def platforms(conn: Connection, theme_id: ThemeId) -> list[PlatformOfTheme]:
    return each(
        PlatformOfTheme,
        await conn.fetch(
            """
            select f.id, f.name, f.form, f.state, f.created_at
            from kring.platform f join kring.proposal p on p.id = f.proposal_id
            where p.theme_id = $1 order by f.state = 'ended', f.created_at desc
            """,
            theme_id,
        ),
    )
