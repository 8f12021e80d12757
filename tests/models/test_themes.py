"""Themes and the words they may be called by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.bounds import Pool
from models.bundled import bundled
from models.labels import Labeller
from models.need import Need, Perspective
from models.plan import MatchSettings, Theme
from models.pool import pool_of
from models.themes import find_themes

SETTINGS = MatchSettings()


def themes_of(needs: list[Need]) -> tuple[Theme, ...]:
    return find_themes(pool_of(needs, bundled()), SETTINGS, seed=0)


def some_needs(texts: list[str], *, caseworkers: int = 3, perspective: Perspective = Perspective.SELF) -> list[Need]:
    return [Need(f"n{at:03}", text, perspective, caseworker=f"c{at % caseworkers}") for at, text in enumerate(texts)]


DEBTS = [
    "Zit in de schuldsanering en zoekt anderen.",
    "Schulden, deurwaarders aan de deur.",
    "Leeft van weekgeld, schulden door scooter.",
    "Mevrouw heeft schulden en durft de post niet te openen.",
    "Veel schulden door leningen.",
    "Schulden bij de kredietbank.",
]


def test_needs_about_the_same_are_one_theme() -> None:
    (theme,) = themes_of([*some_needs(DEBTS), Need("x1", "Speelt graag viool."), Need("x2", "Heeft een zeilboot.")])
    assert theme.members == tuple(f"n{at:03}" for at in range(6))


def test_perspectives_are_never_mixed() -> None:
    parents = [replace(need, id=f"p{need.id}", perspective=Perspective.PARENT) for need in some_needs(DEBTS)]
    found = themes_of([*some_needs(DEBTS), *parents])
    assert sorted(theme.perspective for theme in found) == [Perspective.PARENT, Perspective.SELF]


def test_two_alike_are_no_theme_as_somebody_would_sit_alone() -> None:
    assert themes_of(some_needs(DEBTS[:2])) == ()


def test_a_pool_of_strangers_stays_single() -> None:
    texts = ["Speelt graag viool.", "Heeft een zeilboot.", "Houdt van koken.", "Zoekt een fietsmaatje.", "Leest veel."]
    assert themes_of(some_needs(texts)) == ()


def test_a_label_is_a_word_that_enough_people_used() -> None:
    (theme,) = themes_of(some_needs(DEBTS))
    assert theme.label == "Schulden"


def test_a_word_from_four_residents_is_no_label() -> None:
    (theme,) = themes_of(some_needs([*DEBTS[1:5], "Zit onder bewind.", "Is in de schuldsanering."]))
    assert theme.label == "Thema 1"


def test_a_word_from_two_caseworkers_is_no_label() -> None:
    (theme,) = themes_of(some_needs(DEBTS, caseworkers=2))
    assert theme.label == "Thema 1"


def test_unknown_caseworkers_back_no_label() -> None:
    (theme,) = themes_of([replace(need, caseworker=None) for need in some_needs(DEBTS)])
    assert theme.label == "Thema 1"


def test_every_label_word_is_used_by_enough_people() -> None:
    needs = some_needs([f"{text} Dossier Janssen." for text in DEBTS[:4]] + DEBTS[4:])
    label = Labeller(needs, SETTINGS).label(range(len(needs)), 1)
    for word in label.lower().split(" en "):
        users = [need for need in needs if word in need.text.lower()]
        assert len(users) >= 5
        assert len({need.caseworker for need in users}) >= 3


def test_thousands_in_one_theme_are_found_in_pieces_that_fit_in_memory() -> None:
    needs = some_needs(["x"] * 4000)
    vectors = np.random.default_rng(0).normal(1.0, 0.1, (len(needs), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = find_themes(Pool.of(needs, vectors, 0.5), SETTINGS, seed=0)
    assert sum(len(theme.members) for theme in found) == len(needs)
