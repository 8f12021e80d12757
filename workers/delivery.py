"""Sends what the outbox owes: one message at a time, each looked at again at the moment it goes.

Claim and look in one short transaction, send without one, and write down in a second what came of it. A worker that
dies in between leaves one message under a lease, which the next one sends again with the same Message-ID.
"""

import asyncio
import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from service import addresses, audit, invitations
from service.db import AWAY, Connection, transaction
from service.domain import Channel, Contact, InvitationId, MunicipalityId, Purpose
from service.messages import compose
from service.queries import invitations as invitation_rows
from service.queries import municipalities, outbox, residents
from service.resources import Resources
from workers.channels import Letter, Permanent, Sender, Temporary, Unreachable

log = structlog.get_logger(__name__)

AWAY_MOST = 60.0  # seconds: a server that was away is tried again soon, so that what waited goes soon
LATER_FIRST = 60.0  # seconds: a greylisting server wants to see us back after a minute or five
LATER_MOST = 3600.0
TAKEN_SECONDS = 0.05  # another worker is just claiming what we saw
NOTE_EVERY = 0.5  # seconds between attempts to write down that a message went, while the database is away


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed message, and the letter it became: None when there was nothing (any more) to send."""

    row: outbox.OutboxRow
    letter: Letter | None


class Postman:
    """Sends the messages of a municipality over the channels there are."""

    def __init__(self, kring: Resources, senders: Mapping[Channel, Sender], stopping: asyncio.Event) -> None:
        self._kring = kring
        self._senders = senders
        self._stopping = stopping

    async def deliver_one(self, municipality: MunicipalityId) -> bool:
        """Deal with the message owed longest; whether there may be more to do now."""
        async with transaction(self._kring.pool, municipality) as conn:
            owed = await outbox.next_owed(conn)
            if owed is None:
                return False
            ready = await self._take(conn, municipality, owed)
        if ready is None:
            await asyncio.sleep(TAKEN_SECONDS)
            return True
        if ready.letter is None:
            return True
        return await self._send(municipality, ready.row, ready.letter)

    async def _take(self, conn: Connection, municipality: MunicipalityId, owed: outbox.OutboxRow) -> Ready | None:
        """Claim it and make the letter; None when another worker has it.

        The consent is held first, as a withdrawal does, so that the two wait for one another in one order only.
        """
        purpose = Purpose.FOLLOW_UP if owed.kind == "pulse" else Purpose.INVITATION
        consented = await residents.has_consent(conn, owed.resident_id, purpose)
        row = await outbox.claim(conn, owed.id, self._kring.settings.lease_seconds)
        if row is None:
            return None
        if not consented:
            await self._settle(conn, row, "cancelled", "no_consent")
            return Ready(row, None)
        try:
            async with conn.transaction():
                return Ready(row, await self._letter(conn, municipality, row))
        except AWAY:
            raise
        except Exception as error:
            # A key that is missing, or a bug: this one waits, and does not keep the others from going
            log.error("letter_failed", outbox=str(row.id), kind=row.kind, error=type(error).__name__)
            await outbox.retry_later(conn, row, LATER_MOST, type(error).__name__)
            return Ready(row, None)

    async def _letter(self, conn: Connection, municipality: MunicipalityId, row: outbox.OutboxRow) -> Letter | None:
        """The letter with a fresh link in it; None, and the row settled, when it should or can not be sent."""
        contact = await self._contact(conn, municipality, row)
        if contact is None:
            return None
        settings = self._kring.settings
        token = await invitations.new_link(
            conn,
            municipality,
            resident=row.resident_id,
            outbox_id=row.id,
            purpose=invitations.link_purpose(row.kind),
            subject_id=row.subject_id,
            days=settings.link_days,
        )
        name = await municipalities.municipality_name(conn, municipality)
        return Letter(
            channel=contact.channel,
            outbox_id=row.id,
            address=contact.value,
            sender_name=f"Gemeente {name}",
            message=compose(
                row.kind,
                municipality_name=name,
                link_url=f"{settings.base_url.rstrip('/')}/u/{token}",
                link_days=settings.link_days,
            ),
        )

    async def _contact(self, conn: Connection, municipality: MunicipalityId, row: outbox.OutboxRow) -> Contact | None:
        """Where to send it, opened only when it will be sent: the resident can read of every opening."""
        card = await residents.contact(conn, row.resident_id)
        if card is None or not await outbox.is_wanted(conn, row):
            await self._settle(conn, row, "cancelled", "no_contact" if card is None else "outdated")
            return None
        if card.channel not in self._senders:
            await self._settle(conn, row, "manual", f"channel_{card.channel}")
            return None
        why, vault = addresses.Why.MESSAGE, self._kring.vault
        contact = await addresses.read(conn, vault, municipality, row.resident_id, why, audit.WORKER)
        if contact is None or contact.channel != card.channel:  # erased or changed between the two looks
            await outbox.retry_later(conn, row, LATER_FIRST, "contact_changed")
            return None
        return contact

    async def _settle(self, conn: Connection, row: outbox.OutboxRow, state: outbox.Settled, why: str) -> None:
        await outbox.settle(conn, row, state, why)
        log.info("message", outbox=str(row.id), kind=row.kind, state=state, code=why)

    async def _send(self, municipality: MunicipalityId, row: outbox.OutboxRow, letter: Letter) -> bool:
        """Send it and write down what came of it; False when nothing else would go now either."""
        try:
            await self._senders[letter.channel].send(letter)
        except Permanent as refused:
            async with transaction(self._kring.pool, municipality) as conn:
                await self._settle(conn, row, "failed", refused.code)
            return True
        except Temporary as refused:
            seconds = backoff(row.attempts, refused)
            async with transaction(self._kring.pool, municipality) as conn:
                await outbox.retry_later(conn, row, seconds, refused.code)
            log.warning("message", outbox=str(row.id), kind=row.kind, state="later", code=refused.code, seconds=seconds)
            return not isinstance(refused, Unreachable)
        await self._note_sent(municipality, row)
        log.info("message", outbox=str(row.id), kind=row.kind, state="sent", attempt=row.attempts)
        return True

    async def _note_sent(self, municipality: MunicipalityId, row: outbox.OutboxRow) -> None:
        """Write down that it went. It cannot be unsent, so this keeps trying while the database is away."""
        for tries in itertools.count(1):
            try:
                async with transaction(self._kring.pool, municipality) as conn:
                    # invitation before outbox, the order in which an answer and a withdrawal take them
                    if row.kind == "invitation":
                        await invitation_rows.mark_sent(conn, InvitationId(row.subject_id))
                    await outbox.sent(conn, row.id)
            except AWAY as error:
                if self._stopping.is_set():
                    raise
                if tries == 1:
                    log.warning("message", outbox=str(row.id), state="not_noted", error=type(error).__name__)
                await asyncio.sleep(NOTE_EVERY)
            else:
                return


def backoff(attempts: int, refused: Temporary) -> float:
    """Seconds to wait: twice as long each time, up to a most; up to half of it less, so that not all come at once."""
    first, most = (1.0, AWAY_MOST) if isinstance(refused, Unreachable) else (LATER_FIRST, LATER_MOST)
    seconds: float = min(most, first * 2 ** min(attempts - 1, 20))
    return round(seconds * random.uniform(0.5, 1), 1)  # noqa: S311  spreading load, not a secret
