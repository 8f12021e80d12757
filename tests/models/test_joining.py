"""Join before found: a place in an existing platform comes before anything new, within every bound."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain

import pytest

from models.bundled import bundled
from models.match import OpenPlatform, match
from models.need import AgeBand, Form, Meeting, Need, Perspective
from models.plan import Code, Plan

DEBT = "Zit in de schuldsanering en leeft van weekgeld."
PLACE = {"lat": 52.0, "lon": 5.0}


def someone(name: str, **changes: object) -> Need:
    base = Need(name, DEBT, age_band=AgeBand.AGE_40_64, dayparts=frozenset({"mon-evening"}), lat=52.0, lon=5.0)
    return replace(base, **changes)  # type: ignore[arg-type]


def platform(room: int = 3, **changes: object) -> OpenPlatform:
    members = tuple(someone(f"m{at}") for at in range(6))
    base = OpenPlatform("p1", Form.CIRCLE, "nl", Meeting.IN_PERSON, "mon-evening", room, members)
    return replace(base, **changes)  # type: ignore[arg-type]


def planned(needs: list[Need], *platforms: OpenPlatform, seed: int = 0) -> Plan:
    return match(needs, encoder=bundled(), platforms=platforms, seed=seed)


def joined(plan: Plan) -> list[str]:
    return list(chain.from_iterable(joining.members for joining in plan.joinings))


def test_who_fits_is_offered_a_place_before_a_new_group() -> None:
    plan = planned([someone(f"n{at}") for at in range(3)], platform())
    assert joined(plan) == ["n0", "n1", "n2"]
    assert (plan.groups, plan.ungrouped) == ((), ())


def test_nobody_is_offered_a_place_and_a_group() -> None:
    plan = planned([someone(f"n{at:02}") for at in range(20)], platform(4))
    placed = Counter([*joined(plan), *chain.from_iterable(group.members for group in plan.groups)])
    assert len(joined(plan)) == 4
    assert set(placed.values()) == {1}


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "Mevrouw zorgt thuis voor haar man met alzheimer."},
        {"perspective": Perspective.PARTNER},
        {"age_band": AgeBand.AGE_12_15},
        {"languages": frozenset({"tr"})},
        {"meeting": Meeting.ONLINE},
        {"dayparts": frozenset({"fri-morning"})},
        {"lat": 52.3},
        {"lat": 52.04, "reach_km": 2.0},
        {"apart": frozenset({"m3"})},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_who_does_not_fit_is_not_offered_it(changes: dict[str, object]) -> None:
    assert joined(planned([someone("n0", **changes)], platform())) == []


def test_who_was_asked_before_is_not_asked_again() -> None:
    assert joined(planned([someone("n0"), someone("n1")], platform(asked=frozenset({"n0"})))) == ["n1"]


def test_a_full_platform_offers_nothing() -> None:
    assert joined(planned([someone("n0")], platform(0))) == []


def test_when_more_fit_than_there_is_room_places_are_drawn_with_equal_chances() -> None:
    needs = [someone(f"n{at}") for at in range(4)]
    drawn = Counter(chain.from_iterable(joined(planned(needs, platform(1), seed=seed)) for seed in range(200)))
    assert sum(drawn.values()) == 200
    # each is drawn 50 times in 200 on average; four standard deviations of Binomial(200, 1/4) are 25
    assert all(25 <= drawn[need.id] <= 75 for need in needs)


def test_who_lost_the_draw_reads_their_chance() -> None:
    plan = planned([someone(f"n{at}") for at in range(4)], platform(1))
    assert {one.reason.code for one in plan.ungrouped} == {Code.NOT_DRAWN}
    assert plan.ungrouped[0].reason.params == {"percent": 25, "places": 1, "wanting": 4}


def test_two_who_must_not_meet_are_not_both_offered_a_place() -> None:
    plan = planned([someone("n0", apart=frozenset({"n1"})), someone("n1")], platform())
    assert len(joined(plan)) == 1


def test_who_fits_two_platforms_is_offered_one() -> None:
    twin = platform(id="p2", members=tuple(someone(f"o{at}") for at in range(6)))
    assert joined(planned([someone("n0")], platform(), twin)) == ["n0"]
