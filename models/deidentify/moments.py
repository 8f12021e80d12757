"""Dates that single a person out, and ages over 89.

A date is a day with its month, or a month with its year (as in the HIPAA safe harbour, which the targets follow). A
bare year, a bare month, a weekday and a feast are no hits; a year of birth is, because it stays the same for life.
"""

import re
from collections import Counter
from collections.abc import Iterator

from models.deidentify.spans import SUGGESTION, Hit, Label

_MONTH = (
    r"(?:januari|jan|februari|febuari|febr|feb|maart|mrt|april|apr|mei|juni|jun|juli|jul|augustus|agustus|aug|"
    r"september|sept|sep|"
    r"oktober|october|okt|november|nov|december|dec)"
)
_YEAR = r"(?:(?:19|20)\d\d|'\d\d)"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DAY_WORD = (
    r"(?:eerste|tweede|derde|vierde|vijfde|zesde|zevende|achtste|negende|tiende|elfde|twaalfde|(?:dertien|veertien"
    r"|vijftien|zestien|zeventien|achttien|negentien)de|"
    r"(?:(?:eenen|tweeën|drieën|vieren|vijfen|zesen|zevenen|achten|negenen)?twintig|(?:eenen)?dertig)(?:ste)?|"
    r"een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|dertien|veertien|vijftien|zestien|zeventien"
    r"|achttien|negentien)"
)
_NUMERIC_MONTH = r"(?:0?[1-9]|1[0-2])"
_SHORT_MONTH = r"(?:jan|febr?|mrt|apr|jun|jul|aug|sept?|okt|nov|dec)"
_WEEKDAY = r"(?:maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|ma|di|wo|do|vr|za|zo)"
_YEAR_WORD = r"(?:negentien|twee ?duizend ?|twintig)(?:honderd)?(?:en)?[a-zà-ÿ]{3,22}"
# The first day of a stretch: "3 t/m 8 mei", "12 en 13 juni".
_FROM = rf"(?:{_DAY}(?:e|ste|de)? ?(?:en|of|t/m|tm|tot(?: en met)?|/|-|–) ?(?:{_WEEKDAY} )?)?"
_UNIT = (
    r"(?:\s*(?:-|à|a)?\s*(?:x|×|keer|maal|uur|uren|u|jaar|jr|maanden|mnd|weken|wkn|wk|dagen|dgn|kinderen|kn|"
    r"procent|%|pers|personen|mensen|per|euro|kilo|kg|km|"
    r"minuten|min|dag|week|maand|nachten|avonden|graden|glazen|sigaretten|sessies|gesprekken|gezinnen)\b|\s*%)"
)
_SHORT_YEAR = rf"\d\d(?!\d|[.,:]\d)(?!{_UNIT})"

_DATES = [
    re.compile(rf"(?<![\d.,/-]){_DAY} ?([-/.]) ?{_NUMERIC_MONTH} ?\1 ?(?:(?:19|20)\d\d|'?\d\d)(?![\d%]|[.,/-]\d)"),
    re.compile(rf"(?<![\d.,/-])(?:19|20)\d\d([-/.]){_NUMERIC_MONTH}\1{_DAY}(?!\d)"),
    re.compile(r"(?<![\d.,/-])(?:0[1-9]|[12]\d|3[01]) (?:0[1-9]|1[0-2]) (?:19|20)\d\d(?!\d)"),
    re.compile(r"(?<![\d.,/-])(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d(?!\d)"),
    re.compile(
        rf"(?<![\d.,/])\b{_FROM}{_DAY}(?:e|ste|de)?(?:[ -]?| van )(?:{_SHORT_MONTH}\b\.?|{_MONTH}\b)(?:[ -](?:{_YEAR}(?!\d)|{_SHORT_YEAR}))?"
    , re.IGNORECASE),
    re.compile(rf"\b{_DAY_WORD}(?: van)? {_MONTH}\b(?: (?:{_YEAR}(?!\d)|{_YEAR_WORD}\b))?", re.IGNORECASE),
    re.compile(rf"\b{_SHORT_MONTH}\.? {_SHORT_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\.?(?: van)?,? ?(?:{_YEAR})(?!\d)", re.IGNORECASE),
    re.compile(
        rf"\b(?:januari|februari|maart|april|juni|juli|augustus|september|oktober|november|december) {_DAY}(?:e|ste|"
        rf"de)?(?: ?,? {_YEAR})?(?![\d:,]|\.\d| (?:uur|jaar|keer|kinderen))"
    , re.IGNORECASE),
]  # fmt: skip
_SHORT_DATE = re.compile(
    rf"\b(?:op|d\.d\.|dd\.?|per|datum:?|geb\.?|geboren|sinds|vanaf|vóór|overl\.?|overleden|trouwdag|verjaardag|"
    rf"jarig)\s+(?:(?:is|was)\s+)?(?:op\s+)?({_DAY}([-/]){_NUMERIC_MONTH})(?![\d/-]|[.,]\d)(?!{_UNIT})",
    re.IGNORECASE,
)
_PADDED_DATE = re.compile(rf"(?<![\d.,/-])((?:0[1-9]|[12]\d|3[01])-(?:0[1-9]|1[0-2]))(?![\d/-]|[.,]\d)(?!{_UNIT})")
# Day and month in figures after a weekday, or alone between brackets where the first number can be no month.
_WEEKDAY_DATE = re.compile(
    rf"\b{_WEEKDAY}\.? (?:de )?({_DAY}([-/]){_NUMERIC_MONTH})(?![\d/-]|[.,]\d)(?!{_UNIT})"
    rf"|\(((?:1[3-9]|2\d|3[01])[-/]{_NUMERIC_MONTH})(?![\d/-]|[.,]\d)(?!{_UNIT})",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(r"(?<![\d.,/-])(?:0?[1-9]|1[0-2])[-/](?:19|20)\d\d(?![\d/-])")
_SOMEBODY = (
    r"(?:ik|hij|zij|ze|is|ben|komt|kwam|mw|mevr|mevrouw|dhr|mnr|meneer|heer|dame|man|vrouw|jongen|meisje|jongeman|cl|"
    r"cliënt|client|zoon|dochter|broer|zus|zusje|broertje|moeder|vader|ma|pa|opa|oma|partner|weduwe|weduwnaar|student|vriend|vriendin)"
)
_YEAR_ENDS = rf"(?=[\s.,;)!?]|$)(?! ?(?:naar|tot|à|a|t/m)\b)(?!{_UNIT})"
_BIRTH_YEARS = [
    re.compile(
        r"\b(?:geboren(?: is)?|geb\.?|geboortejaar|geboortedatum|bouwjaar)\s*(?:in|:|is|uit|van|het jaar|"
        rf"ca\.?|\([^)\d]{{1,20}}\):?)*\s*((?:19|20)\d\d|'\d\d|\d\d(?=[\s.,;)!?]|$)(?!{_UNIT}))(?!\d|[-/. ]\d)",
        re.IGNORECASE,
    ),
    re.compile(r"\b((?:19|20)\d\d|'\d\d) geboren\b", re.IGNORECASE),
    re.compile(r"\buit ((?:19|20)\d\d)\b(?= (?:en|heeft|wil|zoekt|woont))", re.IGNORECASE),
    re.compile(rf"\b{_SOMEBODY}\.? \(?(?:van|uit) ((?:19|20)\d\d|'\d\d){_YEAR_ENDS}", re.IGNORECASE),
    re.compile(rf"\b(?:ben van|{_SOMEBODY}\.? \(?uit) (\d\d){_YEAR_ENDS}", re.IGNORECASE),
    re.compile(r"(?<=[(,]) ?(?:van|uit) ('\d\d|19\d\d|200\d|201\d)(?=[),.])", re.IGNORECASE),
    re.compile(rf"\b{_SOMEBODY},? \(?('\d\d)\b", re.IGNORECASE),
    re.compile(rf"\b{_SOMEBODY} \(((?:19|20)\d\d)\)", re.IGNORECASE),
]  # fmt: skip
# Written in one go, or apart after "geb.": 19870514, 3 11 1951.
_BARE_DATES = [
    re.compile(r"(?<![\w.,/-])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\w/-]|[.,]\d)"),
    re.compile(
        rf"(?<=geb )(?:op )?{_DAY} {_NUMERIC_MONTH} (?:19|20)?\d\d(?!\d)|(?<=geb\. ){_DAY} {_NUMERIC_MONTH} (?:19|20)?\d\d(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:(?:eerste|tweede|1e|2e) (?:kerst|paas|pinkster)dag|kerstavond|koningsdag|oudejaars(?:dag|avond)|"
        r"nieuwjaarsdag|moederdag|vaderdag|goede vrijdag|hemelvaartsdag) (?:van |in )?(?:19|20)\d\d(?!\d)",
        re.IGNORECASE,
    ),
]
_DAY_AND_WORD = re.compile(
    rf"(?<![\d.,/-]){_DAY}(?:e|ste|de)?[ -]([a-zà-ÿ]{{5,11}})\b(?:[ -]{_YEAR}(?!\d))?", re.IGNORECASE
)
_LONG_MONTHS = "januari februari maart april augustus september oktober november december".split()
_FOUR_DIGITS = re.compile(r"(?:19|20)\d\d")

_OLD = r"(9\d|1[01]\d)"
_NO_AGE = (
    r"(?!\d|[.,:/-]\d|\s*(?:%|procent|kilo|kg|euro|cent|km|meter|cm|m2|dagen|weken|minuten|min|uur|keer|x|mensen|"
    r"stappen|gram|mg|ml|graden|sigaretten|ste eeuw|punten|adressen|nachten|inwoners))"
)
_AGES = [
    re.compile(
        rf"(?<![\d.,-]){_OLD}[ -]?(?:jaar|jr|j\.|jarige|jarig|jaren oud|lentes|jaars)\b(?! (?:getrouwd|gehuwd|samen|"
        rf"geleden))"
    , re.IGNORECASE),
    re.compile(
        rf"[(\[]\s*(?:ca\.? ?|v,? ?|m,? ?|mw,? ?|dhr,? ?|leeftijd:? ?|ruim |bijna |net )?{_OLD}\s*(?:j(?:r|aar)?\.?)?\s*[)\]]"
    , re.IGNORECASE),
    re.compile(
        rf"\b(?:mw|mevr|mevrouw|dhr|meneer|heer|vrouw|man|dame|m|v|oma|opa|moeder|vader|mdr|vdr|tante|oom|buurvrouw|"
        rf"buurman|echtgenoot|echtgenote|partner|weduwe|weduwnaar|wed|cliënt|client|cliënte|"
        rf"inwoner|inwoonster|leeftijd|bewoner|bewoonster|betrokkene|patiënt|alleenstaand|schoonmoeder|schoonvader|"
        rf"overgrootmoeder|kandidaat|hij|zij|ze)\.?,?:? (?:van |is |wordt |werd |bijna |net |al |inmiddels |nu |is nu |"
        rf"is net |is al |is bijna |is inmiddels |was |dik |ruim ){{0,2}}{_OLD}\b{_NO_AGE}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:is|wordt|werd|was|ben|word) (?:net |bijna |al |inmiddels |nu |vorige week |onlangs |ook |zelf "
        rf"){{0,2}}{_OLD}\b{_NO_AGE}(?=\s*(?:[.,;)!?]|$|en |geworden|maar |dus ))"
    , re.IGNORECASE),
    re.compile(rf"\b(?:bijna|ruim|dik) {_OLD}(?= en | jong|[,.;)])", re.IGNORECASE),
    re.compile(rf"\b(?:op|met|in) (?:zijn|haar|hun|d'r|m'n|mijn) {_OLD}(?:e|ste|de)?\b{_NO_AGE}", re.IGNORECASE),
    re.compile(rf"(?<=, ){_OLD}(?=\s*[,.;])"),
    re.compile(rf"\b{_OLD}[ -]?jarige\b|\b{_OLD} te worden\b", re.IGNORECASE),
    # "hij wordt volgende maand 100"
    re.compile(rf"\b(?:wordt|word|werd|is|ben) [a-zà-ÿ' -]{{2,25}} {_OLD}\b{_NO_AGE}(?=\s*(?:[.,;)!?]|$|en |jaar))", re.IGNORECASE),
    re.compile(rf"\b((?:een|één|eén|twee|drie|vier|vijf|zes|zeven|acht|negen)[ -]?(?:en|ën)[ -]?negentig)\b{_NO_AGE}", re.IGNORECASE),
    re.compile(
        r"\b(?:(?:ruim |bijna )?(honderd(?:(?:en)?(?:een|één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien))?|negentig)(?=[ -]?(?:jaar|jarige)\b(?! (?:geleden|later|samen|getrouwd))))"
    , re.IGNORECASE),
    re.compile(
        r"\b(?:is|wordt|werd|word|van|was) (?:net |bijna |al |inmiddels |nu )?(honderd(?:een|twee|drie|vier)?|negentig)(?=\s*(?:[.,;)!?]|$|en |geworden|maar ))"
    , re.IGNORECASE),
    re.compile(r"\b(eeuweling\w*)", re.IGNORECASE),
]  # fmt: skip


_AGE_UNIT = re.compile(r"[ -]?(?:jarige|jaar oud|jaar|jaren oud|jr\.?|lentes)(?!\w)", re.IGNORECASE)


def dates(text: str) -> Iterator[Hit]:
    """Days with a month, months with a year, years of birth. The suggestion keeps the year where there is one."""
    for pattern in (*_DATES, *_BARE_DATES):
        for match in pattern.finditer(text):
            yield _date(text, *match.span())
    for match in _DAY_AND_WORD.finditer(text):
        if _mistyped_month(match[1].lower()):
            yield _date(text, *match.span())
    for match in _SHORT_DATE.finditer(text):
        if match[1] != "24/7":
            yield _date(text, *match.span(1))
    for match in _WEEKDAY_DATE.finditer(text):
        yield _date(text, *match.span(1 if match[1] else 3))
    for pattern in (_PADDED_DATE, _MONTH_YEAR):
        for match in pattern.finditer(text):
            yield _date(text, *match.span())
    yield from _birth_years(text)


def _birth_years(text: str) -> Iterator[Hit]:
    for pattern in _BIRTH_YEARS:
        for match in pattern.finditer(text):
            yield Hit(*match.span(1), Label.DATE, "(leeftijd in plaats van geboortejaar)")


def _mistyped_month(word: str) -> bool:
    """All the letters of a month's name but one, or one letter too many, with the first letter right."""
    return any(
        word[0] == month[0]
        and word not in _LONG_MONTHS
        and abs(len(word) - len(month)) <= 1
        and sum((Counter(month) - Counter(word)).values()) <= 1
        and sum((Counter(word) - Counter(month)).values()) <= 1
        and word[-2:] == month[-2:]
        for month in _LONG_MONTHS
    )


def _date(text: str, start: int, end: int) -> Hit:
    """The suggestion is the year; "op" before the date becomes "in"."""
    year = _FOUR_DIGITS.search(text[start:end])
    if year and text[max(0, start - 4) : start].lower().endswith((" op ", "\nop ")):
        return Hit(start, end, Label.DATE, f"in {year[0]}", start - 3, end)
    return Hit(start, end, Label.DATE, year[0] if year else "")


def ages(text: str) -> Iterator[Hit]:
    """Ages of 90 to 119, in figures or words. The span is the number; the suggestion takes "jaar" with it."""
    for pattern in _AGES:
        for match in pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            unit = _AGE_UNIT.match(text, end)
            stop = unit.end() if unit else end
            instead = "hoogbejaarde" if text[end:stop].endswith("jarige") else SUGGESTION[Label.AGE]
            yield Hit(start, end, Label.AGE, instead, start, stop)
