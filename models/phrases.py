"""Phrases of a few Dutch words, written as a caseworker would say them, and where a note has them.

What `models.danger` and `models.rarity` know stands in word lists that a social worker can read and correct:

    wil|wilde .. dood       one of two words, at most three others between, then a third
    zelfmoord*              a word that begins so
    @family                 one of the words of the list `family`
    @not?                   may be left out

A phrase lies within one clause: it never reaches over a comma or the end of a sentence.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

GAP = 3
"""Words that `..` leaves open: Dutch puts about as many between a verb and what goes with it."""

_END = re.compile(r"[!?;:\n•…]+|\.(?=\s*$|\s+[\"'“‘(]*[A-Z0-9])")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[,()]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word without accents and in lower case, or a comma (also for a bracket); text[start:end] of the note."""

    key: str
    start: int
    end: int


@dataclass(frozen=True)
class Sentence:
    """The words of one sentence in order, commas among them."""

    words: tuple[Word, ...]

    @cached_property
    def line(self) -> str:
        """The words as the phrases read them: a space before each and after the last."""
        return "".join(f" {word.key}" for word in self.words) + " "

    @cached_property
    def _places(self) -> dict[int, int]:
        """Where in the line each word begins → its number; the end of the line is one past the last."""
        places, at = {}, 1
        for number, word in enumerate(self.words):
            places[at] = number
            at += len(word.key) + 1
        return places | {at: len(self.words)}

    def clause(self, first: int, last: int) -> tuple[int, int]:
        """The numbers of the words around words[first:last], up to a comma on either side."""
        while first and self.words[first - 1].key != ",":
            first -= 1
        while last < len(self.words) and self.words[last].key != ",":
            last += 1
        return first, last

    def part(self, first: int, last: int) -> "Sentence":
        """Only words[first:last]."""
        return Sentence(self.words[max(first, 0) : max(last, 0)])

    def found(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Which words a compiled phrase takes: the first and one past the last."""
        for match in pattern.finditer(self.line):
            yield self._places[match.start()], self._places[match.end()]


def fold(text: str) -> str:
    """Lower case without accents, with straight apostrophes; as long as `text` itself."""
    return "".join(map(_bare, text.translate(_QUOTES)))


def _bare(letter: str) -> str:
    if letter.isascii():
        return letter.lower()
    bare = unicodedata.normalize("NFKD", letter)[:1].lower()
    return bare if len(bare) == 1 else letter


def sentences(note: str) -> list[Sentence]:
    """The note in sentences; words are cut at a hyphen ("oud-wethouder") and kept at an apostrophe ("m'n")."""
    text = fold(note)
    cuts = [0, *(match.end() for match in _END.finditer(note)), len(text)]
    return [
        Sentence(
            tuple(
                Word("," if match[0] in "()" else match[0].replace("'", ""), match.start(), match.end())
                for match in _TOKEN.finditer(text, start, end)
            )
        )
        for start, end in pairwise(cuts)
    ]


def compiled(phrases: Iterable[str], lists: Mapping[str, str]) -> re.Pattern[str]:
    """One pattern for all `phrases`, over `Sentence.line`. Raises KeyError for a list that does not exist."""
    written = "|".join("".join(_item(item, lists) for item in phrase.split()) for phrase in phrases)
    return re.compile(rf"(?<= )(?:{written})") if written else re.compile(r"(?!)")


def _item(item: str, lists: Mapping[str, str]) -> str:
    if item == "..":
        return rf"(?:\w+ ){{0,{GAP}}}?"
    choices = [word for choice in item.rstrip("?").split("|") for word in _choice(choice, lists)]
    one = "|".join(re.escape(choice).replace(r"\*", r"\w*") for choice in choices)
    return f"(?:(?:{one}) ){'?' if item.endswith('?') else ''}"


def _choice(choice: str, lists: Mapping[str, str]) -> list[str]:
    return lists[choice[1:]].split() if choice.startswith("@") else [choice]
