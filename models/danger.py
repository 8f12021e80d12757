"""Signs of acute danger in a note: suicide, violence at home, a child at risk, honour violence, neglect.

They lead to one thing, a reminder for the caseworker of the Meldcode and of direct help. They never stop a need, are
never stored with it and never reach the matching. Word lists only (`danger.toml`), so that each sign can be explained;
a denial, something long past and the loss of somebody else are no sign. In doubt it is one: a reminder costs a minute.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from models.phrases import Sentence, Word, compiled, sentences

BEFORE = 5
"""Words before a sign in which a "niet" denies it: "zij heeft niet het plan om"."""
AFTER = 4
"""Words after it: "aan zelfmoord denkt zij nu niet"."""
TYPO_LEAST = 8
"""Letters of a word in which one slip may be forgiven; shorter words are too close to others."""


class Danger(StrEnum):
    """What may be going on; the kinds of the Meldcode, and suicide."""

    SUICIDE = "suicide"
    VIOLENCE = "violence"
    CHILD = "child"
    HONOUR = "honour"
    NEGLECT = "neglect"


@dataclass(frozen=True, slots=True)
class Sign:
    """text[start:end] of the note, in code points, and what it is a sign of."""

    kind: Danger
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: Danger
    pattern: re.Pattern[str]
    unless: frozenset[str]
    beside: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Rules:
    rules: tuple[_Rule, ...]
    context: Mapping[str, re.Pattern[str]]
    harmless: re.Pattern[str]
    negated: re.Pattern[str]
    denied: re.Pattern[str]
    typos: Mapping[str, str]


def signs(note: str) -> tuple[Sign, ...]:
    """The signs in `note`, in order; each place once for each kind. Never raises on any string."""
    known = _rules()
    read = [_spelled(sentence, known.typos) for sentence in sentences(note)]
    got_away = any(known.context["over"].search(sentence.line) for sentence in read)
    found = {sign for sentence in read for sign in _of_sentence(sentence, known, got_away=got_away)}
    return tuple(sorted(found, key=lambda sign: (sign.start, sign.end, sign.kind)))


def kinds(note: str) -> frozenset[Danger]:
    """What `note` has signs of."""
    return frozenset(sign.kind for sign in signs(note))


def _of_sentence(sentence: Sentence, known: _Rules, *, got_away: bool) -> Iterator[Sign]:
    if not sentence.words:
        return
    harmless = [set(range(*place)) for place in sentence.found(known.harmless)]
    told = {name: bool(pattern.search(sentence.line)) for name, pattern in known.context.items()}
    told["past"] = told["past"] and not told["again"]
    told["mourns"] = told["mourns"] and not told["thinks"]
    told["over"] = (told["over"] or got_away) and not told["again"]
    for rule in known.rules:
        if any(told[name] for name in rule.unless & told.keys()):
            continue
        if rule.beside is not None and not rule.beside.search(sentence.line):
            continue
        for first, last in sentence.found(rule.pattern):
            if any(set(range(first, last)) <= words for words in harmless):
                continue
            if not told["doubt"] and _denied(sentence, first, last, rule.unless, known):
                continue
            yield Sign(rule.kind, sentence.words[first].start, sentence.words[last - 1].end)


def _denied(sentence: Sentence, first: int, last: int, unless: frozenset[str], known: _Rules) -> bool:
    """Whether a "niet" or "geen" close by, in the same clause, says that it is not so."""
    if unless.isdisjoint({"negated", "denied"}):
        return False  # the phrase has a "niet" of its own
    begin, end = sentence.clause(first, last)
    if known.context["denial"].search(sentence.part(begin, first).line):
        return True
    if known.negated.search(sentence.part(max(begin, first - BEFORE), last).line):
        return True
    return "denied" in unless and known.denied.search(sentence.part(last, min(end, last + AFTER)).line) is not None


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    """The data file that ships with the package; read once, it never changes while running."""
    data = tomllib.loads(files("models").joinpath("danger.toml").read_text("utf-8"))
    lists = data["lists"]
    nots = f"(?:{'|'.join(lists['not'].split())})"
    # "geen geld en haar man slaat haar": behind such a word begins something else
    others = rf"(?:(?!(?:{'|'.join(lists['but'].split())}) )[\w,]+ )"
    words = " ".join(group.get("typos", "") for group in data["sign"]).split()
    return _Rules(
        tuple(
            _Rule(
                Danger(group["kind"]),
                compiled(group["phrases"], lists),
                frozenset(group["unless"]),
                compiled(group["beside"], lists) if "beside" in group else None,
            )
            for group in data["sign"]
        ),
        {name: compiled(phrases, lists) for name, phrases in data["context"].items()},
        compiled(data["harmless"]["phrases"], lists),
        re.compile(rf"(?<= ){nots} {others}*$"),
        re.compile(rf"^ {others}*{nots} "),
        _slips(words),
    )


# --- slips of the pen -----------------------------------------------------------------------------------------------


def _slips(words: list[str]) -> dict[str, str]:
    """Each word and what is left of it without one letter → the word (the index of SymSpell, Garbe 2012)."""
    return {shorter: word for word in words for shorter in _without_one(word)} | {word: word for word in words}


def _without_one(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _spelled(sentence: Sentence, typos: Mapping[str, str]) -> Sentence:
    """The sentence with a slip in one of the words of the list put right, each word at its own place."""
    return Sentence(tuple(Word(_right(word.key, typos.get), word.start, word.end) for word in sentence.words))


def _right(key: str, lookup: Callable[[str], str | None]) -> str:
    if len(key) < TYPO_LEAST:
        return key
    return next((word for shorter in _without_one(key) if (word := lookup(shorter)) is not None), key)
