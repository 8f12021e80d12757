"""Themes that last: recognised when a run stores what it found, and mixed when a coordinator says so.

The engine looks at past themes too, to know which of them may be mixed. Which theme goes on is decided here,
under the hold of the run: only here is known who is still there, and events are told of them alone.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from models import plan as engine
from models.labels import number_of
from models.lineage import LEAST_SHARED, EventKind, Lineage, ThemeEvent, follow
from models.need import Perspective
from models.plan import PastTheme, Plan
from service.db import Connection
from service.domain import MunicipalityId, NeedId, RunId, Staff, ThemeId
from service.errors import NotFound
from service.queries import theme_pages
from service.queries import themes as rows
from service.queries.themes import FoundTheme, LastingTheme, NewEvent

RETURNS_WITHIN_DAYS = 90
"""How long the members of an ended theme are kept. People who are in a proposal that a coordinator works on, or who
said "not now" (90 days), are away from the pool; when they come back together, so does their theme."""

RETURNED = "returned"
MIXING_ON, MIXING_OFF = "mixing_on", "mixing_off"


@dataclass(frozen=True, slots=True)
class StoredTheme:
    """What a theme of a plan is called from now on."""

    id: ThemeId
    label: str
    perspective: Perspective | None


async def store(
    conn: Connection, municipality: MunicipalityId, run_id: RunId, plan: Plan, still: Collection[str]
) -> dict[str, StoredTheme]:
    """Store what a run found, in the caller's transaction, which holds the run; the stored theme by id in the plan.

    `still`: the needs that are in the pool at this moment. A theme of which hardly anybody is left is none.
    """
    found = [theme for theme in (_of_who_is_there(theme, still) for theme in plan.themes) if theme]
    known = await rows.lasting(conn)
    lineage, back = _recognised(known, found, still)
    past = {str(theme.id): theme for theme in known}
    stored = await _named(conn, municipality, found, {**lineage.continues, **back}, past)
    await rows.put_found(
        conn,
        municipality,
        run_id,
        [
            FoundTheme(one.id, one.label, one.perspective, tuple(NeedId(UUID(member)) for member in theme.members))
            for theme, one in zip(found, stored.values(), strict=True)
        ],
    )
    merged = {past[gone].id for event in lineage.events if event.kind is EventKind.MERGED for gone in event.past[1:]}
    over = {past[event.past[0]].id for event in lineage.events if event.kind is EventKind.ENDED}
    await rows.end(conn, merged | over)
    await rows.forget_members(conn, run_id, merged=merged, days=RETURNS_WITHIN_DAYS)
    events = [_event(event, past, stored, back) for event in lineage.events]
    await rows.insert_events(conn, municipality, run_id, events)
    return stored


async def set_mixed(conn: Connection, staff: Staff, theme: ThemeId, *, mixed: bool) -> None:
    """Let people who ask from another side into this theme, or no longer; the next run heeds it.

    Asked twice it is decided once. Raises NotFound when there is no such theme.
    """
    if await theme_pages.theme(conn, theme) is None:
        raise NotFound
    if await rows.set_mixed(conn, theme, mixed=mixed):
        await rows.insert_decision(conn, staff.municipality, theme, MIXING_ON if mixed else MIXING_OFF, staff.id)


def as_past(theme: LastingTheme) -> PastTheme:
    """The theme as the engine knows it."""
    return PastTheme(str(theme.id), frozenset(map(str, theme.members)), theme.mixed)


def _of_who_is_there(theme: engine.Theme, still: Collection[str]) -> engine.Theme | None:
    members = tuple(member for member in theme.members if member in still)
    return replace(theme, members=members) if len(members) >= LEAST_SHARED else None


def _recognised(
    known: list[LastingTheme], found: list[engine.Theme], still: Collection[str]
) -> tuple[Lineage, dict[str, str]]:
    """What became of the themes that go on, and which of the new ones had ended before: found id → past id."""
    told = {str(theme.id): theme.told for theme in known if theme.told is not None}
    lineage = follow([as_past(theme) for theme in known if not theme.ended], found, still, told)
    new = [theme for theme in found if theme.id not in lineage.continues]
    return lineage, dict(follow([as_past(theme) for theme in known if theme.ended], new, still).continues)


async def _named(
    conn: Connection,
    municipality: MunicipalityId,
    found: list[engine.Theme],
    continues: dict[str, str],
    past: dict[str, LastingTheme],
) -> dict[str, StoredTheme]:
    """Each found theme under its lasting id and name, in order; new ones get the next numbers."""
    first = await rows.next_number(conn)
    new = [theme for theme in found if theme.id not in continues]
    number = {theme.id: at for at, theme in enumerate(new, start=first)}
    number |= {theme.id: past[continues[theme.id]].number for theme in found if theme.id in continues}
    label = {theme.id: _label(theme.label, number[theme.id]) for theme in found}
    made = await rows.insert_themes(
        conn, municipality, [(number[theme.id], label[theme.id], theme.perspective) for theme in new]
    )
    id_of = {theme.id: past[continues[theme.id]].id for theme in found if theme.id in continues}
    id_of |= {theme.id: given for theme, given in zip(new, made, strict=True)}
    return {theme.id: StoredTheme(id_of[theme.id], label[theme.id], theme.perspective) for theme in found}


def _label(label: str, number: int) -> str:
    """A theme without a name is called by its lasting number: what is "Thema 6" today is "Thema 6" tomorrow."""
    return label if number_of(label) is None else f"Thema {number}"


def _event(
    event: ThemeEvent, past: dict[str, LastingTheme], stored: dict[str, StoredTheme], back: dict[str, str]
) -> NewEvent:
    """The event as it is stored: of one theme, with the others it tells of."""
    was = [past[one].id for one in event.past]
    now = [stored[one].id for one in event.found]
    match event.kind:
        case EventKind.BORN:
            kind = RETURNED if event.found[0] in back else event.kind
            return NewEvent(now[0], kind, (), event.params)
        case EventKind.MERGED:
            return NewEvent(was[0], event.kind, tuple(was[1:]), event.params)
        case EventKind.SPLIT:
            return NewEvent(was[0], event.kind, tuple(one for one in now if one != was[0]), event.params)
        case EventKind.ENDED:
            # who withdrew since is in no theme any more, and still one of those who left
            theme = past[event.past[0]]
            scattered = int(event.params["scattered"])
            return NewEvent(was[0], event.kind, (), {"left": theme.size - scattered, "scattered": scattered})
        case _:
            return NewEvent(was[0], event.kind, (), event.params)
