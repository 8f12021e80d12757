"""Themes that last from run to run, as runs and coordinators write them; pages read `service.queries.theme_pages`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from models.errors import Param
from models.need import Perspective
from service.db import Connection
from service.domain import (
    MunicipalityId,
    NeedId,
    RunId,
    StaffId,
    ThemeId,
)


@dataclass(frozen=True, slots=True)
class LastingTheme:
    """A theme as the runs before left it. `told`: its size when that was last told; None when it never was.

    `members` are those of the run that saw it last and did not withdraw since; `size` counts those who did too.
    """

    id: ThemeId
    number: int
    mixed: bool
    ended: bool
    size: int
    told: int | None
    members: tuple[NeedId, ...]


@dataclass(frozen=True, slots=True)
class FoundTheme:
    """A theme as one run found it, under the name it has from now on."""

    id: ThemeId
    label: str
    perspective: Perspective | None
    members: tuple[NeedId, ...]


@dataclass(frozen=True, slots=True)
class NewEvent:
    theme: ThemeId
    kind: str
    others: tuple[ThemeId, ...]
    params: Mapping[str, Param]


LAST_RUN = "select id from kring.match_run where state = 'done' order by finished_at desc, id limit 1"


# --- what a run stores ----------------------------------------------------------------------------------------------


async def lasting(conn: Connection) -> list[LastingTheme]:
    """Every theme that a run may find again: the ones that go on, and ended ones whose members are still kept.

    Three statements, put together here: just after a run stored many rows the planner knows nothing of them yet, and
    joins them by comparing each with every other.
    """
    members, told = await _members(conn), await _told(conn)
    records = await conn.fetch(
        f"""
        -- a theme that goes on was in the last run
        select t.id, t.number, t.mixed, t.ended_at is not null as ended, s.size from kring.theme t
        left join kring.theme_in_run s on s.theme_id = t.id and s.run_id = ({LAST_RUN})
        where t.ended_at is null or t.id = any($1) order by t.number
        """,  # noqa: S608 - LAST_RUN is a constant
        list(members),
    )
    return [
        LastingTheme(
            id=ThemeId(record["id"]),
            number=record["number"],
            mixed=record["mixed"],
            ended=record["ended"],
            size=len(members.get(record["id"], ())) if record["size"] is None else record["size"],
            told=told.get(record["id"]),
            members=members.get(record["id"], ()),
        )
        for record in records
    ]


async def _members(conn: Connection) -> dict[ThemeId, tuple[NeedId, ...]]:
    records = await conn.fetch(
        "select theme_id, array_agg(need_id order by need_id) as members from kring.theme_need group by theme_id"
    )
    return {record["theme_id"]: tuple(record["members"]) for record in records}


async def _told(conn: Connection) -> dict[ThemeId, int]:
    """The size of each theme when it was last told."""
    records = await conn.fetch(
        """
        select distinct on (theme_id) theme_id, (params->>'size')::int as size from kring.theme_event
        where params ? 'size' order by theme_id, number desc
        """
    )
    return {record["theme_id"]: record["size"] for record in records}


async def next_number(conn: Connection) -> int:
    """The number of the next new theme; the run that asks is the only one that stores."""
    found: int = await conn.fetchval("select coalesce(max(number), 0) + 1 from kring.theme")
    return found


async def insert_themes(
    conn: Connection, municipality: MunicipalityId, rows: Sequence[tuple[int, str, Perspective | None]]
) -> list[ThemeId]:
    """New themes, each a number, label and perspective; their ids in the same order."""
    records = await conn.fetch(
        """
        insert into kring.theme (municipality_id, number, label, perspective)
        select $1, * from unnest($2::int[], $3::text[], $4::text[]) returning id, number
        """,
        municipality, [number for number, _, _ in rows], [label for _, label, _ in rows],
        [perspective for _, _, perspective in rows],
    )  # fmt: skip
    id_of = {record["number"]: ThemeId(record["id"]) for record in records}
    return [id_of[number] for number, _, _ in rows]


async def put_found(conn: Connection, municipality: MunicipalityId, run_id: RunId, found: Sequence[FoundTheme]) -> None:
    """What this run found: each theme's name and size, and who is in it; an ended one goes on.

    Somebody may withdraw at this moment: whoever did before is not put in, and whoever does later waits for us and then
    takes out what we put in (`kring.need_leaves_themes`).
    """
    await conn.executemany(
        "update kring.theme set label = $2, perspective = $3, ended_at = null where id = $1",
        [(theme.id, theme.label, theme.perspective) for theme in found],
    )
    await conn.executemany(
        """
        insert into kring.theme_in_run (run_id, theme_id, municipality_id, label, size) values ($1, $2, $3, $4, $5)
        """,
        [(run_id, theme.id, municipality, theme.label, len(theme.members)) for theme in found],
    )
    members = sorted((need, theme.id) for theme in found for need in theme.members)
    await conn.execute(
        """
        insert into kring.theme_need (run_id, theme_id, need_id, municipality_id)
        select $1, m.theme_id, n.id, $2
        from unnest($3::uuid[], $4::uuid[]) as m (need_id, theme_id) join kring.need n on n.id = m.need_id
        where n.state = 'open' order by n.id for share of n
        """,
        run_id, municipality, [need for need, _ in members], [theme for _, theme in members],
    )  # fmt: skip


async def end(conn: Connection, themes: Collection[ThemeId]) -> None:
    await conn.execute("update kring.theme set ended_at = now() where id = any($1)", list(themes))


async def forget_members(conn: Connection, run_id: RunId, *, merged: Collection[ThemeId], days: int) -> None:
    """Keep of each theme only who was in it in its last run, and of an ended one only for `days`."""
    await conn.execute(
        """
        delete from kring.theme_need n using kring.theme t
        where t.id = n.theme_id and n.run_id <> $1
          and (t.ended_at is null or t.id = any($2) or t.ended_at < now() - make_interval(days => $3))
        """,
        run_id, list(merged), days,
    )  # fmt: skip


async def insert_events(
    conn: Connection, municipality: MunicipalityId, run_id: RunId, events: Sequence[NewEvent]
) -> None:
    """What a run saw happen, in this order."""
    await conn.executemany(
        """
        insert into kring.theme_event (municipality_id, theme_id, run_id, kind, others, params)
        values ($1, $2, $3, $4, $5, $6)
        """,
        [(municipality, event.theme, run_id, event.kind, list(event.others), dict(event.params)) for event in events],
    )


# --- what a coordinator decides -------------------------------------------------------------------------------------


async def set_mixed(conn: Connection, theme: ThemeId, *, mixed: bool) -> bool:
    """False when nothing changed: no such theme, an ended one, or it was so already."""
    return (
        await conn.fetchval(
            """
            update kring.theme set mixed = $2 where id = $1 and mixed <> $2 and ended_at is null returning true
            """,
            theme, mixed,
        )
        is True
    )  # fmt: skip


async def insert_decision(
    conn: Connection, municipality: MunicipalityId, theme: ThemeId, kind: str, by: StaffId
) -> None:
    await conn.execute(
        "insert into kring.theme_event (municipality_id, theme_id, kind, decided_by) values ($1, $2, $3, $4)",
        municipality, theme, kind, by,
    )  # fmt: skip
