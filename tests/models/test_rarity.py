"""The rare situations: golden notes, traps, known failures, and what holds for any text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rarity import Rare, rare_situations

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "cases" / "rarity.json").read_text(encoding="utf-8")
)["cases"]
KNOWN_FAILURES = [case for case in CASES if case.get("known_failure")]
PASSING = [case for case in CASES if not case.get("known_failure")]
NONE = Path(__file__).parents[2] / "models" / "corpus" / "none.jsonl"

anything = st.text(max_size=200)
note_like = st.lists(
    st.sampled_from(
        "de het enige oud-burgemeester weduwe van bakker in dorp drieling iedereen kent haar , . \n é́ krant kwam "
        "gezin met elf kinderen oudste inwoner naast kerk woont \u200b".split(" ")
    ),
    max_size=40,
).map(" ".join)


def _found(text: str) -> list[list[str]]:
    return [[text[found.start : found.end], found.kind.value] for found in rare_situations(text)]


@pytest.mark.parametrize("case", PASSING, ids=lambda case: case["text"][:60])
def test_a_golden_note_is_warned_about_exactly_so(case: dict[str, Any]) -> None:
    assert _found(case["text"]) == case["found"]


@pytest.mark.parametrize("case", KNOWN_FAILURES, ids=lambda case: case["text"][:60])
def test_a_known_failure_still_fails(case: dict[str, Any]) -> None:
    assert _found(case["text"]) != case["found"], "it passes now: take known_failure off the case"


@pytest.mark.parametrize("kind", list(Rare))
def test_every_kind_has_golden_notes(kind: Rare) -> None:
    assert sum(1 for case in PASSING for _, one in case["found"] if one == kind) >= 2


@pytest.mark.parametrize("text", [anything, note_like], ids=["anything", "note_like"])
def test_situations_lie_within_any_text_in_order_without_overlap(text: st.SearchStrategy[str]) -> None:
    @settings(deadline=None, max_examples=200)
    @given(text)
    def holds(note: str) -> None:
        found = rare_situations(note)
        edges = [edge for one in found for edge in (one.start, one.end)]
        assert [0, *edges, len(note)] == sorted([0, *edges, len(note)])
        assert all(one.start < one.end for one in found)

    holds()


def test_questions_that_are_about_nothing_personal_get_no_warning() -> None:
    notes = [json.loads(line)["text"] for line in NONE.read_text(encoding="utf-8").splitlines()]
    assert [note for note in notes if rare_situations(note)] == []
