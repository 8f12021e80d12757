"""Invitations and the personal links that answer them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.need import Form, Perspective
from service.db import Connection
from service.domain import InvitationId, LinkPurpose, MunicipalityId, NeedId, ProposalId, ResidentId
from service.queries.rows import maybe


@dataclass(frozen=True, slots=True)
class Link:
    """What one personal link opens. It is bound to one person and one purpose."""

    id: UUID
    municipality: MunicipalityId
    municipality_name: str
    resident_id: ResidentId
    purpose: LinkPurpose
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as its resident reads it.

    `joins`: for a place in a platform there was already. `given_up`: too few people said yes. `no_place`: this one said
    yes when the last place was gone.
    """

    id: InvitationId
    proposal_id: ProposalId
    resident_id: ResidentId
    state: str
    expires_at: datetime
    title: str
    form: Form
    perspective: Perspective
    reasons: list[dict[str, Any]]
    member_reasons: list[dict[str, Any]]
    meeting_place: str
    meeting_at: datetime
    asked: int
    accepted: int
    platform_id: UUID | None
    joins: bool
    given_up: bool
    no_place: bool
    approved_by: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What a coordinator sees of the answers: who said yes, and how many have not (yet)."""

    asked: int
    accepted: int
    manual: int
    unsent: int


async def insert_invitation(
    conn: Connection, municipality: MunicipalityId, proposal: ProposalId, resident: ResidentId, link_days: int
) -> InvitationId:
    return InvitationId(
        await conn.fetchval(
            """
            insert into kring.invitation (municipality_id, proposal_id, resident_id, expires_at)
            values ($1, $2, $3, now() + make_interval(days => $4)) returning id
            """,
            municipality, proposal, resident, link_days,
        )
    )  # fmt: skip


async def invitation(conn: Connection, invitation_id: InvitationId) -> Invitation | None:
    return maybe(
        Invitation,
        await conn.fetchrow(
            """
            select i.id, i.proposal_id, i.resident_id, i.state, i.expires_at, p.title, p.form, n.perspective, p.reasons,
                m.reasons as member_reasons, p.meeting_place, p.meeting_at,
                (select count(*) from kring.invitation a where a.proposal_id = p.id)::int as asked,
                (select count(*) from kring.invitation a
                 where a.proposal_id = p.id and a.state = 'accepted')::int as accepted,
                f.id as platform_id, p.platform_id is not null as joins, f.id is null and not m.live as given_up,
                f.id is not null and i.state = 'accepted' and not exists (
                    select from kring.membership k where k.platform_id = f.id and k.resident_id = i.resident_id
                ) as no_place,
                s.name as approved_by
            from kring.invitation i
            join kring.proposal p on p.id = i.proposal_id
            join kring.staff s on s.id = p.decided_by
            join kring.proposal_member m on m.proposal_id = i.proposal_id and m.resident_id = i.resident_id
            join kring.need n on n.id = m.need_id
            left join kring.platform f on f.proposal_id = p.id or f.id = p.platform_id
            where i.id = $1
            """,
            invitation_id,
        ),
    )


async def lock_invitation(conn: Connection, invitation_id: InvitationId) -> str | None:
    """Its state, held still: two taps on one button take turns."""
    found: str | None = await conn.fetchval(
        "select state from kring.invitation where id = $1 for update", invitation_id
    )
    return found


async def answer(conn: Connection, invitation_id: InvitationId, state: str) -> None:
    await conn.execute(
        "update kring.invitation set state = $2, answered_at = now() where id = $1", invitation_id, state
    )


async def mark_sent(conn: Connection, invitation_id: InvitationId) -> None:
    await conn.execute(
        "update kring.invitation set state = 'sent', sent_at = now() where id = $1 and state = 'pending'", invitation_id
    )


async def accepted_residents(conn: Connection, proposal: ProposalId) -> list[ResidentId]:
    """Who said yes, earliest first, held so: whoever is taking a yes back at this moment is waited for."""
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch(
            """
            select resident_id from kring.invitation where proposal_id = $1 and state = 'accepted'
            order by answered_at, id for share
            """,
            proposal,
        )
    ]


async def need_of_invitation(conn: Connection, invitation_id: InvitationId) -> NeedId:
    found = await conn.fetchval(
        """
        select m.need_id from kring.invitation i
        join kring.proposal_member m on m.proposal_id = i.proposal_id and m.resident_id = i.resident_id where i.id = $1
        """,
        invitation_id,
    )
    return NeedId(found)


async def invitation_of(conn: Connection, proposal: ProposalId, resident: ResidentId) -> InvitationId:
    return InvitationId(
        await conn.fetchval(
            "select id from kring.invitation where proposal_id = $1 and resident_id = $2", proposal, resident
        )
    )


async def open_invitations(conn: Connection, resident: ResidentId) -> list[InvitationId]:
    """Those a withdrawal takes back: unanswered, or answered with yes."""
    return [
        InvitationId(record["id"])
        for record in await conn.fetch(
            """
            select id from kring.invitation
            where resident_id = $1 and state in ('pending', 'sent', 'accepted')
            """,
            resident,
        )
    ]


async def unanswered(conn: Connection, resident: ResidentId) -> list[tuple[InvitationId, ProposalId]]:
    return [
        (InvitationId(record["id"]), ProposalId(record["proposal_id"]))
        for record in await conn.fetch(
            """
            select id, proposal_id from kring.invitation
            where resident_id = $1 and state in ('pending', 'sent') order by id for update
            """,
            resident,
        )
    ]


async def tally(conn: Connection, proposal: ProposalId) -> Tally:
    found = maybe(
        Tally,
        await conn.fetchrow(
            """
            select count(*)::int as asked, count(*) filter (where i.state = 'accepted')::int as accepted,
                count(*) filter (where o.state = 'manual')::int as manual,
                count(*) filter (where o.state in ('due', 'sending', 'failed'))::int as unsent
            from kring.invitation i
            left join kring.outbox o on o.kind = 'invitation' and o.subject_id = i.id and o.resident_id = i.resident_id
            where i.proposal_id = $1
            """,
            proposal,
        ),
    )
    return found or Tally(0, 0, 0, 0)


async def yeses(conn: Connection) -> dict[UUID, int]:
    """How many said yes, for each proposal that somebody was invited for."""
    records = await conn.fetch(
        """
        select proposal_id, count(*) filter (where state = 'accepted')::int as accepted
        from kring.invitation group by proposal_id
        """
    )
    return {record["proposal_id"]: record["accepted"] for record in records}


async def to_remind(conn: Connection, after_days: int) -> list[tuple[InvitationId, ResidentId]]:
    """Sent, unanswered, not reminded yet: once is enough."""
    return [
        (InvitationId(record["id"]), ResidentId(record["resident_id"]))
        for record in await conn.fetch(
            """
            select i.id, i.resident_id from kring.invitation i
            where i.state = 'sent' and i.sent_at < now() - make_interval(days => $1) and i.expires_at > now()
              and not exists (select from kring.outbox o where o.kind = 'reminder' and o.subject_id = i.id)
            """,
            after_days,
        )
    ]


async def expire(conn: Connection) -> list[tuple[InvitationId, ProposalId, ResidentId]]:
    return [
        (InvitationId(record["id"]), ProposalId(record["proposal_id"]), ResidentId(record["resident_id"]))
        for record in await conn.fetch(
            """
            update kring.invitation set state = 'expired'
            where state in ('pending', 'sent') and expires_at <= now() returning id, proposal_id, resident_id
            """
        )
    ]


async def close_open(conn: Connection, proposal: ProposalId) -> list[InvitationId]:
    """Nobody can still say yes; those who were asked and had not answered."""
    return [
        InvitationId(record["id"])
        for record in await conn.fetch(
            """
            update kring.invitation set state = 'expired'
            where proposal_id = $1 and state in ('pending', 'sent') returning id
            """,
            proposal,
        )
    ]


async def too_few_yeses(conn: Connection) -> list[ProposalId]:
    """Approved proposals whose time to answer is over and that started no platform.

    Not sooner, also when everybody has answered: that a group is given up early would tell that the others said no.
    An offer of places in a platform is not among them: each yes stands by itself.
    """
    return [
        ProposalId(record["id"])
        for record in await conn.fetch(
            """
            select p.id from kring.proposal p
            where p.state = 'approved' and p.platform_id is null
              and exists (select from kring.proposal_member m where m.proposal_id = p.id and m.live)
              and not exists (select from kring.platform f where f.proposal_id = p.id)
              and not exists (select from kring.invitation i where i.proposal_id = p.id and i.expires_at > now())
            order by p.id for update of p
            """
        )
    ]


async def insert_link(
    conn: Connection,
    municipality: MunicipalityId,
    *,
    token_hash: bytes,
    resident: ResidentId,
    outbox_id: UUID,
    purpose: LinkPurpose,
    subject_id: UUID,
    days: int,
) -> None:
    await conn.execute(
        """
        insert into kring.link (token_hash, municipality_id, resident_id, outbox_id, purpose, subject_id, expires_at)
        values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))
        """,
        token_hash, municipality, resident, outbox_id, purpose, subject_id, days,
    )  # fmt: skip


async def link_municipality(conn: Connection, token_hash: bytes) -> MunicipalityId | None:
    """Works without a municipality: see the function's own comment in revision 0004."""
    found = await conn.fetchval("select kring.link_municipality($1)", token_hash)
    return None if found is None else MunicipalityId(found)


async def link(conn: Connection, token_hash: bytes) -> Link | None:
    """Only a link that stands; unknown, revoked and expired are one and the same."""
    return maybe(
        Link,
        await conn.fetchrow(
            """
            select l.id, l.municipality_id as municipality, m.name as municipality_name, l.resident_id, l.purpose,
                l.subject_id
            from kring.link l join kring.municipality m on m.id = l.municipality_id
            where l.token_hash = $1 and l.revoked_at is null and l.expires_at > now()
            """,
            token_hash,
        ),
    )


async def revoke_links(conn: Connection, resident: ResidentId) -> None:
    await conn.execute(
        "update kring.link set revoked_at = now() where resident_id = $1 and revoked_at is null", resident
    )
