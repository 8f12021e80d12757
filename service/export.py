"""Copies that leave Kring: everything held about one resident (AVG art. 15 and 20), or a whole municipality.

`gather` is behind the resident's own page and behind `kring export --resident`, so that both show the same.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from models.need import AgeBand
from service.db import Connection
from service.domain import Contact, ResidentId
from service.errors import NotFound
from service.queries import export as rows
from service.queries import needs, own_data, residents
from service.queries.export import Look, OwnInvitation, OwnLink, OwnMembership, OwnMessage, OwnPulse, TableOf
from service.queries.needs import NeedRow
from service.queries.own_data import Correction
from service.queries.residents import ConsentRow


@dataclass(frozen=True, slots=True)
class OwnNeed:
    """A need, and what Kring made of it. `vector`: its words as numbers, by the encoder `vector_model`."""

    need: NeedRow
    theme: str | None
    ungrouped_code: str | None
    ungrouped_params: dict[str, int | float | str] | None
    vector_model: str | None
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class OwnData:
    """Everything Kring holds about one resident, as it is held.

    `contact` is None when there is none, or when whoever gathers may not open the vault. `kept_apart`: from how many
    people; who they are, and why, is about them too. `drafts`: in how many proposals that nobody decided on yet.
    """

    resident: ResidentId
    age_band: AgeBand
    since: datetime
    needs: tuple[OwnNeed, ...]
    consents: tuple[ConsentRow, ...]
    contact: Contact | None
    corrections: tuple[Correction, ...]
    kept_apart: int
    drafts: int
    invitations: tuple[OwnInvitation, ...]
    memberships: tuple[OwnMembership, ...]
    pulses: tuple[OwnPulse, ...]
    messages: tuple[OwnMessage, ...]
    links: tuple[OwnLink, ...]
    looks: tuple[Look, ...]


async def gather(conn: Connection, resident: ResidentId, *, contact: Contact | None = None) -> OwnData:
    """Read all that is held about a resident. `contact`: opened by the caller, whom the vault knows by name.

    Raises NotFound when there is no such resident (any more). The caller writes the entry in the audit trail.
    """
    person = await rows.person(conn, resident)
    if person is None:
        raise NotFound
    held = await _needs(conn, resident)
    return OwnData(
        resident=resident,
        age_band=person.age_band,
        since=person.created_at,
        needs=held,
        consents=tuple(await residents.consents(conn, resident)),
        contact=contact,
        corrections=tuple(await own_data.corrections(conn, [own.need.id for own in held])),
        kept_apart=person.kept_apart,
        drafts=person.drafts,
        invitations=tuple(await rows.invitations(conn, resident)),
        memberships=tuple(await rows.memberships(conn, resident)),
        pulses=tuple(await rows.pulses(conn, resident)),
        messages=tuple(await rows.messages(conn, resident)),
        links=tuple(await rows.links(conn, resident)),
        looks=tuple(await rows.looks(conn, resident)),
    )


async def _needs(conn: Connection, resident: ResidentId) -> tuple[OwnNeed, ...]:
    held = await needs.needs_of_resident(conn, resident)
    vectors = await needs.vectors(conn, [need.id for need in held])
    found = await rows.found_for(conn, resident)
    return tuple(
        OwnNeed(
            need,
            theme=found[need.id].theme,
            ungrouped_code=found[need.id].ungrouped_code,
            ungrouped_params=found[need.id].ungrouped_params,
            vector_model=vectors[need.id].model_id if need.id in vectors else None,
            vector=tuple(map(float, vectors[need.id].values)) if need.id in vectors else (),
        )
        for need in held
    )


# --- a whole municipality -------------------------------------------------------------------------------------------

SECRET: Final[Mapping[str, frozenset[str]]] = {
    "link": frozenset({"token_hash"}),
    "sign_in": frozenset(),
    "staff_session": frozenset(),
}
"""What opens something: columns that are left out, or with none named the whole table."""


async def tables(conn: Connection) -> list[TableOf]:
    """What goes into a copy of a municipality: every table there is, but for what opens something."""
    return [
        TableOf(table.name, tuple(name for name in table.columns if name not in SECRET.get(table.name, ())))
        for table in await rows.tables(conn)
        if table.name not in SECRET or SECRET[table.name]
    ]


async def lines(conn: Connection, table: TableOf) -> AsyncIterator[str]:
    """The rows of this municipality as JSON Lines. Needs a transaction; bytes are base64, times ISO 8601."""
    async for row in rows.rows_of(conn, table):
        yield json.dumps(row, ensure_ascii=False, default=_plain) + "\n"


def _plain(value: object) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
    raise TypeError(type(value).__name__)
