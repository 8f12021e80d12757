"""The section about the gate: from made-up counts to tables, and into a page that keeps the rest."""

from __future__ import annotations

from dataclasses import replace

from models.deidentify import Label
from models.training.finders import Finder
from models.training.gate import Counted, Score
from models.training.gate_report import TITLE, Measured, section, section_of, tables, targets, with_section

FULL = Counted(details=20, found=20, rightly=20, findings=21, true=20)
SCORE = Score(
    by_label=dict.fromkeys(Label, FULL) | {Label.NAME: Counted(100, 96, 95, 100, 99), Label.PLACE: Counted()},
    all=Counted(380, 376, 375, 390, 380),
    identifying=160,
    whole=150,
    passed=2,
    clean=80,
    flagged=4,
)
KRING = Measured(SCORE, {"first": SCORE}, 1_000, 0, 0.4, 1.25, 95.0)
DEDUCE = Measured(replace(SCORE, flagged=10), {}, 1_000, 120, 8.1, 0.5, None)

PAGE = "# Page\n\nHead.\n\n## One\n\n| a |\n\n## What it cannot do\n\n- fly\n"


def reached(measured: Measured) -> dict[str, bool | None]:
    return {one.what: one.reached for one in targets(measured)}


def test_every_label_has_its_own_target() -> None:
    answers = reached(KRING)
    assert answers["NAME found"] is False
    assert answers["PLACE found"] is None
    assert answers["BSN found"] is True
    assert len(answers) == len(Label) + 2


def test_a_twentieth_of_the_clean_notes_may_be_flagged_and_no_more() -> None:
    assert reached(KRING)["clean notes flagged"] is True
    more = replace(KRING, score=replace(SCORE, flagged=5))
    assert reached(more)["clean notes flagged"] is False


def test_ten_milliseconds_a_note_are_fast_enough() -> None:
    assert reached(replace(KRING, ms_a_note=10.0))["milliseconds a note"] is True
    assert reached(replace(KRING, ms_a_note=10.1))["milliseconds a note"] is False


def test_every_row_is_as_wide_as_its_header() -> None:
    for measured in ({Finder.KRING: KRING}, {Finder.KRING: KRING, Finder.DEDUCE: DEDUCE}):
        for table in tables(measured):
            assert {len(row) for row in table.rows} == {len(table.header)}


def test_numbers_stand_where_they_belong() -> None:
    written = section({Finder.KRING: KRING, Finder.DEDUCE: DEDUCE})
    assert "| NAME found | ≥ 97% | 96.0% | **no** |" in written
    assert "| NAME | 100 | 96.0% | 95.0% | 99.0% | 96.0% | 95.0% |" in written
    assert (
        "| Kring's gate | 98.9% | 97.4% | 150 of 160 | 2 of 160 | 4 of 80 | 0 of 1,000 | 0.4 s | 1.2 | 95 MB |  |"
        in written
    )
    assert (
        "| deduce 3 | 98.9% | 97.4% | 150 of 160 | 2 of 160 | 10 of 80 | 120 of 1,000 | 8.1 s | 0.5 | – |  |" in written
    )


def test_each_batch_has_a_row_of_its_own() -> None:
    other = replace(SCORE, whole=7, identifying=9)
    written = section({Finder.KRING: replace(KRING, batches={"first": SCORE, "second": other})})
    assert "| Kring's gate, first | 98.9% | 97.4% | 150 of 160 |" in written
    assert "| Kring's gate, second | 98.9% | 97.4% | 7 of 9 |" in written


def test_without_deduce_its_row_says_how_to_get_it() -> None:
    assert "| deduce 3 | – | – | – | – | – | – | – | – | – | not installed" in section({Finder.KRING: KRING})


def test_a_page_without_the_section_gets_it_at_its_end() -> None:
    assert with_section(PAGE, f"## {TITLE}\n\nnew\n") == PAGE + f"\n## {TITLE}\n\nnew\n"


def test_an_empty_page_is_the_section() -> None:
    assert with_section("", f"## {TITLE}\n\nnew\n") == f"## {TITLE}\n\nnew\n"


def test_a_section_takes_the_place_of_the_one_before_and_nothing_else_changes() -> None:
    old = f"## {TITLE}\n\nold\n\n### By label\n\n| b |\n\n"
    page = PAGE.replace("## What it", f"{old}## What it")
    own = section({Finder.KRING: KRING})
    changed = with_section(page, own)
    assert changed == PAGE.replace("## What it", f"{own}\n## What it")
    assert with_section(changed, own) == changed
    assert section_of(changed) == own


def test_a_page_without_the_section_has_none_to_keep() -> None:
    assert section_of(PAGE) is None
