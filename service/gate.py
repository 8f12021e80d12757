"""What Kring sees in a note before it is stored: what identifies somebody, what may, and whether somebody is in danger.

A hit is refused until it is rewritten, or until a person says that nobody can be recognised by it. What is rare is
warned about; a sign of danger brings a reminder. Neither of those two ever stops a note.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from models import danger, rarity
from models.deidentify import Label, Span, find_identifying, rewritten
from models.rarity import RareSituation
from service.domain import Overruled

OVERRULABLE = frozenset(Label) - {Label.BSN, Label.IBAN, Label.EMAIL, Label.PHONE, Label.URL, Label.HANDLE}
"""A checksum or its shape says what the others are: nobody can mean an ordinary word by them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All hits in a note, and what was overruled of them; what was overruled and is not there counts for nothing."""

    text: str
    spans: tuple[Span, ...]
    overruled: tuple[Overruled, ...]

    @property
    def open(self) -> tuple[Span, ...]:
        """The hits that stand in the way."""
        settled = {(one.label, one.text) for one in self.overruled}
        return tuple(span for span in self.spans if (span.label, self.words(span)) not in settled)

    def words(self, span: Span) -> str:
        return self.text[span.start : span.end]


def look(text: str, overruled: Iterable[Overruled] = ()) -> Seen:
    """What in `text` identifies somebody. A hit is overruled by its exact words and label, wherever they stand."""
    spans = find_identifying(text)
    there = {(span.label, text[span.start : span.end]) for span in spans}
    once = {(one.label, one.text): one for one in overruled if one.label in OVERRULABLE}
    return Seen(text, spans, tuple(one for hit, one in once.items() if hit in there))


def overrule_problem(overruled: Iterable[Overruled]) -> str | None:
    """What is wrong with what a person wants to overrule, in Dutch; None when nothing is."""
    if all(one.label in OVERRULABLE for one in overruled):
        return None
    return "Een nummer, een e-mailadres, een webadres of een accountnaam is altijd herkenbaar. Haal het uit de tekst."


def rewrite(text: str, label: str, words: str) -> str:
    """`text` with the suggestion in the place of each hit with this label and these words; other words stay."""
    for span in reversed(find_identifying(text)):
        if (span.label, text[span.start : span.end]) == (label, words):
            text = rewritten(text, span)
    return text


def rare(text: str) -> tuple[RareSituation, ...]:
    """What may tell who somebody is without a name."""
    return rarity.rare_situations(text)


def reminds(text: str) -> bool:
    """Whether the caseworker is reminded of direct help."""
    return bool(danger.signs(text))
