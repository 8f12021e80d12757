"""A method in a process of its own says the same as in this one."""

from __future__ import annotations

import subprocess

import pytest

from models.deidentify import Label, find_identifying
from models.training.finders import Finder, findings, of_deduce

TEXTS = [
    "Mevrouw Jansen belt op 06-12345678.",
    "Zij bakt brood met bloem. 😀",
    "Mail anja@voorbeeld.nl 😀 of bel Piet.",
]


def test_the_gate_in_another_process_finds_the_same() -> None:
    told = findings(Finder.KRING, TEXTS, timed=2)
    here = [[(one.start, one.end, {one.label}) for one in find_identifying(text)] for text in TEXTS]
    assert [[(one.start, one.end, set(one.labels)) for one in of_text] for of_text in told.marks] == here
    assert here[0]
    assert told.start_seconds > 0
    assert told.ms_a_text > 0
    # without torch and the encoder: that is what the web process pays for the gate
    assert told.peak_mb is None or told.peak_mb < 400


@pytest.mark.parametrize("timed", [0, 4])
def test_what_cannot_be_timed_is_refused(timed: int) -> None:
    with pytest.raises(ValueError, match="timed"):
        findings(Finder.KRING, TEXTS, timed=timed)


def test_a_process_that_fails_is_told() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        findings(Finder.KRING, [7], timed=1)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("tag", "text", "labels"),
    [
        ("persoon", "Anja", {Label.NAME}),
        ("locatie", "8426 AB", {Label.PLACE, Label.ADDRESS, Label.POSTCODE}),
        ("leeftijd", "93", {Label.AGE}),
        ("leeftijd", "90 jaar", {Label.AGE}),
        ("leeftijd", "89", set()),
        ("leeftijd", "drieënnegentig", set()),
        ("something new", "x", set()),
    ],
)
def test_what_deduce_marks_gets_our_labels(tag: str, text: str, labels: set[Label]) -> None:
    assert of_deduce(tag, text) == labels


@pytest.mark.skipif(not Finder.DEDUCE.installed, reason="the group evaluate is not installed")
def test_deduce_finds_a_name_and_a_number() -> None:
    told = findings(Finder.DEDUCE, ["Mw. Anja de Vries, tel 06-11223344, is 72 jaar."], timed=1)
    labels = [set(one.labels) for one in told.marks[0]]
    assert labels == [{Label.NAME}, {Label.PHONE}]
