"""The signs of acute danger: golden notes, traps, known failures, and what holds for any text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.danger import Danger, kinds, signs
from models.phrases import sentences

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "cases" / "danger.json").read_text(encoding="utf-8")
)["cases"]
KNOWN_FAILURES = [case for case in CASES if case.get("known_failure")]
PASSING = [case for case in CASES if not case.get("known_failure")]
CORPUS = Path(__file__).parents[2] / "models" / "corpus"

anything = st.text(max_size=200)
note_like = st.lists(
    st.sampled_from(
        "hij zij slaat haar kinderen niet geen meer leven wil dood vroeger weer zelfmoord zelfmoort é́ ’n , ( ) . \n "
        "mes keel bang voor zijn man thuis ziet het zitten alleen \u200b 5".split(" ")
    ),
    max_size=40,
).map(" ".join)


@pytest.mark.parametrize("case", PASSING, ids=lambda case: case["text"][:60])
def test_a_golden_note_has_exactly_its_signs(case: dict[str, Any]) -> None:
    assert kinds(case["text"]) == set(case["signs"])


@pytest.mark.parametrize("case", KNOWN_FAILURES, ids=lambda case: case["text"][:60])
def test_a_known_failure_still_fails(case: dict[str, Any]) -> None:
    assert kinds(case["text"]) != set(case["signs"]), "it passes now: take known_failure off the case"


@pytest.mark.parametrize("kind", list(Danger))
def test_every_kind_has_golden_notes(kind: Danger) -> None:
    assert sum(1 for case in PASSING if kind in case["signs"]) >= 6


@pytest.mark.parametrize(
    ("sign", "no_sign"),
    [
        ("Zij denkt aan zelfmoord.", "Zij denkt niet aan zelfmoord."),
        ("Zij denkt aan zelfmoord.", "Aan zelfmoord denkt zij niet."),
        ("Haar man heeft haar geslagen.", "Haar man heeft haar nooit geslagen."),
        ("Haar man sloeg haar.", "Haar man sloeg haar vroeger."),
        ("Haar man sloeg haar.", "Haar man sloeg haar. Zij woont nu op een geheim adres."),
        ("Zij is bang voor haar man.", "Zij is bang voor haar operatie."),
        ("Hij denkt aan zelfdoding.", "Hij verloor zijn broer door zelfdoding."),
        ("Er is sprake van huiselijk geweld.", "Zij werkt met slachtoffers van huiselijk geweld."),
    ],
)
def test_what_takes_a_sign_away(sign: str, no_sign: str) -> None:
    assert (bool(signs(sign)), bool(signs(no_sign))) == (True, False)


@pytest.mark.parametrize(
    "note",
    [
        "Vroeger sloeg hij haar, en nu slaat hij haar weer.",
        "Sinds haar man overleden is, denkt zij zelf aan zelfdoding.",
        "Zij heeft geen geld en haar man slaat haar.",
        "Hij durft niet te zeggen dat hij aan zelfmoord denkt.",
        "Zij sluit zelfmoord niet uit.",
    ],
)
def test_in_doubt_it_is_a_sign(note: str) -> None:
    assert signs(note)


@pytest.mark.parametrize("written", ["zelfmoort", "zelfmord", "zelfdodning", "suïcidaal", "suicidal", "SUÏCIDE"])
def test_a_slip_of_the_pen_hides_nothing(written: str) -> None:
    assert kinds(f"Meneer denkt aan {written}.") == {Danger.SUICIDE}


def test_a_sign_says_where_it_stands_in_the_note() -> None:
    note = "Zij is vaak thuis. Mijn “vriend” slaat mij én de kinderen."
    assert {note[sign.start : sign.end] for sign in signs(note)} == {"slaat mij"}


@pytest.mark.parametrize("text", [anything, note_like], ids=["anything", "note_like"])
def test_signs_lie_within_any_text(text: st.SearchStrategy[str]) -> None:
    @settings(deadline=None, max_examples=200)
    @given(text)
    def holds(note: str) -> None:
        assert all(0 <= sign.start < sign.end <= len(note) for sign in signs(note))
        assert signs(note) == signs(note)

    holds()


@settings(deadline=None, max_examples=200)
@given(anything)
def test_the_words_of_a_note_stand_where_they_say(note: str) -> None:
    words = [word for sentence in sentences(note) for word in sentence.words]
    assert all(0 <= word.start < word.end <= len(note) for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)


def _notes() -> Iterator[dict[str, Any]]:
    for path in sorted(CORPUS.glob("*.jsonl")):
        if path.name != "words.jsonl":
            yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def test_few_notes_of_the_corpus_get_a_reminder() -> None:
    """One that comes too often is clicked away: hardly ever outside the topics that are about danger."""
    of_danger = {"safety", "mental"}
    others = [note for note in _notes() if note["id"].split("-")[0] not in of_danger]
    reminded = sum(1 for note in others if signs(note["text"]))
    assert reminded / len(others) < 0.01
