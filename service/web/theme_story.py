"""What happened to themes, as sentences. Counts and names of themes; no event knows a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service import wording
from service.domain import ThemeId
from service.queries.theme_pages import Event, Name

# What happened to a theme last, short enough for a table.
HAPPENED: Final[dict[str, str]] = {
    "born": "nieuw",
    "returned": "weer terug",
    "grew": "gegroeid",
    "shrank": "kleiner geworden",
    "merged": "samengegaan",
    "merged_into": "opgegaan in een ander thema",
    "split": "gesplitst",
    "ended": "voorbij",
    "mixing_on": "open voor anderen",
    "mixing_off": "niet meer open voor anderen",
}

# Counts stand apart from the noun where they may be 1. A sentence that ends in a colon is followed by the other themes.
SENTENCES: Final[dict[str, str]] = {
    "born": "Het thema is nieuw. Hulpvragen: {size}.",
    "returned": "Het thema was even weg en is terug. Hulpvragen: {size}.",
    "grew": "Het thema groeide: van {was} naar {size} hulpvragen.",
    "shrank": "Het thema werd kleiner. Hulpvragen: eerst {was}, nu {size}.",
    "merged": "Samen zijn er nu {size} hulpvragen. Dit thema ging samen met:",
    "merged_into": "Het thema ging op in:",
    "split": "Hulpvragen: eerst {was}, nu {size}. Een deel hoort nu bij:",
    "split_up": "Het thema viel uiteen. De hulpvragen horen nu bij:",
    "split_off": "Een deel van de hulpvragen komt uit:",
    "ended": "Het thema is voorbij.",
    "mixing_on": "{by} zette aan dat ook anderen mogen meedoen.",
    "mixing_off": "{by} zette uit dat ook anderen mogen meedoen.",
}
LEFT: Final = "Hulpvragen die nu niet meer meedoen: {left}."
SCATTERED: Final = "Hulpvragen die nu los staan of bij een ander thema horen: {scattered}."
OTHER: Final = "Er veranderde iets."


@dataclass(frozen=True, slots=True)
class Told:
    """One event for a page: whose it is, when, what, and the other themes it names."""

    theme: Name
    at: datetime
    sentence: str
    others: tuple[Name, ...]


def name(theme: Name) -> str:
    """What a theme is called: `Mantelzorg`, or `Partners (thema 6)`."""
    return wording.theme_name(theme.label, theme.perspective)


def mentioned(events: Iterable[Event]) -> set[ThemeId]:
    """Every theme whose name the sentences need."""
    return {theme for event in events for theme in (event.theme_id, *event.others)}


def told(event: Event, names: Mapping[ThemeId, Name], of: ThemeId | None = None) -> Told:
    """The event in Dutch, seen from the theme `of`; None: from the theme it happened to."""
    theme = of or event.theme_id
    here = theme == event.theme_id
    others = event.others if here else (event.theme_id,)
    return Told(names[theme], event.at, _sentence(event, here=here), tuple(names[other] for other in others))


def _sentence(event: Event, *, here: bool) -> str:
    """A kind this page does not know yet is still shown, without detail."""
    kind = event.kind
    if kind == "split" and "size" not in event.params:
        kind = "split_up"
    if not here:
        kind = {"merged": "merged_into"}.get(kind, "split_off")
    sentence = SENTENCES.get(kind, OTHER).format(by=event.decided_by_name, **event.params)
    if kind == "ended":
        more = [form.format(**event.params) for key, form in (("left", LEFT), ("scattered", SCATTERED))
                if event.params.get(key)]  # fmt: skip
        sentence = " ".join([sentence, *more])
    return sentence
