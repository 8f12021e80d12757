"""The Dutch names of groups and themes: what a group is called while no word may name it."""

import pytest

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
