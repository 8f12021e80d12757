"""Consent: the text of each purpose as it is shown, recording what was agreed to, and withdrawing it again.

One purpose, one text, one box. A changed text is a new version; the ledger keeps what was really shown. Rows are only
ever added, also for a withdrawal (docs/decisions/0019).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, assert_never
from uuid import uuid4

from models.need import AgeBand
from service.db import Connection
from service.domain import (
    UNDER_16,
    GivenBy,
    MunicipalityId,
    NewNeed,
    Purpose,
    RecordedHow,
    ResidentId,
    Staff,
    StaffId,
)
from service.queries import consent_notices, invitations, needs, outbox, platforms, proposals, residents


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What is agreed to, in plain Dutch (B1)."""

    purpose: Purpose
    version: str
    language: str
    label: str
    explanation: str

    @property
    def hash(self) -> bytes:
        return sha256(f"{self.label}\n{self.explanation}".encode()).digest()


TEXTS: dict[Purpose, ConsentText] = {
    text.purpose: text
    for text in (
        ConsentText(
            Purpose.MATCHING,
            "2026-11",
            "nl",
            "Kring mag zoeken naar mensen die hetzelfde meemaken.",
            "Wij vergelijken de vraag met vragen van anderen. Dat gebeurt zonder naam of adres. "
            "Een medewerker kijkt altijd mee.",
        ),
        ConsentText(
            Purpose.INVITATION,
            "2026-11",
            "nl",
            "De gemeente mag een uitnodiging sturen als er een groep is.",
            "Hiervoor bewaren wij een e-mailadres, telefoonnummer of adres. Dat ligt versleuteld in een kluis. "
            "Nee zeggen mag altijd en heeft geen gevolgen voor hulp van de gemeente.",
        ),
        ConsentText(
            Purpose.FOLLOW_UP,
            "2026-11",
            "nl",
            "De gemeente mag af en toe vragen hoe het in de groep gaat.",
            "Het gaat om drie korte vragen. De antwoorden zijn anoniem. Niemand ziet wie wat antwoordde.",
        ),
    )
}


PURPOSES_WITH: Final[Mapping[Purpose, tuple[Purpose, ...]]] = {
    Purpose.MATCHING: (Purpose.MATCHING,),
    # Asking how it goes needs an address, and that is kept for inviting.
    Purpose.INVITATION: (Purpose.INVITATION, Purpose.FOLLOW_UP),
    Purpose.FOLLOW_UP: (Purpose.FOLLOW_UP,),
}
"""What goes with a purpose that is withdrawn."""
RENEW_DAYS: Final = 60
"""How long before the end somebody can say yes again: two links' lives, so that one of them reaches it. A message tells
of whatever ends within it, and is owed no sooner (KRING_CONSENT_NOTICE_DAYS)."""


async def record(conn: Connection, staff: Staff, resident: ResidentId, need: NewNeed, *, valid_days: int) -> None:
    """Write one ledger row for each purpose that was agreed to, with the text that was shown."""
    await _add(
        conn,
        staff.municipality,
        resident,
        need.consents,
        given_by=need.given_by,
        how=need.recorded_how,
        by=staff.id,
        valid_days=valid_days,
    )


async def _add(
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    purposes: Collection[Purpose],
    *,
    given_by: GivenBy,
    how: RecordedHow,
    by: StaffId | None,
    valid_days: int,
) -> None:
    for purpose in sorted(purposes):
        text = TEXTS[purpose]
        await residents.put_consent_text(
            conn,
            municipality,
            text_hash=text.hash,
            purpose=purpose,
            version=text.version,
            language=text.language,
            label=text.label,
            explanation=text.explanation,
        )
        await residents.insert_consent(
            conn,
            municipality,
            resident,
            purpose=purpose,
            text_version=text.version,
            text_hash=text.hash,
            language=text.language,
            given_by=given_by,
            recorded_how=how,
            recorded_by=by,
            valid_days=valid_days,
        )


def renewable(ledger: Iterable[residents.ConsentRow], now: datetime) -> list[Purpose]:
    """The purposes that stand, and soon do not."""
    until = {
        purpose: max((row.valid_until for row in ledger if row.purpose is purpose and row.stands), default=None)
        for purpose in Purpose
    }
    return [purpose for purpose, end in until.items() if end is not None and end - now < timedelta(days=RENEW_DAYS)]


def came_of_age(ledger: Iterable[residents.ConsentRow], age_band: AgeBand) -> bool:
    """Whether a consent of the representative no longer counts, because the young person decides alone by now."""
    rows = list(ledger)
    given = {row.purpose for row in rows if row.given_by is GivenBy.REPRESENTATIVE and row.withdrawn_at is None}
    return age_band not in UNDER_16 and bool(given - {row.purpose for row in rows if row.stands})


async def renew(
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    age_band: AgeBand,
    wanted: Collection[Purpose],
    *,
    valid_days: int,
) -> list[Purpose]:
    """The resident, or the representative of one under 16, says yes again through a link; to which of `wanted`.

    Only to what stands now: what was withdrawn meanwhile stays so. A second click finds nothing left to renew.
    """
    await residents.take_consents(conn, resident)
    ending = renewable(await residents.consents(conn, resident), datetime.now(UTC))
    purposes = [purpose for purpose in ending if purpose in wanted]
    await _add(
        conn,
        municipality,
        resident,
        purposes,
        given_by=GivenBy.REPRESENTATIVE if age_band in UNDER_16 else GivenBy.SELF,
        how=RecordedHow.LINK,
        by=None,
        valid_days=valid_days,
    )
    return purposes


async def to_tell(conn: Connection, now: datetime, days: int) -> list[ResidentId]:
    """Who is to be written to, because a consent of theirs ends within `days` and nobody told them yet."""
    return await consent_notices.to_tell(conn, now=now, until=now + timedelta(days=days))


async def tell(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, now: datetime, *, days: int
) -> bool:
    """Owe one message about all consents of this resident that end about now; False when none is owed (any more).

    Asking again from time to time whether a consent still holds is what EDPB Guidelines 05/2020 (110, 111) advise. Only
    the resident hears of it: a list of whose consent ends would show a caseworker who said "never". The consents are
    taken first, as withdrawing and renewing do: of two workers at one moment the second finds that it was told.
    """
    await residents.take_consents(conn, resident)
    if not await consent_notices.to_tell(conn, now=now, until=now + timedelta(days=days), only=resident):
        return False
    message = uuid4()
    await consent_notices.put(conn, municipality, resident, message, until=now + timedelta(days=RENEW_DAYS))
    await outbox.put(conn, municipality, kind="consent_ends", subject_id=message, resident=resident)
    return True


async def give_again(
    conn: Connection,
    staff: Staff,
    resident: ResidentId,
    age_band: AgeBand,
    purposes: Collection[Purpose],
    how: RecordedHow,
    *,
    valid_days: int,
) -> None:
    """A caseworker records a new yes: to what is over, was withdrawn, or a representative gave for who is 16 by now.

    A need that its resident closed ("never") is open again with it; one whose words are gone begins anew elsewhere.
    Who comes of age leaves the representative's address and links behind with the representative's consent.
    """
    await residents.take_consents(conn, resident)
    if came_of_age(await residents.consents(conn, resident), age_band):
        await residents.delete_contact(conn, resident)
        await invitations.revoke_links(conn, resident)
    await _add(
        conn,
        staff.municipality,
        resident,
        purposes,
        given_by=GivenBy.REPRESENTATIVE if age_band in UNDER_16 else GivenBy.SELF,
        how=how,
        by=staff.id,
        valid_days=valid_days,
    )
    if Purpose.MATCHING in purposes:
        await needs.reopen_needs(conn, resident)


async def withdraw(
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    purpose: Purpose,
    how: Literal["link", "caseworker"],
    by: StaffId | None = None,
) -> None:
    """One purpose ends, and with it what rests on it and nothing else; the consents are taken first, as below.

    What somebody is a member of, or said yes to, is theirs: that ends by leaving it, or by withdrawing everything.
    """
    await residents.take_consents(conn, resident)
    await residents.withdraw_consents(conn, municipality, resident, list(PURPOSES_WITH[purpose]), how, by)
    match purpose:
        case Purpose.MATCHING:
            await _take_back_unanswered(conn, resident)
            await proposals.leave_drafts(conn, resident)
            await outbox.cancel_kind(conn, resident, "consent_ends")
            await needs.withdraw_needs(conn, resident)  # the words were there to be compared, and for nothing else
        case Purpose.INVITATION:
            await _take_back_unanswered(conn, resident)
            await outbox.cancel_for(conn, resident)
            await residents.delete_contact(conn, resident)
        case Purpose.FOLLOW_UP:
            await outbox.cancel_kind(conn, resident, "pulse")
        case _:
            assert_never(purpose)


async def _take_back_unanswered(conn: Connection, resident: ResidentId) -> None:
    """Nobody waits for an answer any more: the message does not go out, and the seat comes free."""
    for invitation_id, proposal in await invitations.unanswered(conn, resident):
        await invitations.answer(conn, invitation_id, "withdrawn")
        await proposals.free_seat(conn, proposal, resident)
        await outbox.cancel_subject(conn, invitation_id)


async def withdraw_everything(
    conn: Connection,
    municipality: MunicipalityId,
    resident: ResidentId,
    how: Literal["link", "caseworker"],
    by: StaffId | None = None,
) -> None:
    """The resident leaves: no consent stands, no words, no address, no seat, no message and no link are left.

    The consents go first. Whoever is placing or inviting this resident at the same moment holds them (`has_consent`),
    so this waits for them and then also undoes what they did; whoever comes later finds no consent.
    """
    await residents.take_consents(conn, resident)
    await residents.withdraw_consents(conn, municipality, resident, list(Purpose), how, by)
    for invitation_id in await invitations.open_invitations(conn, resident):
        await invitations.answer(conn, invitation_id, "withdrawn")
    seat = await proposals.seated_in(conn, resident)
    if seat is not None:
        await proposals.free_seat(conn, seat, resident)
    for platform in await platforms.leave(conn, resident):
        await platforms.record_event(conn, municipality, platform, "left")
    await outbox.cancel_for(conn, resident)
    await needs.withdraw_needs(conn, resident)
    await residents.delete_contact(conn, resident)
    await invitations.revoke_links(conn, resident)
