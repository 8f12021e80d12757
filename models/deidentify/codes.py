"""Codes given out to a person: number plates, and the numbers of a file, client, decision or court case."""

import re
from collections.abc import Iterator

from models.deidentify.numbers import DAY_MONTH_YEAR
from models.deidentify.spans import Hit, Label

_SIDECODES = (
    "LL-DD-DD DD-DD-LL DD-LL-DD LL-DD-LL LL-LL-DD DD-LL-LL DD-LLL-D D-LLL-DD LL-DDD-L L-DDD-LL LLL-DD-L L-DD-LLL "
    "D-LL-DDD DDD-LL-D"
).split()


def _plate_pattern(gap: str) -> str:
    """Side codes 1 to 14 of the RDW, the groups parted by `gap`."""
    shapes = "|".join(_SIDECODES).replace("L", "[A-Z]").replace("D", r"\d").replace("]-", f"]{gap}")
    return f"(?<![\\w-])(?:{shapes.replace('d-', f'd{gap}')})(?![\\w-])"


_PLATE_DASHED = re.compile(_plate_pattern(r"(?: ?- ?|\.)"), re.IGNORECASE)
_PLATE_SPACED = re.compile(f"{_plate_pattern('')}|{_plate_pattern(' ')}", re.IGNORECASE)
_PLATE_CUE = re.compile(
    r"\b(?:kenteken(?:nummer|plaat)?|nummerbord|nummerplaat)\b[ :.=]*(?:is |van (?:de|zijn|haar) (?:auto|scooter|"
    r"bus)(?: is)? ?)?"
    r"((?=[A-Z\d .-]*\d)(?=[A-Z\d .-]*[A-Z])[A-Z\d]{1,3}(?:[ .-]?[A-Z\d]{1,4}){1,3})(?![\w])",
    re.IGNORECASE,
)
_CAR_BEFORE = re.compile(
    r"(?:auto|scooter|brommer|busje|canta|bestelbus|motor|wagen|parkeerkaart|plaat|volvo|opel|golf|polo|fiat|ford|kia|toyota|seat|bmw|"
    r"renault|peugeot|citro[eë]n|skoda|audi|mercedes|volkswagen|vw|tesla|suzuki|nissan|mazda|honda|hyundai|dacia|"
    r"aixam|vespa|aanhanger|caravan|camper)[^.\d]{0,25}$",
    re.IGNORECASE,
)
# Since 2008 plates have no vowels, C or Q, so that they form no words: in lower case and in one piece enough to tell.
_NO_WORD = re.compile(r"(?=(?:\d*[bdfghjklmnprstvwxz]){3})[\dbdfghjklmnprstvwxz]{6}")

_CASE_CUE = re.compile(
    r"\b(?:(?:zaak|dossier|cli[eë]nt|klant|beschikking|beschikkings|polis|registratie|pati[eë]nt|patienten|parket|"
    r"rekest|lid|lidmaatschaps|v-?|vreemdelingen|burger|relatie|"
    r"aanvraag|melding|meldings|document|paspoort|rijbewijs|id-?|casus|debiteur|debiteuren|personeels|inschrijf|"
    r"leerling|order|factuur|wmo-?|jeugd-?|toewijzings|rol|zorgtoewijzings|bewind|verzekerden|verzekerings|agb-?|"
    r"referentie|polis)[ -]?(?:nummer|nr|id|code)"
    r"|zaak|dossier|kenmerk|referentie|ref|beschikking|zaak-id|nummer|casus|cjib|ggznr|clientnr|parketnr|rekest|bezwaar|melding)\b\.?"
    r"[ :#.=]*(?:(?:is|nr|nummer|met|onder|van|bij)\b[ "
    r".:]*)?([A-Z]{0,5}[-./#]?(?=[A-Z\d./-]*\d[A-Z\d./-]*\d[A-Z\d./-]*\d)[A-Z\d](?:[A-Z\d]|[-./](?=[A-Z\d]))*)",
    re.IGNORECASE,
)
# After a word that ends in number, groups of digits may stand apart: "zaaknr. 24 11 83".
_CASE_GROUPS = re.compile(
    r"\b(?:zaak|dossier|cli[eë]nt|klant|beschikkings?|polis|registratie|pati[eë]nt|relatie|aanvraag|meldings?|kenmerk|v-nummer)"
    r"(?:nummer|nr)?\b[ :#.=]{1,3}((?=(?:[^\d\n]{0,4}\d){4})[A-Z]{0,4}[ .-]?\d{2,}(?: ?[-/.] ?(?:\d+|[A-Z]{1,4}(?!\w))| \d{2,}(?!\w)){1,4})(?!\w|[.,]\d)",
    re.IGNORECASE,
)
_COURT = re.compile(
    r"\bC/\d{2}/\d{5,7}(?: ?/ ?(?:[A-Z]{2} ){1,2}\d{2}[-/ ]\d{1,5})?(?!\w)"
    r"|\b(?:FA|JE|KG|HA|EX|FT|EA|SR) (?:RK|ZA|EA|IN|R) \d{2}[-/. ]\d{1,5}(?!\w)"
    r"|\b(?:KG|FA|JE|FT) ?\d{2}[-/]\d{1,5}(?!\w)"
)
_CASE_SHAPE = re.compile(
    r"(?<![\w/.-])(?:"
    r"[A-Z]{1,6}[-./]?(?:19|20)?\d{2}[-./]\d{3,10}(?:[-./][A-Z\d]+)?"
    r"|[A-Z]/\d{1,2}/\d{4,8}(?:[ /][A-Z\d-]+)*"
    r"|[A-Z]{1,6}[-_./]?\d{5,12}"
    r"|[A-Z]{2,6}[-/]\d{4}[-/][A-Z\d]+"
    r"|(?:19|20)\d{2}[-/.][A-Z]{0,4}[-/.]?\d{4,10}"
    r"|(?:19|20)\d{2}[-/][A-Z]{1,4}[-/]?\d{2,10}"
    r"|\d{2}[-/.]\d{6}[-/.]\d{2}"
    r"|\d{2,4}[-/.]\d{5,9}"
    r")(?![\w/-]|\.\d)"
)
_YEARS = re.compile(r"(?:19|20)\d{2}[-/.](?:19|20)\d{2}")
_LONG_NUMBER = re.compile(
    r"(?<![\d.,€+-])(?<!€ )\d{6,14}(?![\d%]|[.,]\d)(?!\s*(?:euro|eur|€|mensen|inwoners|stappen|km|woorden))"
)


def plates(text: str) -> Iterator[Hit]:
    """Dutch number plates, side codes 1 to 14; lower case without dashes only near a car or the word `kenteken`."""
    for match in _PLATE_DASHED.finditer(text):
        yield Hit(*match.span(), Label.PLATE)
    for match in _PLATE_SPACED.finditer(text):
        if match[0].isupper() or _NO_WORD.fullmatch(match[0]) or _CAR_BEFORE.search(text[: match.start()]):
            yield Hit(*match.span(), Label.PLATE)
    for match in _PLATE_CUE.finditer(text):
        yield Hit(*match.span(1), Label.PLATE)


def announced_cases(text: str) -> Iterator[Hit]:
    """Numbers of a file, client, decision or court case after the word for it."""
    for match in _COURT.finditer(text):
        yield Hit(*match.span(), Label.CASE_NUMBER)
    for pattern in (_CASE_GROUPS, _CASE_CUE):
        for match in pattern.finditer(text):
            if not _PLATE_DASHED.fullmatch(match[1]) or not match[0].lower().startswith("nummer"):
                yield Hit(*match.span(1), Label.CASE_NUMBER)


def case_numbers(text: str) -> Iterator[Hit]:
    """The same by shape alone; any 6 digits or more."""
    for match in _CASE_SHAPE.finditer(text):
        if not _YEARS.fullmatch(match[0]):
            yield Hit(*match.span(), Label.CASE_NUMBER)
    for match in _LONG_NUMBER.finditer(text):
        if not DAY_MONTH_YEAR.fullmatch(match[0]):
            yield Hit(*match.span(), Label.CASE_NUMBER)
