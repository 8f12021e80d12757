"""Reading a Dutch note."""

from __future__ import annotations

import pytest

from models.normalise import BACKGROUND, dutch_words, read


@pytest.mark.parametrize("text", ["Zoon met ASS", "autistische dochter", "autismespectrumstoornis", "Zoon (Asperger)"])
def test_one_concept_has_many_words(text: str) -> None:
    assert read(text).concepts["autisme"] == 1.0


@pytest.mark.parametrize("text", ["NAH na val", "CVA vorig jaar", "herseninfarct gehad", "na die beroerte"])
def test_abbreviations_and_everyday_words_mean_the_same(text: str) -> None:
    assert read(text).concepts["hersenletsel"] == 1.0


def test_a_denied_concept_is_not_counted() -> None:
    assert "autisme" not in read("Zoon van 8, IQ hoog. Geen ASS, getest.").concepts


def test_what_is_not_to_be_talked_about_is_not_counted() -> None:
    assert "gokken" not in read("Niet over gokken praten.").concepts


def test_als_the_disease_is_told_from_als_the_word_by_its_capitals() -> None:
    assert "als_spierziekte" in read("Zijn moeder heeft ALS.").concepts
    assert "als_spierziekte" not in read("Zij voelt zich als een vreemde.").concepts


def test_what_is_asked_for_outweighs_the_background() -> None:
    concepts = read("Er is bewindvoering. Wil andere weduwen ontmoeten.").concepts
    assert concepts["partner_verloren"] == 1.0
    assert concepts["schulden"] == BACKGROUND


def test_a_note_that_asks_without_naming_keeps_its_subject() -> None:
    assert read("Zit in de schuldsanering. Zoekt mensen die dat kennen.").concepts["schulden"] == 1.0


def test_asking_for_peers_is_no_subject_by_itself() -> None:
    assert read("Zoekt leeftijdgenoten.").concepts == {}


def test_every_broader_concept_exists() -> None:
    concepts = dutch_words().concepts
    assert {broader for concept in concepts.values() for broader in concept.also} <= concepts.keys()
