"""Consent: the text of each purpose as it is shown, recording what was agreed to, and withdrawing everything.

One purpose, one text, one box. A changed text is a new version; the ledger keeps the hash of what was really shown.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from service.db import Connection
from service.domain import MunicipalityId, NewNeed, Purpose, ResidentId, Staff
from service.queries import invitations, needs, outbox, platforms, proposals, residents


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


async def record(conn: Connection, staff: Staff, resident: ResidentId, need: NewNeed, *, valid_days: int) -> None:
    """Write one ledger row for each purpose that was agreed to, with the text that was shown."""
    for purpose in sorted(need.consents):
        text = TEXTS[purpose]
        await residents.insert_consent(
            conn,
            staff.municipality,
            resident,
            purpose=purpose,
            text_version=text.version,
            text_hash=text.hash,
            language=text.language,
            given_by=need.given_by,
            recorded_how=need.recorded_how,
            recorded_by=staff.id,
            valid_days=valid_days,
        )


async def withdraw_everything(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, how: Literal["link", "caseworker"]
) -> None:
    """The resident leaves: no consent stands, no words, no address, no seat, no message and no link are left.

    The consents go first. Whoever is placing or inviting this resident at the same moment holds them (`has_consent`),
    so this waits for them and then also undoes what they did; whoever comes later finds no consent.
    """
    await residents.take_consents(conn, resident)
    await residents.withdraw_consents(conn, resident, list(Purpose), how)
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
