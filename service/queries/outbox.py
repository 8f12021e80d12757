"""The outbox: what the worker owes, taken one message at a time under a lease."""

from dataclasses import dataclass
from typing import Literal, assert_never
from uuid import UUID

from service.db import Connection
from service.domain import MessageKind, MunicipalityId, ResidentId
from service.queries.rows import maybe

Settled = Literal["manual", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    id: UUID
    resident_id: ResidentId
    kind: MessageKind
    subject_id: UUID
    attempts: int


async def put(
    conn: Connection, municipality: MunicipalityId, *, kind: MessageKind, subject_id: UUID, resident: ResidentId
) -> None:
    await conn.execute(
        """
        insert into kring.outbox (municipality_id, kind, subject_id, resident_id) values ($1, $2, $3, $4)
        on conflict (kind, subject_id, resident_id) do nothing
        """,
        municipality, kind, subject_id, resident,
    )  # fmt: skip


async def next_owed(conn: Connection) -> OutboxRow | None:
    """The message that is owed longest. Only looks: `claim` takes it, after its resident's consent is held."""
    return maybe(
        OutboxRow,
        await conn.fetchrow(
            """
            select id, resident_id, kind, subject_id, attempts from kring.outbox
            where (state = 'due' and due_at <= now()) or (state = 'sending' and leased_until < now())
            order by due_at, id limit 1
            """
        ),
    )


async def claim(conn: Connection, outbox_id: UUID, lease_seconds: int) -> OutboxRow | None:
    """Take a message under a lease; None when another worker has it, or it is no longer owed.

    `skip locked` waits for nobody: whoever withdraws or answers may hold this row and wait for a consent held here.
    """
    return maybe(
        OutboxRow,
        await conn.fetchrow(
            """
            update kring.outbox set state = 'sending', attempts = attempts + 1,
                leased_until = now() + make_interval(secs => $2)
            where id = (
                select id from kring.outbox
                where id = $1
                  and ((state = 'due' and due_at <= now()) or (state = 'sending' and leased_until < now()))
                for update skip locked)
            returning id, resident_id, kind, subject_id, attempts
            """,
            outbox_id, float(lease_seconds),
        ),
    )  # fmt: skip


async def is_wanted(conn: Connection, row: OutboxRow) -> bool:
    """Whether what this message says still holds: an invitation is open, somebody is in a platform, a consent ends."""
    match row.kind:
        case "invitation" | "reminder":
            wanted = """
                select exists (select from kring.invitation
                where id = $1 and resident_id = $2 and state in ('pending', 'sent') and expires_at > now())
                """
        case "started":
            wanted = """
                select exists (select from kring.invitation i
                join kring.platform f on f.proposal_id = i.proposal_id and f.state <> 'ended'
                join kring.membership m on m.platform_id = f.id and m.resident_id = i.resident_id
                where i.id = $1 and i.resident_id = $2 and i.state = 'accepted' and m.left_at is null)
                """
        case "joined":
            wanted = """
                select exists (select from kring.invitation i
                join kring.proposal p on p.id = i.proposal_id
                join kring.platform f on f.id = p.platform_id and f.state <> 'ended'
                join kring.membership m on m.platform_id = f.id and m.resident_id = i.resident_id
                where i.id = $1 and i.resident_id = $2 and i.state = 'accepted' and m.left_at is null)
                """
        case "given_up":
            # no group came of it, or the places in the group there was were taken
            wanted = """
                select exists (select from kring.invitation i
                join kring.proposal p on p.id = i.proposal_id
                where i.id = $1 and i.resident_id = $2 and i.state = 'accepted'
                  and not exists (select from kring.membership m
                      join kring.platform f on f.id = m.platform_id
                      where m.resident_id = i.resident_id and (f.proposal_id = p.id or f.id = p.platform_id)))
                """
        case "pulse":
            wanted = """
                select exists (select from kring.pulse_request q
                join kring.pulse p on p.id = q.pulse_id
                join kring.platform f on f.id = p.platform_id and f.state <> 'ended'
                join kring.membership m on m.platform_id = f.id and m.resident_id = q.resident_id
                where q.pulse_id = $1 and q.resident_id = $2 and not q.answered and m.left_at is null)
                """
        case "consent_ends":
            # not renewed or withdrawn since, and there is still something to go on with
            wanted = """
                select exists (select from kring.consent_notice n join kring.lasting_consent() c on c.id = n.consent_id
                where n.message_id = $1 and c.resident_id = $2)
                  and exists (select from kring.standing_consent('matching') where resident_id = $2)
                  and exists (select from kring.need where resident_id = $2 and state = 'open')
                """
        case "own_page":
            return True  # somebody asked to see what is held; whether an address may be used is the consent's matter
        case _:
            assert_never(row.kind)
    return bool(await conn.fetchval(wanted, row.subject_id, row.resident_id))


async def is_owed(conn: Connection) -> bool:
    return bool(
        await conn.fetchval(
            """
            select exists (select from kring.outbox
            where (state = 'due' and due_at <= now()) or (state = 'sending' and leased_until < now()))
            """
        )
    )


async def sent(conn: Connection, outbox_id: UUID) -> None:
    """It is on its way. Who left while it was being sent stays cancelled: the link in the message opens nothing."""
    await conn.execute(
        """
        update kring.outbox set sent_at = now(), leased_until = null,
            state = case when state = 'cancelled' then state else 'sent' end,
            error = case when state = 'cancelled' then error end
        where id = $1
        """,
        outbox_id,
    )


async def settle(conn: Connection, row: OutboxRow, state: Settled, why: str) -> None:
    """Only while this worker still has it (`attempts` is the fence) and nobody cancelled it meanwhile."""
    await conn.execute(
        """
        update kring.outbox set state = $3, error = $4, leased_until = null
        where id = $1 and attempts = $2 and state = 'sending'
        """,
        row.id, row.attempts, state, why,
    )  # fmt: skip


async def retry_later(conn: Connection, row: OutboxRow, seconds: float, why: str) -> None:
    """As `settle`: only while this worker still has it."""
    await conn.execute(
        """
        update kring.outbox set state = 'due', due_at = now() + make_interval(secs => $3), leased_until = null,
            error = $4 where id = $1 and attempts = $2 and state = 'sending'
        """,
        row.id, row.attempts, float(seconds), why,
    )  # fmt: skip


async def cancel_for(conn: Connection, resident: ResidentId) -> None:
    """Everything still owed to somebody who left. A message already on its way finds its link revoked."""
    await conn.execute(
        """
        update kring.outbox set state = 'cancelled', error = 'withdrawn', leased_until = null
        where resident_id = $1 and state in ('due', 'sending', 'manual', 'failed')
        """,
        resident,
    )


async def cancel_kind(conn: Connection, resident: ResidentId, kind: MessageKind) -> None:
    """One kind of message is not wanted any more."""
    await conn.execute(
        """
        update kring.outbox set state = 'cancelled', error = 'withdrawn', leased_until = null
        where resident_id = $1 and kind = $2 and state in ('due', 'sending', 'manual', 'failed')
        """,
        resident, kind,
    )  # fmt: skip


async def cancel_subject(conn: Connection, subject_id: UUID) -> None:
    """Nothing more about an invitation that was answered, also not from a worker that died while sending it."""
    await conn.execute(
        """
        update kring.outbox set state = 'cancelled', error = 'answered', leased_until = null
        where subject_id = $1 and state in ('due', 'sending', 'manual', 'failed')
        """,
        subject_id,
    )
