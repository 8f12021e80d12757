"""One plain Dutch sentence for each reason of the matching engine.

The sentences are about residents and read by caseworkers and coordinators; no reason holds a word from a note, so no
sentence can. An unknown language code is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from models.errors import Param
from models.labels import number_of
from models.need import Form, Perspective
from models.plan import Code, Reason
from service.domain import LANGUAGES

DAYS: Final = {
    "mon": "maandag",
    "tue": "dinsdag",
    "wed": "woensdag",
    "thu": "donderdag",
    "fri": "vrijdag",
    "sat": "zaterdag",
    "sun": "zondag",
}
PARTS: Final = {"morning": "ochtend", "afternoon": "middag", "evening": "avond"}
PERSPECTIVES: Final = {
    Perspective.SELF: "gaat om henzelf",
    Perspective.PARENT: "zijn ouder van iemand die dit meemaakt",
    Perspective.PARTNER: "zijn partner van iemand die dit meemaakt",
    Perspective.CHILD: "zijn kind van iemand die dit meemaakt",
    Perspective.SIBLING: "zijn broer of zus van iemand die dit meemaakt",
    Perspective.RELATIVE: "zijn familie van iemand die dit meemaakt",
    Perspective.FOSTER_PARENT: "zijn pleegouder",
}

# What a group is called while its theme has no name. Form and perspective are closed sets, so they tell of nobody.
_FORMS: Final = {Form.CIRCLE: "Kring", Form.CAFE: "Café", Form.ASSOCIATION: "Vereniging"}
_PEOPLE: Final = {
    Perspective.SELF: "lotgenoten",
    Perspective.PARENT: "ouders",
    Perspective.PARTNER: "partners",
    Perspective.CHILD: "zonen en dochters",
    Perspective.SIBLING: "broers en zussen",
    Perspective.RELATIVE: "familieleden",
    Perspective.FOSTER_PARENT: "pleegouders",
}
_STOPGAP: Final = re.compile(r"\(thema \d+\)$")

# Counts stand apart from the noun, so that 0, 1 and 12 all read well.
_FOUND: Final = "Gevonden: {found}. Nodig: {needed}."
_DRAW: Final = (
    "Meer mensen wilden een plek dan er plekken waren. Plekken: {places}. Mensen: {wanting}. "
    "Daarom is er geloot. De kans was {percent} op 100."
)
_OTHERS: Final = "Aantal anderen met een vergelijkbare vraag: {found}."

SENTENCES: Final[Mapping[Code, str]] = {
    Code.SHARED_THEME: "Deze mensen hebben een vergelijkbare vraag: {label}.",
    Code.SHARED_PERSPECTIVE: "{perspective}",
    Code.SHARED_LANGUAGE: "Iedereen spreekt {language}.",
    Code.SHARED_DAYPART: "{count} van de {size} mensen kunnen op {daypart}.",
    Code.DAYPART_OPEN: "Nog niemand gaf aan wanneer het kan. Kies samen een moment.",
    Code.MEETS_ONLINE: "De groep komt online bij elkaar.",
    Code.MEETS_NEARBY: "Niemand reist verder dan {km} km naar het midden van de groep.",
    Code.PLACES_UNKNOWN: "Van {count} mensen is de wijk niet bekend. Vraag of zij kunnen komen.",
    Code.SAME_AGE: "Iedereen is jonger dan 18 en ongeveer even oud.",
    Code.WEAKEST_LINK: "Ook wie het minst op de anderen lijkt, past erbij: {percent} van de 100 punten.",
    Code.CLOSE_TO_OTHERS: "De vraag lijkt op die van {count} anderen in deze groep van {size}.",
    Code.CAN_COME: "Kan op {daypart}.",
    Code.NEEDS_OTHER_TIME: "Kan niet op {daypart}. Vraag of een ander moment lukt.",
    Code.TIME_UNKNOWN: "Gaf niet aan wanneer het kan.",
    Code.TRAVELS: "Reist ongeveer {km} km.",
    Code.WAITED_LONG: "Wacht al {days} dagen.",
    Code.MIXED_PERSPECTIVES: "Mensen van verschillende kanten doen samen mee. Een verbinder koos daarvoor.",
    Code.ROOM_IN_PLATFORM: "Er is al een groep die past. Aantal vrije plekken: {room}.",
    Code.DRAWN: f"{_DRAW} Deze inwoner is geloot.",
    Code.NO_SIMILAR_NEED: "Wij vonden nog te weinig mensen met een vergelijkbare vraag.",
    Code.THEME_TOO_SMALL: f"{_OTHERS} Voor een groep zijn er {{needed}} nodig.",
    Code.AGE_DIFFERS: f"Met ongeveer dezelfde leeftijd zijn er te weinig. {_FOUND}",
    Code.LANGUAGE_DIFFERS: f"Te weinig mensen met deze vraag spreken dezelfde taal. {_FOUND}",
    Code.MEETING_DIFFERS: f"Te weinig mensen met deze vraag willen zo meedoen: online of juist op een plek. {_FOUND}",
    Code.TOO_FAR: f"Te weinig mensen met deze vraag wonen dichtbij genoeg. Wij rekenen met {{km}} km reizen. {_FOUND}",
    Code.KEPT_APART: f"Sommige mensen moeten elkaar niet ontmoeten. Er blijven te weinig anderen over. {_FOUND}",
    Code.DAYPART_DIFFERS: f"Te weinig mensen met deze vraag kunnen op dezelfde momenten. {_FOUND}",
    Code.GROUP_OTHER_TIME: "Er is een groep die past. Die komt bij elkaar op {daypart}. Dan lukt het niet.",
    Code.GROUP_FULL: "De groep die past, is vol. Er zijn al {size} mensen.",
    Code.NO_FITTING_GROUP: f"{_OTHERS} Een groep die voor iedereen past, vonden wij nog niet.",
    Code.NOT_DRAWN: f"{_DRAW} Deze inwoner is niet geloot.",
    Code.MORE_PEOPLE: "Als {more} mensen meer meedoen, kan er een groep komen.",
    Code.TRAVEL_FURTHER: "Met {km} km reizen in plaats van {now} km kan er een groep van {size} mensen komen.",
    Code.MEET_ONLINE: "Als {ask} mensen online willen meedoen, kan er een groep van {size} mensen komen.",
    Code.OTHER_DAYPART: "Als {ask} mensen ook op {daypart} kunnen, kan er een groep van {size} mensen komen.",
    Code.MIX_PERSPECTIVES: "Samen met {perspective} kan er een groep van {size} mensen komen.",
    Code.LARGER_GROUP: "De groep die past, is vol. Met {size} mensen in plaats van {most} is er plek.",
    Code.ASK_NEIGHBOUR: "Vraag een buurgemeente die ook meedoet: {neighbours}.",
    Code.MEET_ONE_TO_ONE: "Breng deze inwoner in contact met één ander. Aantal mensen dat daarvoor past: {found}.",
    Code.TALK_AGAIN: "Praat nog eens met deze inwoner. Misschien past iets anders beter.",
}

# Of one person the same is said in other words.
_OF_ONE: Final[Mapping[Code, str]] = {
    Code.MORE_PEOPLE: "Als 1 persoon meer meedoet, kan er een groep komen.",
    Code.MEET_ONLINE: "Als 1 persoon online wil meedoen, kan er een groep van {size} mensen komen.",
    Code.OTHER_DAYPART: "Als 1 persoon ook op {daypart} kan, kan er een groep van {size} mensen komen.",
}
_JOINS_AREAS: Final = ", uit {areas}."

NAMELESS_THEME: Final = (
    "Deze mensen hebben een vergelijkbare vraag. Te weinig van hen gebruiken daarvoor hetzelfde woord."
)


def stored_sentence(code: str, params: Mapping[str, Param]) -> str | None:
    """The sentence of a reason as the database holds it; None for one of an older engine, whose reasons were others."""
    try:
        return sentence(Reason(Code(code), params))
    except (KeyError, ValueError):
        return None


def sentence(reason: Reason) -> str:
    """The reason as a Dutch sentence."""
    if reason.code is Code.SHARED_PERSPECTIVE:
        return perspective_sentence(Perspective(str(reason.params["perspective"])))
    if reason.code is Code.SHARED_THEME and number_of(str(reason.params["label"])) is not None:
        return NAMELESS_THEME
    return _form(reason).format(**{name: _worded(name, value) for name, value in reason.params.items()})


def _form(reason: Reason) -> str:
    if reason.code in _OF_ONE and 1 in (reason.params.get("more"), reason.params.get("ask")):
        return _OF_ONE[reason.code]
    if reason.code is Code.TRAVEL_FURTHER and reason.params["areas"]:
        return SENTENCES[reason.code].removesuffix(".") + _JOINS_AREAS
    return SENTENCES[reason.code]


def people(perspective: Perspective) -> str:
    """Who asks from this side: `ouders`."""
    return _PEOPLE[perspective]


def group_title(label: str, form: Form, perspective: Perspective | None) -> str:
    """What a group is called until a coordinator names it: `Pleegouders`, or `Kring van partners (thema 6)`.

    `perspective` None: people of several sides, `Kring (thema 6)`.
    """
    number = number_of(label)
    if number is None:
        return label
    who = "" if perspective is None else f" van {_PEOPLE[perspective]}"
    return f"{_FORMS[form]}{who} (thema {number})"


def is_stopgap(title: str) -> bool:
    """Whether nobody gave this group a name yet, and there was no word to name it by."""
    return _STOPGAP.search(title) is not None


def told_title(title: str) -> str:
    """The name of a group as its own people read it: a number of a theme tells them nothing."""
    return _STOPGAP.sub("", title).rstrip()


def theme_name(label: str, perspective: Perspective | None = None) -> str:
    """A theme as pages show it. `perspective`: that of its needs, where the page knows it."""
    number = number_of(label)
    if number is None:
        return label
    who = "nog zonder naam" if perspective is None else _PEOPLE[perspective]
    return f"{who.capitalize()} (thema\u00a0{number})"


def perspective_sentence(perspective: Perspective) -> str:
    """From which side everyone in a group asks."""
    if perspective is Perspective.SELF:
        return "Iedereen vraagt dit voor zichzelf."
    return f"Alle mensen in deze groep {PERSPECTIVES[perspective]}."


def daypart(name: str) -> str:
    """`mon-evening` becomes `maandagavond`."""
    day, _, part = name.partition("-")
    return DAYS[day] + PARTS[part]


def language(code: str) -> str:
    """Dutch name of a language, or the code when it has none here."""
    return LANGUAGES.get(code, code)


def _worded(name: str, value: Param) -> str:
    if name in _WORDED:
        return _WORDED[name](str(value))
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    return str(value)


def _listed(joined: str, last: str) -> str:
    """`Noord, Zuid, Oudeveer` becomes `Noord, Zuid en Oudeveer`."""
    first, comma, end = joined.rpartition(", ")
    return f"{first} {last} {end}" if comma else end


_WORDED: Final[Mapping[str, Callable[[str], str]]] = {
    "daypart": daypart,
    "language": language,
    "perspective": lambda value: people(Perspective(value)),
    "areas": lambda value: _listed(value, "en"),
    "neighbours": lambda value: _listed(value, "of"),
}
