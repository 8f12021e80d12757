"""The rows of the audit trail; `service.audit` says what they mean."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.db import Connection
from service.domain import MunicipalityId, ResidentId
from service.queries.rows import into, maybe


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    id: UUID
    municipality_id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    origin: str
    address: str | None
    action: str
    object_kind: str
    object_id: str
    resident_id: UUID | None
    result: str
    detail: str | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a chain starts, and what its first entry is chained to; where it ends."""

    first_seq: int
    first_hash: bytes
    last_seq: int
    last_hash: bytes


async def insert(
    conn: Connection,
    municipality: MunicipalityId,
    *,
    actor_kind: str,
    actor_id: UUID | None,
    origin: str,
    address: str | None,
    action: str,
    object_kind: str,
    object_id: str,
    residents: list[ResidentId | None],
    result: str,
    detail: str | None,
) -> None:
    """One row for each of `residents`."""
    await conn.execute(
        """
        insert into kring.audit (municipality_id, actor_kind, actor_id, origin, address, action, object_kind, object_id,
            resident_id, result, detail)
        select $1, $2, $3, $4, $5, $6, $7, $8, resident_id, $10, $11 from unnest($9::uuid[]) resident_id
        """,
        municipality, actor_kind, actor_id, origin, address, action, object_kind, object_id, residents, result, detail,
    )  # fmt: skip


async def chain(conn: Connection, municipality: MunicipalityId) -> Chain | None:
    return maybe(
        Chain,
        await conn.fetchrow(
            "select first_seq, first_hash, last_seq, last_hash from kring.audit_chain where municipality_id = $1",
            municipality,
        ),
    )


async def entries(conn: Connection, municipality: MunicipalityId) -> AsyncIterator[Entry]:
    """The chain from its start on, a few hundred rows at a time. Needs a transaction."""
    found = conn.cursor(
        """
        select seq, id, municipality_id, at, actor_kind, actor_id, origin, address, action, object_kind, object_id,
            resident_id, result, detail, hash
        from kring.audit where municipality_id = $1 and seq is not null order by seq
        """,
        municipality,
        prefetch=500,
    )
    async for record in found:
        yield into(Entry, record)


async def unchained(conn: Connection, municipality: MunicipalityId) -> list[UUID]:
    """Entries without a place in the chain: committed ones always have one."""
    return [
        record["id"]
        for record in await conn.fetch(
            "select id from kring.audit where municipality_id = $1 and (seq is null or hash is null)", municipality
        )
    ]
