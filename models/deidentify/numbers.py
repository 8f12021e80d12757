"""Numbers a person is known or reached by: bank accounts, telephone, BSN and postcode, by pattern and checksum."""

import re
from collections.abc import Iterator

from stdnum import iban
from stdnum.nl import bsn

from models.deidentify.spans import Hit, Label

_IBAN = re.compile(r"\b[A-Z]{2}[ .-]?\d{2}(?:[ .-]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_DUTCH_IBAN = re.compile(r"\bNL[ .-]?\d{2}[ .-]?[A-Z]{4}(?:[ .-]?\d){8,11}\b", re.IGNORECASE)

# An account that is announced counts whatever its check digits: a typing error still tells.
_ANNOUNCED_IBAN = re.compile(
    r"\b(?:iban|rekening(?:nummer|nr)?|rek\.? ?(?:nr|nummer)?)\b[ .:=]{0,3}(?:is |van |nr |nummer )?"
    r"([A-Z]{2}[ .-]?\d{2}(?:[ .-]?[A-Z0-9]){10,30})\b",
    re.IGNORECASE,
)

# Eight digits that read as a date.
DAY_MONTH_YEAR = re.compile(
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)

_GAP = r"[ .\-/()]{0,3}"
# phonenumbers' matcher wants valid ranges and ordinary grouping; a caseworker's typing has neither: shape decides.
_PHONE = re.compile(
    rf"(?<![\d.,/+-])(?:(?:\+|00) ?31{_GAP}(?:\(?0\)?{_GAP})?|\(?0{_GAP}|\(?31{_GAP}(?=6))[1-9](?:{_GAP}\d){{8}}(?!\d)"
    r"|(?<![\w+])(?:\+|00)[1-9]\d{0,2}(?:[ .\-/()]{0,3}\d){6,12}(?!\d)"
)
_PHONE_CUE = re.compile(
    r"(?<![\w-])(?:tel(?:efoon|nr)?|telefoonnummer|telnr|mobiel(?:e)?(?: nummer)?|mob|gsm|06|nummer(?= ?:? ?[0+])|"
    r"bel(?:len)?|belt|whatsapp|whats app|app(?:en|je)?|sms|bereikbaar(?: op| via)?|"
    r"vast(?:e)?(?: nummer)?|tijdens|noodnummer|thuisnummer)\b[.:]?\s*(?:nr\.?|nummer|is|op|via|naar|haar|hem|:|=|"
    r" ){0,4}\s*"
    r"(\+?\d(?:[ .\-/()]{0,3}\d){5,12})(?![\d%])(?!\s*(?:euro|uur|keer|jaar))",
    re.IGNORECASE,
)
# A mobile number with letters for digits, or a digit too few or too many.
_MISTYPED_PHONE = re.compile(
    rf"(?<![\w.,/+-])[0oO]6(?:{_GAP}[\doOlI]){{8}}(?!\w)|(?<![\w.,/+-])06(?:[ .\-/]{{1,3}}\d|-)(?:{_GAP}\d){{5,9}}(?![\d])"
)
# 0800, 0900 and 14 0xx; the numbers of national helplines are advice, not data.
_SERVICE_PHONE = re.compile(r"(?<![\d.,/+-])(?:0[89]0[069][ .-]?\d(?:[ .-]?\d){3,6}|14[ -]?0[1-9]\d{1,2})(?!\d)")
_HELPLINES = frozenset(
    "08000113 09000113 08002000 08000432 09000767 09008844 08000188 09001450 08001205 08000450 09000101 08006050 08007000 08005010 14077".split()
)
_UNIT_WORD = r"(?:een|één|twee|drie|vier|vijf|zes|zeven|acht|negen)"
_NUMBER_WORD = (
    rf"(?:(?:{_UNIT_WORD}(?:en|ën))?(?:twintig|dertig|veertig|vijftig|zestig|zeventig|tachtig|negentig)"
    rf"|(?:der|veer|vijf|zes|zeven|acht|negen)tien|tien|elf|twaalf|nul|{_UNIT_WORD}|\d{{1,4}})"
)
_SPOKEN_PHONE = re.compile(rf"\b(?:plus eenendertig|nul)(?:[ ,.-]+{_NUMBER_WORD}\b){{5,11}}", re.IGNORECASE)
# A date, or the number of a public prosecutor's case.
_NO_PHONE = re.compile(r"\d\d[-/. ]\d\d[-/. ](?:19|20)?\d\d|\d\d/\d{6}-\d\d")

_NINE = re.compile(r"(?<![\d.,-])\d(?:[ .\-/]{0,2}\d){7,8}(?![\d])")
_BSN_CUE = re.compile(
    r"\b(?:bsn|b\.s\.n\.?|burger ?service ?(?:nummer|nr)|sofi(?:-?nummer)?|bsnnummer)\b[ .:=]*(?:(?:nummer|nr|van|"
    r"is|luidt|mw|dhr|haar|zijn|:)[ .:]*){0,3}"
    r"(\d(?:[ .\-/]{0,2}\d){6,9})(?!\d)",
    re.IGNORECASE,
)

_POSTCODE = re.compile(r"\b([1-9]\d{3})[ -]?([A-Za-z]{2})\b")
_POSTCODE_CUE = re.compile(
    r"\b(?:postcode(?:gebied)?|pc)\b[ :.=]*(?:is )?([1-9]\d{3}(?:[ -]?[A-Za-z]{2})?)\b", re.IGNORECASE
)
_NO_POSTCODE = frozenset(
    (
        "is in en op om te of al ze we de er nu na zo ik je mn kg km kn pw pm ma mg ml ha md st pp eu ms vb cv aa sa "
        "sd ss hij was per jr gr cc cm mm ex bij tm ie ja"
    ).split()
)
_YEAR_BEFORE = re.compile(
    r"(?:\bin|sinds|vanaf|jaar|eind|begin|medio|t/m|tot|voor|na|uit|van|zomer|najaar|voorjaar|winter|lente|"
    r"herfst)\s*$",
    re.IGNORECASE,
)
_EURO_BEFORE = re.compile(r"(?:€|eur|euro)\s*$", re.IGNORECASE)


def bank_accounts(text: str) -> Iterator[Hit]:
    """IBANs with right check digits (ISO 13616, mod 97), and Dutch ones with wrong ones: a typing error still tells."""
    for match in _IBAN.finditer(text):
        for end in range(match.end(), match.start() + 14, -1):
            whole = text[end - 1].isalnum() and not text[end : end + 1].isalnum()
            if whole and iban.is_valid(text[match.start() : end].replace(".", ""), check_country=False):
                yield Hit(match.start(), end, Label.IBAN)
                break
    for match in _DUTCH_IBAN.finditer(text):
        yield Hit(*match.span(), Label.IBAN)
    for match in _ANNOUNCED_IBAN.finditer(text):
        yield Hit(*match.span(1), Label.IBAN)


def phones(text: str) -> Iterator[Hit]:
    """Dutch and foreign numbers in any notation. National helplines name nobody."""
    for match in _PHONE.finditer(text):
        if not re.match(r"0[ -]?[89]0[069]", match[0]) and not _NO_PHONE.fullmatch(match[0]):
            start = match.start() + (1 if match[0].startswith("(") and ")" not in match[0] else 0)
            yield Hit(start, match.end(), Label.PHONE)
    for match in _MISTYPED_PHONE.finditer(text):
        if sum(map(str.isdigit, match[0])) >= 7 and not _NO_PHONE.fullmatch(match[0]):
            yield Hit(*match.span(), Label.PHONE)
    for match in _SERVICE_PHONE.finditer(text):
        if re.sub(r"\D", "", match[0]) not in _HELPLINES:
            yield Hit(*match.span(), Label.PHONE)
    for match in _SPOKEN_PHONE.finditer(text):
        yield Hit(*match.span(), Label.PHONE)


def announced_phones(text: str) -> Iterator[Hit]:
    """A number of another length after "bel", "tel." and the like: a typing error, or a local number."""
    for match in _PHONE_CUE.finditer(text):
        if not re.match(r"0[ -]?[89]00", match[1]):
            yield Hit(*match.span(1), Label.PHONE)


def announced_citizen_numbers(text: str) -> Iterator[Hit]:
    """Any number of about the length of a BSN after that word: a mistyped one still points at someone."""
    for match in _BSN_CUE.finditer(text):
        yield Hit(*match.span(1), Label.BSN)


def citizen_numbers(text: str) -> Iterator[Hit]:
    """Numbers that pass the BSN 11-test, however spaced."""
    for match in _NINE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        plain_eight = len(digits) == 8 and (not match[0].isdigit() or DAY_MONTH_YEAR.fullmatch(digits))
        if not plain_eight and bsn.is_valid(digits):
            yield Hit(*match.span(), Label.BSN)


def postcodes(text: str) -> Iterator[Hit]:
    """Four digits and two letters; in lower case not where it reads as a year or an amount and a word."""
    for match in _POSTCODE_CUE.finditer(text):
        yield Hit(*match.span(1), Label.POSTCODE)
    for match in _POSTCODE.finditer(text):
        before, letters = text[max(0, match.start() - 12) : match.start()], match[2]
        year = 1900 <= int(match[1]) <= 2099
        spaced = " " in match[0]
        if letters.upper() in {"SA", "SD", "SS"} or _EURO_BEFORE.search(before):
            continue
        if spaced and not letters.isupper() and letters.lower() in _NO_POSTCODE:
            continue
        if spaced and year and (_YEAR_BEFORE.search(before) or not letters.isupper()):
            continue
        yield Hit(*match.span(), Label.POSTCODE)
