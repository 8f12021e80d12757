"""Text as a reader sees it, with the way back: undoes Unicode tricks and remembers where each character came from."""

import re
import unicodedata
from dataclasses import dataclass

_SAME_LOOK = {
    **dict.fromkeys("‐‑‒–—―−﹘", "-"),
    **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    "․": ".",
    "⁄": "/",
}

_BLANK = "\t\u115f\u1160\u3164\uffa0\u2800"
"""What is drawn as nothing without being a space: fillers of Hangul, and the empty pattern of braille."""

# Letters of other scripts drawn like a Latin one; applied only inside a word that also has Latin letters.
_HOMOGLYPHS = str.maketrans(
    "аесорхуіјѕһԁԛԝвкмнтгАВЕКМНОРСТУХІЈЅԌԚԜαοερνικυτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aecopxyijshdqwbkmhtrABEKMHOPCTYXIJSGQWaoepvikutABEZHIKMNOPTYX",
)

# Romanisation of Ukrainian (Resolution 55, 2010) with the Russian letters added, to look Cyrillic names up.
_CYRILLIC = dict(zip("абвгґдеєжзиіїйклмнопрстуфхцчшщьюяёыэъ'", [
    "a", "b", "v", "h", "g", "d", "e", "ie", "zh", "z", "y", "i", "i", "i", "k", "l", "m", "n", "o", "p", "r", "s",
    "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "iu", "ia", "io", "y", "e", "", "",
], strict=True))  # fmt: skip

_MIXED_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_OTHER = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")


@dataclass(frozen=True, slots=True)
class Plain:
    """`text` is normalised; character i of it stands for original[starts[i]:ends[i]]."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original text of the non-empty text[start:end]."""
        return self.starts[start], self.ends[end - 1]


def plain(original: str) -> Plain:
    """Compose and NFKC-fold, drop invisible characters, make digits, dashes and quotes ASCII, and homoglyphs Latin."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    while position < len(original):
        end = position + 1
        while end < len(original) and unicodedata.category(original[end]) == "Mn":
            end += 1
        for letter in _visible(original[position:end]):
            letters.append(letter)
            starts.append(position)
            ends.append(end)
        position = end
    return Plain(_latin_words("".join(letters)), tuple(starts), tuple(ends))


def _visible(cluster: str) -> str:
    if cluster.isascii() and cluster.isprintable():
        return cluster
    seen: list[str] = []
    for letter in unicodedata.normalize("NFKC", cluster):
        category = unicodedata.category(letter)
        if letter in "\n\r\u2028\u2029\x0b\x0c\x85":
            seen.append("\n")
        elif category[0] == "Z" or letter in _BLANK:
            seen.append(" ")
        elif category == "Nd":
            seen.append(str(unicodedata.digit(letter)))
        elif category[0] != "C" and category not in {"Mn", "Me"}:
            seen.append(_SAME_LOOK.get(letter, letter))
    return "".join(seen)


def _latin_words(text: str) -> str:
    """Same length: a word mixing Latin with lookalikes becomes Latin."""
    if text.isascii() or not _OTHER.search(text):
        return text
    return _MIXED_WORD.sub(
        lambda word: word[0].translate(_HOMOGLYPHS) if _LATIN.search(word[0]) and _OTHER.search(word[0]) else word[0],
        text,
    )


def fold(word: str) -> str:
    """The form names are looked up by: lower case, Latin, without accents."""
    word = word.casefold()
    if word.isascii():
        return word
    word = "".join(_CYRILLIC.get(letter, letter) for letter in unicodedata.normalize("NFC", word))
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if unicodedata.category(letter) != "Mn")
    return bare.translate(_STROKES)


_STROKES = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
