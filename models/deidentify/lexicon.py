"""The word lists behind the gate, folded for lookup: who people are called, where they live, and what is only a word.

What libraries know comes in through lists.py; what none of them holds is in names.toml and words.toml beside this file.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from models.deidentify import lists
from models.deidentify.readable import fold

_LOCALES = "nl_NL nl_BE tr_TR pl_PL uk_UA fr_DZ de_DE en_GB es_ES ro_RO hr_HR".split()
# Streets that need no list: the ending tells.
_REGULAR_STREET = re.compile(
    r"(?:straat|laan|weg|plein|kade|gracht|singel|dreef|hof|pad|steeg|dijk|park|plantsoen|wal|markt|strjitte|leane|dyk)$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_LONGEST = 40  # letters; longer is no word, and would only cost time
# Endings of the international names of medicines, of which there are too many to list.
_MEDICINE = re.compile(
    r"\w{2}(?:apine|zepam|azolam|traline|oxetine|afaxine|citalopram|eridon|iprazol|azine|tyline|olol|pril|statine|icilline|"
    r"mycine|prazol|sartan|fenidaat|amfetamine|gabaline|gabapentine|trexaat|nisolon|ipramine|axone|codon|morfine)$"
)
_INFLECTIONS = tuple("e n en s t d 's es er ers je jes tje tjes te de".split())
_ENDINGS = tuple(
    (
        "ingen ing heden heid tjes tje baar bare lijk lijke isch ische schap loos loze atie aties iteit "
        "achtig achtige jarige genoot genoten genote isme iek eren eert ologe oloog ogie teit"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Sets of folded words.

    `first`/`last`: names; `typed_first`: those of names.toml, sure enough to trust in lower case; `ambiguous`: names
    that are words too; `weak`: those that in lower case are always words; `places`: with their spaces; `words`:
    ordinary; `proper`: capitalised and harmless; `skeletons`: the consonants of long words, for telegram style.
    """

    first: frozenset[str]
    typed_first: frozenset[str]
    last: frozenset[str]
    ambiguous: frozenset[str]
    weak: frozenset[str]
    places: frozenset[str]
    words: frozenset[str]
    proper: frozenset[str]
    skeletons: frozenset[str]
    common: frozenset[str]
    streets: frozenset[str]
    institutions: frozenset[str]
    chains: frozenset[str]

    def is_word(self, word: str) -> bool:
        """An ordinary Dutch word as it stands or simply inflected."""
        if word in self.words:
            return True
        return any(
            word.endswith(ending) and len(word) - len(ending) >= 3 and word[: len(word) - len(ending)] in self.words
            for ending in _INFLECTIONS
        )

    def is_regular(self, word: str) -> bool:
        """Looks like ordinary Dutch: also a compound ending in a known word, or a word with a regular ending."""
        if len(word) > _LONGEST or self.is_word(word):
            return len(word) <= _LONGEST
        if any(word[cut:] in self.common and _joins(word[:cut], self.common) for cut in range(3, len(word) - 2)):
            return True
        return len(word) >= 7 and word.endswith(_ENDINGS)

    def is_misspelt(self, word: str) -> bool:
        """One edit away from an ordinary word of five letters or more, or such a word without some of its vowels."""
        if not 5 <= len(word) <= _LONGEST:
            return False
        return _skeleton(word) in self.skeletons or any(edit in self.words for edit in _edits(word))

    def is_harmless(self, word: str) -> bool:
        """A capitalised word that points at nobody: a known proper noun, or a compound of one (`parkinsonpatiënt`)."""
        if word in self.proper or word.rstrip("s") in self.proper or _MEDICINE.search(word):
            return True
        parts = [part for part in word.split("-") if part]
        if len(parts) > 1 and all(part in self.proper or self.is_word(part) or len(part) < 2 for part in parts):
            return True
        return any(word[:cut] in self.proper and self.is_word(word[cut:]) for cut in range(5, len(word) - 2))

    def near_first(self, word: str) -> bool:
        """A first name of five letters or more, mistyped by one edit."""
        return 5 <= len(word) <= _LONGEST and any(len(edit) >= 4 and edit in self.typed_first for edit in _edits(word))


def _joins(head: str, words: frozenset[str]) -> bool:
    """The first part of a compound: a word, also with the s, e, en or hyphen that joins it to the next."""
    return any(
        head.removesuffix(joint) in words for joint in ("", "s", "-", "e", "en", "n") if len(head) - len(joint) >= 3
    )


def _skeleton(word: str) -> str:
    return "".join(letter for letter in word if letter not in "aeiouy")


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _edits(word: str) -> set[str]:
    """All strings one deletion, swap, replacement or insertion away."""
    halves = [(word[:cut], word[cut:]) for cut in range(len(word) + 1)]
    found = {head + tail[1:] for head, tail in halves if tail}
    found |= {head + tail[1] + tail[0] + tail[2:] for head, tail in halves if len(tail) > 1}
    found |= {head + letter + tail[1:] for head, tail in halves if tail for letter in _LETTERS}
    return found | {head + letter + tail for head, tail in halves for letter in _LETTERS}


def _folded(*lists: Iterable[str]) -> frozenset[str]:
    return frozenset(fold(word) for words in lists for word in words)


def _toml(name: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


@cache
def lexicon() -> Lexicon:
    """Built once a process, in about a second."""
    typed, words = _toml("names.toml"), _toml("words.toml")
    typed_first = _folded(*(group.split() for group in typed["first"].values()))
    weak = _folded(typed["ambiguous"]["weak"].split())
    ambiguous = _folded(typed["ambiguous"]["words"].split()) | weak
    first = typed_first | _first_names()
    places = frozenset(place.lstrip("'") for place in _folded(words["places"]["words"].strip().split("\n")) | _places())
    ordinary = _folded(words["ordinary"]["words"].split()) | _folded(
        word for word in lists.faker("lorem/nl_BE", "word_list") if word.islower()
    )
    read, spelt = map(_folded, lists.spelling())
    last = _folded(*(group.split() for group in typed["last"].values())) | _surnames(ordinary | read)
    vocabulary = (read - (typed_first - ambiguous)) | ordinary | (spelt - first - last - places)
    return Lexicon(
        first=first,
        typed_first=typed_first,
        last=last,
        ambiguous=ambiguous | ((first | last) & (read | ordinary) - (typed_first - ambiguous)),
        weak=weak,
        places=places,
        words=vocabulary,
        common=ordinary | read,
        proper=_folded(words["proper"]["words"].split(), lists.faker("address/nl_NL", "countries")),
        skeletons=frozenset(skeleton for word in ordinary if len(skeleton := _skeleton(word)) >= 5),
        streets=_folded(
            street for street in lists.deduce("locations/lst_street") if not _REGULAR_STREET.search(street)
        ),
        institutions=_institutions() - first - last - places - vocabulary,
        chains=_folded(words["chains"]["words"].strip().split("\n")),
    )


def _first_names() -> frozenset[str]:
    found = {name for name in lists.deduce("names/lst_first_name") if len(name) > 2}
    for locale in _LOCALES:
        found |= {name for name in lists.faker(f"person/{locale}", "first_names") if len(name) > 2}
    return _folded(part for name in found for part in (name, *name.split("-")))


def _surnames(common: frozenset[str]) -> frozenset[str]:
    """Deduce lists whoever has ever been called something: Ligt, Die, Maar. Of those only what is no word in use."""
    rare = lists.deduce("names/lst_surname") | lists.deduce("names/lst_interfix_surname")
    usual: set[str] = set()
    for locale in _LOCALES:
        usual |= lists.faker(f"person/{locale}", "last_names", "unisex_last_names", "male_last_names")
    return _parts(usual) | (_parts(rare) - common)


def _parts(names: Iterable[str]) -> frozenset[str]:
    """Each name, and the part that stands after its particles."""
    return _folded(part for name in names for part in (name, name.split()[-1]))


def _places() -> frozenset[str]:
    residences = lists.deduce("locations/lst_placename/lst_residence")
    return _folded(
        lists.faker("address/nl_NL", "cities"), residences, lists.deduce("locations/lst_placename/lst_municipality")
    )


def _institutions() -> frozenset[str]:
    found = lists.deduce("institutions/lst_hospital") | lists.deduce("institutions/lst_healthcare_institution")
    return _folded(" ".join(_WORD.findall(name)) for name in found)
