"""The de-identification gate: finds identifying details in a Dutch note, fast enough to run at every keystroke.

Rules and lists only, no model: each finding can be explained to the caseworker who sees it, and the same text always
gives the same findings. Numbers are decided by shape and checksum, names by the words around them and by their capital;
lists only tip the balance.
"""

import re
from collections.abc import Iterator

from models.deidentify.addresses import addresses
from models.deidentify.codes import announced_cases, case_numbers, plates
from models.deidentify.moments import ages, dates
from models.deidentify.net import net_addresses
from models.deidentify.numbers import (
    announced_citizen_numbers,
    announced_phones,
    bank_accounts,
    citizen_numbers,
    phones,
    postcodes,
)
from models.deidentify.organisations import organisations
from models.deidentify.people import capitals, names
from models.deidentify.places import places
from models.deidentify.readable import plain
from models.deidentify.spans import PLACEHOLDER, SUGGESTION, Hit, Label, Span, rewritten
from models.deidentify.tokenising import tokens

__all__ = ["Label", "Span", "find_identifying", "redact", "rewritten"]

_FOREIGN_SCRIPT = re.compile(r"[^\W\d_A-Za-zªºÀ-ɏḀ-ỿͰ-Ͽ]{2,}(?: [^\W\d_A-Za-zªºÀ-ɏḀ-ỿͰ-Ͽ]{2,})*")


def find_identifying(text: str) -> tuple[Span, ...]:
    """The identifying details of `text`, in order and without overlap; positions are code points of `text` itself.

    Never raises on any string. Where two findings overlap the surer kind wins and the other keeps what is left of it.
    """
    seen = plain(text)
    taken = bytearray(len(seen.text))
    spans: list[Span] = []
    for hit in _hits(seen.text):
        for start, end in _free(hit, taken, seen.text):
            taken[start:end] = b"\x01" * (end - start)
            begin, stop = seen.original(start, end)
            reach = (hit.begin, hit.stop) if hit.begin >= 0 and (start, end) == (hit.start, hit.end) else (start, end)
            spans.append(Span(begin, stop, hit.label, hit.suggestion or SUGGESTION[hit.label], *seen.original(*reach)))
    return tuple(sorted(spans, key=lambda span: span.start))


def redact(text: str, spans: tuple[Span, ...]) -> str:
    """`text` with each span replaced by its label in Dutch, such as [NAAM]."""
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += [text[position : span.start], PLACEHOLDER[span.label]]
        position = span.end
    return "".join([*parts, text[position:]])


def _hits(text: str) -> Iterator[Hit]:
    """Findings from sure to less sure."""
    yield from net_addresses(text)
    yield from bank_accounts(text)
    yield from announced_citizen_numbers(text)
    yield from phones(text)
    yield from dates(text)
    yield from citizen_numbers(text)
    yield from announced_phones(text)
    yield from postcodes(text)
    yield from announced_cases(text)
    yield from plates(text)
    yield from addresses(text)
    yield from case_numbers(text)
    yield from ages(text)
    words = tokens(text)
    yield from organisations(words)
    yield from names(words)
    yield from places(words)
    yield from capitals(words)
    # A note in Dutch has no words in another script; what the gate cannot read it does not let through.
    for match in _FOREIGN_SCRIPT.finditer(text):
        yield Hit(*match.span(), Label.NAME, "(schrijf dit in het Nederlands, zonder naam)")


def _free(hit: Hit, taken: bytearray, text: str) -> Iterator[tuple[int, int]]:
    """What no earlier hit covers; of a row of words taken in part, the rest that still holds a capital."""
    start = hit.start
    while start < hit.end:
        if taken[start]:
            start += 1
            continue
        end = start
        while end < hit.end and not taken[end]:
            end += 1
        if end - start == hit.end - hit.start:
            yield start, end
        elif hit.label in {Label.NAME, Label.ADDRESS, Label.ORGANISATION} and any(map(str.isupper, text[start:end])):
            rest = text[start:end]
            yield start + len(rest) - len(rest.lstrip()), start + len(rest.rstrip())
        start = end
