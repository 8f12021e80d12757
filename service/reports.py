"""The report a manager reads: counted once a quarter, controlled for small cells, and frozen.

Everything in a release counts the same people: residents with an open need on its date. Whoever withdrew or was closed
is in none of its numbers, so no two of them can be subtracted to find out how many did. docs/decisions/0002-releases.md
says how two releases are kept from telling more together than apart.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from models.disclosure import Controlled, Count, is_safe, nested, partition
from models.need import Perspective
from service.db import Connection
from service.domain import AMSTERDAM, MunicipalityId, PlatformState
from service.errors import TooFewPeople, TooLittleChanged
from service.queries import municipalities, reports
from service.queries.reports import Line, Part, Person, Release, Table, Tables

NO_THEME = ""
"""Name of the line for needs that no theme was found for."""
NO_PLATFORM = "waiting"
"""Name of the line for people who said yes to a group that has not started yet."""


def quarter_of(at: datetime) -> str:
    """`2026-K4`: the quarter in the Netherlands."""
    local = at.astimezone(AMSTERDAM)
    return f"{local.year}-K{(local.month + 2) // 3}"


async def latest(conn: Connection) -> Release | None:
    return await reports.latest_release(conn)


async def freeze(conn: Connection, municipality: MunicipalityId, quarter: str) -> Release:
    """The release of `quarter`: the one that stands, or one made now and never again.

    Raises TooFewPeople, and TooLittleChanged when the difference with the last release would be a group under the
    threshold; nothing is stored then, and it can be asked again later in the quarter.
    """
    await reports.lock_releases(conn, municipality)
    if standing := await reports.release_of(conn, quarter):
        return standing
    people = await reports.people(conn)
    if not is_safe(_count(people)):
        raise TooFewPeople
    last = await reports.latest_release(conn)
    if last is not None and not is_safe(_count(person for person in people if person.created_at > last.as_of)):
        raise TooLittleChanged
    areas = [area.name for area in await municipalities.areas(conn)]
    return await reports.insert_release(conn, municipality, quarter, tables(people, areas))


def tables(people: list[Person], areas: list[str]) -> Tables:
    """Count and control. What is suppressed is not in the result, not even its name."""
    steps = nested(
        {
            "needs": _count(people),
            "placed": _count(person for person in people if person.placed),
            "asked": _count(person for person in people if person.asked),
            "accepted": _count(person for person in people if person.accepted),
        }
    )
    parts: dict[Part, Table] = {
        "themes": _part(people, lambda person: person.theme or NO_THEME),
        "perspectives": _part(people, lambda person: person.perspective.value, list(Perspective)),
        "areas": _part(people, lambda person: person.area, areas),
    }
    if "accepted" in steps:  # else its parts would add up to what `nested` held back
        parts["platforms"] = _part(
            [person for person in people if person.accepted],
            lambda person: person.platform.value if person.platform else NO_PLATFORM,
            [*PlatformState, NO_PLATFORM],
        )
    lines = tuple(Line(name, residents) for name, residents in steps.items())
    return Tables(total=steps["needs"], steps=lines, parts=parts)


def _count(people: Iterable[Person]) -> Count:
    return Counter(str(person.caseworker) for person in people)


def _part(people: list[Person], name_of: Callable[[Person], str], names: Iterable[str] = ()) -> Table:
    """A table that divides `people`; `names` that nobody has are cells too, and zero."""
    cells: dict[str, Count] = {str(name): Counter() for name in names}
    for person in people:
        cells.setdefault(name_of(person), Counter())[str(person.caseworker)] += 1
    return _table(partition(cells))


def _table(controlled: Controlled) -> Table:
    # Ordered by what is shown: the order of the exact numbers would tell which of two equal ones is larger
    lines = sorted(controlled.shown.items(), key=lambda line: (line[0] == NO_THEME, -line[1], line[0]))
    return Table(tuple(Line(name, residents) for name, residents in lines), controlled.complete)
