"""Themes keep who they are: a story of six runs, the thresholds, and what always holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lineage import TOLD_LEAST, EventKind, Lineage, ThemeEvent, follow
from models.need import Perspective
from models.plan import MatchSettings, PastTheme, Theme


def theme(id: str, members: str | Sequence[str]) -> Theme:  # noqa: A002
    """A found theme; of a text, each letter is a need."""
    return Theme(id, id, Perspective.PARENT, tuple(members))


def past(id: str, members: str | Sequence[str]) -> PastTheme:  # noqa: A002
    return PastTheme(id, frozenset(members))


def people(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:02}" for number in range(count)]


def kinds(lineage: Lineage) -> list[EventKind]:
    return [event.kind for event in lineage.events]


# --- a story ------------------------------------------------------------------------------------------------------


@dataclass
class Municipality:
    """Remembers the themes of the last run by name, as the service does by row."""

    themes: dict[str, PastTheme]
    told: dict[str, int]

    def run(self, **found: Sequence[str]) -> list[str]:
        """A run over everybody who is in a theme now, and whoever is named `alone`; what happened, in words.

        A found theme has a name of its own, which it keeps only when it is new.
        """
        pool = {need for members in found.values() for need in members}
        themes = [theme(name, members) for name, members in found.items() if name != "alone"]
        lineage = follow(list(self.themes.values()), themes, pool, self.told)
        name = {one.id: lineage.continues.get(one.id, one.id) for one in themes}
        self.themes = {name[one.id]: past(name[one.id], one.members) for one in themes}
        lines = []
        for event in lineage.events:
            about = [*event.past, *(name[one] for one in event.found if name[one] not in event.past)]
            counts = " ".join(f"{key}={value}" for key, value in event.params.items())
            lines.append(f"{event.kind}: {' '.join(about)} ({counts})")
            if "size" in event.params:
                self.told[about[0]] = int(event.params["size"])
        return lines


def test_six_runs_tell_a_story() -> None:
    town = Municipality({}, {})
    carers, parents = people("carer", 8), people("parent", 6)

    assert town.run(carers=carers, parents=parents) == ["born: carers (size=8)", "born: parents (size=6)"]

    # one carer withdraws, and two parents come: nothing worth telling, and the names stay
    parents += people("new parent", 2)
    assert town.run(x=carers[1:], y=parents) == []

    # one more parent: with the two before, that makes a theme that grew
    parents += people("last parent", 1)
    assert town.run(x=carers[1:], y=parents) == ["grew: parents (was=6 size=9)"]

    # eleven carers come, and it turns out that they are two kinds
    young, old = people("young carer", 5), people("old carer", 6)
    assert town.run(x=carers[1:4] + young, y=parents, z=carers[4:] + old) == [
        "split: carers x (was=7 size=10)",
        "born: x (size=8)",
    ]

    # the young carers and the parents prove to talk of the same thing; five old carers get a place in a group
    assert town.run(y=carers[1:4] + young + parents, z=carers[4:] + old[5:]) == [
        "merged: parents x (size=17)",
        "shrank: carers (was=10 size=5)",
    ]

    # the carers get a place too, but for two, who are alone now
    assert town.run(y=carers[1:4] + young + parents, alone=carers[4:6]) == ["ended: carers (left=3 scattered=2)"]
    assert town.themes.keys() == {"parents"}


# --- who goes on ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "continues"),
    [
        ("abcdefgh", True),
        ("abcd", True),  # half
        ("abc", False),
        ("abcdefghXYZUVWxyzuvw", True),  # newcomers do not count against it
        ("XYZ", False),
    ],
)
def test_a_theme_goes_on_when_half_of_who_is_there_went_along(found: str, continues: bool) -> None:
    lineage = follow([past("p", "abcdefgh")], [theme("t", found)], "abcdefghXYZUVWxyzuvw")
    assert (lineage.continues == {"t": "p"}) is continues


def test_who_is_no_longer_in_the_pool_does_not_count_against_a_theme() -> None:
    before, found = [past("p", "abcdefgh")], [theme("t", "ab")]
    assert follow(before, found, "abXY").continues == {"t": "p"}
    assert follow(before, found, "abcdefghXY").continues == {}


def test_no_theme_goes_on_with_one_person() -> None:
    lineage = follow([past("p", "abcdefgh")], [theme("t", "aXYZ")], "aXYZ")
    assert lineage.continues == {}
    assert kinds(lineage) == [EventKind.BORN, EventKind.ENDED]


def test_the_larger_part_keeps_the_name() -> None:
    lineage = follow([past("p", "abcdefgh")], [theme("s", "abc"), theme("t", "defgh")], "abcdefgh")
    assert lineage.continues == {"t": "p"}
    assert lineage.events[0] == ThemeEvent(EventKind.SPLIT, ("p",), ("t", "s"), {"was": 8, "size": 5})


def test_of_two_halves_the_one_without_strangers_keeps_the_name() -> None:
    lineage = follow([past("p", "abcd")], [theme("s", "abWXYZ"), theme("t", "cd")], "abcdWXYZ")
    assert lineage.continues == {"t": "p"}


def test_of_two_that_merge_the_larger_goes_on() -> None:
    lineage = follow([past("p", "abc"), past("q", "defg")], [theme("t", "abcdefg")], "abcdefg")
    assert lineage.continues == {"t": "q"}
    assert lineage.events == (ThemeEvent(EventKind.MERGED, ("q", "p"), ("t",), {"size": 7}),)


def test_what_counts_is_how_many_stay_together_in_all() -> None:
    """`q` could go on with as many people in `s`, but then `p` would have nowhere to go."""
    before = [past("p", "abcd"), past("q", "efgh")]
    found = [theme("s", "abcdef"), theme("t", "gh")]
    assert follow(before, found, "abcdefgh").continues == {"s": "p", "t": "q"}


def test_a_theme_that_falls_apart_names_its_parts_and_is_over() -> None:
    lineage = follow([past("p", "abcdefghi")], [theme("r", "abc"), theme("s", "def"), theme("t", "ghi")], "abcdefghi")
    assert kinds(lineage) == [EventKind.SPLIT, *[EventKind.BORN] * 3, EventKind.ENDED]
    assert lineage.events[0].found == ("r", "s", "t")
    assert lineage.events[-1].params == {"left": 0, "scattered": 9}


# --- what is worth telling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "size", "told"),
    [
        (40, 41, []),
        (40, 47, []),
        (40, 48, [EventKind.GREW]),
        (4, 6, []),  # half as many again, and still only two people
        (4, 7, [EventKind.GREW]),
        (40, 33, []),
        (40, 32, [EventKind.SHRANK]),
        (6, 4, []),
        (6, 3, [EventKind.SHRANK]),
    ],
)
def test_growth_is_told_from_a_fifth_and_three_people_on(was: int, size: int, told: list[EventKind]) -> None:
    members = people("n", max(was, size))
    lineage = follow([past("p", members[:was])], [theme("t", members[:size])], members[:size])
    assert kinds(lineage) == told


def test_one_person_a_night_adds_up() -> None:
    members = people("n", 13)
    before, found = [past("p", members[:12])], [theme("t", members)]
    assert kinds(follow(before, found, members)) == []
    assert follow(before, found, members, {"p": 10}).events[0].params == {"was": 10, "size": 13}


def test_a_part_that_left_is_told_from_three_people_on() -> None:
    members = people("n", 8)
    stayed, left = theme("s", members[2:]), theme("t", [*members[:2], "x"])
    assert kinds(follow([past("p", members)], [stayed, left], [*members, "x"])) == [EventKind.BORN]


def test_the_smallest_number_told_is_the_smallest_theme() -> None:
    assert MatchSettings().theme_min == TOLD_LEAST


# --- always ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    past: tuple[PastTheme, ...]
    found: tuple[Theme, ...]
    pool: frozenset[str]


def partition(draw: st.DrawFn, needs: list[str]) -> list[list[str]]:
    """Some of the needs, in themes; the rest alone."""
    where = [draw(st.integers(0, 5)) for _ in needs]
    return [[need for need, at in zip(needs, where, strict=True) if at == number] for number in range(1, 6)]


@st.composite
def sequences(draw: st.DrawFn) -> list[Step]:
    """Runs in which needs come and go, and themes are what they happen to be."""
    steps: list[Step] = []
    pool: list[str] = []
    before: tuple[PastTheme, ...] = ()
    for number in range(draw(st.integers(1, 4))):
        pool = [need for need in pool if draw(st.integers(0, 4))]
        pool += [f"r{number}n{at:02}" for at in range(draw(st.integers(0, 14)))]
        groups = [members for members in partition(draw, pool) if len(members) >= 2]
        found = tuple(theme(f"t{at}", members) for at, members in enumerate(groups))
        steps.append(Step(before, found, frozenset(pool)))
        before = tuple(past(f"{number}/{one.id}", one.members) for one in found)
    return steps


def each(steps: list[Step]) -> Iterator[tuple[Step, Lineage]]:
    for step in steps:
        yield step, follow(step.past, step.found, step.pool)


many = settings(max_examples=300, deadline=None)


@many
@given(sequences())
def test_no_two_themes_are_the_same_one(steps: list[Step]) -> None:
    for step, lineage in each(steps):
        assert len(set(lineage.continues.values())) == len(lineage.continues)
        assert lineage.continues.keys() <= {one.id for one in step.found}
        assert set(lineage.continues.values()) <= {one.id for one in step.past}


@many
@given(sequences())
def test_a_theme_that_goes_on_has_half_of_who_is_there(steps: list[Step]) -> None:
    for step, lineage in each(steps):
        was = {one.id: one.members & step.pool for one in step.past}
        now = {one.id: frozenset(one.members) for one in step.found}
        for found_id, past_id in lineage.continues.items():
            together = was[past_id] & now[found_id]
            assert 2 * len(together) >= len(was[past_id])
            assert len(together) >= 2


@many
@given(sequences())
def test_every_past_theme_goes_on_merges_or_ends_and_only_once(steps: list[Step]) -> None:
    for step, lineage in each(steps):
        fates = [*lineage.continues.values()]
        fates += [one for event in lineage.events if event.kind is EventKind.MERGED for one in event.past[1:]]
        fates += [event.past[0] for event in lineage.events if event.kind is EventKind.ENDED]
        assert sorted(fates) == sorted(one.id for one in step.past)


@many
@given(sequences())
def test_every_found_theme_goes_on_or_is_born(steps: list[Step]) -> None:
    for step, lineage in each(steps):
        born = [event.found[0] for event in lineage.events if event.kind is EventKind.BORN]
        assert sorted([*lineage.continues, *born]) == sorted(one.id for one in step.found)


@many
@given(sequences())
def test_a_run_that_finds_the_same_tells_nothing(steps: list[Step]) -> None:
    for step in steps:
        before = [past(f"past {one.id}", one.members) for one in step.found]
        lineage = follow(before, step.found, step.pool)
        assert (lineage.events, len(lineage.continues)) == ((), len(step.found))
        assert all(of == f"past {one}" for one, of in lineage.continues.items())


@many
@given(sequences(), st.integers(0, 2**32))
def test_neither_order_nor_names_matter(steps: list[Step], seed: int) -> None:
    """Themes in another order, their members too, and under other names, sorted otherwise: the same outcome."""
    shuffled = Random(seed)
    for step, lineage in each(steps):
        new = {one.id: f"x{shuffled.random()}" for one in (*step.past, *step.found)}
        before = [replace(one, id=new[one.id]) for one in step.past]
        found = [
            replace(one, id=new[one.id], members=tuple(shuffled.sample(one.members, len(one.members))))
            for one in step.found
        ]
        shuffled.shuffle(before)
        shuffled.shuffle(found)
        again = follow(before, found, step.pool)
        assert again.continues == {new[one]: new[of] for one, of in lineage.continues.items()}
        assert again.events == tuple(
            replace(event, past=tuple(new[one] for one in event.past), found=tuple(new[one] for one in event.found))
            for event in lineage.events
        )


@many
@given(sequences())
def test_no_event_names_a_person(steps: list[Step]) -> None:
    for step, lineage in each(steps):
        persons = step.pool | {member for one in step.past for member in one.members}
        said = {str(value) for event in lineage.events for value in (*event.params.values(), *event.past, *event.found)}
        assert not said & persons


@many
@given(sequences())
def test_as_many_stay_together_as_in_any_other_assignment(steps: list[Step]) -> None:
    """Beside every assignment there is, tried one by one."""
    for step, lineage in each(steps):
        was = {one.id: one.members & step.pool for one in step.past}
        now = {one.id: frozenset(one.members) for one in step.found}
        worth = {
            (p, f): len(was[p] & now[f])
            for p in was
            for f in now
            if len(was[p] & now[f]) >= 2 and 2 * len(was[p] & now[f]) >= len(was[p])
        }

        def best(rest: list[str], taken: frozenset[str]) -> int:
            if not rest:
                return 0
            first, *others = rest
            free = [f for p, f in worth if p == first and f not in taken]  # noqa: B023
            return max([best(others, taken), *(worth[first, f] + best(others, taken | {f}) for f in free)])  # noqa: B023

        reached = sum(worth[of, one] for one, of in lineage.continues.items())
        assert reached == best(sorted(was), frozenset())


def test_tens_of_thousands_of_themes_are_followed() -> None:
    """Each theme shares half its people with the next one, so that no part can be solved without the others."""
    needs = people("n", 160_000)
    before = [past(f"p{at}", needs[at : at + 8]) for at in range(0, len(needs), 8)]
    moved = needs[4:] + needs[:4]
    found = [theme(f"t{at}", moved[at : at + 8]) for at in range(0, len(needs), 8)]
    assert len(follow(before, found, frozenset(needs)).continues) == 20_000
