"""Identifying numbers and addresses on the net: what a pattern, and where there is one a checksum, can decide."""

import re
from collections.abc import Iterator

from stdnum import iban
from stdnum.nl import bsn

from models.deidentify.spans import Hit, Label

_TLD = (
    "nl|com|org|net|info|frl|eu|be|de|uk|tr|pl|ua|amsterdam|gent|vlaanderen|online|site|shop|care|io|app|dev|blog|ma|er"
)
_EMAIL = re.compile(r"[\w.+%'-]{1,64} ?@ ?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SPOKEN_EMAIL = re.compile(
    r"[\w.+-]{1,64}\s{0,3}(?:[(\[{]\s*(?:at|apenstaartje)\s*[)\]}]|\b(?:apenstaartje|apestaartje)\b|\bat\b(?=\s*(?:gmail|"
    r"hotmail|outlook|live|ziggo|kpn)))"
    rf"\s*[\w-]+\s*(?:\.|[(\[]?\s*(?:punt|dot)\s*[)\]]?)\s*(?:{_TLD})\b",
    re.IGNORECASE,
)
_URL = re.compile(
    rf"(?:https?|ftp)://[^\s<>\"]+|\bwww\.[^\s<>\"]+|(?<![\w.-])(?:[\w-]{{1,63}}\.){{1,6}}(?:{_TLD})/[^\s<>\"]*"
    r"|(?<![\w.-])(?:[a-z0-9-]{2,63}\.){1,6}(?:nl|com|org|net|info|frl|eu|be|amsterdam)\b(?![\w-])",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@.])@[^\W_][\w.]*\w")
_HANDLE_CUE = re.compile(
    r"\b(?:insta(?:gram)?|snap(?:chat)?|tiktok|twitter|facebook|fb|discord|telegram|linkedin|gebruikersnaam|"
    r"username|accountnaam|account|gamertag|skype)"
    r"(?:[ -]?(?:account|naam|profiel))?\s*(?:is|heet|:|=|onder|"
    r"als)?\s*['\"]?((?=[\w.-]*[\d_.])(?=[\w.-]*[a-z])[a-z\d][\w.-]{2,}\w)",
    re.IGNORECASE,
)

_IBAN = re.compile(r"\b[A-Z]{2}[ .-]?\d{2}(?:[ .-]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_DUTCH_IBAN = re.compile(r"\bNL[ .-]?\d{2}[ .-]?[A-Z]{4}(?:[ .-]?\d){8,11}\b", re.IGNORECASE)

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
_DIGIT_WORD = r"(?:nul|een|één|twee|drie|vier|vijf|zes|zeven|acht|negen)"
_SPOKEN_PHONE = re.compile(rf"\bnul[ ,-]+(?:{_DIGIT_WORD}[ ,-]+){{7,9}}{_DIGIT_WORD}\b", re.IGNORECASE)

_NINE = re.compile(r"(?<![\d.,-])\d(?:[ .\-/]{0,2}\d){7,8}(?![\d])")
_BSN_CUE = re.compile(
    r"\b(?:bsn|b\.s\.n\.?|burger ?service ?(?:nummer|nr)|sofi(?:-?nummer)?|bsnnummer)\b[ .:=]*(?:(?:nummer|nr|van|"
    r"is|luidt|mw|dhr|haar|zijn|:)[ .:]*){0,3}"
    r"(\d(?:[ .\-/]{0,2}\d){6,9})(?!\d)",
    re.IGNORECASE,
)

_POSTCODE = re.compile(r"\b([1-9]\d{3}) ?([A-Za-z]{2})\b")
_POSTCODE_CUE = re.compile(
    r"\b(?:postcode(?:gebied)?|pc)\b[ :.=]*(?:is )?([1-9]\d{3}(?: ?[A-Za-z]{2})?)\b", re.IGNORECASE
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
_CAR_BEFORE = re.compile(r"(?:auto|scooter|brommer|busje|canta|bestelbus|motor|wagen)[^.\d]{0,25}$", re.IGNORECASE)

_CASE_CUE = re.compile(
    r"\b(?:(?:zaak|dossier|cli[eë]nt|klant|beschikking|beschikkings|polis|registratie|pati[eë]nt|patienten|parket|"
    r"rekest|lid|lidmaatschaps|v-?|vreemdelingen|burger|relatie|"
    r"aanvraag|melding|meldings|document|paspoort|rijbewijs|id-?|casus|debiteur|debiteuren|personeels|inschrijf|"
    r"leerling|order|factuur|wmo-?|jeugd-?|toewijzings|rol|zorgtoewijzings|bewind|verzekerden|verzekerings|agb-?|"
    r"referentie|polis)[ -]?(?:nummer|nr|id|code)"
    r"|zaak|dossier|kenmerk|referentie|ref|beschikking|zaak-id|nummer|casus|cjib|ggznr|clientnr|parketnr)\b\.?"
    r"[ :#.=]*(?:(?:is|nr|nummer|met|onder|van|bij)\b[ "
    r".:]*)?([A-Z]{0,5}[-./#]?(?=[A-Z\d./-]*\d[A-Z\d./-]*\d[A-Z\d./-]*\d)[A-Z\d](?:[A-Z\d]|[-./](?=[A-Z\d]))*)",
    re.IGNORECASE,
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
_DAY_MONTH_YEAR = re.compile(
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)


def net_addresses(text: str) -> Iterator[Hit]:
    """E-mail addresses, also spelled out; web addresses; accounts on social media."""
    for pattern in (_EMAIL, _SPOKEN_EMAIL):
        for match in pattern.finditer(text):
            yield Hit(*match.span(), Label.EMAIL)
    for match in _URL.finditer(text):
        found = match[0].rstrip(".,;:!?)'\"]")
        if match.start() == 0 or text[match.start() - 1] != "@":
            yield Hit(match.start(), match.start() + len(found), Label.URL)
    for match in _HANDLE.finditer(text):
        yield Hit(*match.span(), Label.HANDLE)
    for match in _HANDLE_CUE.finditer(text):
        yield Hit(*match.span(1), Label.HANDLE)


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


def phones(text: str) -> Iterator[Hit]:
    """Dutch and foreign numbers in any notation. Short national service numbers (112, 113, 0800, 0900) name nobody."""
    for match in _PHONE.finditer(text):
        if not re.match(r"0[ -]?[89]00|\d\d[-/. ]\d\d[-/. ](?:19|20)\d\d", match[0]):
            start = match.start() + (1 if match[0].startswith("(") and ")" not in match[0] else 0)
            yield Hit(start, match.end(), Label.PHONE)
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
        plain_eight = len(digits) == 8 and (not match[0].isdigit() or _DAY_MONTH_YEAR.fullmatch(digits))
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


def plates(text: str) -> Iterator[Hit]:
    """Dutch number plates, side codes 1 to 14; lower case without dashes only near a car or the word `kenteken`."""
    for match in _PLATE_DASHED.finditer(text):
        yield Hit(*match.span(), Label.PLATE)
    for match in _PLATE_SPACED.finditer(text):
        if match[0].isupper() or _CAR_BEFORE.search(text[: match.start()]):
            yield Hit(*match.span(), Label.PLATE)
    for match in _PLATE_CUE.finditer(text):
        yield Hit(*match.span(1), Label.PLATE)


def case_numbers(text: str) -> Iterator[Hit]:
    """Numbers of a file, client, decision or court case, by the word before or by shape; any 6 digits or more."""
    for match in _CASE_CUE.finditer(text):
        yield Hit(*match.span(1), Label.CASE_NUMBER)
    for match in _CASE_SHAPE.finditer(text):
        if not _YEARS.fullmatch(match[0]):
            yield Hit(*match.span(), Label.CASE_NUMBER)
    for match in _LONG_NUMBER.finditer(text):
        if not _DAY_MONTH_YEAR.fullmatch(match[0]):
            yield Hit(*match.span(), Label.CASE_NUMBER)
