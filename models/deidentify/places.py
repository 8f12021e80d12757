"""Places small enough to point at someone: towns, villages and quarters; not countries, provinces or peoples."""

from collections.abc import Iterator, Sequence

from models.deidentify.lexicon import Lexicon, lexicon
from models.deidentify.spans import Hit, Label
from models.deidentify.tokenising import Token

# After these a capital means a place, listed or not.
_PREPOSITIONS = frozenset(
    (
        "in uit te naar vanuit rond rondom nabij omgeving wijk buurt dorp stad gemeente plaats richting eiland kern "
        "regio gehucht buurtschap woonplaats geboren omstreken dorpje plaatsje stadje deelgemeente stadsdeel"
    ).split()
)
_KINDS = frozenset("wijk buurt dorp stad gemeente plaats eiland kern gehucht buurtschap dorpje plaatsje stadje".split())
_MOVING = frozenset("verhuisd verhuist verhuisde komt afkomstig gevlucht vertrokken kwam weg tussen".split())
_ARTICLES = frozenset("de het een".split())
# Months, feasts and what else is capitalised after "in" without being a place.
_NO_PLACE = frozenset(
    "mei juni juli maart april amen engelen best warm echt raar drie acht made baard oost west noord zuid".split()
)


def places(words: Sequence[Token]) -> Iterator[Hit]:
    """Dutch places by list, and whatever is capitalised after "in", "uit" or "te"."""
    lex = lexicon()
    done = 0
    for at in range(len(words)):
        if at < done:
            continue
        listed = listed_place(words, at, lex)
        end = _place(words, at, listed, lex)
        if end > at:
            done = end
            yield _hit(words, at, end)


def listed_place(words: Sequence[Token], at: int, lex: Lexicon) -> int:
    """Index after the longest listed place that starts at `at`, or `at`."""
    for length in (5, 4, 3, 2, 1):
        run = words[at : at + length]
        if (
            len(run) == length
            and all(word.near and word.gap for word in run[1:])
            and " ".join(word.key for word in run) in lex.places
        ):
            return at + length
    return at


def _place(words: Sequence[Token], at: int, listed: int, lex: Lexicon) -> int:
    """Index after the place that starts at `at`, or `at`."""
    word = words[at]
    prepared = at > 0 and word.near and not word.opens and _prepared(words, at)
    if listed > at + 1:
        # "de bus", "het dorp" are listed too: with an article only a name that is no word counts.
        plain = word.key in _ARTICLES and (
            not word.capital or word.opens or all(w.key in lex.words for w in words[at + 1 : listed])
        )
        if not plain and (
            word.capital or words[listed - 1].capital or (prepared and words[listed - 1].key not in lex.common)
        ):
            return listed
    if word.capital and not word.capitals:
        return _place_end(words, at, lex) if _is_place(words, at, lex, listed=listed > at, prepared=prepared) else at
    if word.capitals:
        return listed if listed > at and prepared and len(word.key) > 3 and not lex.is_word(word.key) else at
    if listed > at and _small_place(word.key, lex, prepared=prepared):
        return listed
    return at


def _prepared(words: Sequence[Token], at: int) -> bool:
    before = words[at - 1].key
    if before in _PREPOSITIONS:
        return True
    return before in {"van", "tussen", "bij", "op"} and any(word.key in _MOVING for word in words[max(0, at - 4) : at])


def _small_place(key: str, lex: Lexicon, *, prepared: bool) -> bool:
    """A listed place in lower case: after a preposition, or a long name that is nothing else."""
    if key in lex.common or key in lex.ambiguous or lex.is_harmless(key):
        return False
    if prepared:
        return len(key) > 3 and not lex.is_word(key)
    return (
        len(key) >= 6
        and key not in lex.first
        and key not in lex.last
        and not lex.is_word(key)
        and not lex.is_misspelt(key)
    )


def _is_place(words: Sequence[Token], at: int, lex: Lexicon, *, listed: bool, prepared: bool) -> bool:
    key = words[at].key
    if lex.is_harmless(key) or key in _ARTICLES or key in _NO_PLACE:
        return False
    if prepared:
        return (listed and (key not in lex.words or words[at - 1].key in {"in", "te", "uit"})) or not (
            lex.is_word(key) or key in lex.first or lex.is_misspelt(key) or (len(key) >= 8 and lex.is_regular(key))
        )
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


def _hit(words: Sequence[Token], at: int, end: int) -> Hit:
    """ "woont in Amersfoort" becomes "woont in de buurt", "uit de wijk Lombok" becomes "uit de wijk"."""
    start, stop = words[at].start, words[end - 1].end
    before = words[at - 1] if at and words[at].near else None
    if before and before.key in _KINDS:
        return Hit(start, stop, Label.PLACE, before.text, before.start, stop)
    if before and before.key in {"in", "te"}:
        return Hit(start, stop, Label.PLACE, "in de buurt", before.start, stop)
    return Hit(start, stop, Label.PLACE, "een andere plaats" if before else "")
