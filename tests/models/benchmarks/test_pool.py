"""Made-up pools: the same from the same seed, as dense as another size, and known to the last topic."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from models.benchmarks.pool import AREA_KM, AREA_NEEDS, NONE_SHARE, make_pool, unseen
from models.bounds import km_between, places
from models.errors import BadInput
from models.training.corpus import Split, notes
from tests.models.training.small import NONE, note, some_notes


def test_the_same_seed_gives_the_same_pool_whatever_the_order_of_the_notes() -> None:
    assert make_pool(60, some_notes(), seed=1) == make_pool(60, some_notes()[::-1], seed=1)


def test_another_seed_gives_another_pool() -> None:
    assert make_pool(60, some_notes(), seed=1).needs != make_pool(60, some_notes(), seed=2).needs


def test_what_a_need_is_about_is_known_of_each_and_told_to_nobody() -> None:
    pool = make_pool(60, some_notes(), seed=1)
    assert [need.id for need in pool.needs] == sorted(pool.notes)
    assert {(need.text, need.perspective) for need in pool.needs} == {
        (note.text, note.perspective) for note in pool.notes.values()
    }
    assert not any(need.topics for need in pool.needs)


def test_no_weights_were_trained_on_these_notes() -> None:
    parts = notes()
    taught = {note.id for note in parts[Split.TRAIN]}
    known = unseen(parts)
    assert known
    assert not taught & {note.id for note in known}


def test_nearly_nobody_in_a_large_pool_tells_the_story_of_another() -> None:
    pool = make_pool(20_000, unseen(notes()), seed=1)
    assert pool.as_written < 0.25
    assert len({need.text for need in pool.needs}) > 0.97 * len(pool.needs)


def test_a_note_used_again_is_joined_to_one_on_its_own_topic() -> None:
    alike = [note(at, f"{word} " * 10, topic="diabetes") for at, word in enumerate(("insuline", "hypo"))]
    other = note(9, "prothese " * 10, topic="amputation")
    pool = make_pool(40, [*alike, other], seed=1)
    words = {one: set(pool.notes[one].text.split()) for one, told in pool.notes.items() if told.topic == "diabetes"}
    assert {"insuline", "hypo"} in words.values()
    assert not any("prothese" in said for said in words.values())


def test_the_same_topics_are_asked_about_most_in_pools_of_every_size() -> None:
    known = unseen(notes())

    def most(size: int) -> set[str | None]:
        counted = Counter(one.topic for one in make_pool(size, known, seed=1).notes.values())
        return {topic for topic, _ in counted.most_common(5)}

    assert len(most(5_000) & most(20_000)) >= 4


def test_some_notes_fit_no_topic_in_about_the_share_that_is_said() -> None:
    pool = make_pool(5_000, some_notes(), seed=1)
    none = sum(one.topic is None for one in pool.notes.values())
    assert none / 5_000 == pytest.approx(NONE_SHARE, abs=0.02)
    assert len(NONE) < none


def test_a_larger_municipality_has_more_areas_and_not_more_people_in_one() -> None:
    pool = make_pool(9 * AREA_NEEDS, some_notes(), seed=1)
    inhabitants = Counter(need.area for need in pool.needs if need.area)
    assert len(inhabitants) == pool.areas == 9
    assert max(inhabitants.values()) < 1.5 * AREA_NEEDS


def test_neighbouring_areas_lie_a_few_kilometres_apart() -> None:
    pool = make_pool(9 * AREA_NEEDS, some_notes(), seed=1)
    centres = {need.area: need for need in pool.needs if need.area}
    points = places(list(centres.values()))
    apart = [float(km_between(one[None], other)[0]) for one, other in combinations(points, 2)]
    assert min(apart) == pytest.approx(AREA_KM, rel=0.01)


def test_who_is_kept_apart_would_else_meet() -> None:
    pool = make_pool(5_000, some_notes(), seed=1)
    pairs = [(need.id, other) for need in pool.needs for other in need.apart]
    assert pairs
    assert all(pool.notes[one].topic == pool.notes[other].topic for one, other in pairs)


def test_parents_are_no_minors() -> None:
    pool = make_pool(2_000, unseen(notes()), seed=1)
    assert any(need.is_minor for need in pool.needs)
    assert not any(need.is_minor for need in pool.needs if need.perspective in {"parent", "partner", "foster_parent"})


def test_notes_without_a_topic_alone_make_no_pool() -> None:
    with pytest.raises(BadInput, match="no_notes"):
        make_pool(10, [note(1, topic=None)], seed=1)
