"""The words of an effect: plain, true to the numbers, and there for every bound."""

import numpy as np
import pytest

from models.bounds import Pool, Violation
from models.effects import Effect, Terms, change
from models.need import Form, Meeting, Need
from models.plan import MatchSettings
from service import effect_words
from tests.service.web.test_language import complaints

NEEDS = [
    Need(
        id=f"n{n}", text="", lat=52.1 + n / 100, lon=5.1, dayparts=frozenset({"tue-evening"} if n else {"mon-morning"})
    )
    for n in range(8)
]
ANGLES = [0.9] + [0.1 * n for n in range(1, 8)]
POOL = Pool.of(NEEDS, np.array([[np.cos(a), np.sin(a)] for a in ANGLES], dtype=np.float32), 0.5)
TERMS = Terms(Form.CIRCLE, "nl", "tue-evening", Meeting.IN_PERSON)


def dropping(gone: str, size: int = 8) -> Effect:
    return change([need.id for need in NEEDS[:size]], POOL, MatchSettings(), TERMS, out={gone})


def test_an_effect_says_how_many_how_close_when_and_how_far() -> None:
    told = effect_words.sentences(dropping("n0"))
    assert told[0] == "7 mensen in plaats van 8."
    assert told[1].startswith("Wie het minst past, past ")
    assert told[2] == "7 van de 7 kunnen op dinsdagavond."
    assert told[3].startswith("De langste reis naar het midden is ")


def test_too_few_is_said() -> None:
    assert "Dat is te weinig. Goedkeuren kan pas vanaf 5 mensen." in effect_words.sentences(dropping("n0", 5))


def test_unknown_closeness_is_said() -> None:
    effect = change([need.id for need in NEEDS], POOL, MatchSettings(), TERMS, out={"n0"}, unread={"n1"})
    assert "Hoe goed zij bij elkaar passen, is niet bekend." in effect_words.sentences(effect)


@pytest.mark.parametrize("bound", list(Violation))
def test_every_bound_has_plain_words(bound: Violation) -> None:
    after = dropping("n0").after
    (told,) = effect_words.refusals({bound: ("n1", "n2")}, after, {"n1": "AAAA-2222", "n2": "BBBB-3333"})
    assert "AAAA-2222 en BBBB-3333" in told
    assert [complaint for part in told.split(". ") for complaint in complaints(part)] == []


def test_who_the_reader_is_looking_at_is_not_named_again() -> None:
    after = dropping("n0").after
    (told,) = effect_words.refusals({Violation.CLOSE: ("n1",)}, after, {"n1": "AAAA-2222"}, known={"n1"})
    assert told == "De vraag lijkt op die van te weinig anderen in de groep."


def test_of_many_a_few_are_named_and_the_rest_is_counted() -> None:
    names = {need.id: need.id.upper() for need in NEEDS}
    (told,) = effect_words.refusals({Violation.CLOSE: tuple(names)}, dropping("n0").after, names)
    assert told.endswith("N4 en nog 3.")


@pytest.mark.parametrize(("distance", "said"), [(2.44, "2,4 km"), (0.0, "minder dan 0,1 km"), (12.0, "12,0 km")])
def test_kilometres_are_dutch(distance: float, said: str) -> None:
    assert effect_words.km(distance) == said
