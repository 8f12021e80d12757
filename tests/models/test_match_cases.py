"""Golden cases: notes of a made-up village, and who must and must not be brought together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.bundled import bundled
from models.match import match
from models.need import Need, Perspective
from models.plan import Plan

CASES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "cases" / "groups.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def plan() -> Plan:
    needs = [
        Need(
            row["id"],
            row["text"],
            Perspective(row["perspective"]),
            lat=row["area"]["lat"],
            lon=row["area"]["lon"],
            dayparts=frozenset(row["dayparts"]),
            waiting_days=row["waiting_days"],
            caseworker=row["caseworker"],
        )
        for row in CASES["needs"]
    ]
    return match(needs, encoder=bundled(), seed=0)


@pytest.mark.parametrize("together", CASES["together"])
def test_people_with_the_same_question_are_in_one_group(plan: Plan, together: list[str]) -> None:
    assert any(set(together) <= set(group.members) for group in plan.groups)


@pytest.mark.parametrize("pair", CASES["never_together"])
def test_people_with_different_questions_are_in_no_group_together(plan: Plan, pair: list[str]) -> None:
    assert not any(set(pair) <= set(group.members) for group in plan.groups)


@pytest.mark.parametrize("someone", CASES["alone"])
def test_who_fits_nobody_is_told_so(plan: Plan, someone: str) -> None:
    reasons = {one.id: one.reason.code for one in plan.ungrouped}
    assert reasons[someone] == "no_similar_need"


def test_who_cannot_come_at_the_daypart_is_named(plan: Plan) -> None:
    widowed = next(group for group in plan.groups if "v01" in group.members)
    assert (widowed.daypart, widowed.needs_other_time) == ("tue-morning", ("v06",))
    assert "needs_other_time" in {reason.code for reason in widowed.member_reasons["v06"]}


def test_long_waiting_is_named_as_a_reason(plan: Plan) -> None:
    widowed = next(group for group in plan.groups if "v02" in group.members)
    assert "waited_long" in {reason.code for reason in widowed.member_reasons["v02"]}
