"""What a manager sees cannot be taken apart again: properties over made-up tables, and the cases the rules name."""

from collections import Counter
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.disclosure import Controlled, Count, is_safe, nested, partition, percentage, rounded

CASEWORKERS = ["a", "b", "c", "d"]


def by_caseworker(most: int) -> st.SearchStrategy[Count]:
    sizes = st.integers(0, most)
    return st.builds(lambda *each: Counter(dict(zip(CASEWORKERS, each, strict=True))), sizes, sizes, sizes, sizes)


# Nearly nobody, around the thresholds, and large
counts = st.one_of(by_caseworker(2), by_caseworker(6), by_caseworker(40))
tables = st.lists(counts, min_size=1, max_size=6).map(
    lambda cells: {f"cel {number}": cell for number, cell in enumerate(cells)}
)


def spread(residents: int, caseworkers: int = 3) -> Count:
    """So many residents, shared out over so many caseworkers."""
    return Counter(CASEWORKERS[number % caseworkers] for number in range(residents))


def total_of(table: dict[str, Count]) -> int:
    return sum(cell.total() for cell in table.values())


# --- what is shown --------------------------------------------------------------------------------------------------


@given(tables)
def test_numbers_shown_are_fives_of_at_least_ten(table: dict[str, Count]) -> None:
    controlled = partition(table)
    numbers = [*controlled.shown.values(), *([] if controlled.total is None else [controlled.total])]
    assert all(number % 5 == 0 and number >= 10 for number in numbers)


@given(tables)
def test_a_shown_cell_is_ten_residents_from_three_caseworkers(table: dict[str, Count]) -> None:
    for label in partition(table).shown:
        assert table[label].total() >= 10
        assert sum(residents > 0 for residents in table[label].values()) >= 3


@given(tables)
def test_no_shown_cell_reads_as_everybody(table: dict[str, Count]) -> None:
    controlled = partition(table)
    assert controlled.total not in controlled.shown.values()


@given(tables)
def test_what_is_held_back_is_two_cells_and_ten_residents_or_more(table: dict[str, Count]) -> None:
    controlled = partition(table)
    held_back = [cell.total() for label, cell in table.items() if label not in controlled.shown]
    if controlled.total is not None and held_back:
        assert len(held_back) >= 2
        assert sum(held_back) >= 10


def test_a_table_without_small_cells_is_shown_whole() -> None:
    table = {"ouder": spread(41), "zelf": spread(12), "partner": spread(23)}
    assert partition(table) == Controlled({"ouder": 40, "zelf": 10, "partner": 25}, 75, complete=True)


def test_a_zero_is_held_back_like_any_other_small_number() -> None:
    without = partition({"ouder": spread(41), "zelf": spread(12), "partner": spread(0)})
    almost = partition({"ouder": spread(41), "zelf": spread(12), "partner": spread(1)})
    assert without.shown == almost.shown == {"ouder": 40}


def test_a_cell_from_two_caseworkers_is_held_back_however_large() -> None:
    controlled = partition({"ouder": spread(90), "zelf": spread(60, 2), "partner": spread(30)})
    assert controlled.shown == {"ouder": 90}


def test_small_cells_take_a_larger_one_along_until_they_are_ten_together() -> None:
    assert partition({"ouder": spread(30), "zelf": spread(25), "partner": spread(3), "kind": spread(4)}).shown == {
        "ouder": 30
    }


def test_a_table_of_one_cell_shows_nothing() -> None:
    assert partition({"ouder": spread(200)}) == Controlled({}, None, complete=False)


def test_fewer_than_ten_residents_give_no_total() -> None:
    assert partition({"ouder": spread(5), "zelf": spread(4)}).total is None


# --- what an attacker can make of it --------------------------------------------------------------------------------


def published_the_same(table: dict[str, Count], label: str, residents: int) -> bool:
    """Whether a table exists with `residents` in `label` that is published exactly like `table`.

    Only what was held back is changed, so it fools even somebody who knows the exact shown cells and the exact total.
    """
    controlled = partition(table)
    others = [other for other in table if other not in controlled.shown and other != label]
    rest = sum(table[other].total() for other in others) + table[label].total() - residents
    for taker, its_caseworkers, other_caseworkers in product(others, (1, 2, 3), (1, 2, 3)):
        changed = table | {other: spread(0) for other in others}
        changed |= {label: spread(residents, its_caseworkers), taker: spread(rest, other_caseworkers)}
        if partition(changed) == controlled:
            return True
    return False


@given(tables)
def test_a_held_back_cell_may_be_any_number_from_0_to_9(table: dict[str, Count]) -> None:
    controlled = partition(table)
    if controlled.total is None:
        return
    for label in table.keys() - controlled.shown.keys():
        assert all(published_the_same(table, label, residents) for residents in range(10))


def possible(shown: dict[str, int], total: int, held_back: int) -> tuple[int, int]:
    """Least and most that one held-back cell can be, to somebody who knows the margins and how they were rounded."""

    def least(number: int) -> int:
        return max(10, number - 2)

    most_left = total + 2 - sum(map(least, shown.values()))
    least_left = least(total) - sum(number + 2 for number in shown.values())
    return (max(0, least_left) if held_back == 1 else 0), most_left


@given(tables)
def test_margins_and_rounding_do_not_narrow_a_held_back_cell(table: dict[str, Count]) -> None:
    controlled = partition(table)
    held_back = len(table) - len(controlled.shown)
    if controlled.total is not None and held_back:
        least, most = possible(dict(controlled.shown), controlled.total, held_back)
        assert least == 0
        assert most >= 9


@given(st.integers(0, 10_000))
def test_rounding_moves_a_number_by_two_at_most(residents: int) -> None:
    assert rounded(residents) % 5 == 0
    assert abs(rounded(residents) - residents) <= 2


# --- a row of parts of parts ----------------------------------------------------------------------------------------


def within(parts: list[Count]) -> dict[str, Count]:
    """Steps, outermost first, from the differences between them."""
    return {f"stap {at}": sum(parts[at:], Counter()) for at in range(len(parts))}


@given(st.lists(counts, min_size=1, max_size=6).map(within))
def test_the_difference_of_two_shown_steps_is_a_safe_group(steps: dict[str, Count]) -> None:
    shown = [steps[name] for name in nested(steps)]
    assert all(is_safe(count) for count in shown)
    assert all(is_safe(outer - inner) for outer, inner in pairwise(shown))


@given(st.lists(counts, min_size=1, max_size=6).map(within))
def test_steps_are_fives(steps: dict[str, Count]) -> None:
    assert all(number % 5 == 0 and number >= 10 for number in nested(steps).values())


def test_when_nearly_everybody_said_yes_the_yeses_are_not_shown() -> None:
    asked = spread(40)
    assert nested({"gevraagd": asked, "ja": asked - spread(9)}) == {"gevraagd": 40}


def test_when_everybody_was_asked_that_is_not_shown() -> None:
    assert nested({"vragen": spread(40), "gevraagd": spread(40)}) == {"vragen": 40}


def test_steps_that_do_not_fit_in_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="ja"):
        nested({"gevraagd": spread(20), "ja": spread(30)})


# --- percentages ----------------------------------------------------------------------------------------------------


def test_there_is_no_percentage_of_fewer_than_a_hundred() -> None:
    assert percentage(45, 95) is None


def test_from_a_hundred_on_there_is() -> None:
    assert percentage(45, 180) == 25


def test_no_group_is_a_hundred_percent() -> None:
    assert percentage(3990, 4000) == 99
