"""The age of who asks, read from the note."""

from __future__ import annotations

import pytest

from models.age import age_circle, read_age_band
from models.need import AgeBand, Perspective


@pytest.mark.parametrize(
    ("text", "perspective", "expected"),
    [
        ("Meisje van 15 helpt haar zieke moeder.", Perspective.CHILD, AgeBand.AGE_12_15),
        ("Niemand vraagt hoe het met mij gaat. Ik ben 16 en ik zorg mee.", Perspective.SIBLING, AgeBand.AGE_16_17),
        ("Jonge mz, 17, broer met beperking", Perspective.SIBLING, AgeBand.AGE_16_17),
        ("Jongen van 13 groeit op bij een moeder die somber is.", Perspective.CHILD, AgeBand.AGE_12_15),
        ("Jongen van 9 heeft tics.", Perspective.SELF, AgeBand.UNDER_12),
        ('"Ik ben achter, ik ben 74, en alleen."', Perspective.SELF, AgeBand.AGE_65_PLUS),
        ("Studente van 19 zorgt voor haar vader.", Perspective.CHILD, AgeBand.AGE_18_24),
    ],
)
def test_the_age_of_who_asks_is_read(text: str, perspective: Perspective, expected: AgeBand) -> None:
    assert read_age_band(text, perspective) is expected


@pytest.mark.parametrize(
    ("text", "perspective"),
    [
        ("Moeder van een zoon van 9 met autisme.", Perspective.PARENT),
        ("Jongen van 15 wil niet naar school; ouders zoeken ouders.", Perspective.PARENT),
        ("Dochter van 12 woont bij ons.", Perspective.FOSTER_PARENT),
        ("Ik ben 12 kilo kwijt.", Perspective.SELF),
        ("Ik ben 2 jaar hier.", Perspective.SELF),
        ("Zorgt voor vader van 80.", Perspective.CHILD),
        ("Vrouw zoekt anderen, man van 16 jaar ouder overleden", Perspective.SELF),
    ],
)
def test_an_age_of_someone_else_is_left_alone(text: str, perspective: Perspective) -> None:
    assert read_age_band(text, perspective) is None


@pytest.mark.parametrize("adult", [AgeBand.AGE_18_24, AgeBand.AGE_65_PLUS, None])
@pytest.mark.parametrize("minor", [AgeBand.UNDER_12, AgeBand.AGE_12_15, AgeBand.AGE_16_17])
def test_a_minor_never_goes_with_an_adult_or_an_unknown_age(minor: AgeBand, adult: AgeBand | None) -> None:
    assert age_circle(minor) != age_circle(adult)


def test_teenagers_go_together() -> None:
    assert age_circle(AgeBand.AGE_12_15) == age_circle(AgeBand.AGE_16_17)


def test_a_child_under_12_does_not_go_with_teenagers() -> None:
    assert age_circle(AgeBand.UNDER_12) != age_circle(AgeBand.AGE_12_15)
