"""Why somebody is in no group: the first thing that is in the way, and nothing else."""

from dataclasses import replace

from models.bundled import bundled
from models.match import match
from models.need import AgeBand, Meeting, Need
from models.plan import Code, MatchSettings, Plan, Reason

TEXT = "Zit in de schuldsanering, heeft schulden en slaapt slecht."
ALICE = Need("alice", TEXT)
SMALL = MatchSettings(circle_min=5, circle_aim=5, circle_max=5)


def others(count: int, like: Need = ALICE) -> list[Need]:
    return [replace(like, id=f"n{at}") for at in range(count)]


def plan_of(needs: list[Need], settings: MatchSettings) -> Plan:
    return match(needs, encoder=bundled(), settings=settings, seed=0)


def why(alice: Need, needs: list[Need], settings: MatchSettings | None = None) -> Reason:
    plan = plan_of([alice, *needs], settings or MatchSettings())
    return next(one.reason for one in plan.ungrouped if one.id == alice.id)


def test_three_others_are_a_theme_and_no_group() -> None:
    assert why(ALICE, others(3)) == Reason(Code.THEME_TOO_SMALL, {"found": 3, "needed": 4})


def test_a_teenager_among_adults_hears_that_ages_differ() -> None:
    alice = replace(ALICE, age_band=AgeBand.AGE_16_17)
    assert why(alice, others(6)) == Reason(Code.AGE_DIFFERS, {"found": 0, "needed": 4})


def test_who_meets_online_among_those_who_do_not_hears_that() -> None:
    alice = replace(ALICE, meeting=Meeting.ONLINE)
    apart = others(6, replace(ALICE, meeting=Meeting.IN_PERSON))
    assert why(alice, apart) == Reason(Code.MEETING_DIFFERS, {"found": 0, "needed": 4})


def test_who_fits_a_group_at_another_time_hears_when_it_meets() -> None:
    alice = replace(ALICE, dayparts=frozenset({"mon-morning"}))
    evening = frozenset({"tue-evening"})
    needs = [replace(one, dayparts=evening | alice.dayparts if one.id < "n4" else evening) for one in others(8)]
    everybody_at_once = MatchSettings(daypart_share=1.0)
    assert why(alice, needs, everybody_at_once) == Reason(Code.GROUP_OTHER_TIME, {"daypart": "tue-evening"})


def test_who_is_one_too_many_hears_that_the_group_is_full() -> None:
    plan = plan_of([ALICE, *others(5)], SMALL)
    assert [one.reason for one in plan.ungrouped] == [Reason(Code.GROUP_FULL, {"size": 5})]


def test_when_no_circle_of_all_of_them_fits_that_is_said() -> None:
    apart = {"n0": "n1", "n2": "n3"}
    needs = [replace(one, apart=frozenset({apart[one.id]}) if one.id in apart else one.apart) for one in others(5)]
    assert why(ALICE, needs) == Reason(Code.NO_FITTING_GROUP, {"found": 5})
