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
    """A consent as the ledger has it. `stands`: it counts now; one that does not was withdrawn, is over, or was given
    by the representative of somebody who is 16 by now.

    `label` and `explanation` are the words that were agreed to; None for those of an import that kept none.
    """

    purpose: Purpose
    text_version: str
    language: str
    given_by: GivenBy
    recorded_how: RecordedHow
    given_at: datetime
    valid_until: datetime
    withdrawn_at: datetime | None
    withdrawn_how: Literal["link", "caseworker"] | None
    stands: bool
    label: str | None
    explanation: str | None


@dataclass(frozen=True, slots=True)
class SealedContact:
    channel: Channel
    key_id: str
    nonce: bytes
    sealed: bytes
    key_check: bytes | None = None


@dataclass(frozen=True, slots=True)
class ContactCard:
    """What everybody with a reason may see of contact details: all but the details."""

    channel: Channel
    updated_at: datetime


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


async def put_consent_text(
    conn: Connection,
    municipality: MunicipalityId,
    *,
    text_hash: bytes,
    purpose: Purpose,
    version: str,
    language: str,
    label: str,
    explanation: str,
) -> None:
    """Keep the words themselves, the first time they are agreed to in this municipality."""
    await conn.execute(
        """
        insert into kring.consent_text (municipality_id, hash, purpose, version, language, label, explanation)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (municipality_id, hash) do nothing
        """,
        municipality, text_hash, purpose, version, language, label, explanation,
    )  # fmt: skip


async def consents(conn: Connection, resident: ResidentId) -> list[ConsentRow]:
    """All there ever were, oldest first."""
    return each(
        ConsentRow,
        await conn.fetch(
            """
            select c.purpose, c.text_version, c.language, c.given_by, c.recorded_how, c.given_at, c.valid_until,
                w.at as withdrawn_at, w.how as withdrawn_how, t.label, t.explanation,
                exists (select from kring.standing_consent(c.purpose) s where s.id = c.id) as stands
            from kring.consent c
            left join kring.consent_withdrawal w on w.consent_id = c.id
            left join kring.consent_text t on t.municipality_id = c.municipality_id and t.hash = c.text_hash
            where c.resident_id = $1 order by c.given_at, c.purpose
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
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    purposes: list[Purpose],
    how: Literal["link", "caseworker"],
    by: StaffId | None = None,
) -> None:
    """Add the withdrawal of all that was not withdrawn yet. `by`: the caseworker; None for the resident's own link.

    Also of what is over or no longer counts: a later look at the ledger then never finds it standing again.
    """
    await conn.execute(
        """
        insert into kring.consent_withdrawal (consent_id, municipality_id, how, recorded_by)
        select id, $1, $4, $5 from kring.consent where resident_id = $2 and purpose = any($3)
        on conflict (consent_id) do nothing
        """,
        municipality, resident, list(purposes), how, by,
    )  # fmt: skip


async def has_consent(conn: Connection, resident: ResidentId, purpose: Purpose) -> bool:
    """Looks at the ledger now and holds the consent still until the transaction ends."""
    return bool(await conn.fetchval("select kring.has_consent($1, $2)", resident, purpose))


async def hold_consents(conn: Connection, residents: list[ResidentId], purpose: Purpose) -> None:
    """Hold these residents' consents still, all at once and in one order, before anything else is held.

    A withdrawal takes the consents first too, so it waits here or is waited for here: never both.
    """
    await conn.execute(
        "select from kring.consent where resident_id = any($1) and purpose = $2 order by id for share",
        list(residents), purpose,
    )  # fmt: skip


async def put_contact(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, contact: SealedContact
) -> None:
    await conn.execute(
        """
        insert into vault.contact (resident_id, municipality_id, channel, key_id, key_check, nonce, sealed)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (resident_id) do update
            set channel = $3, key_id = $4, key_check = $5, nonce = $6, sealed = $7, updated_at = now()
        """,
        resident, municipality, contact.channel, contact.key_id, contact.key_check, contact.nonce, contact.sealed,
    )  # fmt: skip


async def contact(conn: Connection, resident: ResidentId) -> ContactCard | None:
    """That there are contact details, and of which kind; `service.addresses.read` opens them."""
    return maybe(
        ContactCard,
        await conn.fetchrow("select channel, updated_at from vault.contact where resident_id = $1", resident),
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
