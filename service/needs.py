"""Submitting a need: the page, the API and `kring import-needs` all come here.

Everything is checked before anything is stored, and every problem is told at once.
"""

import re
from dataclasses import dataclass

from models.need import DAYPARTS
from models.taxonomy import taxonomy
from service import addresses, audit, consents, gate
from service.audit import Action, Actor
from service.contacts import contact_problem, normalised
from service.db import Connection
from service.domain import (
    LANGUAGES,
    OVERRULED_MOST,
    REACH_MOST,
    TEXT_MOST,
    TOPICS_MOST,
    UNDER_16,
    GivenBy,
    MunicipalityId,
    NeedId,
    NewNeed,
    Overruled,
    Purpose,
    ReminderAnswer,
    ResidentId,
    Role,
    Staff,
)
from service.errors import FieldErrors, Identifying, NotFound
from service.queries import gate as gate_rows
from service.queries import municipalities, needs, residents
from service.references import clean_reference, new_reference
from service.vault import Vault

_WORD = re.compile(r"[^\W\d_]{2,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Checked:
    """A need that may be stored, with the rows it points to and the hits that were overruled."""

    area: municipalities.Area
    apart: tuple[ResidentId, ...]
    overruled: tuple[Overruled, ...]


def text_problem(text: str) -> str | None:
    """What is wrong with a note as such, in Dutch; None when nothing is."""
    if not text.strip():
        return "Vul de hulpvraag in."
    if len(text) > TEXT_MOST:
        return f"De hulpvraag is te lang. Gebruik hoogstens {TEXT_MOST} tekens."
    if _CONTROL.search(text):
        return "De tekst bevat onzichtbare stuurtekens. Typ de tekst over in plaats van te plakken."
    if len(_WORD.findall(text)) < 2:
        return "Schrijf de hulpvraag in woorden."
    return None


def _field_problems(need: NewNeed) -> dict[str, str]:
    problems: dict[str, str] = {}
    if problem := text_problem(need.text):
        problems["text"] = problem
    if Purpose.MATCHING not in need.consents:
        problems["consents"] = "Zonder toestemming om te zoeken kan deze hulpvraag niet worden ingediend."
    if Purpose.FOLLOW_UP in need.consents and Purpose.INVITATION not in need.consents:
        problems["consents"] = "Vragen hoe het gaat kan alleen als iemand ook uitgenodigd mag worden."
    if problem := _contact_problem(need):
        problems["contact"] = problem
    if problem := _given_by_problem(need):
        problems["given_by"] = problem
    if not need.languages or set(need.languages) - LANGUAGES.keys():
        problems["languages"] = "Kies ten minste één taal uit de lijst."
    if not need.dayparts or set(need.dayparts) - set(DAYPARTS):
        problems["dayparts"] = "Kies ten minste één moment in de week."
    if need.reach_km is not None and not 0 <= need.reach_km <= REACH_MOST:
        problems["reach_km"] = f"Vul een afstand in van 0 tot {REACH_MOST} km."
    others = {"topics": _topics_problem(need.topics), "overruled": _overruled_problem(need.overruled)}
    return problems | {name: problem for name, problem in others.items() if problem}


def _topics_problem(topics: tuple[str, ...]) -> str | None:
    if set(topics) - taxonomy().topics.keys():
        return "Kies alleen onderwerpen uit de lijst."
    if len(topics) > TOPICS_MOST:
        return f"Kies hoogstens {TOPICS_MOST} onderwerpen."
    return None


def _overruled_problem(overruled: tuple[Overruled, ...]) -> str | None:
    if len(overruled) > OVERRULED_MOST:
        return f"U kunt hoogstens {OVERRULED_MOST} woorden laten staan. Herschrijf de tekst."
    return gate.overrule_problem(overruled)


def _contact_problem(need: NewNeed) -> str | None:
    if Purpose.INVITATION in need.consents:
        return "Vul in hoe wij de uitnodiging kunnen sturen." if need.contact is None else contact_problem(need.contact)
    return None if need.contact is None else "Zonder toestemming om uit te nodigen bewaren wij geen contactgegevens."


def _given_by_problem(need: NewNeed) -> str | None:
    """Under 16 a legal representative consents, from 16 the young person (UAVG art. 5)."""
    under_16 = need.age_band in UNDER_16
    if under_16 and need.given_by is GivenBy.SELF:
        return "Onder de 16 jaar geeft een ouder of voogd toestemming."
    if not under_16 and need.given_by is GivenBy.REPRESENTATIVE:
        return "Vanaf 16 jaar geeft iemand zelf toestemming."
    return None


async def check(conn: Connection, need: NewNeed) -> Checked:
    """Whether this need may be stored; stores nothing. Raises FieldErrors or Identifying, with all problems at once."""
    problems = _field_problems(need)
    area = next((found for found in await municipalities.areas(conn) if found.code == need.area_code), None)
    if area is None:
        problems["area"] = "Kies een wijk uit de lijst."
    apart: list[ResidentId] = []
    for typed in need.apart:
        reference = clean_reference(typed)
        resident = await needs.resident_by_reference(conn, reference) if reference else None
        if resident is None:
            problems["apart"] = "Een van deze nummers bestaat niet. Een nummer ziet eruit als 4F7K-29XM."
        else:
            apart.append(resident)
    seen = gate.look("" if "text" in problems else need.text, need.overruled)
    if seen.open:
        raise Identifying({"text": "Herschrijf de gemarkeerde woorden.", **problems}, seen.open)
    if problems or area is None:
        raise FieldErrors(problems)
    # in one order: two submissions never wait for each other
    return Checked(area, tuple(sorted(set(apart))), seen.overruled)


async def submit(
    conn: Connection,
    staff: Staff,
    need: NewNeed,
    *,
    vault: Vault,
    consent_days: int,
    actor: Actor | None = None,
    reminded: ReminderAnswer | None = None,
) -> str:
    """Store a consented need; the answer is its reference number.

    The same `submission_key` again gives the same reference and stores nothing. Raises FieldErrors with every problem
    at once; Identifying is the one that also carries the spans. `actor`: who submits, for the audit trail, when that
    is more than `staff` at a page. `reminded`: what was answered to a reminder of direct help, when there was one.
    """
    await needs.lock_submission(conn, need.submission_key)
    if stored := await needs.reference_of_submission(conn, need.submission_key):
        return stored
    checked = await check(conn, need)
    resident = await residents.insert_resident(conn, staff.municipality, need.age_band)
    reference = new_reference()
    need_id = await needs.insert_need(
        conn, staff.municipality, resident, need, reference=reference, area_id=checked.area.id, by=staff.id
    )
    await consents.record(conn, staff, resident, need, valid_days=consent_days)
    if need.contact is not None:
        await addresses.keep(conn, vault, staff.municipality, resident, normalised(need.contact))
    for other in checked.apart:
        await residents.insert_apart(conn, staff.municipality, resident, other, staff.id)
    actor = actor or Actor.of_staff(staff, "page", None)
    await _store_overruled(conn, staff, actor, need_id, reference, resident, checked.overruled)
    if reminded is not None:
        await _note_reminder(conn, staff.municipality, actor, reference, reminded)
    return reference


async def _store_overruled(
    conn: Connection,
    staff: Staff,
    actor: Actor,
    need: NeedId,
    reference: str,
    resident: ResidentId,
    overruled: tuple[Overruled, ...],
) -> None:
    """The kind and the reason of each hit that was overruled, once with the need and once in the audit trail."""
    for one in overruled:
        await gate_rows.insert_overruled(conn, staff.municipality, need, one.label, one.reason, staff.id)
        await audit.record(
            conn,
            staff.municipality,
            actor,
            Action.NEED_HIT_OVERRULED,
            object_kind="need",
            object_id=reference,
            resident=resident,
            detail=f"{one.label.lower()}:{one.reason}",
        )


async def _note_reminder(
    conn: Connection, municipality: MunicipalityId, actor: Actor, reference: str, answer: ReminderAnswer
) -> None:
    """That there was a reminder, and the answer: nowhere else, and nothing of what it was about.

    Without the resident, on purpose: their own trail may be read over their shoulder by whom they fear.
    """
    await audit.record(
        conn,
        municipality,
        actor,
        Action.NEED_DANGER_REMINDED,
        object_kind="need",
        object_id=reference,
        detail=answer,
    )


async def for_staff(conn: Connection, staff: Staff, reference: str) -> needs.NeedRow:
    """A caseworker sees the needs she submitted, a coordinator all of them; anything else does not exist."""
    found = await needs.need_by_reference(conn, reference)
    if found is None or not (Role.COORDINATOR in staff.roles or found.submitted_by == staff.id):
        raise NotFound
    return found


async def withdraw(conn: Connection, staff: Staff, reference: str) -> None:
    """The resident told the caseworker to stop: the same as the resident's own button."""
    need = await for_staff(conn, staff, reference)
    await consents.withdraw_everything(conn, staff.municipality, need.resident_id, "caseworker", staff.id)
