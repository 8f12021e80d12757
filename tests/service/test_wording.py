"""The Dutch names of groups and themes: what a group is called while no word may name it."""

import pytest

from models.errors import Param
from models.need import Form, Perspective
from models.plan import Code, Reason
from service import wording
from service.domain import TITLE_MOST


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("perspective", Perspective)
def test_a_group_without_a_word_is_called_by_its_form_and_its_people(form: Form, perspective: Perspective) -> None:
    title = wording.group_title("Thema 312", form, perspective)
    assert len(title) <= TITLE_MOST
    assert title.endswith("(thema 312)")
    assert wording.is_stopgap(title)


def test_a_group_with_a_word_is_called_by_it() -> None:
    assert wording.group_title("Pleegouders", Form.CIRCLE, Perspective.FOSTER_PARENT) == "Pleegouders"
    assert not wording.is_stopgap("Pleegouders")


def test_two_perspectives_never_get_one_title() -> None:
    titles = {wording.group_title("Thema 1", Form.CIRCLE, perspective) for perspective in Perspective}
    assert len(titles) == len(Perspective)


def test_a_mixed_group_without_a_word_is_called_by_its_form() -> None:
    title = wording.group_title("Thema 6", Form.CIRCLE, None)
    assert title == "Kring (thema 6)"
    assert wording.is_stopgap(title)


def test_members_read_the_name_without_the_number_of_the_theme() -> None:
    assert wording.told_title("Kring van partners (thema 6)") == "Kring van partners"
    assert wording.told_title("Samen aan tafel") == "Samen aan tafel"


@pytest.mark.parametrize(
    ("label", "perspective", "shown"),
    [
        ("Pleegouders", Perspective.FOSTER_PARENT, "Pleegouders"),
        ("Thema 6", Perspective.PARTNER, "Partners (thema\u00a06)"),
        ("Thema 6", None, "Nog zonder naam (thema\u00a06)"),
    ],
)
def test_a_theme_without_a_word_says_of_whom_it_is(label: str, perspective: Perspective | None, shown: str) -> None:
    assert wording.theme_name(label, perspective) == shown


def test_the_reason_of_a_theme_without_a_word_names_no_number() -> None:
    assert wording.sentence(Reason(Code.SHARED_THEME, {"label": "Thema 6"})) == wording.NAMELESS_THEME
    assert "Pleegouders" in wording.sentence(Reason(Code.SHARED_THEME, {"label": "Pleegouders"}))


def test_a_reason_of_an_older_engine_has_no_sentence_and_breaks_nothing() -> None:
    assert wording.stored_sentence("a_code_that_is_gone", {}) is None
    assert wording.stored_sentence(Code.SHARED_DAYPART, {"unexpected": 1}) is None
    assert wording.stored_sentence(Code.KEPT_APART, {"found": 4, "needed": 5})


@pytest.mark.parametrize(
    ("code", "params", "said"),
    [
        (Code.MORE_PEOPLE, {"more": 2}, "Als 2 mensen meer meedoen, kan er een groep komen."),
        (Code.MORE_PEOPLE, {"more": 1}, "Als 1 persoon meer meedoet, kan er een groep komen."),
        (
            Code.TRAVEL_FURTHER,
            {"km": 9.0, "now": 5.0, "size": 6, "areas": "Noord, Oudeveer"},
            "Met 9 km reizen in plaats van 5 km kan er een groep van 6 mensen komen, uit Noord en Oudeveer.",
        ),
        (
            Code.TRAVEL_FURTHER,
            {"km": 8.9, "now": 5.0, "size": 6, "areas": ""},
            "Met 8,9 km reizen in plaats van 5 km kan er een groep van 6 mensen komen.",
        ),
        (
            Code.OTHER_DAYPART,
            {"daypart": "mon-evening", "size": 5, "ask": 1},
            "Als 1 persoon ook op maandagavond kan, kan er een groep van 5 mensen komen.",
        ),
        (
            Code.MEET_ONLINE,
            {"size": 7, "ask": 3},
            "Als 3 mensen online willen meedoen, kan er een groep van 7 mensen komen.",
        ),
        (
            Code.MIX_PERSPECTIVES,
            {"perspective": "foster_parent", "size": 5},
            "Samen met pleegouders kan er een groep van 5 mensen komen.",
        ),
        (
            Code.ASK_NEIGHBOUR,
            {"neighbours": "Duinrand, Oudeveer"},
            "Vraag een buurgemeente die ook meedoet: Duinrand of Oudeveer.",
        ),
    ],
)
def test_what_would_help_is_said_in_the_words_of_a_coordinator(code: Code, params: dict[str, Param], said: str) -> None:
    assert wording.sentence(Reason(code, params)) == said


def test_every_reason_of_the_engine_has_a_sentence() -> None:
    assert wording.SENTENCES.keys() == set(Code)
