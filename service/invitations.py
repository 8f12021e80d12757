"""Inviting a resident, and what follows from the answer.

The answer of one person never depends on another's: whoever declines is asked nothing, loses nothing and is shown to
nobody (docs/sources.md, Principles).
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never
from uuid import UUID

import asyncpg

from service import consents, platforms
from service.db import Connection
from service.domain import (
    BOUNDS,
    Answer,
    InvitationId,
    LinkPurpose,
    MessageKind,
    MunicipalityId,
    PlatformId,
    PlatformState,
    ProposalId,
    Purpose,
    ResidentId,
)
from service.errors import AlreadyAnswered, LinkUnknown, PlatformEnded
from service.queries import invitations, needs, outbox, proposals, residents
from service.queries import platforms as platform_rows

NO_PLACE = frozenset({"membership_full", "membership_apart", "membership_age_circle"})
"""Why the database keeps somebody out of a platform. The resident hears the same of each: the others are not named."""
TOKEN_BYTES = 24  # 192 bits from `secrets`, above the 128 that docs/sources.md asks


@dataclass(frozen=True, slots=True)
class Answered:
    """What the resident reads next. `no_place`: the yes came when the last place was gone."""

    answer: Answer
    platform_started: bool
    no_place: bool = False


def link_purpose(kind: MessageKind) -> LinkPurpose:
    """What the link in a message opens first."""
    match kind:
        case "pulse":
            return "pulse"
        case "own_page" | "consent_ends":
            return "own"
        case _:
            return "invitation"


def hash_token(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def new_link(
    conn: Connection,
    municipality: MunicipalityId,
    *,
    resident: ResidentId,
    outbox_id: UUID,
    purpose: LinkPurpose,
    subject_id: UUID,
    days: int,
) -> str:
    """A fresh token for one message; only its hash is stored, so it cannot be shown or sent a second time."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    await invitations.insert_link(
        conn,
        municipality,
        token_hash=hash_token(token),
        resident=resident,
        outbox_id=outbox_id,
        purpose=purpose,
        subject_id=subject_id,
        days=days,
    )
    return token


async def invite(
    conn: Connection, municipality: MunicipalityId, proposal: ProposalId, resident: ResidentId, *, link_days: int
) -> InvitationId:
    """One invitation and the message it owes. The database refuses it without approval, seat or consent."""
    invitation = await invitations.insert_invitation(conn, municipality, proposal, resident, link_days)
    await outbox.put(conn, municipality, kind="invitation", subject_id=invitation, resident=resident)
    return invitation


async def answer(
    conn: Connection,
    municipality: MunicipalityId,
    invitation_id: InvitationId,
    choice: Answer,
    *,
    not_now_days: int,
) -> Answered:
    """Take the one answer to an invitation.

    Raises AlreadyAnswered, PlatformEnded when the platform it was for has ended, or LinkUnknown when it is no longer
    open for another reason. The proposal is held first, then the platform there is, then the resident's consents, then
    the invitation, always in this order: five people may answer at once, and one of them may withdraw at that moment.
    """
    found = await invitations.invitation(conn, invitation_id)
    if found is None:
        raise LinkUnknown
    await proposals.lock_proposal(conn, found.proposal_id)
    existing = await platform_rows.platform_of_proposal(conn, found.proposal_id)
    ended = existing is not None and await platform_rows.lock_platform(conn, existing) is PlatformState.ENDED
    await residents.take_consents(conn, found.resident_id)
    state = await invitations.lock_invitation(conn, invitation_id)
    if state in {"accepted", "not_now", "never"}:
        raise AlreadyAnswered
    if state == "expired" and ended:
        raise PlatformEnded
    if state not in {"pending", "sent"}:
        raise LinkUnknown
    await outbox.cancel_subject(conn, invitation_id)
    need = await invitations.need_of_invitation(conn, invitation_id)
    await invitations.answer(conn, invitation_id, choice)
    match choice:
        case Answer.ACCEPTED:
            return await _take_part(conn, municipality, found, existing)
        case Answer.NOT_NOW:
            await proposals.free_seat(conn, found.proposal_id, found.resident_id)
            await needs.pause_need(conn, need, not_now_days)
        case Answer.NEVER:
            await proposals.free_seat(conn, found.proposal_id, found.resident_id)
            await residents.withdraw_consents(
                conn, municipality, found.resident_id, [Purpose.INVITATION, Purpose.FOLLOW_UP], "link"
            )
            await residents.delete_contact(conn, found.resident_id)  # kept for inviting, and for nothing else
            await needs.close_need(conn, need)
        case _:
            assert_never(choice)
    return Answered(choice, platform_started=False)


async def _take_part(
    conn: Connection, municipality: MunicipalityId, found: invitations.Invitation, existing: PlatformId | None
) -> Answered:
    """Join the platform there is, or start it when this was the last yes it needed."""
    if existing is not None:
        return await _join(conn, municipality, found, existing)
    accepted = await invitations.accepted_residents(conn, found.proposal_id)
    if len(accepted) < BOUNDS[found.form].start:
        return Answered(Answer.ACCEPTED, platform_started=False)
    await platforms.start(conn, municipality, found.proposal_id, accepted)
    return Answered(Answer.ACCEPTED, platform_started=True)


async def _join(
    conn: Connection, municipality: MunicipalityId, found: invitations.Invitation, platform: PlatformId
) -> Answered:
    """A place, when there is one still. Who finds none hears it, and can be asked for another group."""
    try:
        async with conn.transaction():
            await platforms.add_member(conn, municipality, platform, found.proposal_id, found.resident_id)
    except asyncpg.IntegrityConstraintViolationError as error:
        if error.constraint_name not in NO_PLACE:
            raise
        await outbox.put(conn, municipality, kind="given_up", subject_id=found.id, resident=found.resident_id)
        await proposals.free_seat(conn, found.proposal_id, found.resident_id)
        return Answered(Answer.ACCEPTED, platform_started=False, no_place=True)
    return Answered(Answer.ACCEPTED, platform_started=True)


async def withdraw(conn: Connection, municipality: MunicipalityId, resident: ResidentId) -> None:
    """The resident's own button: everything, at once, from the same link."""
    await consents.withdraw_everything(conn, municipality, resident, "link")


async def remind(conn: Connection, municipality: MunicipalityId, *, after_days: int) -> int:
    """Owe one reminder to everybody who has not answered for `after_days`; how many."""
    late = await invitations.to_remind(conn, after_days)
    for invitation, resident in late:
        await outbox.put(conn, municipality, kind="reminder", subject_id=invitation, resident=resident)
    return len(late)


async def give_up(conn: Connection, municipality: MunicipalityId) -> int:
    """The time to answer is over and there were too few yeses: who said yes hears it, and can be placed again."""
    too_few = await invitations.too_few_yeses(conn)
    for proposal in too_few:
        for resident in await invitations.accepted_residents(conn, proposal):
            invitation = await invitations.invitation_of(conn, proposal, resident)
            await outbox.put(conn, municipality, kind="given_up", subject_id=invitation, resident=resident)
        await proposals.free_seats(conn, proposal)
    return len(too_few)


async def expire(conn: Connection) -> int:
    """No answer is a no: the seat comes free, and the person can be asked for another group."""
    lapsed = await invitations.expire(conn)
    for invitation, proposal, resident in lapsed:
        await proposals.free_seat(conn, proposal, resident)
        await outbox.cancel_subject(conn, invitation)
    return len(lapsed)
