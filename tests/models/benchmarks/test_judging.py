"""Groups judged: at their best when a method only tells who, as they are when it tells all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.benchmarks.judging import best_case, judged
from models.bounds import Pool, Violation, violations
from models.need import Meeting, Need, Perspective
from models.plan import MatchSettings
from models.training.corpus import Note
from tests.models.training.small import note

SETTINGS = MatchSettings()
EVENING = frozenset({"mon-evening"})


def pool_of(needs: list[Need]) -> Pool:
    return Pool.of(needs, np.ones((len(needs), 1), dtype=np.float32), 0.5)


def needs_of(count: int, **answers: object) -> list[Need]:
    made = [Need(f"n-{number:04d}", "", dayparts=EVENING) for number in range(count)]
    return [replace(need, **answers) for need in made]  # type: ignore[arg-type]


def notes_of(needs: list[Need], topic: str | None = "diabetes") -> dict[str, Note]:
    return {need.id: note(number, topic=topic) for number, need in enumerate(needs)}


def test_a_group_that_keeps_every_bound_is_placed_well() -> None:
    needs = needs_of(10)
    quality = judged([tuple(range(5))], pool_of(needs), notes_of(needs), SETTINGS)
    assert (quality.broken, quality.twice) == (0, 0)
    assert (quality.placed_well, quality.pairs.placed, quality.pairs.right, quality.one_side) == (0.5, 0.5, 1.0, 1.0)


def test_groups_that_overlap_have_people_twice() -> None:
    needs = needs_of(9)
    quality = judged([tuple(range(5)), tuple(range(3, 9))], pool_of(needs), notes_of(needs), SETTINGS)
    assert quality.twice == 2
    assert quality.pairs.placed == 1.0


def test_a_person_twice_in_one_group_is_counted_and_breaks_a_bound() -> None:
    needs = needs_of(5)
    quality = judged([(0, 1, 2, 3, 4, 4)], pool_of(needs), notes_of(needs), SETTINGS)
    assert (quality.twice, quality.by_bound[Violation.TWICE], quality.broken) == (1, 1, 1)


def test_who_sits_in_a_group_that_breaks_a_bound_is_not_placed_well() -> None:
    needs = [*needs_of(5), *(replace(need, id=f"o{need.id}") for need in needs_of(4))]
    quality = judged([tuple(range(5)), tuple(range(5, 9))], pool_of(needs), notes_of(needs), SETTINGS)
    assert quality.by_bound[Violation.SIZE] == quality.broken == 1
    assert quality.placed_well == 5 / 9


def test_no_terms_help_people_without_a_language_in_common() -> None:
    needs = needs_of(5)
    needs[0] = replace(needs[0], languages=frozenset({"uk"}))
    quality = judged([tuple(range(5))], pool_of(needs), notes_of(needs), SETTINGS)
    assert {bound for bound, count in quality.by_bound.items() if count} == {Violation.LANGUAGE}


def test_the_best_terms_are_those_most_can_live_with() -> None:
    needs = needs_of(6, meeting=Meeting.ONLINE, languages=frozenset({"ar", "nl"}))
    needs[0] = replace(needs[0], languages=frozenset({"ar"}))
    needs[1] = replace(needs[1], dayparts=frozenset({"tue-morning"}))
    group = best_case(tuple(range(6)), pool_of(needs), SETTINGS)
    assert (group.language, group.meeting, group.daypart) == ("ar", Meeting.ONLINE, "mon-evening")
    assert group.needs_other_time == ("n-0001",)
    assert not violations(group, pool_of(needs), SETTINGS)


def test_nobody_who_said_when_asks_for_no_daypart() -> None:
    needs = needs_of(5, dayparts=frozenset())
    assert best_case(tuple(range(5)), pool_of(needs), SETTINGS).daypart is None
    assert judged([tuple(range(5))], pool_of(needs), notes_of(needs), SETTINGS).broken == 0


def test_a_group_that_comes_with_its_terms_is_held_to_them() -> None:
    needs = needs_of(5)
    pool = pool_of(needs)
    group = replace(best_case(tuple(range(5)), pool, SETTINGS), language="fy")
    assert judged([group], pool, notes_of(needs), SETTINGS).by_bound[Violation.LANGUAGE] == 1


def test_pairs_from_two_sides_are_not_of_one() -> None:
    needs = needs_of(5)
    notes = notes_of(needs)
    notes[needs[0].id] = replace(notes[needs[0].id], perspective=Perspective.PARENT)
    assert judged([tuple(range(5))], pool_of(needs), notes, SETTINGS).one_side == 0.6


def test_no_groups_have_no_shares() -> None:
    needs = needs_of(5)
    quality = judged([], pool_of(needs), notes_of(needs, topic=None), SETTINGS)
    assert (quality.pairs.right, quality.one_side, quality.pairs.none_apart) == (None, None, 1.0)
