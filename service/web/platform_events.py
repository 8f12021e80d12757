"""What happened to a platform, as sentences. No event names a resident."""

from datetime import datetime
from typing import Any, Final

from service.queries.platforms import Event
from service.web import names
from service.web.pages import moment_nl

# Counts stand apart from the noun, so that 0, 1 and 12 all read well.
SENTENCES: Final = {
    "started": "Het platform begon. Leden: {members}.",
    "joined": "Er kwam iemand bij.",
    "left": "Iemand deed niet meer mee.",
    "meeting_planned": "Er is een bijeenkomst gepland op {at}, {place}.",
    "meeting_held": "De bijeenkomst van {at} is geweest. Aanwezig: {attended}, van wie nieuw: {newcomers}.",
    "meeting_cancelled": "De bijeenkomst van {at} gaat niet door.",
    "pulse_sent": "Er ging een peiling naar de leden. Gevraagd: {asked}.",
    "active": "Het platform is actief.",
    "paused": "Het platform ging in pauze.",
    "ended": "Het platform stopte. {reason}.",
}
OTHER: Final = "Er veranderde iets."


def sentence(event: Event) -> str:
    """One event in Dutch. A kind this page does not know yet is still shown, without detail."""
    return SENTENCES.get(event.kind, OTHER).format(**{name: _worded(name, event.params[name]) for name in event.params})


def _worded(name: str, value: Any) -> str:
    if name == "at":
        return moment_nl(datetime.fromisoformat(value))
    return names.END_REASONS[value] if name == "reason" else str(value)
