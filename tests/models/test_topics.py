"""What a note may be about: suggestions for a person to confirm, and no guess where there is nothing to guess."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundled import bundled
from models.need import Perspective
from models.taxonomy import taxonomy
from models.topics import Suggester, Suggestions
from tests.models.test_encoder import ODD

SUGGESTER = Suggester(bundled())
CASES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "cases" / "topics.json").read_text("utf-8"))


def suggested(text: str, asks: Perspective | None = None) -> Suggestions:
    return SUGGESTER.suggest([text], [asks])[0]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Moeder van een zoon met autisme zoekt andere ouders.", "autism_child_parent"),
        ("Weduwe van 78, de avonden zijn lang sinds haar man overleed.", "widow_older"),
        ("Laat brieven dicht, aanmaningen en een deurwaarder aan de deur, schaamt zich.", "debt_hidden"),
        ("Vdr v drieling, 4 mnd oud, geen slaap", "multiples"),
        ("Wil stoppen met gokken, speelt online op de telefoon.", "gambling_self"),
    ],
)
def test_a_clear_note_has_its_topic_among_the_first_three(text: str, topic: str) -> None:
    found = suggested(text)
    assert topic in [one.topic for one in found.best]
    assert found.sure


def test_who_asks_tells_the_partner_from_who_has_it() -> None:
    text = "Parkinson, sinds drie jaar. Loopt slecht en slaapt niet."
    assert suggested(text, Perspective.PARTNER).best[0].topic == "parkinson_partner"
    assert suggested(text, Perspective.SELF).best[0].topic == "parkinson_self"


@pytest.mark.parametrize("case", CASES["notes"], ids=lambda case: case["text"][:40])
def test_a_golden_note_is_read(case: dict[str, Any]) -> None:
    """Known failures are listed, so that a training which reads them shows as well as one that unlearns a note."""
    found = suggested(case["text"], Perspective(case["perspective"]))
    offered = {one.topic for one in found.best} if found.sure else set()
    read = case["topic"] in offered if case["topic"] else not offered
    assert read is (case["text"] not in CASES["known_failures"])


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_whatever_is_typed_gets_a_sound_answer(text: str) -> None:
    chances = SUGGESTER.probabilities(bundled().encode([text]))
    assert np.isfinite(chances).all()
    assert chances.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["empty", "blank", "emoji", "Arabic", "control characters", "one long word"])
def test_what_cannot_be_read_gets_no_guess(name: str) -> None:
    assert not suggested(ODD[name]).sure


def test_suggestions_are_best_first_and_never_more_than_asked_for() -> None:
    (found,) = SUGGESTER.suggest(["Kind met autisme dat niet naar school gaat."], top=5)
    scores = [one.score for one in found.best]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 5


def test_every_column_is_a_topic_of_the_taxonomy() -> None:
    assert list(bundled().facts.columns) == list(taxonomy().topics)
