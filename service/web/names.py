"""Dutch names of the closed sets, as pages show them; the sentences of the matching engine are in `service.wording`.

Each is a value → name table in the order in which a form offers it. Keys are the values themselves, so that a form
field, a row of the database and a member of the enum all find their name. A test holds every table against its set.
"""

from typing import Final

from models.need import DAYPARTS as DAYPART_VALUES
from models.plan import Code
from models.taxonomy import taxonomy
from service import wording
from service.domain import LANGUAGES as LANGUAGE_NAMES

LANGUAGES: Final[dict[str, str]] = LANGUAGE_NAMES

PERSPECTIVES: Final[dict[str, str]] = {
    "self": "De persoon zelf",
    "parent": "Een ouder",
    "partner": "Een partner",
    "child": "Een zoon of dochter",
    "sibling": "Een broer of zus",
    "relative": "Een ander familielid",
    "foster_parent": "Een pleegouder",
}
# "Who asks" is the question that is misread most: each answer shows what a note from that side sounds like.
PERSPECTIVE_EXAMPLES: Final[dict[str, str]] = {
    "self": "“Ik ben vaak alleen sinds ik niet meer werk.”",
    "parent": "“Mijn kind gaat niet meer naar school.”",
    "partner": "“Ik zorg voor mijn partner met dementie.”",
    "child": "“Mijn ouder drinkt, en ik maak mij zorgen.”",
    "sibling": "“Alle aandacht gaat naar mijn broer met een beperking.”",
    "relative": "“Ik pas op mijn kleinkind, omdat het thuis niet gaat.”",
    "foster_parent": "“Ons pleegkind slaapt slecht.”",
}

AGE_BANDS: Final[dict[str, str]] = {
    "under_12": "jonger dan 12 jaar",
    "12_15": "12 tot en met 15 jaar",
    "16_17": "16 of 17 jaar",
    "18_24": "18 tot en met 24 jaar",
    "25_39": "25 tot en met 39 jaar",
    "40_64": "40 tot en met 64 jaar",
    "65_plus": "65 jaar of ouder",
}

TOPICS: Final[dict[str, str]] = {topic.id: topic.label for topic in taxonomy().topics.values()}

WEEKDAYS: Final[dict[str, str]] = wording.DAYS
PARTS: Final[dict[str, str]] = wording.PARTS
DAYPARTS: Final[dict[str, str]] = {value: wording.daypart(value) for value in DAYPART_VALUES}

REACHES: Final[dict[str, str]] = {
    "": "Weet ik niet",
    "2": "2 km, een stuk lopen",
    "5": "5 km, een stuk fietsen",
    "10": "10 km, met de bus of een lift",
    "25": "25 km, met de auto of de trein",
}
MEETINGS: Final[dict[str, str]] = {
    "in_person": "Op een plek in de buurt",
    "online": "Online",
    "either": "Allebei is goed",
}

FORMS: Final[dict[str, str]] = {"circle": "kring", "cafe": "café", "association": "vereniging"}

CHANNELS: Final[dict[str, str]] = {"email": "E-mail", "mobile": "Sms", "post": "Brief"}

PURPOSES: Final[dict[str, str]] = {
    "matching": "Zoeken naar een groep",
    "invitation": "Een uitnodiging sturen",
    "follow_up": "Vragen hoe het gaat",
}
GIVEN_BY: Final[dict[str, str]] = {
    "self": "De inwoner zelf",
    "representative": "Een ouder of voogd",
}
RECORDED_HOW: Final[dict[str, str]] = {
    "in_person": "In een gesprek",
    "paper": "Op papier",
    "link": "Via de eigen link",
}

ROLES: Final[dict[str, str]] = {"caseworker": "consulent", "coordinator": "verbinder", "manager": "manager"}

PLATFORM_STATES: Final[dict[str, str]] = {
    "forming": "begint net",
    "active": "actief",
    "paused": "in pauze",
    "ended": "gestopt",
}
END_REASONS: Final[dict[str, str]] = {
    "attendance": "Er kwamen te weinig mensen",
    "leadership": "Niemand kon het nog trekken",
    "not_needed": "Het was niet meer nodig",
    "conflict": "Er was ruzie of onenigheid",
    "logistics": "De plek, de tijd of het geld lukte niet",
}

RUN_STATES: Final[dict[str, str]] = {
    "queued": "wacht op zijn beurt",
    "running": "bezig",
    "done": "klaar",
    "failed": "niet gelukt",
}
RUN_CAUSES: Final[dict[str, str]] = {"demand": "op verzoek", "nightly": "elke nacht"}
RUN_PHASES: Final[dict[str, str]] = {
    "loading": "Kring leest de hulpvragen.",
    "encoding": "Kring vergelijkt de hulpvragen met elkaar.",
    "themes": "Kring zoekt welke hulpvragen over hetzelfde gaan.",
    "groups": "Kring stelt groepen samen.",
    "storing": "Kring bewaart de voorstellen.",
    "done": "Kring is klaar.",
}
_ENCODER_WRONG = "Het taalmodel van Kring werkt niet. Vraag uw beheerder om de instelling KRING_ENCODER na te kijken."
RUN_ERRORS: Final[dict[str, str]] = {
    "encoder_not_found": _ENCODER_WRONG,
    "vector_not_finite": _ENCODER_WRONG,
    "vectors_do_not_fit": _ENCODER_WRONG,
    "not_on_earth": "De plek van een wijk op de kaart klopt niet. Vraag uw beheerder om de wijken na te kijken.",
    "crashed": "Het zoeken brak steeds af. Er is niets veranderd. Vraag uw beheerder om hulp.",
}
RUN_ERROR_OTHER: Final = "Het zoeken brak af. Er is niets veranderd. Probeer het opnieuw."

# Why people have no group yet, short enough for a table that counts them. One person's own reason is a sentence.
UNGROUPED: Final[dict[str, str]] = {
    Code.NO_SIMILAR_NEED: "Te weinig mensen met een vergelijkbare vraag",
    Code.THEME_TOO_SMALL: "Wel een thema, maar met te weinig mensen",
    Code.AGE_DIFFERS: "Te weinig mensen van ongeveer dezelfde leeftijd",
    Code.LANGUAGE_DIFFERS: "Te weinig mensen met dezelfde taal",
    Code.MEETING_DIFFERS: "De een wil online, de ander op een plek",
    Code.TOO_FAR: "Anderen wonen te ver weg",
    Code.KEPT_APART: "Sommige mensen moeten elkaar niet ontmoeten",
    Code.DAYPART_DIFFERS: "Geen moment waarop genoeg mensen kunnen",
    Code.GROUP_OTHER_TIME: "De groep die past, komt op een ander moment",
    Code.GROUP_FULL: "De groep die past, is vol",
    Code.NO_FITTING_GROUP: "Geen groep die voor iedereen goed is",
    Code.NOT_DRAWN: "Niet geloot voor een plek",
}
UNGROUPED_OTHER: Final = "Een andere reden"


def names_of(values: tuple[str, ...] | list[str], names: dict[str, str]) -> str:
    """`maandagochtend en dinsdagavond`: the Dutch names in the order of the table."""
    chosen = [name for value, name in names.items() if value in values]
    return " en ".join([", ".join(chosen[:-1]), chosen[-1]]) if len(chosen) > 1 else "".join(chosen)
