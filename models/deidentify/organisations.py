"""Organisations small enough to point at someone: schools, churches, care homes, practices, clubs, employers.

National agencies are none, and neither is a kind of organisation without a name. A name shows by a capital; in lower
case by the grammar: "op basisschool de regenboog", where Dutch would otherwise want an article before "basisschool".
"""

import re
from collections.abc import Iterator, Sequence

from models.deidentify.lexicon import Lexicon, lexicon
from models.deidentify.places import listed_place
from models.deidentify.spans import Hit, Label
from models.deidentify.tokenising import Token

# Kinds concrete enough that a name may follow in lower case.
_CONCRETE = (
    r"(?:basis|montessori|jenaplan|dalton|vrije|mavo|sport|dans|muziek|brede|praktijk|zwem|taal|koran|rij)school|"
    r"obs|cbs|rkbs|pcbs|ikc|kindcentrum|lyceum|gymnasium|roc|csg|rsg|kinderdagverblijf|kdv|bso|creche|peuterspeelzaal|"
    r"kinderopvang|azc|asielzoekerscentrum|stichting|\w+vereniging|\w*moskee|parochie|synagoge|tempel|"
    r"\w*kerkgemeente|verpleeghuis|verpleegtehuis|verzorgingshuis|verzorgingstehuis|bejaardenhuis|bejaardentehuis|"
    r"woonzorgcentrum|wzc|zorgcentrum|zorgboerderij|zorghoeve|hospice|ziekenhuis|kliniek|"
    r"(?:huisartsen|tandarts|tandartsen|fysio|fysiotherapie|logopedie|psychologen|groeps|therapie)?praktijk|apotheek|"
    r"buurthuis|dorpshuis|wijkcentrum|buurtcentrum|ontmoetingscentrum|activiteitencentrum|dienstencentrum|jongerencentrum|"
    r"gezondheidscentrum|medisch centrum|garage|bakkerij|bakker|slagerij|slager|restaurant|eetcafe|cafe|snackbar|"
    r"kapsalon|kapper|camping|manege|sportschool|woningcorporatie|woningbouwvereniging|woningstichting|"
    r"advocatenkantoor|bewindvoerderskantoor|zangkoor|koor|harmonie|fanfare|scouting|hotel|supermarkt|kringloop|"
    r"kringloopwinkel|dierenasiel|residentie|woontoren|flat|inloophuis|logeerhuis|gezinshuis|gasthuis|klooster|zwembad|"
    r"sporthal|voetbalclub|(?:ijs|tennis|hockey|schaak|bridge|kaart|biljart|wandel|fiets|roei|volleybal|turn|schaats|judo|"
    r"dart|duiven)club|hc|kv|rkvv|vv|sv|fc|cv|svv|rksv|uitzendbureau|drukkerij|transportbedrijf|bouwbedrijf|"
    r"schildersbedrijf|schoonmaakbedrijf|thuiszorgorganisatie|stadsboerderij|kinderboerderij|verslavingskliniek"
)
_ANY_KIND = (
    r"\w*school|\w+gemeente|sbo|vso|college|mbo|opvang|vereniging|\w*club|\w*kerk|kerkgemeente|\w*centrum|huisartsenpost|"
    r"\w*praktijk|woongroep|woonvorm|woonvoorziening|instelling|zorginstelling|thuiszorg|organisatie|bedrijf|dagbesteding|"
    r"dagopvang|locatie|afdeling|corporatie|kantoor|zorgaanbieder|aanbieder|fabriek|winkel|boerderij|wijkteam|"
    r"buurtteam|team|complex|appartementencomplex|odensehuis|gebedshuis|bibliotheek|museum|korfbalvereniging|bureau"
)
_CONCRETE_KIND = re.compile(_CONCRETE)
_KIND = re.compile(f"(?:{_CONCRETE}|{_ANY_KIND})")
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
        "vereniging welzijn hogeschool universiteit boys transport bouw bakkerij centrum kapel manege hospice"
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
_SMALL = frozenset("de het t een den van der op aan en bij in te ter of".split())
_DETERMINERS = frozenset(
    (
        "de het t een deze die dit dat haar zijn hun mijn onze ons geen elke iedere ander andere nieuwe oude eigen welke "
        "haar m'n z'n d'r uw je jouw dezelfde zelfde"
    ).split()
)
# After an article these are no name: "in verpleeghuis de laatste tijd", "op basisschool de juf".
_NO_NAME = frozenset(
    (
        "hele laatste eerste enige beste meeste juf meester kinderen mensen vrouwen mannen imam dominee andere oude nieuwe "
        "grote kleine tweede derde volgende vorige rest tijd dag week avond ochtend middag huisarts zuster zorg klas groep "
        "buren leraar leerkracht directeur leiding begeleiding ouders bewoners collega collegas baas leerlingen deur weg"
    ).split()
)
_GOES_ON = frozenset(
    (
        "en maar of want dus die dat met in op uit van bij naar voor om te aan tot sinds al nu ook niet is was heeft had "
        "wil kan mag moet gaat ging zit zat doet deed helpt vindt komt kwam krijgt kreeg wordt werd zegt zei raadt ligt lag "
        "als wegens door na vanaf tijdens waar hij zij ze hem haar vanwege graag elke iedere zonder tegenover vlakbij"
    ).split()
)
_SAINTS = frozenset("sint st santa san al el ar an as".split())
_WORK = frozenset(
    (
        "werkt werkte werken gewerkt werkzaam baan stage dienst ontslagen ontslag vakkenvuller vakkenvult kassamedewerker "
        "kassiere caissiere schoonmaker schoonmaakster orderpicker magazijnmedewerker chauffeur monteur filiaalleider "
        "bijbaan bijbaantje contract medewerker medewerkster vast bezorger postbode"
    ).split()
)
_AT_WORK = frozenset("bij van door voor".split())


def organisations(words: Sequence[Token]) -> Iterator[Hit]:
    """Named schools, churches, care homes, practices, clubs and employers; not national agencies."""
    lex = lexicon()
    for at, word in enumerate(words):
        if _KIND.fullmatch(word.key):
            yield from _of_a_kind(words, at, lex)
        elif word.key in {"bij", "van", "door", "op", "via", "voor"} and _among(words, at, 4, _AT_VERBS):
            yield from _employer(words, at + 1, lex)
        if word.key in _AT_WORK and _among(words, at, 5, _WORK):
            yield from _workplace(words, at + 1, lex)
        yield from _with_article(words, at, lex)
        yield from _known(words, at, lex)
        if at + 1 < len(words):
            yield from _before_its_kind(words, at, lex)


def _of_a_kind(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """`basisschool De Regenboog` and, where the kind allows it, `basisschool de regenboog`: hit with its kind."""
    for found in _capitals_after(words, at + 1, lex):
        yield _named(words, at, found[0], found[1])
        return
    if _CONCRETE_KIND.fullmatch(words[at].key):
        end = _small_name(words, at, lex)
        if end > at + 1:
            yield _named(words, at, at + 1, end)


def _named(words: Sequence[Token], at: int, start: int, end: int) -> Hit:
    """The hit for the kind at `at` and the name words[start:end]; "een basisschool" where no article stands before."""
    determined = at > 0 and words[at].near and words[at - 1].key in _DETERMINERS
    kind = words[at].text
    abbreviated = len(kind) < 4 or words[at].capitals
    instead = "een organisatie" if abbreviated else kind if determined or words[at].opens else f"een {kind.lower()}"
    begin = at if all(word.near or not word.gap.strip(" '\"") for word in words[at + 1 : start + 1]) else start
    return Hit(words[begin].start, words[end - 1].end, Label.ORGANISATION, instead)


def _small_name(words: Sequence[Token], at: int, lex: Lexicon) -> int:
    """Index after a name in lower case that follows the kind at `at`, or 0."""
    determined = at > 0 and words[at].near and (words[at - 1].key in _DETERMINERS or words[at - 1].key.endswith("se"))
    name = at + 1
    article = name < len(words) and words[name].gap.strip(" '\"") == "" and words[name].key in {"de", "het", "t", "ut"}
    name += article
    if (name < len(words) and words[name].near and words[name].key in _SAINTS) or (
        name < len(words)
        and words[name].near
        and _CONCRETE_KIND.fullmatch(words[name].key)
        and len(words[name].key) < 5
    ):
        name += 1
    if name >= len(words) or words[name].gap.strip(" '\"") or words[name].key in _NO_NAME or len(words[name].key) < 2:
        return 0
    key = words[name].key
    unknown = _unknown(key, lex) and key not in _GOES_ON
    saint = words[name - 1].key in _SAINTS or (name - 1 > at and not article)
    if article:
        told = unknown or (not determined and _boundary(words, name + 1))
    else:
        place = lex.places if key not in lex.common else frozenset()
        told = (
            unknown or saint or (not determined and key in (lex.first | lex.last | place) - lex.common - lex.ambiguous)
        )
    if not told:
        return 0
    end = name + 1
    while (
        end < len(words)
        and end - at < 5
        and words[end].near
        and _unknown(words[end].key, lex)
        and words[end].key not in _GOES_ON
    ):
        end += 1
    return end


def _unknown(key: str, lex: Lexicon) -> bool:
    return len(key) > 3 and not (
        lex.is_regular(key) or lex.is_misspelt(key) or lex.is_harmless(key) or key in lex.first
    )


def _boundary(words: Sequence[Token], at: int) -> bool:
    """The end, a mark, or a word that goes on with the sentence comes at `at`."""
    return at >= len(words) or words[at].gap.strip(" ") != "" or words[at].key in _GOES_ON


def _among(words: Sequence[Token], at: int, reach: int, cues: frozenset[str]) -> bool:
    return any(word.key in cues for word in words[max(0, at - reach) : at]) and not any(
        word.opens for word in words[max(0, at - 1) : at + 1]
    )


def _employer(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """A capital after "werkt bij", "hulp van" and the like that is no person or place."""
    start = at
    while start < len(words) and words[start].near and words[start].key in _DETERMINERS and not words[start].capital:
        start += 1
    if (
        start < len(words)
        and words[start].near
        and words[start].capital
        and words[start].key not in lex.first | lex.places
    ):
        yield from (_name_hit(words, *found) for found in _capitals_after(words, start, lex))


def _workplace(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """A chain of shops or a large employer where somebody works, or an unknown name in lower case after "werkt bij"."""
    start = at + (at < len(words) and words[at].near and words[at].key in {"de", "het", "een"})
    if start >= len(words) or not words[start].near:
        return
    for length in (3, 2, 1):
        run = words[start : start + length]
        if len(run) == length and all(word.near for word in run) and " ".join(word.key for word in run) in lex.chains:
            yield _name_hit(words, start, start + length)
            return
    key = words[start].key
    if words[at - 1].key == "bij" and not words[start].capital and _unknown(key, lex) and key not in lex.places:
        yield _name_hit(words, start, start + 1)


def _with_article(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """`naar De Rots`: a capital article inside a sentence is part of a name; so is `'t` before a capital."""
    word = words[at]
    towards = at > 0 and words[at - 1].key in _TOWARDS and not word.opens
    if (
        towards
        and word.key in {"de", "het", "t"}
        and (word.capital or word.key == "t")
        and listed_place(words, at, lex) == at
    ) and (word.capital or (at + 1 < len(words) and words[at + 1].capital and words[at + 1].key not in lex.last)):
        yield from (_name_hit(words, *found) for found in _capitals_after(words, at, lex))


def _known(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """By list or by its ending: `Parnassia`, `Tata Steel`, `Pniëlkerk`."""
    word = words[at]
    for length in (5, 4, 3, 2):
        run = words[at : at + length]
        name = " ".join(one.key for one in run)
        if len(run) < length or not all(one.near for one in run[1:]) or not (run[0].capital and run[-1].capital):
            continue
        if name in lex.chains or (
            name in lex.institutions and not all(lex.is_word(one.key) or lex.is_harmless(one.key) for one in run)
        ):
            yield _name_hit(words, at, at + length)
            return
    if not word.capital or (word.capitals and word.key not in _KNOWN_ORG) or lex.is_harmless(word.key):
        if (
            word.key in _KNOWN_ORG
            and len(word.key) > 6
            and not lex.is_word(word.key)
            and not word.capital
            and at
            and words[at - 1].key in _TOWARDS
        ):
            yield _name_hit(words, at, at + 1)
        return
    shaped = bool(_ORG_SHAPE.fullmatch(word.key)) and not word.key.startswith(("jeugd", "mantel", "thuis", "pleeg"))
    single = word.key in lex.institutions and len(word.key) > 4
    if word.opens:
        shaped = (
            shaped
            and word.key.endswith(("kerk", "moskee", "college", "lyceum", "ziekenhuis"))
            and not lex.is_regular(word.key)
        )
        single = False
    if (
        (word.key in _KNOWN_ORG and not word.opens)
        or single
        or (shaped and not lex.is_word(word.key) and word.key not in lex.last)
    ):
        start = at - 1 if at > 1 and words[at - 1].key == "of" and words[at - 2].capital else at
        yield _name_hit(words, start - (start < at), at + 1)


def _before_its_kind(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """`Rijnlands Lyceum`, `Fatih moskee`, `de ayasofya moskee`."""
    word, tail = words[at], words[at + 1]
    if (
        not tail.near
        or (word.opens and not (word.capital and _unknown(word.key, lex)))
        or lex.is_harmless(word.key)
        or word.capitals
    ):
        return
    if not word.capital:
        if tail.key in _BUILDINGS and _unknown(word.key, lex):
            yield _name_hit(words, at, at + 2)
    elif tail.key in (_ORG_TAIL if tail.capital else _BUILDINGS) and (not lex.is_word(word.key) or tail.capital):
        begin = at - 1 if at and words[at - 1].capital and word.near and not words[at - 1].opens else at
        yield _name_hit(words, begin, at + 2)


def _name_hit(words: Sequence[Token], start: int, end: int) -> Hit:
    """A name without its kind: "bij Philips" becomes "bij een organisatie"; an article before it goes too."""
    begin = start
    if start and words[start].near and words[start - 1].key in {"de", "het", "een"} and not words[start - 1].opens:
        begin -= 1
    return Hit(
        words[start].start,
        words[end - 1].end,
        Label.ORGANISATION,
        "een organisatie",
        words[begin].start,
        words[end - 1].end,
    )


def _capitals_after(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[tuple[int, int]]:
    """The capitalised name that starts at `at` or after an article there: its first word, and the index after it."""
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
        if words[end].capital or _joins(words, start, end, lex):
            end += 1
        else:
            break
    while end > start and not words[end - 1].capital:
        end -= 1
    if end - start > 1 and words[start].key in _SMALL and words[start].capital:
        # A capital article inside a sentence is part of a name: De Rots, Het Kompas.
        yield start, end
        return
    told = [word for word in words[start:end] if word.capital and word.key not in _SMALL]
    if told and not all(lex.is_harmless(word.key) or (word.capitals and word.key not in lex.first) for word in told):
        led = start > at and words[start - 1].key in {"t", "de", "het", "van"}
        yield start - led, end


def _joins(words: Sequence[Token], start: int, end: int, lex: Lexicon) -> bool:
    """A small word inside a name (`Huis aan de Vecht`), but not the one before a town: `Comenius College in Leeuwarden`."""
    if words[end].key not in _SMALL or end == start or end + 1 >= len(words) or not words[end + 1].near:
        return False
    if words[end].key in {"in", "te", "bij"} and listed_place(words, end + 1, lex) > end + 1:
        return False
    article = words[end + 1].key in {"de", "het", "den"} and end + 2 < len(words) and words[end + 2].capital
    return words[end + 1].capital or article
