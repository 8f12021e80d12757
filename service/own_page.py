"""What residents do on their own page: change what is held, leave one group, and come back to the page by a new link.

What only concerns the resident changes at once. Two things a caseworker looks at first: other words for the note, since
they were written down together, and an age that would put a minor among adults or an adult among minors.
"""

from typing import assert_never
from uuid import uuid4

from models.age import age_circle
from models.deidentify import find_identifying
from models.need import DAYPARTS, AgeBand
from service import addresses, invitations, needs
from service.contacts import contact_problem, normalised
from service.db import Connection
from service.domain import (
    LANGUAGES,
    REACH_MOST,
    UNDER_16,
    Contact,
    MunicipalityId,
    NeedId,
    PlatformId,
    Purpose,
    ResidentId,
    Staff,
)
from service.errors import FieldErrors, Identifying, LinkUnknown, NotFound
from service.queries import invitations as invitation_rows
from service.queries import municipalities, outbox, own_data, platforms, proposals, residents
from service.queries.needs import NeedRow
from service.queries.own_data import CorrectionField, Wishes
from service.vault import Vault


async def change_wishes(conn: Connection, need: NeedId, wanted: Wishes) -> None:
    """Area, languages, moments, way of meeting and distance: the next run goes by them. Raises FieldErrors."""
    problems: dict[str, str] = {}
    if not wanted.languages or set(wanted.languages) - LANGUAGES.keys():
        problems["languages"] = "Kies ten minste één taal uit de lijst."
    if not wanted.dayparts or set(wanted.dayparts) - set(DAYPARTS):
        problems["dayparts"] = "Kies ten minste één moment in de week."
    if wanted.reach_km is not None and not 0 <= wanted.reach_km <= REACH_MOST:
        problems["reach_km"] = f"Vul een afstand in van 0 tot {REACH_MOST} km."
    area = next((found for found in await municipalities.areas(conn) if found.code == wanted.area_code), None)
    if area is None:
        problems["area"] = "Kies een wijk uit de lijst."
    if problems or area is None:
        raise FieldErrors(problems)
    await own_data.put_wishes(conn, need, wanted, area.id)


async def change_age(conn: Connection, municipality: MunicipalityId, need: NeedRow, wanted: AgeBand) -> bool:
    """True when it changed at once, False when a caseworker looks at it first.

    Within one circle of ages nobody meets anybody else because of it. Towards 16 a young person decides alone from then
    on: what a representative gave no longer stands (`kring.standing_consent`).
    """
    known = await own_data.age_band(conn, need.resident_id)
    if known is None:
        raise LinkUnknown
    if wanted is known:
        return True
    if age_circle(wanted) == age_circle(known) and not (wanted in UNDER_16 and known not in UNDER_16):
        await own_data.put_age_band(conn, need.resident_id, wanted)
        return True
    await own_data.put_correction(conn, municipality, need.id, "age_band", wanted)
    return False


async def ask_for_words(conn: Connection, municipality: MunicipalityId, need: NeedRow, text: str) -> None:
    """Other words for the note, for a caseworker to accept; through the same gate as the first ones.

    Raises FieldErrors, or Identifying with the spans.
    """
    text = text.strip()
    if problem := needs.text_problem(text):
        raise FieldErrors({"text": problem})
    if spans := find_identifying(text):
        raise Identifying({"text": "Hierin staat iets waaraan iemand u kan herkennen. Schrijf dat anders op."}, spans)
    if need.text is None:
        raise LinkUnknown
    if text != need.text:
        await own_data.put_correction(conn, municipality, need.id, "text", text)


async def change_contact(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, contact: Contact, *, vault: Vault
) -> None:
    """Where messages go from now on. Raises FieldErrors; also when nobody may invite, and so no address is kept."""
    if problem := contact_problem(contact):
        raise FieldErrors({"contact": problem})
    if not await residents.has_consent(conn, resident, Purpose.INVITATION):
        raise FieldErrors({"contact": "Wij mogen u niet uitnodigen. Dan bewaren wij geen adres of nummer."})
    await addresses.keep(conn, vault, municipality, resident, normalised(contact))


async def leave(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, platform: PlatformId | None
) -> None:
    """Out of one group, and only that; `platform` None is a group that was said yes to and has not begun.

    The consents are taken first, as withdrawing does. Raises NotFound when there is no such group (any more).
    """
    await residents.take_consents(conn, resident)
    said_yes = await own_data.yes_to(conn, resident, platform)
    if platform is not None:
        if not await own_data.leave(conn, resident, platform):
            raise NotFound
        await platforms.record_event(conn, municipality, platform, "left")
    elif not said_yes:
        raise NotFound
    for yes in said_yes:
        await invitation_rows.answer(conn, yes.invitation_id, "withdrawn")
        await proposals.free_seat(conn, yes.proposal_id, resident)
        await outbox.cancel_subject(conn, yes.invitation_id)


# --- a caseworker's part --------------------------------------------------------------------------------------------


async def decide_correction(conn: Connection, need: NeedRow, field: CorrectionField, *, accept: bool) -> None:
    """Do what a resident asked for, or not. Raises NotFound when it was decided already, or the resident left.

    The database has the last word on an age: nobody gets into a group of the other age by it.
    """
    wanted = await own_data.take_correction(conn, need.id, field)
    if wanted is None:
        raise NotFound
    if not accept:
        return
    match field:
        case "text":
            await own_data.put_text(conn, need.id, wanted)
        case "age_band":
            await own_data.put_age_band(conn, need.resident_id, AgeBand(wanted))
        case _:
            assert_never(field)


async def send_own_page(conn: Connection, staff: Staff, need: NeedRow) -> None:
    """Owe this resident a message with a link to the own page.

    The worker sends it only while inviting is consented to, as every message. Who asks for it does not hear whether:
    it would tell what the resident answered or withdrew. A link can always be printed.
    """
    await own_data.put_own_page(conn, staff.municipality, need.resident_id, uuid4(), printed=False)


async def print_own_page(conn: Connection, staff: Staff, need: NeedRow, *, link_days: int) -> str:
    """A fresh token to hand over on paper. It is shown once: only its hash is stored."""
    subject = uuid4()
    printed = await own_data.put_own_page(conn, staff.municipality, need.resident_id, subject, printed=True)
    return await invitations.new_link(
        conn,
        staff.municipality,
        resident=need.resident_id,
        outbox_id=printed,
        purpose="own",
        subject_id=subject,
        days=link_days,
    )
