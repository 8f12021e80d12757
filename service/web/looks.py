"""Who looked at somebody's details, in words for that somebody: what staff are, never who, and what they did."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.audit import Action
from service.domain import Role
from service.queries.export import Look
from service.web.pages import date_nl

_WHO: Final[dict[str, str]] = {
    "program": "Een ander programma van de gemeente",
    "worker": "Kring",
    "operator": "Een beheerder",
    "resident": "U",
}

# What follows on "Een consulent …". An action that touches no resident has no words here.
DID: Final[dict[str, str]] = {
    Action.CONSENT_GIVEN: "schreef op waar u ja op zei",
    Action.CONSENT_WITHDRAWN: "trok een toestemming in",
    Action.CONTACT_READ: "opende uw adres of nummer",
    Action.CORRECTION_DECIDED: "keek naar wat u wilde veranderen",
    Action.INVITATION_ANSWERED: "gaf antwoord op een uitnodiging",
    Action.MUNICIPALITY_EXPORTED: "maakte een kopie van alle gegevens",
    Action.NEED_HIT_OVERRULED: "liet een gemarkeerd woord in uw vraag staan",
    Action.NEED_LISTED: "zag uw vraag in een lijst",
    Action.NEED_READ: "las uw vraag",
    Action.NEED_SUBMITTED: "schreef uw vraag op",
    Action.NEED_WITHDRAWN: "trok uw vraag in",
    Action.OWN_DATA_CHANGED: "veranderde iets op de eigen pagina",
    Action.OWN_DATA_EXPORTED: "bewaarde een kopie van de gegevens",
    Action.OWN_DATA_READ: "bekeek de eigen pagina",
    Action.OWN_LINK_MADE: "maakte een link voor u",
    Action.PLATFORM_CHANGED: "veranderde iets aan een groep",
    Action.PLATFORM_LEFT: "ging uit een groep",
    Action.PLATFORM_LISTED: "zag een groep in een lijst",
    Action.PLATFORM_READ: "bekeek een groep",
    Action.PROPOSAL_APPROVED: "keurde een mogelijke groep goed",
    Action.PROPOSAL_CHANGED: "veranderde iets aan een mogelijke groep",
    Action.PROPOSAL_LISTED: "zag een mogelijke groep in een lijst",
    Action.PROPOSAL_READ: "bekeek een mogelijke groep",
    Action.PROPOSAL_REJECTED: "keurde een mogelijke groep af",
    Action.RESIDENT_EXPORTED: "maakte een kopie van uw gegevens",
    Action.RETENTION_APPLIED: "wiste wat te lang bewaard was",
    Action.START_READ: "zag uw vraag in een lijst",
    Action.THEME_READ: "las uw vraag bij een onderwerp",
    Action.WAITING_LISTED: "zag hoe lang u wacht",
}
_OTHERWISE: Final = "keek naar uw gegevens"


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing on one day: said once, however often it was done."""

    at: datetime
    sentence: str


def by_others(looks: Iterable[Look]) -> list[Looked]:
    """What others did, in the order given; a resident knows what they did themselves."""
    of_day: dict[tuple[str, str], Looked] = {}
    for look in looks:
        if look.actor_kind != "resident":
            said = sentence(look)
            of_day.setdefault((date_nl(look.at), said), Looked(look.at, said))
    return list(of_day.values())


def sentence(look: Look) -> str:
    """`Een consulent las uw vraag.`"""
    if look.result != "done":
        return f"{_who(look)} wilde iets met uw gegevens doen. Dat ging niet door."
    return f"{_who(look)} {DID.get(look.action, _OTHERWISE)}."


def _who(look: Look) -> str:
    if look.actor_kind in _WHO:
        return _WHO[look.actor_kind]
    if Role.COORDINATOR in look.roles:
        return "Een verbinder"
    return "Een consulent" if Role.CASEWORKER in look.roles else "Een medewerker"
