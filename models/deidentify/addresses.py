"""Where somebody lives: a street with a house number, a named street, a house number, a post box."""

import re
from collections.abc import Iterator

from models.deidentify.lexicon import Lexicon, lexicon
from models.deidentify.readable import fold
from models.deidentify.spans import Hit, Label

_STREET = (
    r"(?:straat|str|laan|ln|wg|gr(?=\.)|weg|plein|kade|gracht|singel|dreef|hof|pad|steeg|dijk|park|plantsoen|wal|markt|baan|"
    r"boulevard|ring|erf|oord|veld|velden|akker|akkers|kamp|horst|burg|haven|brug|poort|stede|"
    r"meent|hoek|berg|heuvel|bos|wei|weide|tuin|zoom|rade|gaard|gaarde|stein|diep|vaart|sloot|strjitte|leane|"
    r"buorren|reed|wyk|dyk|loane|plaats|steen|kamer|ven|es|enk|donk|hoeve|hove|oever|werf|land|lanen|markt)"
)
_NUMBER = (
    r"(?:nr\.? ?|nummer )?\d{1,4}(?: ?-? ?(?:[A-Za-z](?![\w])|bis(?: [A-Z]\b)?|hs|rood|zwart|links|rechts|(?:I|II|III|IV)-(?:achter|voor)|[IVX]+|\d{1,3}(?=\b)))?"
    r"(?!\d|[.,:]\d| ?(?:%|euro|jaar|jonge|kleine|uur|km|minuten|keer|mensen|kinderen|kn|personen)\b)"
)
_CAPITAL_STREET = re.compile(
    rf"(?<![\w-])(?:(?!(?:Woon|Adres|Verhuis|Hij|Zij|Ze|Mw|Dhr|Meneer|Mevrouw|In|Op|Aan|Naar)\w*\b)[A-ZÀ-Þ][\w.'-]*"
    rf" (?:(?:[A-ZÀ-Þ][\w.'-]*|van|de|der|den|het|ter|ten|'t|en|of) ){{0,4}})?[A-ZÀ-Þ][\w'-]*{_STREET}\b\.? {_NUMBER}"
    rf"|(?<![\w-])(?:[A-ZÀ-Þ][\w.'-]* |van |de |der |den |het |'t ){{1,4}}(?:Straat|straat|Weg|Laan|laan|Plein|"
    rf"plein|Dijk|dijk|Kade|kade|Gracht|gracht|Singel|singel|Pad|Hof|Park|Markt|Dreef|Steeg|Wal|Haven|Baan|Burg|"
    rf"Ring)\b {_NUMBER}"
)
_LOWER_STREET = re.compile(
    rf"(?<![\w'-])(?:(?:van|de|der|den) ){{0,4}}[a-zà-ÿ][\w'-]{{2,40}}(?:straat|laan|plein|"
    rf"gracht|singel|dreef|weg|kade|steeg|"
    rf"plantsoen|dijk|hof|strjitte|pad|markt|str|ln|wg)\b\.? {_NUMBER}",
    re.IGNORECASE,
)
_NO_STREET = re.compile(
    r"\b(?:school|speel|snel|om|uit|fiets|zorg|lever?|spoor|leer|half|onder|voet|wandel|af|door|hal|ant|vooruit|"
    r"dorps|loop|koop|jaar|kerst|rommel|woning|arbeids|banen)(?:plein|weg|pad|markt|hof)\b",
    re.IGNORECASE,
)
_NAMED_STREET = re.compile(
    r"(?:\b(?:aan|in|op|langs|naar|uit|van|bij) (?:de|het|'t) |\b(?:aan|op|in) )((?:[A-ZÀ-Þ][\w'-]+ |van |de |der "
    r"|den ){0,4}[A-ZÀ-Þ][\w'-]*(?:straat|laan|weg|plein|kade|gracht|singel|dreef|steeg|plantsoen|dijk|strjitte|"
    r"straatje|laantje|pleintje|pad|hof))\b"
)
_LIVES_AT = re.compile(
    r"\b(?:adres:?(?: is)?|woont|wonen|woonachtig|wonend|verhuisd|verhuist|verhuisde|ingeschreven|woonadres:?)(?: "
    r"nu| sinds kort| samen| al jaren)? (?:op |aan |in |naar |te )?(?:de |het |'t )?"
    rf"([A-ZÀ-Þ][\w'-]+(?: (?:[A-ZÀ-Þ][\w'-]+|van|de|der|den|het|'t)){{0,4}} {_NUMBER})"
)
_TWO_WORDS = re.compile(
    rf"\b(?:naar|op|aan|in)(?: de| het)? ([A-ZÀ-Þ][a-zà-ÿ'-]+(?: (?:van|de|der|den|op))*(?: "
    rf"[A-ZÀ-Þ][a-zà-ÿ'-]+){{1,2}} {_NUMBER})"
)
_HOUSE_NUMBER = re.compile(
    r"\b(?:huisnummer|huisnr\.?|appartement|kamer|flat|woning|kavel|(?:woont|wonen|wonend) op(?: nummer| nr\.?)?) "
    r"(?:nummer |nr\.? )?(\d{1,4}(?: ?[a-zA-Z])?)\b(?! ?(?:minuten|hoog|m2|km|jaar|kamers|personen|verdiepingen|"
    r"hectare|meter|euro|hoog|uur))",
    re.IGNORECASE,
)
_POSTBUS = re.compile(r"\b(?:postbus|antwoordnummer) \d{1,6}\b", re.IGNORECASE)
_STREETS_WITHOUT_NUMBER = re.compile(
    r"\b(?:aan|in|op|naar|uit|bij|langs) (?:de|het|'t) ([a-zà-ÿ-]{3,40}(?:straat|laan|plein|gracht|singel|dreef|steeg|plantsoen|strjitte|straatje|laantje))\b"
)
_NUMBER_ALONE = re.compile(rf"(?<= ){_NUMBER}", re.IGNORECASE)
_STEP_LEFT = re.compile(r"(?:^|(?<=[\s(]))([\w'][\w'.-]*) $")
# What a street is called after besides capitals: "prinses irenestraat", "burg. van tuyllkade", "2e wormenseweg".
_STREET_HEAD = frozenset(
    (
        "prinses prins pr koningin koning kon burgemeester burg dr doctor prof professor pastoor ds dominee pater generaal "
        "admiraal adm jan sint st oude nieuwe grote kleine korte lange hoge lage eerste tweede derde 1e 2e 3e 4e van der den "
        "ter ten 't jonkheer jhr graaf gravin mr president minister kardinaal bisschop kapelaan laan zuider noorder ooster "
        "wester savornin de la"
    ).split()
)
_AT = re.compile(r"(?:^|\W)(?:op|aan|in) (?:de |het |'t )?$", re.IGNORECASE)
_ADDRESS_CUE = re.compile(
    r"(?:\b(?:woont|wonen|wonend|woonachtig|adres|woonadres|verhuisd|verhuist|flat|huis|kamer|appartement|ingeschreven|logeert|verblijft|verhuisde)\b"
    r"[ :]*(?:is |nu |met haar kind |sinds kort )?(?:op |aan |in |naar |te |bij )?|\b(?:op|aan) )$",
    re.IGNORECASE,
)


def addresses(text: str) -> Iterator[Hit]:
    """Street with house number, a named street, a house number, a post box."""
    for pattern in (_CAPITAL_STREET, _LOWER_STREET):
        for match in pattern.finditer(text):
            if not _NO_STREET.search(match[0]):
                yield _address(text, _reach_left(text, match.start()), match.end())
    yield from _listed_streets(text, lexicon())
    for match in _STREETS_WITHOUT_NUMBER.finditer(text):
        if _only_a_street(match[1], lexicon()):
            yield _address(text, *match.span(1))
    for pattern in (_NAMED_STREET, _LIVES_AT, _TWO_WORDS, _HOUSE_NUMBER):
        for match in pattern.finditer(text):
            yield _address(text, *match.span(1))
    for match in _POSTBUS.finditer(text):
        yield _address(text, *match.span())


def _address(text: str, start: int, end: int) -> Hit:
    """ "woont aan de Dorpsstraat 12" becomes "woont in de buurt"."""
    before = _AT.search(text[max(0, start - 12) : start])
    if before:
        led = start - len(before[0].lstrip(" (,"))
        return Hit(start, end, Label.ADDRESS, "in de buurt", led, end)
    return Hit(start, end, Label.ADDRESS)


def _reach_left(text: str, start: int) -> int:
    """The start of a street's name of more words, given where its last words start."""
    begin = start
    for _ in range(4):
        step = _STEP_LEFT.search(text[max(0, begin - 42) : begin])
        if not step or (fold(step[1].rstrip(".")) not in _STREET_HEAD and not re.fullmatch(r"(?:[A-Z]\.)+", step[1])):
            break
        begin -= len(step[1]) + 1
    # "van" and "de" alone belong to the sentence: "verhuisd van Kerkstraat 3".
    return (
        start
        if text[begin:start].strip().lower() in {"van", "de", "der", "van de", "van der", "la"}
        and not _ADDRESS_CUE.search(text[:begin])
        else begin
    )


def _listed_streets(text: str, lex: Lexicon) -> Iterator[Hit]:
    """Streets whose ending tells nothing, by list, before a number; in lower case only where somebody lives there."""
    for match in _NUMBER_ALONE.finditer(text):
        words = re.findall(r"[^ ]+", text[max(0, match.start() - 60) : match.start()])
        for length in range(min(5, len(words)), 0, -1):
            name = " ".join(words[-length:])
            start = match.start() - len(name) - 1
            if start < 0 or text[start : match.start() - 1] != name or fold(name) not in lex.streets:
                continue
            cued = bool(_ADDRESS_CUE.search(text[:start]))
            capital = words[-1][:1].isupper() and fold(words[-1]) not in lex.words and start > 0
            if (cued and (length > 1 or fold(name) not in lex.common or words[-1][:1].isupper())) or capital:
                yield _address(text, start, match.end())
                break


def _only_a_street(word: str, lex: Lexicon) -> bool:
    """A street's name in lower case, and not a kind of street: `kerkstraat`, not `winkelstraat`."""
    key = fold(word)
    return key in _COMMON_STREETS or not (key in lex.words or lex.is_regular(key) or _NO_STREET.search(key))


_COMMON_STREETS = frozenset(
    (
        "kerkstraat schoolstraat molenstraat stationsstraat nieuwstraat hoofdstraat julianastraat wilhelminastraat beatrixstraat "
        "emmastraat parallelweg molenweg industrieweg sportlaan kastanjelaan beukenlaan eikenlaan lindelaan wilhelminalaan "
        "julianalaan beatrixlaan irenelaan margrietstraat irenestraat oranjestraat nassaustraat tulpstraat rozenstraat "
        "kloosterstraat marktstraat brugstraat poststraat havenstraat voorstraat langestraat spoorstraat kerkweg kerklaan "
        "schoollaan stationsweg stationslaan hofstraat ringlaan parklaan berkenlaan populierenlaan"
    ).split()
)
