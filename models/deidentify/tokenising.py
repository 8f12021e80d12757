"""Words of a note with what their position tells: capital or not, start of a sentence or not."""

import re
from dataclasses import dataclass

from models.deidentify.readable import fold

_WORD = re.compile(r"(?:(?:\b(?:[A-Z]|Th|Ch|Ph|Sj|IJ)\.[ -]?)+(?=\W|[A-Za-zÀ-ɏ']|$))|'?[^\W\d_]+(?:[-'][^\W\d_]+)*")
_INITIALS = re.compile(r"(?:(?:[A-Z]|Th|Ch|Ph|Sj|IJ)\.[ -]?)+")
_ABBREVIATIONS = frozenset(
    ("mw mevr mvr mej dhr hr mr drs dr ir ing prof fam ds zr br st wed geb o.a bijv evt m v van der").split()
)


@dataclass(frozen=True, slots=True)
class Token:
    """`key` is folded, without a genitive `'s`; `gap` is what stands between the previous word and this one."""

    text: str
    start: int
    end: int
    key: str
    gap: str
    opens: bool
    """At the start of a sentence, so that its capital says nothing."""

    @property
    def capital(self) -> bool:
        return self.text.lstrip("'")[:1].isupper()

    @property
    def capitals(self) -> bool:
        """All in capitals: an abbreviation, or shouting."""
        return self.text.isupper() and len(self.text) > 1

    @property
    def initials(self) -> bool:
        return self.text.endswith(".")

    @property
    def near(self) -> bool:
        """Nothing but a space or an abbreviation's full stop before it."""
        return self.gap.strip(" ") in {"", "."} and "\n" not in self.gap


def tokens(text: str) -> tuple[Token, ...]:
    """The words of the plain text in order; a row of initials is one word."""
    found: list[Token] = []
    end = 0
    for match in _WORD.finditer(text):
        word = match[0].rstrip(" -") if _INITIALS.fullmatch(match[0]) else match[0]
        word = word.removesuffix("'s") if len(word) > 4 else word
        gap = text[end : match.start()]
        key = fold(word.rstrip(".")).lstrip("'")
        previous = found[-1] if found else None
        found.append(Token(word, match.start(), match.start() + len(word), key, gap, _opens(gap, previous)))
        end = match.start() + len(word)
    return tuple(found)


def _opens(gap: str, previous: Token | None) -> bool:
    if previous is None or "\n" in gap:
        return True
    mark = gap.replace('"', " ").replace("'", " ").strip(" ()[]")
    if mark.endswith("."):
        return not (mark == "." and previous.key in _ABBREVIATIONS)
    if previous.initials and not mark:
        return False
    return (
        mark[-1:] in set("!?:;•*>|–…")
        or gap.strip(" ") in {"-", "--"}
        or ('"' in gap and bool(gap.strip(' "') or gap.startswith(' "')))
    )
