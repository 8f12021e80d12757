"""What a finding is: the labels, the span a caller gets, and the hit the finders work with."""

from dataclasses import dataclass
from enum import StrEnum


class Label(StrEnum):
    """The kinds of identifying detail; part of the `kring deidentify` file format."""

    NAME = "NAME"
    BSN = "BSN"
    DATE = "DATE"
    AGE = "AGE"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    IBAN = "IBAN"
    POSTCODE = "POSTCODE"
    ADDRESS = "ADDRESS"
    PLACE = "PLACE"
    ORGANISATION = "ORGANISATION"
    PLATE = "PLATE"
    CASE_NUMBER = "CASE_NUMBER"
    URL = "URL"
    HANDLE = "HANDLE"


# What replaces a span in `redact`, and what to write instead when the context gives nothing better.
PLACEHOLDER: dict[Label, str] = {
    Label.NAME: "[NAAM]",
    Label.BSN: "[BSN]",
    Label.DATE: "[DATUM]",
    Label.AGE: "[LEEFTIJD]",
    Label.PHONE: "[TELEFOON]",
    Label.EMAIL: "[E-MAIL]",
    Label.IBAN: "[IBAN]",
    Label.POSTCODE: "[POSTCODE]",
    Label.ADDRESS: "[ADRES]",
    Label.PLACE: "[PLAATS]",
    Label.ORGANISATION: "[ORGANISATIE]",
    Label.PLATE: "[KENTEKEN]",
    Label.CASE_NUMBER: "[NUMMER]",
    Label.URL: "[WEBADRES]",
    Label.HANDLE: "[ACCOUNT]",
}

SUGGESTION: dict[Label, str] = {
    Label.NAME: "(naam weglaten)",
    Label.BSN: "(burgerservicenummer weglaten)",
    Label.DATE: "(datum weglaten)",
    Label.AGE: "90 jaar of ouder",
    Label.PHONE: "(telefoonnummer weglaten)",
    Label.EMAIL: "(e-mailadres weglaten)",
    Label.IBAN: "(rekeningnummer weglaten)",
    Label.POSTCODE: "(postcode weglaten)",
    Label.ADDRESS: "(adres weglaten)",
    Label.PLACE: "in de buurt",
    Label.ORGANISATION: "een organisatie",
    Label.PLATE: "(kenteken weglaten)",
    Label.CASE_NUMBER: "(nummer weglaten)",
    Label.URL: "(webadres weglaten)",
    Label.HANDLE: "(accountnaam weglaten)",
}


@dataclass(frozen=True, slots=True)
class Span:
    """An identifying detail: text[start:end] of the original text, in code points.

    `suggestion` is plain Dutch to write instead; between brackets it is advice for what no words can stand in for. It
    takes the place of text[begin:stop], which holds the span and may hold words the suggestion repeats: for the span
    "Anja" in "mijn buurvrouw Anja" that is "buurvrouw Anja", and the suggestion "buurvrouw".
    """

    start: int
    end: int
    label: Label
    suggestion: str
    begin: int
    stop: int


@dataclass(frozen=True, slots=True)
class Hit:
    """The same in the plain (normalised) text, before overlaps are settled; no suggestion means the label's own.

    `begin` and `stop` are -1 where the suggestion stands for the hit alone.
    """

    start: int
    end: int
    label: Label
    suggestion: str = ""
    begin: int = -1
    stop: int = -1


def rewritten(text: str, span: Span) -> str:
    """`text` with what the span's suggestion says instead; advice between brackets leaves the detail out."""
    instead = "" if span.suggestion.startswith("(") else span.suggestion
    before, after = text[: span.begin], text[span.stop :]
    if not instead and before[-1:] in {"", " "}:
        after = after.removeprefix(" ")
    if before.rstrip()[-1:] in {"", ".", "!", "?"}:
        instead = instead[:1].upper() + instead[1:]
    return before + instead + after
