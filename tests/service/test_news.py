"""What is new since the last run: a group beside those of the run before."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from service.news import News, Seen, news

PEOPLE = [uuid4() for _ in range(9)]
groups = st.frozensets(st.sampled_from(PEOPLE), min_size=1)


def of(*numbers: int) -> frozenset[UUID]:
    return frozenset(PEOPLE[number] for number in numbers)


def test_a_group_that_was_there_is_the_same() -> None:
    assert news(of(1, 2, 3), [of(4, 5), of(1, 2, 3)]) == News(Seen.SAME)


def test_a_group_that_keeps_half_of_its_people_has_changed() -> None:
    assert news(of(1, 2, 3, 4), [of(3, 4, 5)]) == News(Seen.CHANGED, came=2, went=1)


def test_a_group_of_mostly_others_is_new() -> None:
    assert news(of(1, 2, 3, 4, 5), [of(4, 5)]) == News(Seen.NEW)


@given(now=groups, before=st.lists(groups))
def test_the_order_of_the_earlier_groups_does_not_matter(now: frozenset[UUID], before: list[frozenset[UUID]]) -> None:
    assert news(now, before) == news(now, before[::-1])


@given(now=groups, before=st.lists(groups))
def test_a_group_is_the_same_exactly_when_it_was_there(now: frozenset[UUID], before: list[frozenset[UUID]]) -> None:
    assert (news(now, before).seen is Seen.SAME) == (now in before)
