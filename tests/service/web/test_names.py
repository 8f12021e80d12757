"""Every value that a page can meet has a Dutch name."""

import pytest

from models import need as engine
from models.plan import Code, Stage
from models.taxonomy import taxonomy
from service import domain
from service.web import names
from service.web.need_form import FIELDS, NeedForm

CLOSED_SETS = [
    (engine.Perspective, names.PERSPECTIVES),
    (engine.Perspective, names.PERSPECTIVE_EXAMPLES),
    (engine.AgeBand, names.AGE_BANDS),
    (list(taxonomy().topics), names.TOPICS),
    (engine.DAYPARTS, names.DAYPARTS),
    (engine.WEEKDAYS, names.WEEKDAYS),
    (engine.PARTS, names.PARTS),
    (engine.Meeting, names.MEETINGS),
    (engine.Form, names.FORMS),
    (domain.Channel, names.CHANNELS),
    (domain.Purpose, names.PURPOSES),
    (domain.GivenBy, names.GIVEN_BY),
    (domain.RecordedHow, names.RECORDED_HOW),
    (domain.Role, names.ROLES),
    (domain.PlatformState, names.PLATFORM_STATES),
    (domain.EndReason, names.END_REASONS),
]


@pytest.mark.parametrize(("values", "table"), CLOSED_SETS)
def test_a_table_names_its_whole_set_and_nothing_else(values: list[str], table: dict[str, str]) -> None:
    assert [str(value) for value in values] == list(table)


def test_every_stage_of_the_engine_has_a_sentence() -> None:
    assert {str(stage) for stage in Stage} <= names.RUN_PHASES.keys()


def test_every_reason_for_no_group_has_a_name() -> None:
    """The engine lists its reasons for no group together, before what would help."""
    reasons = list(Code)[list(Code).index(Code.NO_SIMILAR_NEED) : list(Code).index(Code.MORE_PEOPLE)]
    assert set(reasons) == names.UNGROUPED.keys()


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ((), ""),
        (("nl",), "Nederlands"),
        (("en", "nl"), "Nederlands en Engels"),
        (("ar", "en", "nl"), "Nederlands, Arabisch en Engels"),
    ],
)
def test_names_are_said_in_the_order_of_the_table(chosen: tuple[str, ...], said: str) -> None:
    assert names.names_of(chosen, names.LANGUAGES) == said


def test_every_field_of_the_form_of_a_need_has_its_place_in_the_summary() -> None:
    unasked = {"submission_key", "rewrite", "danger", "danger_told"}  # a button, and a question that is never wrong
    assert set(NeedForm.__slots__) - unasked == set(FIELDS) - {"contact"}
