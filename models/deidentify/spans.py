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

    `suggestion` is plain Dutch to write instead of it, shown in place.
    """

    start: int
    end: int
    label: Label
    suggestion: str


@dataclass(frozen=True, slots=True)
class Hit:
    """The same in the plain (normalised) text, before overlaps are settled; no suggestion means the label's own."""

    start: int
    end: int
    label: Label
    suggestion: str = ""
