"""Where people live and what they belong to: addresses, places, and organisations small enough to point at someone."""

import re
from collections.abc import Iterator, Sequence

from models.deidentify.lexicon import Lexicon, lexicon
from models.deidentify.spans import Hit, Label
from models.deidentify.tokenising import Token

_STREET = (
    r"(?:straat|str\.|laan|weg|plein|kade|gracht|singel|dreef|hof|pad|steeg|dijk|park|plantsoen|wal|markt|baan|"
    r"boulevard|ring|erf|oord|veld|velden|akker|akkers|kamp|horst|burg|haven|brug|poort|stede|"
    r"meent|hoek|berg|heuvel|bos|wei|weide|tuin|zoom|rade|gaard|gaarde|stein|diep|vaart|sloot|strjitte|leane|"
    r"buorren|reed|wyk|dyk|loane|plaats|steen|kamer|ven|es|enk|donk|hoeve|hove|oever|werf|land|lanen|markt)"
)
_NUMBER = (
    r"(?:nr\.? ?|nummer )?\d{1,4}(?: ?-? ?(?:[A-Za-z](?![\w])|bis|hs|[IVX]+|\d{1,3}(?=\b)))?"
    r"(?!\d|[.,:]\d| ?(?:%|euro|jaar|jonge|kleine|uur|km|minuten|keer|mensen|kinderen|kn|personen)\b)"
)
_CAPITAL_STREET = re.compile(
    rf"(?<![\w-])(?:(?!(?:Woon|Adres|Verhuis|Hij|Zij|Ze|Mw|Dhr|Meneer|Mevrouw|In|Op|Aan|Naar)\w*\b)[A-ZÀ-Þ][\w.'-]*"
    rf" (?:(?:[A-ZÀ-Þ][\w.'-]*|van|de|der|den|het|ter|ten|'t|en|of) ){{0,4}})?[A-ZÀ-Þ][\w'-]*{_STREET}\b {_NUMBER}"
    rf"|(?<![\w-])(?:[A-ZÀ-Þ][\w.'-]* |van |de |der |den |het |'t ){{1,4}}(?:Straat|straat|Weg|Laan|laan|Plein|"
    rf"plein|Dijk|dijk|Kade|kade|Gracht|gracht|Singel|singel|Pad|Hof|Park|Markt|Dreef|Steeg|Wal|Haven|Baan|Burg|"
    rf"Ring)\b {_NUMBER}"
)
_LOWER_STREET = re.compile(
    rf"(?<![\w'-])(?:(?:van|de|der|den) ){{0,4}}[a-zà-ÿ][\w'-]{{2,40}}(?:straat|laan|plein|"
    rf"gracht|singel|dreef|weg|kade|steeg|"
    rf"plantsoen|dijk|hof|strjitte|pad|markt)\b {_NUMBER}",
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
_POSTBUS = re.compile(r"\bpostbus \d{1,6}\b", re.IGNORECASE)

_PREPOSITIONS = frozenset(
    (
        "in uit te naar vanuit rond rondom nabij omgeving wijk buurt dorp stad gemeente plaats richting eiland kern "
        "regio gehucht buurtschap woonplaats geboren omstreken dorpje plaatsje stadje deelgemeente stadsdeel"
    ).split()
)
_ORG_CUE = re.compile(
    r"(?:\w*school|\w+gemeente|obs|cbs|rkbs|pcbs|sbo|vso|college|lyceum|gymnasium|roc|mbo|kinderdagverblijf|kdv|"
    r"bso|creche|peuterspeelzaal|kinderopvang|opvang|azc|asielzoekerscentrum|stichting|vereniging|\w*vereniging|"
    r"\w*club|kerk|moskee|parochie|synagoge|tempel|"
    r"kerkgemeente|verpleeghuis|verzorgingshuis|verzorgingstehuis|bejaardenhuis|bejaardentehuis|woonzorgcentrum|"
    r"wzc|zorgcentrum|\w*centrum|zorgboerderij|zorghoeve|hospice|ziekenhuis|kliniek|\w*praktijk|huisartsenpost|"
    r"apotheek|buurthuis|dorpshuis|buurtcentrum|"
    r"woongroep|woonvorm|woonvoorziening|instelling|zorginstelling|thuiszorg|thuiszorgorganisatie|organisatie|"
    r"bedrijf|garage|bakkerij|bakker|slagerij|restaurant|cafe|eetcafe|snackbar|kapsalon|kapper|camping|manege|"
    r"sportschool|dagbesteding|dagopvang|locatie|afdeling|woningcorporatie|corporatie|"
    r"woningbouwvereniging|advocatenkantoor|bewindvoerderskantoor|kantoor|zorgaanbieder|aanbieder|jongerencentrum|"
    r"koor|zangkoor|harmonie|fanfare|scouting|fabriek|hotel|winkel|supermarkt|boerderij|wijkteam|buurtteam|team|"
    r"residentie|woontoren|flat|complex|appartementencomplex|"
    r"inloophuis|odensehuis|logeerhuis|gezinshuis|gasthuis|klooster|gebedshuis|zwembad|sporthal|bibliotheek|museum"
    r"|voetbalclub|hc|kv|rkvv|vv|sv|fc|korfbalvereniging|uitzendbureau|drukkerij|transportbedrijf|bouwbedrijf|"
    r"schildersbedrijf)"
)
_AT_VERBS = frozenset(
    (
        "geholpen helpt woont wonen verbleef zat werkt werkte werken werkzaam baan stage dienst vrijwilliger "
        "vrijwilligster vrijwilligerswerk ontslagen client behandeld behandeling begeleiding begeleid hulp zorg "
        "dagbesteding opgenomen ingeschreven les lid sport voetbalt traint zwemt logeert verblijft revalideert "
        "patient aangemeld dagopvang verpleegkundige leraar lerares docent kok conducteur monteur opname studeert "
        "stageplek personeel ondersteuning ambulante onderzoek wachtlijst school zit zitten"
    ).split()
)
_ORG_TAIL = frozenset(
    (
        "college lyceum mc school kerk moskee kliniek zorg groep scholengroep scholengemeenschap bv b.v nv stichting "
        "thuiszorg wonen advocaten bewind ziekenhuis gasthuis basisschool gymnasium hospitaal zorggroep zorgcentrum "
        "vereniging welzijn"
    ).split()
)
_TOWARDS = frozenset("in op bij van naar uit voor door via".split())
_BUILDINGS = frozenset(
    (
        "moskee kerk school basisschool lyceum college ziekenhuis kliniek parochie apotheek stichting tempel synagoge"
    ).split()
)
_ORG_SHAPE = re.compile(
    r".{3,}(?:kerk|moskee|school|college|lyceum|ziekenhuis|kliniek|parochie|gasthuis|klooster|synagoge|tempel|"
    r"manege|stichting|praktijk|apotheek|dagverblijf|borgh|hiem|staete|hospice|hoeve|hof|zorg|burgh)"
)
_KNOWN_ORG = frozenset(
    (
        "isala lumc amc vumc umcg umcu umc radboudumc olvg mumc mst etz cwz hmc amphia bravis catharina kwintes "
        "parnassia altrecht arkin lentis jellinek philadelphia cordaan pluryn amarant dimence accare karakter yulius "
        "mondriaan emergis novadic tactus laurens amstelring zorgbalans trajectum siza gemiva abrona reinaerde lunet "
        "sovak buurtzorg antes brijder lievegoed asvz lister leliezorggroep cosis promens talant vanboeijen middin "
        "mentrum inforsa riagg riagg's rijnstate haga hagaziekenhuis noordwest franciscus maasstad ikazia bronovo "
        "spaarne dijklander gelre slingeland zgt medisch spectrum tergooi meander"
    ).split()
)
_ARTICLES = frozenset("de het t van den".split())
_SMALL = frozenset("de het t een den van der op aan en bij in te ter".split())


def addresses(text: str) -> Iterator[Hit]:
    """Street with house number, a named street, a house number, a post box."""
    for pattern in (_CAPITAL_STREET, _LOWER_STREET):
        for match in pattern.finditer(text):
            if not _NO_STREET.search(match[0]):
                yield Hit(*match.span(), Label.ADDRESS)
    for pattern in (_NAMED_STREET, _LIVES_AT, _TWO_WORDS, _HOUSE_NUMBER):
        for match in pattern.finditer(text):
            yield Hit(*match.span(1), Label.ADDRESS)
    for match in _POSTBUS.finditer(text):
        yield Hit(*match.span(), Label.ADDRESS)


def organisations(words: Sequence[Token]) -> Iterator[Hit]:
    """Named schools, churches, care homes, practices, clubs and employers; not national agencies."""
    lex = lexicon()
    for at, word in enumerate(words):
        if _ORG_CUE.fullmatch(word.key):
            yield from _capitals_after(
                words, at + 1, lex, instead=f"een {word.key}" if not word.capital else "een organisatie"
            )
        elif word.key in {"bij", "van", "door", "op", "via", "voor"} and _works(words, at):
            yield from _employer(words, at + 1, lex)
        if (
            word.capital
            and not word.opens
            and word.key in {"de", "het", "t"}
            and words[at - 1].key in _TOWARDS
            and _listed(words, at, lex) == at
        ):
            yield from _capitals_after(words, at, lex, instead="een organisatie")
        if word.capital and not word.opens and _is_organisation(words, at, lex):
            yield Hit(word.start, word.end, Label.ORGANISATION)
        if word.capital and not word.opens and at + 1 < len(words) and _has_tail(word, words[at + 1], lex):
            begin = at - 1 if words[at - 1].capital and word.near and not words[at - 1].opens else at
            yield Hit(words[begin].start, words[at + 1].end, Label.ORGANISATION)


def _is_organisation(words: Sequence[Token], at: int, lex: Lexicon) -> bool:
    key = words[at].key
    if key in _KNOWN_ORG:
        return True
    return (
        not words[at].capitals
        and not lex.is_harmless(key)
        and bool(_ORG_SHAPE.fullmatch(key))
        and not lex.is_word(key)
        and not key.startswith(("jeugd", "mantel", "thuis", "pleeg"))
    )


def _has_tail(word: Token, tail: Token, lex: Lexicon) -> bool:
    """`Rijnlands Lyceum`, `Fatih moskee`."""
    kind = _ORG_TAIL if tail.capital else _BUILDINGS
    return (
        tail.near
        and tail.key in kind
        and not lex.is_harmless(word.key)
        and not word.capitals
        and not lex.is_word(word.key)
    )


def _works(words: Sequence[Token], at: int) -> bool:
    return any(word.key in _AT_VERBS for word in words[max(0, at - 4) : at]) and not any(
        word.opens for word in words[max(0, at - 1) : at + 1]
    )


def _employer(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    start = at
    while (
        start < len(words)
        and words[start].near
        and words[start].key in {"de", "het", "t", "een"}
        and not words[start].capital
    ):
        start += 1
    if (
        start < len(words)
        and words[start].near
        and words[start].capital
        and words[start].key not in lex.first | lex.places
    ):
        yield from _capitals_after(words, start, lex, instead="een organisatie")


def _capitals_after(words: Sequence[Token], at: int, lex: Lexicon, *, instead: str) -> Iterator[Hit]:
    start = at
    while (
        start < len(words)
        and start - at < 2
        and words[start].gap.strip(" '\"") == ""
        and words[start].key in _ARTICLES
        and not words[start].capital
    ):
        start += 1
    end = start
    while end < len(words) and end - start < 6 and words[end].gap.strip(" '\"&.") == "" and not words[end].opens:
        if words[end].capital or (
            words[end].key in _SMALL
            and end > start
            and end + 1 < len(words)
            and words[end + 1].capital
            and words[end + 1].near
        ):
            end += 1
        else:
            break
    while end > start and not words[end - 1].capital:
        end -= 1
    if end - start > 1 and words[start].key in _SMALL and words[start].capital:
        # A capital article inside a sentence is part of a name: De Rots, Het Kompas.
        yield Hit(words[start].start, words[end - 1].end, Label.ORGANISATION, instead)
        return
    told = [word for word in words[start:end] if word.capital and word.key not in _SMALL]
    if told and not all(lex.is_harmless(word.key) or (word.capitals and word.key not in lex.first) for word in told):
        begin = start - 1 if start > at and words[start - 1].key == "t" else start
        yield Hit(words[begin].start, words[end - 1].end, Label.ORGANISATION, instead)


def places(words: Sequence[Token]) -> Iterator[Hit]:
    """Dutch places by list, and whatever is capitalised after "in", "uit" or "te"; not countries and provinces."""
    lex = lexicon()
    for at, word in enumerate(words):
        end = _listed(words, at, lex)
        prepared = at > 0 and words[at - 1].key in _PREPOSITIONS and word.near and not word.opens
        if end > at + 1 and word.capital:
            yield Hit(word.start, words[end - 1].end, Label.PLACE)
        elif word.capital and not word.capitals and _is_place(words, at, lex, listed=end > at, prepared=prepared):
            yield Hit(word.start, words[_place_end(words, at, lex) - 1].end, Label.PLACE)
        elif (
            not word.capital
            and prepared
            and end > at
            and len(word.key) > 3
            and not lex.is_word(word.key)
            and word.key not in lex.ambiguous
        ):
            yield Hit(word.start, words[end - 1].end, Label.PLACE)


def _listed(words: Sequence[Token], at: int, lex: Lexicon) -> int:
    """Index after the longest listed place that starts at `at`, or `at`."""
    for length in (5, 4, 3, 2, 1):
        run = words[at : at + length]
        if (
            len(run) == length
            and all(word.near for word in run[1:])
            and " ".join(word.key for word in run) in lex.places
        ):
            return at + length
    return at


def _is_place(words: Sequence[Token], at: int, lex: Lexicon, *, listed: bool, prepared: bool) -> bool:
    key = words[at].key
    if lex.is_harmless(key) or key in _SMALL:
        return False
    if prepared:
        return (listed and key not in lex.words) or not (lex.is_word(key) or key in lex.first or lex.is_misspelt(key))
    stem = key.removesuffix("se") if key.endswith("se") else key.removesuffix("s").removesuffix("er")
    derived = stem != key and len(stem) > 4 and stem in lex.places
    ordinary = lex.is_word(key) or key in lex.ambiguous or key in lex.first
    return (listed or derived) and not ordinary and key not in lex.last


def _place_end(words: Sequence[Token], at: int, lex: Lexicon) -> int:
    end = at + 1
    while (
        end < len(words)
        and end - at < 4
        and words[end].near
        and "." not in words[end].gap
        and words[end].capital
        and not words[end].capitals
        and not lex.is_word(words[end].key)
    ):
        end += 1
    return end
