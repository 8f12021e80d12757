"""The copy of somebody's own details: the same content for a person to read and for a program.

Keys are Dutch, because whoever opens the file sees them. The vector of a note is left out here as a list of numbers and
told as what it is; `kring export --resident` has it.
"""

import json
from datetime import datetime
from typing import Any

from service import wording
from service.domain import Contact
from service.export import OwnData, OwnNeed
from service.queries.residents import ConsentRow
from service.web import looks, names
from service.web.pages import date_nl, moment_nl

_ANSWERS = {
    "pending": "nog niet verstuurd",
    "sent": "nog geen antwoord",
    "accepted": "ja",
    "not_now": "nu niet",
    "never": "nee, niet meer vragen",
    "expired": "geen antwoord op tijd",
    "withdrawn": "ingetrokken",
}
_MESSAGES = {
    "invitation": "een uitnodiging",
    "reminder": "een herinnering",
    "started": "nieuws over uw groep",
    "joined": "nieuws over uw groep",
    "given_up": "nieuws over uw groep",
    "pulse": "drie korte vragen",
    "own_page": "een link naar uw eigen pagina",
    "consent_ends": "bericht dat uw toestemming bijna afloopt",
}


def content(held: OwnData, municipality_name: str, now: datetime) -> dict[str, Any]:
    """Everything by heading, each a list of items; an item is a heading's name → value. Empty headings are left out."""
    sections: dict[str, list[dict[str, Any]]] = {
        "Uw vraag": [_need(own) for own in held.needs],
        "Hoe wij u bereiken": [] if held.contact is None else [_contact(held.contact)],
        "Waar u ja op zei": [_consent(row) for row in held.consents],
        "Uitnodigingen": [
            {
                # before the answer the name stays unsaid (docs/decisions/0003)
                **({} if one.state != "accepted" else {"Groep": wording.told_title(one.title)}),
                "Gemaakt op": date_nl(one.created_at),
                "Uw antwoord": _ANSWERS.get(one.state, one.state),
            }
            for one in held.invitations
        ],
        "Groepen": [
            {
                "Groep": wording.told_title(one.platform),
                "Lid sinds": date_nl(one.joined_at),
                **({} if one.left_at is None else {"Weggegaan op": date_nl(one.left_at)}),
            }
            for one in held.memberships
        ],
        "Korte vragen": [
            {
                "Groep": wording.told_title(one.platform),
                "Gevraagd op": date_nl(one.sent_at),
                "Hebt u geantwoord": "ja" if one.answered else "nee",
            }
            for one in held.pulses
        ],
        "Berichten": [
            {"Bericht": _MESSAGES.get(one.kind, one.kind), "Verstuurd op": moment_nl(one.sent_at)}
            for one in held.messages
            if one.sent_at is not None
        ],
        "Links": [
            {"Gemaakt op": date_nl(one.created_at), "Werkt tot": date_nl(one.revoked_at or one.expires_at)}
            for one in held.links
        ],
        "Wie keek naar uw gegevens": [{"Wanneer": moment_nl(one.at), "Wat": looks.sentence(one)} for one in held.looks],
    }
    return {
        "Gemeente": municipality_name,
        "Gemaakt op": moment_nl(now),
        "Bij ons sinds": date_nl(held.since),
        "Leeftijd": names.AGE_BANDS[held.age_band],
        "Mensen die u niet hoort te ontmoeten": held.kept_apart,
        "Mogelijke groepen waar u in zit": held.drafts,
        "Onderdelen": {title: items for title, items in sections.items() if items},
    }


def as_json(file: dict[str, Any]) -> str:
    """For a `<script type="application/json">`: nothing in it can end that element."""
    text = json.dumps(file, ensure_ascii=False, indent=2)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _need(own: OwnNeed) -> dict[str, Any]:
    need = own.need
    found = {
        "Nummer": need.reference,
        "Tekst": need.text,
        "Wie dit vraagt": names.PERSPECTIVES[need.perspective],
        "Onderwerp": names.names_of(need.topics, names.TOPICS),
        "Wat Kring ervan maakte": None if own.theme is None else wording.theme_name(own.theme, need.perspective),
        "Wijk": need.area_name,
        "Talen": names.names_of(need.languages, names.LANGUAGES),
        "Momenten": names.names_of(need.dayparts, names.DAYPARTS),
        "Hoe u elkaar ziet": names.MEETINGS[need.meeting],
        "Reizen": None if need.reach_km is None else f"tot {need.reach_km} km",
        "Opgeschreven op": date_nl(need.created_at),
        "Wij vragen u niets tot": None if need.paused_until is None else date_nl(need.paused_until),
        "Waarom er nog geen groep is": None if own.ungrouped_code is None
        else wording.stored_sentence(own.ungrouped_code, own.ungrouped_params or {}),
        "Uw tekst als getallen": f"ja, {len(own.vector)} getallen om te vergelijken" if own.vector else None,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def _contact(contact: Contact) -> dict[str, Any]:
    return {"Hoe": names.CHANNELS[contact.channel], "Adres of nummer": contact.value}


def _consent(row: ConsentRow) -> dict[str, Any]:
    found = {
        "Waarvoor": names.PURPOSES[row.purpose],
        "Tekst": None if row.label is None else f"{row.label} {row.explanation}",
        "Versie": row.text_version,
        "Gegeven op": date_nl(row.given_at),
        "Gegeven door": names.GIVEN_BY[row.given_by],
        "Hoe": names.RECORDED_HOW[row.recorded_how],
        "Geldt tot": date_nl(row.valid_until),
        "Ingetrokken op": None if row.withdrawn_at is None else date_nl(row.withdrawn_at),
        "Geldt nu": "ja" if row.stands else "nee",
    }
    return {name: value for name, value in found.items() if value}
