"""The de-identification gate: golden notes, known failures, and what holds for any text."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stdnum.nl import bsn

from models.deidentify import Label, find_identifying, redact
from models.deidentify.lexicon import lexicon

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "cases" / "deidentify.json").read_text(encoding="utf-8")
)["cases"]
KNOWN_FAILURES = [case for case in CASES if case.get("known_failure")]
PASSING = [case for case in CASES if not case.get("known_failure")]

anything = st.text(max_size=200)
note_like = st.lists(
    st.sampled_from(
        "Mevrouw mw. Anja de Vries woont in Zwolle 06-12345678 123456782 bel 12 mei 2019 (94) \u200b \u202e А é́ école "
        "Fatima's @mo "
        "www.x.nl 3511 AB GX-123-D NL91ABNA0417164300 J.P. 't Hart \u0661\u0662 Dorpsstraat 12 , . \n".split(" ")
    ),
    max_size=25,
).map(" ".join)


def _found(text: str) -> Counter[tuple[str, str]]:
    return Counter((text[span.start : span.end], span.label.value) for span in find_identifying(text))


def _expected(case: dict[str, Any]) -> Counter[tuple[str, str]]:
    return Counter((part, label) for part, label in case["spans"])


@pytest.mark.parametrize("case", PASSING, ids=lambda case: case["text"][:60])
def test_a_golden_note_gives_exactly_its_spans(case: dict[str, Any]) -> None:
    assert _found(case["text"]) == _expected(case)


@pytest.mark.parametrize("case", KNOWN_FAILURES, ids=lambda case: case["text"][:60])
def test_a_known_failure_still_fails(case: dict[str, Any]) -> None:
    assert _found(case["text"]) != _expected(case), "it passes now: take known_failure off the case"


@pytest.mark.parametrize("label", list(Label))
def test_every_label_has_golden_notes(label: Label) -> None:
    assert sum(1 for case in PASSING for _, one in case["spans"] if one == label) >= 3


@pytest.mark.parametrize("text", [anything, note_like], ids=["anything", "note_like"])
def test_spans_lie_within_any_text_in_order_without_overlap(text: st.SearchStrategy[str]) -> None:
    @settings(deadline=None, max_examples=200)
    @given(text)
    def holds(note: str) -> None:
        spans = find_identifying(note)
        edges = [edge for span in spans for edge in (span.start, span.end)]
        assert all(span.start < span.end for span in spans)
        assert [0, *edges, len(note)] == sorted([0, *edges, len(note)])

    holds()


@settings(deadline=None, max_examples=200)
@given(note_like)
def test_redacting_keeps_what_is_outside_the_spans_and_nothing_else(note: str) -> None:
    spans = find_identifying(note)
    outside = [
        note[start:end]
        for start, end in zip([0, *(s.end for s in spans)], [*(s.start for s in spans), len(note)], strict=True)
    ]
    kept = redact(note, spans)
    for part in outside:
        assert kept.startswith(part)
        kept = kept[len(part) :].partition("]")[2] if kept[len(part) :] else ""


@settings(deadline=None, max_examples=100)
@given(
    st.integers(min_value=10_000_000, max_value=999_999_999), st.sampled_from(["", " ", ".", "-", "\u200b", "\u202e"])
)
def test_a_valid_bsn_is_found_however_its_digits_are_parted(number: int, gap: str) -> None:
    digits = f"{number:09d}"[:8]
    last = next((digit for digit in "0123456789" if bsn.is_valid(digits + digit)), None)
    assume(last is not None)
    written = gap.join([digits[:3], digits[3:6], f"{digits[6:]}{last}"])
    assert _covered(f"Nummer {written} hoort erbij.", written)


def _covered(text: str, part: str) -> bool:
    start = text.index(part)
    return any(span.start <= start and span.end >= start + len(part) for span in find_identifying(text))


def test_spans_point_into_the_original_text_behind_invisible_characters() -> None:
    text = "\u200bBSN \u202e12345\u200b6782\u202c van mw."
    (span,) = find_identifying(text)
    assert text[span.start : span.end] == "12345\u200b6782"


def test_a_name_with_a_cyrillic_letter_is_found_where_it_stands() -> None:
    text = "Mijn buurvrouw \u0410nja helpt."
    (span,) = find_identifying(text)
    assert text[span.start : span.end] == "\u0410nja"


def test_a_decomposed_accent_stays_whole() -> None:
    text = "Zijn zus Rene\u0301e belt."
    (span,) = find_identifying(text)
    assert text[span.start : span.end] == "Rene\u0301e"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Mijn buurvrouw Anja rijdt.", "buurvrouw"),
        ("Mw. Jansen belt.", "Mevrouw"),
        ("BSN 123456782 staat erop.", "(burgerservicenummer weglaten)"),
        ("Sinds 12 mei 2019 alleen.", "2019"),
        ("Oma is 94 en alleen.", "90 jaar of ouder"),
        ("Zit op basisschool De Regenboog.", "een basisschool"),
    ],
)
def test_a_hit_suggests_what_to_write_instead(text: str, suggestion: str) -> None:
    assert [span.suggestion for span in find_identifying(text)] == [suggestion]


def test_redacting_names_what_was_there() -> None:
    text = "Buurvrouw Anja belt 06-12345678."
    assert redact(text, find_identifying(text)) == "Buurvrouw [NAAM] belt [TELEFOON]."


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("acarkan", "first"),
        ("szyndler", "last"),
        ("aeije", "last"),
        ("appelscha", "places"),
        ("kazachstan", "proper"),
        ("aardappel", "words"),
    ],
)
def test_the_lists_of_faker_are_read(word: str, kind: str) -> None:
    assert word in getattr(lexicon(), kind)
