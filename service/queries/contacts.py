"""The sealed side of the vault: reading one value back, and finding what another key should seal.

The application's role cannot select what is sealed (revision 0014); `service.queries.residents` has what it may.
"""

from uuid import UUID

from service.db import Connection
from service.domain import MunicipalityId, ResidentId
from service.queries.residents import SealedContact
from service.queries.rows import maybe


async def read(
    conn: Connection,
    resident: ResidentId,
    why: str,
    *,
    reader_kind: str,
    reader_id: UUID | None,
    reader_origin: str,
    reader_address: str | None,
) -> SealedContact | None:
    """The sealed value, and an entry in the audit trail; None, and no entry, where there is none."""
    return maybe(
        SealedContact,
        await conn.fetchrow(
            "select channel, key_id, key_check, nonce, sealed from vault.read_contact($1, $2, $3, $4, $5, $6)",
            resident, why, reader_kind, reader_id, reader_origin, reader_address,
        ),
    )  # fmt: skip


async def keys_in_use(conn: Connection, municipality: MunicipalityId) -> list[str]:
    """Ids of the keys that seal something here."""
    return [
        record["key_id"]
        for record in await conn.fetch(
            "select distinct key_id from vault.contact where municipality_id = $1 order by key_id", municipality
        )
    ]


async def count_stale(conn: Connection, key_id: str, but: list[ResidentId]) -> int:
    """How many values `key_id` did not seal, or sealed before municipalities were bound in; without those of `but`."""
    count: int = await conn.fetchval(
        """
        select count(*) from vault.contact
        where (key_id <> $1 or key_check is null) and resident_id <> all($2)
        """,
        key_id, but,
    )  # fmt: skip
    return count


async def take_stale(
    conn: Connection, key_id: str, but: list[ResidentId], *, after: ResidentId | None, most: int
) -> list[ResidentId]:
    """Hold up to `most` of those that `count_stale` counts, in order, from after `after` on.

    Who is being written to at this moment is left out: holding some while waiting for others could be for ever.
    """
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch(
            """
            select resident_id from vault.contact
            where (key_id <> $1 or key_check is null) and resident_id <> all($2)
              and ($3::uuid is null or resident_id > $3)
            order by resident_id limit $4 for update skip locked
            """,
            key_id, but, after, most,
        )
    ]  # fmt: skip


async def await_stale(conn: Connection, key_id: str, but: list[ResidentId]) -> ResidentId | None:
    """Wait for one of those that `take_stale` left out, and hold it; None when it was dealt with meanwhile."""
    found = await conn.fetchval(
        """
        select resident_id from vault.contact
        where (key_id <> $1 or key_check is null) and resident_id <> all($2)
        order by resident_id limit 1 for update
        """,
        key_id, but,
    )  # fmt: skip
    return None if found is None else ResidentId(found)


async def reseal(conn: Connection, resident: ResidentId, contact: SealedContact) -> None:
    """The same details under another key: when they were last changed stands."""
    await conn.execute(
        "update vault.contact set key_id = $2, key_check = $3, nonce = $4, sealed = $5 where resident_id = $1",
        resident, contact.key_id, contact.key_check, contact.nonce, contact.sealed,
    )  # fmt: skip
