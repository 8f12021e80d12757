"""Residents, the consent ledger, the vault's rows, and who must not meet whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from models.need import AgeBand
from service.db import Connection
from service.domain import Channel, GivenBy, MunicipalityId, Purpose, RecordedHow, ResidentId, StaffId
from service.queries.rows import each, maybe


@dataclass(frozen=True, slots=True)
class ConsentRow:
    purpose: Purpose
    text_version: str
    language: str
    given_by: GivenBy
    given_at: datetime
    valid_until: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class SealedContact:
    channel: Channel
    key_id: str
    nonce: bytes
    sealed: bytes


async def insert_resident(conn: Connection, municipality: MunicipalityId, age_band: AgeBand) -> ResidentId:
    return ResidentId(
        await conn.fetchval(
            "insert into kring.resident (municipality_id, age_band) values ($1, $2) returning id",
            municipality, age_band,
        )
    )  # fmt: skip


async def insert_consent(
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    *,
    purpose: Purpose,
    text_version: str,
    text_hash: bytes,
    language: str,
    given_by: GivenBy,
    recorded_how: RecordedHow,
    recorded_by: StaffId | None,
    valid_days: int,
) -> None:
    await conn.execute(
        """
        insert into kring.consent (municipality_id, resident_id, purpose, text_version, text_hash, language,
            given_by, recorded_how, recorded_by, valid_until)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(days => $10))
        """,
        municipality, resident, purpose, text_version, text_hash, language, given_by, recorded_how, recorded_by,
        valid_days,
    )  # fmt: skip


async def consents(conn: Connection, resident: ResidentId) -> list[ConsentRow]:
    return each(
        ConsentRow,
        await conn.fetch(
            """
            select purpose, text_version, language, given_by, given_at, valid_until, withdrawn_at
            from kring.consent where resident_id = $1 order by given_at, purpose
            """,
            resident,
        ),
    )


async def take_consents(conn: Connection, resident: ResidentId) -> None:
    """Answering and withdrawing take turns here, before either holds anything else of this resident."""
    await conn.execute("select from kring.consent where resident_id = $1 order by id for update", resident)


async def hold_residents(conn: Connection, residents: list[ResidentId]) -> None:
    """Hold the ages and the apart pairs of these people still, in one order."""
    await conn.execute("select from kring.resident where id = any($1) order by id for share", list(residents))


async def withdraw_consents(
    conn: Connection, resident: ResidentId, purposes: list[Purpose], how: Literal["link", "caseworker"]
) -> None:
    await conn.execute(
        """
        update kring.consent set withdrawn_at = now(), withdrawn_how = $3
        where resident_id = $1 and purpose = any($2) and withdrawn_at is null
        """,
        resident, list(purposes), how,
    )  # fmt: skip


async def has_consent(conn: Connection, resident: ResidentId, purpose: Purpose) -> bool:
    """Looks at the ledger now and holds the consent still until the transaction ends."""
    return bool(await conn.fetchval("select kring.has_consent($1, $2)", resident, purpose))


async def hold_consents(conn: Connection, residents: list[ResidentId], purpose: Purpose) -> None:
    """Hold these residents' consents still, all at once and in one order, before anything else is held.

    A withdrawal takes the consents first too, so it waits here or is waited for here: never both.
    """
    await conn.execute(
        """
        select from kring.consent
        where resident_id = any($1) and purpose = $2 and withdrawn_at is null order by id for share
        """,
        list(residents), purpose,
    )  # fmt: skip


async def put_contact(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, contact: SealedContact
) -> None:
    await conn.execute(
        """
        insert into vault.contact (resident_id, municipality_id, channel, key_id, nonce, sealed)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (resident_id) do update
            set channel = $3, key_id = $4, nonce = $5, sealed = $6, updated_at = now()
        """,
        resident, municipality, contact.channel, contact.key_id, contact.nonce, contact.sealed,
    )  # fmt: skip


async def contact(conn: Connection, resident: ResidentId) -> SealedContact | None:
    return maybe(
        SealedContact,
        await conn.fetchrow(
            "select channel, key_id, nonce, sealed from vault.contact where resident_id = $1", resident
        ),
    )


async def delete_contact(conn: Connection, resident: ResidentId) -> None:
    await conn.execute("delete from vault.contact where resident_id = $1", resident)


async def insert_apart(
    conn: Connection, municipality: MunicipalityId, one: ResidentId, other: ResidentId, by: StaffId
) -> None:
    await conn.execute(
        """
        insert into kring.apart (municipality_id, resident_a, resident_b, recorded_by)
        values ($1, least($2::uuid, $3), greatest($2::uuid, $3), $4)
        on conflict do nothing
        """,
        municipality, one, other, by,
    )  # fmt: skip


async def apart_pairs(conn: Connection) -> list[tuple[UUID, UUID]]:
    return [
        (record["resident_a"], record["resident_b"])
        for record in await conn.fetch("select resident_a, resident_b from kring.apart")
    ]
