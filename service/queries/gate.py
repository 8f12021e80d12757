"""What was overruled at the gate: the kind and the reason, never the words."""

from dataclasses import dataclass
from datetime import datetime

from models.deidentify import Label
from service.db import Connection
from service.domain import MunicipalityId, NeedId, OverruleReason, StaffId
from service.queries.rows import each


@dataclass(frozen=True, slots=True)
class OverruledHit:
    label: Label
    reason: OverruleReason
    overruled_by_name: str
    overruled_at: datetime


async def insert_overruled(
    conn: Connection, municipality: MunicipalityId, need: NeedId, label: Label, reason: OverruleReason, by: StaffId
) -> None:
    await conn.execute(
        """
        insert into kring.overruled_hit (municipality_id, need_id, label, reason, overruled_by)
        values ($1, $2, $3, $4, $5)
        """,
        municipality, need, label, reason, by,
    )  # fmt: skip


async def overruled(conn: Connection, need: NeedId) -> list[OverruledHit]:
    return each(
        OverruledHit,
        await conn.fetch(
            """
            select o.label, o.reason, s.name as overruled_by_name, o.overruled_at
            from kring.overruled_hit o join kring.staff s on s.id = o.overruled_by
            where o.need_id = $1 order by o.overruled_at, o.label, o.id
            """,
            need,
        ),
    )
