"""What Kring says about a note, in plain Dutch: why it is recognisable, what may be overruled, and where help is.

Read by caseworkers on the page and by programs through the API. No sentence holds a word of the note.
"""

from collections.abc import Mapping
from typing import Final

from models.deidentify import Label
from models.rarity import Rare
from service.domain import OverruleReason, ReminderAnswer

RARE: Final[Mapping[Rare, str]] = {
    Rare.ONLY_ONE: "Wie ergens de enige is, is te herkennen. Laat “de enige” of de plek weg.",
    Rare.PUBLIC_ROLE: "Bijna niemand heeft deze functie. Schrijf alleen wat voor werk het is.",
    Rare.KNOWN_FAMILY: "Zo weet een buurtgenoot om wie het gaat. Laat weg wie de familie is.",
    Rare.IN_THE_NEWS: "Wat in het nieuws was, is op te zoeken. Schrijf alleen wat het met iemand doet.",
    Rare.PRIZE: "Wie een prijs of eer kreeg, is op te zoeken. Laat dit weg.",
    Rare.MULTIPLE_BIRTH: "Zulke gezinnen zijn er weinig. Schrijf bijvoorbeeld: “een meerling”.",
    Rare.ONE_OF_FEW: "Dit hebben heel weinig mensen. Schrijf bijvoorbeeld: “een zeldzame aandoening”.",
    Rare.MOST_OF_ALL: "Er is maar één oudste, jongste, eerste of laatste. Schrijf het algemener.",
    Rare.LARGE_FAMILY: "Zulke gezinnen zijn er weinig. Schrijf bijvoorbeeld: “een groot gezin”.",
    Rare.KNOWN_BY_ALL: "Wie iedereen kent, is te herkennen. Laat dit weg.",
    Rare.RECOGNISABLE_HOME: "Zo is te zien waar iemand woont. Laat de plek weg.",
    Rare.INCIDENT: "Van zo'n gebeurtenis weten veel mensen. Schrijf het algemener.",
}

REASONS: Final[Mapping[OverruleReason, str]] = {
    OverruleReason.COMMON_WORD: "Een gewoon woord",
    OverruleReason.ILLNESS: "Een ziekte of aandoening",
    OverruleReason.WELL_KNOWN: "Een landelijke organisatie of bekend begrip",
    OverruleReason.CALENDAR: "Een feestdag of maand",
    OverruleReason.OTHER: "Anders",
}

LABELS: Final[Mapping[Label, str]] = {
    Label.NAME: "naam",
    Label.BSN: "burgerservicenummer",
    Label.DATE: "datum",
    Label.AGE: "hoge leeftijd",
    Label.PHONE: "telefoonnummer",
    Label.EMAIL: "e-mailadres",
    Label.IBAN: "rekeningnummer",
    Label.POSTCODE: "postcode",
    Label.ADDRESS: "adres",
    Label.PLACE: "plaats",
    Label.ORGANISATION: "organisatie",
    Label.PLATE: "kenteken",
    Label.CASE_NUMBER: "zaaknummer",
    Label.URL: "webadres",
    Label.HANDLE: "accountnaam",
}

ANSWERS: Final[Mapping[ReminderAnswer, str]] = {
    ReminderAnswer.ARRANGED: "Ja, dat is geregeld",
    ReminderAnswer.DOING_NOW: "Nee, ik doe dat nu",
    ReminderAnswer.MISREAD: "Niet nodig, Kring begreep het verkeerd",
}
"""What can be chosen; the other two answers are what a page, or a program, leaves unsaid."""

REMINDER: Final = (
    "Deze tekst kan gaan over iemand die in gevaar is. Is er nu gevaar? Bel 112. Denkt iemand aan zelfdoding? Bel 113 "
    "of 0800-0113. Gaat het om geweld, verwaarlozing of een kind in gevaar? Volg de Meldcode en bel Veilig Thuis voor "
    "advies: 0800-2000."
)
"""For who has no page to show it on; the page has it in the same words, with links."""

MELDCODE: Final = (
    "Zet op een rij wat u ziet en hoort.",
    "Overleg met een collega. Vraag zo nodig advies aan Veilig Thuis.",
    "Praat met de inwoner.",
    "Weeg hoe ernstig het is. Twijfelt u? Vraag altijd advies aan Veilig Thuis.",
    "Beslis: is melden bij Veilig Thuis nodig? En kunt u zelf hulp geven of regelen?",
)
"""The five steps of the Meldcode huiselijk geweld en kindermishandeling (Besluit verplichte meldcode)."""
