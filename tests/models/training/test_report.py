"""The page: from made-up numbers to tables and to what falls short."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.need import Perspective
from models.training.comparing import NOT_INSTALLED, Compared, Score
from models.training.evaluating import Results
from models.training.footprint import Footprint
from models.training.measuring import Grouping, Reading, Side
from models.training.metrics import Found, Pairs
from models.training.report import markdown, shortcomings, tables
from models.training.targets import targets


def reading(name: str, first: float) -> Reading:
    return Reading(name, 100, Found(first, 0.99), Found(first - 0.1, 0.9), 0.04, 10, 0.8, 0.03)


def grouping(name: str, right: float | None) -> Grouping:
    return Grouping(name, Pairs(100, 8, right, 0.7, 0.9, 0.85), themes=9, mixed=0)


RESULTS = Results(
    model_id="kring-nl-1:0123456789ab",
    seed=3,
    quick=False,
    taught_on_these=True,
    counts={"training": 90, "development": 8, "test": 10, "elsewhere": 20, "topics": 5, "topics held out": 1},
    readings=[reading("test, all", 0.9), reading("elsewhere, plain", 0.93), reading("elsewhere, hard", 0.41)],
    seen=[
        Compared(
            "Kring", {"elsewhere plain": Score(Found(0.93, 0.99), 0.8), "elsewhere hard": Score(None, 0.44)}, 12_345.6
        ),
        Compared("LSA", {"elsewhere plain": Score(None, 0.3), "elsewhere hard": Score(None, 0.1)}, 800.0),
        Compared("all-MiniLM-L6-v2 (English)", {}, remark=NOT_INSTALLED),
    ],
    unseen=[Compared("Kring", {"plain": Score(None, 0.32)}), Compared("LSA", {"plain": Score(None, 0.2)})],
    groupings=[grouping("elsewhere, plain", 0.95), grouping("elsewhere, hard", None)],
    sides=[Side(Perspective.PARTNER, 20, 0.5, 0.75, 0.25, 0.1)],
    domains={"Rouw": (0.5, 20), "Werk": (0.9, 10)},
    footprint=Footprint(0.1, 5_000, 12_000.0, 210.0, 27.5),
)


def reached(results: Results) -> dict[str, bool | None]:
    return {one.what: one.reached for one in targets(results)}


def test_every_target_is_compared_with_its_own_number() -> None:
    answers = reached(RESULTS)
    assert answers["plain notes: topic first"] is True
    assert answers["hard notes: topic first"] is False
    assert answers["plain notes: AMI of themes"] is True
    assert answers["hard notes: AMI of themes"] is False
    assert answers["topics never seen, plain notes: times LSA's AMI"] is True
    assert answers["topics never seen, hard notes: times LSA's AMI"] is None
    assert answers["hard notes: pairs in a group that share the topic"] is None
    assert answers["size of the folder, MB"] is True


@pytest.mark.parametrize(("mb", "expected"), [(40.0, True), (40.1, False)])
def test_a_number_on_the_target_reaches_it(mb: float, expected: bool) -> None:
    heavy = replace(RESULTS, footprint=replace(RESULTS.footprint, folder_mb=mb))
    assert reached(heavy)["size of the folder, MB"] is expected


def test_what_is_not_reached_is_said_and_what_is_reached_is_not() -> None:
    said = "\n".join(shortcomings(RESULTS))
    assert "hard notes: topic first: 41.0% where ≥ 60% was wanted." in said
    assert "plain notes: topic first" not in said
    assert "hard notes: pairs in a group that share the topic: not measured in this run." in said
    assert "Rouw (50% of 20)" in said


def test_every_row_is_as_wide_as_its_header() -> None:
    for table in tables(RESULTS):
        assert {len(row) for row in table.rows} == {len(table.header)}, table.title


def test_the_page_shows_the_numbers() -> None:
    page = markdown(RESULTS)
    assert "| Kring | 93% / 99% / 0.80 | – / 0.44 | 0.32 (1.60 ×) | 12,000 |" in page
    assert "| partner | 20 | 50% | 75% | 25% | 10% |" in page
    assert "| test, all | 100 | 90% / 99% | 80% / 90% | 0.040 | 80% of 10 | 3% |" in page
    assert "| 12,000 | 0.10 s | 210 MB | 27.5 MB |" in page
    assert NOT_INSTALLED in page


def test_weights_of_another_corpus_are_said_at_the_top() -> None:
    warning = "some notes below may have been trained on"
    assert warning not in markdown(RESULTS)
    assert warning in markdown(replace(RESULTS, taught_on_these=False)).split("##")[0]


def test_nothing_from_elsewhere_is_said_and_leaves_its_targets_open() -> None:
    without = replace(
        RESULTS,
        readings=RESULTS.readings[:1],
        groupings=[],
        seen=[Compared("Kring", {})],
        counts=RESULTS.counts | {"elsewhere": 0},
    )
    assert "There are no notes from elsewhere" in markdown(without)
    assert reached(without)["plain notes: topic first"] is None
