"""The word lists behind the gate, folded for lookup: who people are called, where they live, and what is only a word.

Faker's locale lists (names, Dutch places and countries, the thousand commonest Dutch words) are read as plain lists;
what no library holds is in names.toml and words.toml beside this file.
"""

import ast
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from models.deidentify.readable import fold

_LOCALES = "nl_NL nl_BE tr_TR pl_PL uk_UA fr_DZ de_DE en_GB es_ES ro_RO hr_HR".split()
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
        if any(word[cut:] in self.words for cut in range(3, len(word) - 3)):
            return True
        if len(word) >= 8 and any(self.is_word(word[cut:]) for cut in range(3, len(word) - 5)):
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


def _faker(provider: str, *prefixes: str) -> set[str]:
    """All strings in the lists of one Faker provider whose name starts with one of `prefixes`.

    Read from its source, because importing Faker costs 65 MB and 0.4 s for its generators, and each web process would
    pay that for a few lists. An empty set would mean that Faker has moved them; a test watches for that.
    """
    spec = find_spec("faker")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the word lists of faker, a dependency of Kring, are not installed")
    source = Path(spec.origin).parent / "providers" / provider / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    lists = [node for owner in tree.body if isinstance(owner, ast.ClassDef) for node in owner.body]
    found: set[str] = set()
    for node in lists:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        named = isinstance(target, ast.Name) and target.id.startswith(prefixes)
        if named and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            leaves = (leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant))
            found.update(leaf for leaf in leaves if isinstance(leaf, str))
    return found


@cache
def lexicon() -> Lexicon:
    """Built once a process, in about a quarter of a second."""
    names, words = _toml("names.toml"), _toml("words.toml")
    typed_first = _folded(*(group.split() for group in names["first"].values()))
    first: set[str] = set()
    surnames: set[str] = set()
    for locale in _LOCALES:
        first |= {name for name in _faker(f"person/{locale}", "first_names") if len(name) > 2}
        surnames |= _faker(f"person/{locale}", "last_names", "unisex_last_names", "male_last_names")
    weak = _folded(names["ambiguous"]["weak"].split())
    common = (word for word in _faker("lorem/nl_BE", "word_list") if word.islower())
    ordinary = _folded(words["ordinary"]["words"].split(), common)
    return Lexicon(
        first=typed_first | _folded(part for name in first for part in (name, *name.split("-"))) - ordinary,
        typed_first=typed_first,
        last=_folded(
            *(group.split() for group in names["last"].values()), surnames, (name.split()[-1] for name in surnames)
        ),
        ambiguous=_folded(names["ambiguous"]["words"].split()) | weak,
        weak=weak,
        places=_folded(_faker("address/nl_NL", "cities"), words["places"]["words"].strip().split("\n")),
        words=ordinary,
        proper=_folded(words["proper"]["words"].split(), _faker("address/nl_NL", "countries")),
        skeletons=frozenset(skeleton for word in ordinary if len(skeleton := _skeleton(word)) >= 5),
    )
