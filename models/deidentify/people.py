"""Names of people: after a title, a kinship word, "heet" or initials; by capital; by being on a list."""

import re
from collections.abc import Iterator, Sequence

from models.deidentify.lexicon import Lexicon, lexicon
from models.deidentify.spans import Hit, Label
from models.deidentify.tokenising import Token

_TITLES = {
    **dict.fromkeys(
        "mw mevr mvr mevrouw mej mejuffrouw mevrow mevouw mefr mefrouw mevrou mevrouuw mevruow mevrw mev".split(),
        "mevrouw",
    ),
    **dict.fromkeys("dhr heer hr meneer mijnheer menneer dhrr meener mneer menheer".split(), "meneer"),
    **dict.fromkeys("fam familie".split(), "het gezin"),
    **dict.fromkeys("drs ir ing prof mr".split(), "(naam weglaten)"),
}
_ROLES = frozenset(
    (
        "dr juf juffrouw meester zuster broeder dominee ds pastor pastoor imam rabbijn dokter advocaat begeleider "
        "begeleidster huisarts mentor buddy psycholoog psychiater coach gezinsvoogd voogd bewindvoerder "
        "wijkverpleegkundige consulent wethouder burgemeester werker werkster wijkagent agent casemanager therapeut "
        "fysiotherapeut leerkracht docent trainer collega oppas gastouder vrijwilliger vrijwilligster maatje gezin "
        "echtpaar weduwe weduwnaar specialist neuroloog cardioloog tandarts contactpersoon client cliënt inwoner "
        "inwoonster"
    ).split()
)
_KIN = re.compile(
    r"(?:pleeg|stief|schoon|half|ex-?|oud|over|klein|achter|bonus|groot|buur|adoptie|tweeling|peet)*"
    r"(?:dochters?|zoons?|zonen|zn|dr|mdr|vdr|zus(?:je|ter)?|broer(?:tje)?|moeder|vader|mama|papa|mam|pap|man|"
    r"vrouw|partner|echtgenoot|echtgenote|vriend(?:in|innetje|je)?|zwager|ome|oom|heit|mem|beppe|pake|omke|muoike|kleinkind|pa|oma|opa|opoe|tante|oom|"
    r"nichtje|nicht|neefje|neef|kind(?:je)?|zoontje|dochtertje|buurvrouw|buurman|buurmeisje|buurjongen|baby|"
    r"tweeling|verloofde|buurvrow|buuf|schoonzus|schoonzoon|weduwe|weduwnaar|meisje|jongen|ex|hond|kat|poes|paard|"
    r"jongste|oudste|middelste|kleinzoon|kleindochter|vrouwtje|mantelzorger|huisgenoot|huisgenote)"
)
_CALLED = frozenset(
    ("heet heette heten genaamd geheten roepnaam voornaam achternaam naam noemt noemen genoemd ondergetekende").split()
)
# Roles that are met by surname: "psychiater van Leeuwen", "bewindvoerder hoogland".
_BY_SURNAME = frozenset(
    (
        "dr dokter huisarts psychiater psycholoog advocaat bewindvoerder voogd gezinsvoogd mentor consulent wijkagent agent "
        "neuroloog cardioloog tandarts specialist wethouder burgemeester casemanager therapeut fysiotherapeut meester juf "
        "dominee ds pastoor docent client betrokkene contactpersoon"
    ).split()
)
# What a name in lower case follows: "samen met willeke", "groetjes, ans".
_WITH = frozenset(
    "namens volgens aldus groetjes groet gr mvg betreft tnv betreffende samen gesproken gesprek contact".split()
)
_PARTICLES = frozenset(
    (
        "van de der den ter ten te 't t het in op aan d el al ben bin bint ait oulad ould abu bou von zu della di da "
        "dos le la du uit o vd v d ould oued umm"
    ).split()
)
# "Op den Kamp", "in 't Veld"; but "Halyna uit Lviv".
_ALSO_PREPOSITIONS = frozenset("in op aan uit te het o".split())
_SURNAME_PARTICLES = frozenset("vd der den ter ten el ait oulad ould abu".split())
_LEADING = frozenset("vd v d van de der den ter ten 't t el al ben bin ait oulad ould abu bou von op in".split())
_VERBS = frozenset(
    (
        "heeft is wil zoekt woont zegt vertelt kan komt gaat voelt mist belt zit was werd krijgt wordt geeft vraagt "
        "heb en met uit over had wilde zou moet mag doet werkt zorgt ziet vindt hoopt wenst durft schaamt slaapt "
        "staat loopt spreekt belde gaf kwam ging die van ook al sinds"
    ).split()
)
_HUMAN_VERBS = frozenset(
    (
        "zei vertelde zocht vroeg zoekt wil woont vertelt voelt werkt zorgt durft zegt wenst belt studeert verzorgt "
        "mist schaamt verloor heeft kan komt vindt krijgt weet kookt slaapt huilt zit hoopt leeft ging kreeg belde "
        "wilde spreekt vraagt"
    ).split()
)
# Names of months and the like, which Dutch writers capitalise by mistake.
_NEVER_ALONE = frozenset(
    (
        "mei maart april juni juli augustus vos wit bloem oost west noord zuid god kerst lente zomer herfst winter"
    ).split()
)
_ARABIC = frozenset("abu abou oum umm ait oulad ould bin".split())
_MAX_PARTS = 5
_AGE_BEHIND = re.compile(r" ?\((?:\d{1,2}|1[01]\d)(?: ?(?:jr|jaar|j|mnd|maanden)\.?)?\)")


def names(words: Sequence[Token]) -> Iterator[Hit]:
    """Names found by the words around them, with a suggestion that keeps those words."""
    lex = lexicon()
    for at, word in enumerate(words):
        following = at + 1
        if word.key in _TITLES:
            yield from _after(words, following, lex, strong=True, instead=_TITLES[word.key])
        elif word.key in _CALLED or (word.key == "ben" and at and words[at - 1].key == "ik"):
            skip = following + (following < len(words) and words[following].key in {"is", "ik"})
            yield from _called(words, skip, lex)
        elif word.key in _ROLES or _KIN.fullmatch(word.key):
            yield from _after(words, following, lex, strong=False, instead=word.text)
        elif word.key in _WITH or (word.key == "met" and at and words[at - 1].key in _WITH):
            yield from _small(words, following, lex)
        if word.initials:
            yield from _initials(words, at, lex)


def _small(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    """A first name in lower case where a person is expected, before a mark, a verb or the end."""
    if at < len(words) and words[at].key == "met":
        at += 1
    if at < len(words) and not words[at].capital and words[at].gap.strip(" ") in {"", ",", ":"}:
        key = words[at].key
        if key in lex.first - lex.ambiguous and len(key) > 2 and not lex.is_word(key) and _verb_or_mark(words, at):
            yield Hit(words[at].start, words[_surname_end(words, at + 1, lex) - 1].end, Label.NAME)


def _after(words: Sequence[Token], at: int, lex: Lexicon, *, strong: bool, instead: str) -> Iterator[Hit]:
    while at < len(words) and words[at].near and (words[at].key in _TITLES or words[at].key in _ROLES):
        at += 1
    if at >= len(words) or not words[at].near:
        return
    if strong and len(words[at].text.rstrip(".")) == 1 and words[at].capital and _standing_letter(words, at):
        yield Hit(words[at].start, words[at].end, Label.NAME, instead)
        return
    end = _name_end(words, at, lex, strong=strong)
    if end == at and words[at - 1].key in _BY_SURNAME:
        end = (
            _name_end(words, at, lex, strong=True)
            if words[at].key in lex.last | _PARTICLES or _letter(words, at)
            else at
        )
    if end > at:
        cue = words[at - 1]
        if cue.opens:
            instead = instead[:1].upper() + instead[1:]
        yield Hit(words[at].start, words[end - 1].end, Label.NAME, instead, cue.start, words[end - 1].end)


def _letter(words: Sequence[Token], at: int) -> bool:
    """An initial, in lower case too: the `j` of "dhr j. kramer"."""
    return words[at].initials or (
        len(words[at].text) == 1 and at + 1 < len(words) and words[at + 1].gap.startswith(".")
    )


def _standing_letter(words: Sequence[Token], at: int) -> bool:
    """`mw. K. vertelt`: a letter that no surname follows."""
    return at + 1 >= len(words) or not (words[at + 1].capital or words[at + 1].key in _PARTICLES)


def _called(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    if at >= len(words) or any(mark in words[at].gap for mark in '.!?\n"'):
        return
    word = words[at]
    if word.capital and not lex.is_harmless(word.key) and (word.key in lex.first or not lex.is_word(word.key)):
        end = max(_name_end(words, at, lex, strong=False), at + 1)
        yield Hit(word.start, words[end - 1].end, Label.NAME)
    elif word.key in lex.first - lex.ambiguous and not lex.is_word(word.key):
        yield Hit(word.start, word.end, Label.NAME)


def _initials(words: Sequence[Token], at: int, lex: Lexicon) -> Iterator[Hit]:
    end = at + 1
    while end < len(words) and end - at < _MAX_PARTS and words[end].near and words[end].key in _PARTICLES:
        end += 1
    if end < len(words) and end > at + 1 and words[end].near and words[end].initials:
        yield Hit(words[at].start, words[end].end, Label.NAME)
    elif end < len(words) and words[end].near and words[end].capital and not words[end].initials:
        known = words[end].key in lex.last or words[end].key in lex.first
        if known or not (lex.is_word(words[end].key) or lex.is_harmless(words[end].key) or words[end].capitals):
            yield Hit(words[at].start, words[_surname_end(words, end + 1, lex) - 1].end, Label.NAME)
    elif at and words[at].near and words[at - 1].capital and words[at - 1].key in lex.first:
        yield Hit(words[at - 1].start, words[at].end, Label.NAME)


def _name_end(words: Sequence[Token], at: int, lex: Lexicon, *, strong: bool) -> int:
    """Index after the name that starts at `at`, or `at` where there is none."""
    first = at
    while at < len(words) and _letter(words, at) and words[at].near:
        at += 1
    start = at
    while at < len(words) and at - start < 3 and words[at].near and words[at].key in _LEADING:
        at += 1
    if at >= len(words) or not words[at].near:
        return first
    led = at > start
    if led and not strong:
        # "moeder van Sanne": "van" belongs to the sentence; "buurvrouw van der Meer": to the name.
        surname = words[at].key in lex.last and words[at].key not in lex.first
        apart = (
            words[start].key in {"van", "op", "in"}
            and words[start + 1].capital
            and not (words[start].capital or surname)
        )
        if apart or not words[at].capital:
            return first
    if not _is_name(words, at, lex, strong=strong, particles=at - start):
        return first
    return _surname_end(words, at + 1, lex)


def _is_name(words: Sequence[Token], at: int, lex: Lexicon, *, strong: bool, particles: int) -> bool:
    """Whether the word after a title or kinship word, and after `particles` particles, is a name."""
    word = words[at]
    key = word.key
    listed = key in lex.first or key in lex.last
    if word.capital and not word.opens:
        return _capital_name(words, at, lex, strong=strong, listed=listed)
    if word.capital:
        return listed and not lex.is_word(key) and key not in lex.ambiguous
    if key in lex.weak or len(key) < 3:
        # "meneer de groot is ...": only a surname stands there.
        return strong and particles > 0 and key in lex.last and _verb_or_mark(words, at)
    if not strong and particles == 0:
        return _lower_first_name(key, lex)
    led = any(word.key in _SURNAME_PARTICLES for word in words[at - particles : at]) or (
        particles > 1 and words[at - 1].key == "t" and key in lex.last
    )
    return led or _lower_surname(words, at, lex, listed=listed)


def _capital_name(words: Sequence[Token], at: int, lex: Lexicon, *, strong: bool, listed: bool) -> bool:
    key = words[at].key
    if words[at].capitals:
        return listed and key not in lex.weak and len(key) > 2
    if lex.is_harmless(key):
        return listed and (key in lex.ambiguous or strong)
    if key in lex.weak or (lex.is_word(key) and not listed):
        return listed and _verb_or_mark(words, at)
    return True


def _lower_first_name(key: str, lex: Lexicon) -> bool:
    if key in lex.typed_first:
        return key in lex.ambiguous or not lex.is_word(key)
    if lex.is_regular(key) or lex.is_misspelt(key) or lex.is_harmless(key):
        return False
    return key in lex.first or (lex.near_first(key) and not key.endswith("t"))


def _lower_surname(words: Sequence[Token], at: int, lex: Lexicon, *, listed: bool) -> bool:
    key = words[at].key
    if any(len(part) > 2 and part in lex.last for part in key.split("-")[:-1]):
        return True
    if listed and not lex.is_word(key) and key not in lex.ambiguous:
        return True
    if listed:
        return _verb_or_mark(words, at)
    if lex.is_regular(key) or lex.is_misspelt(key) or lex.is_harmless(key) or key in _PARTICLES:
        return False
    # An unknown word that could be a mistyped verb is no name, unless particles lead up to it.
    if key.endswith("t"):
        return False
    return lex.near_first(key) or (
        len(key) >= 4 and not key.endswith(("en", "te", "de", "end", "s")) and _verb_or_mark(words, at)
    )


def _verb_or_mark(words: Sequence[Token], at: int) -> bool:
    """After the word at `at` comes a verb, a mark or the end: it stands where a subject stands."""
    if at + 1 >= len(words):
        return True
    following = words[at + 1]
    verb = following.key in _VERBS or following.key in _HUMAN_VERBS
    return verb or following.gap.strip(" ") != "" or following.gap == ""


def _surname_end(words: Sequence[Token], at: int, lex: Lexicon) -> int:
    """Index after the particles and capitalised words that go on with a name."""
    end = at
    while (
        at < len(words)
        and at - end < _MAX_PARTS
        and (words[at].near or words[at].gap == " - ")
        and "." not in words[at].gap
    ):
        word = words[at]
        if word.key in _PARTICLES and not word.initials:
            if word.key in _ALSO_PREPOSITIONS and (at + 1 >= len(words) or words[at + 1].key not in {"t", "den"}):
                break
            at += 1
            continue
        listed = word.key in lex.last or word.key in lex.first
        lower = not word.capital and listed and not lex.is_word(word.key) and word.key not in lex.ambiguous
        hyphened = words[at - 1].key.rpartition("-")[2] in _PARTICLES  # "de groot-van dijk", "hoekstra-de boer"
        led = (
            (at > end or ("-" in words[at - 1].key and hyphened)) and word.key in lex.last and word.key not in lex.weak
        )
        capital = (
            word.capital and not word.capitals and (listed or not (lex.is_word(word.key) or lex.is_harmless(word.key)))
        )
        shouted = word.capitals and listed and len(word.key) > 3
        letter = at == end and (
            word.initials or (_letter(words, at) and not word.capital and word.key not in {"u", "m", "v"})
        )
        if not (capital or lower or led or shouted or letter):
            break
        at += 1
        end = at
    return end


def capitals(words: Sequence[Token]) -> Iterator[Hit]:
    """Dutch writes nouns small: a capital inside a sentence that no list calls harmless is a name. At the start of a
    sentence only a known first name is, or an unknown word that does what people do."""
    lex = lexicon()
    known = 0
    for at, word in enumerate(words):
        if at < known or word.key in _TITLES or word.key in _ROLES:
            continue
        if (
            word.key in _ARABIC
            and word.capital
            and at + 1 < len(words)
            and words[at + 1].near
            and words[at + 1].capital
        ):
            known = _surname_end(words, at + 2, lex)
            yield Hit(word.start, words[known - 1].end, Label.NAME)
            continue
        if word.opens and word.key in _LEADING and _surname_opens(words, at, lex):
            known = _surname_end(words, at + 2, lex)
            yield Hit(word.start, words[known - 1].end, Label.NAME)
            continue
        if word.capital and not word.initials and len(word.key) > 1:
            found = _opening(words, at, lex) if word.opens else _inside(words, at, lex)
        else:
            found = (
                len(word.key) >= 4
                and word.key in lex.typed_first - lex.ambiguous - lex.proper
                and not lex.is_word(word.key)
            ) or _full_name(words, at, lex)
        if found:
            known = _surname_end(words, at + 1, lex)
            yield Hit(word.start, words[known - 1].end, Label.NAME)


def _full_name(words: Sequence[Token], at: int, lex: Lexicon) -> bool:
    """A first name and a surname in lower case, neither of them a word: `henk jansen`."""
    key = words[at].key
    if (
        key not in lex.first
        or len(key) < 3
        or key in lex.common
        or lex.is_harmless(key)
        or at + 1 >= len(words)
        or words[at].capital
    ):
        return False
    after = at + 1
    while after + 1 < len(words) and after - at < 4 and words[after].key in _LEADING:
        after += 1
    surname = words[after]
    led = after > at + 1 and surname.key not in lex.weak and len(surname.key) > 2
    return (
        surname.near
        and surname.key in lex.last
        and (led or surname.key not in lex.common)
        and not lex.is_harmless(surname.key)
    )


def _inside(words: Sequence[Token], at: int, lex: Lexicon) -> bool:
    word = words[at]
    key = word.key
    if word.capitals:
        return _shouted(key, lex)
    if key in lex.first and _aged(words, at):
        return True
    head, _, tail = word.text.partition("-")
    if head.isupper() and len(head) > 1 and lex.is_word(tail):  # an abbreviation of something: MRKH-syndroom
        return False
    if key in _PARTICLES or key in _NEVER_ALONE or lex.is_harmless(key):
        return False
    if key in lex.ambiguous:
        acts = at + 1 < len(words) and words[at + 1].key in _HUMAN_VERBS
        return (
            key in lex.first
            and (acts or key not in lex.weak)
            and words[at - 1].key not in {"de", "het", "een", "geen", "die", "dat"}
        )
    if key in lex.first and key not in lex.words:
        return True
    return not (lex.is_word(key) or (len(key) >= 8 and lex.is_regular(key)))


def _aged(words: Sequence[Token], at: int) -> bool:
    """An age between brackets follows: `Roos (16)`."""
    return at + 1 < len(words) and bool(_AGE_BEHIND.match(words[at + 1].gap))


def _paired(words: Sequence[Token], at: int, lex: Lexicon) -> bool:
    """`Loes en Piet`, `Guus Meeuwissen`: with another name beside it also a name that is a word is one."""
    following = words[at + 1] if at + 1 < len(words) and words[at + 1].near else None
    if following is None:
        return False
    if following.key == "en" and at + 2 < len(words):
        other = words[at + 2]
        return (
            other.near
            and other.capital
            and not other.capitals
            and other.key in lex.first
            and not lex.is_harmless(other.key)
        )
    plain_word = lex.is_word(following.key) or lex.is_harmless(following.key)
    return (
        following.capital
        and not following.capitals
        and not following.opens
        and (not plain_word or following.key in lex.last)
    )


def _surname_opens(words: Sequence[Token], at: int, lex: Lexicon) -> bool:
    """`Van Tongeren wil`: a particle, a capital and what people do."""
    if at + 2 >= len(words) or not words[at].capital:
        return False
    surname = words[at + 1]
    plain_word = lex.is_word(surname.key) or lex.is_harmless(surname.key) or surname.key in lex.places
    return surname.near and surname.capital and not plain_word and words[at + 2].key in _HUMAN_VERBS


def _shouted(key: str, lex: Lexicon) -> bool:
    """In capitals only a listed name that is nothing else: the rest are abbreviations."""
    listed = (key in lex.first and len(key) > 3) or (key in lex.last and len(key) > 4)
    return listed and key not in lex.ambiguous and not lex.is_word(key) and key not in lex.proper


def _opening(words: Sequence[Token], at: int, lex: Lexicon) -> bool:
    word = words[at]
    key = word.key
    following = words[at + 1] if at + 1 < len(words) and words[at + 1].near else None
    if word.capitals:
        return _shouted(key, lex)
    if key in lex.first and (_aged(words, at) or _paired(words, at, lex)):
        return True
    if lex.is_harmless(key) or key in _NEVER_ALONE or key in _PARTICLES:
        return False
    if _aged(words, at) and not lex.is_word(key) and not lex.is_regular(key):
        return True
    if key in lex.first and key not in lex.ambiguous and not lex.is_word(key):
        return True
    acts = following is not None and following.key in _HUMAN_VERBS and len(key) > 2
    if key in lex.typed_first:
        return acts
    surname = following is not None and following.capital and not following.opens and following.key in lex.last
    return (acts or surname) and not (lex.is_regular(key) or lex.is_misspelt(key))
