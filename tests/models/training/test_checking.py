"""The checker names file, line and reason of every row that breaks a rule of the corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.training.checking import complaints

GOOD = {
    "id": "x-0001",
    "text": "Moeder van een zoon met autisme zoekt andere ouders om mee te wandelen.",
    "topics": ["autism_child_parent"],
    "perspective": "parent",
    "register": "form",
}


def reasons(tmp_path: Path, *rows: dict[str, object] | str, balance: bool = False) -> list[str]:
    written = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (tmp_path / "some.jsonl").write_text("\n".join(written) + "\n", "utf-8")
    return [str(complaint) for complaint in complaints(tmp_path, balance=balance)]


def test_a_sound_row_is_not_complained_about(tmp_path: Path) -> None:
    assert reasons(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": ""}, "text is no text"),
        ({"text": 7}, "text is no text"),
        ({"topics": "autism_child_parent"}, "topics is no list of ids"),
        ({"topics": ["astrology"]}, "topic astrology is not in the taxonomy"),
        ({"topics": ["autism_child_parent", "autism_child_parent"]}, "names a topic twice"),
        ({"perspective": "uncle"}, "'uncle' is not a valid Perspective"),
        ({"perspective": "self"}, "perspective self does not occur in autism_child_parent"),
        ({"register": "poem"}, "'poem' is not a valid Register"),
        ({"text": "Moeder van Fatima de Vries zoekt andere ouders."}, "holds an identifying detail (NAME at 12)"),
        ({"author": "me"}, "fields are"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named_with_file_line_and_reason(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    (found,) = reasons(tmp_path, GOOD, {**GOOD, "id": "x-0002", "text": "Vader met een autistische dochter.", **change})
    assert found.startswith("some.jsonl:2: ")
    assert said in found


@pytest.mark.parametrize("line", ["{", "[1]", "not json", '{"id": "x"'])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    (found,) = reasons(tmp_path, GOOD, line)
    assert found.startswith("some.jsonl:2: is no row")


def test_an_id_used_twice_is_named_with_its_first_place(tmp_path: Path) -> None:
    other = {**GOOD, "text": "Vader met een autistische dochter wil naar het café."}
    assert reasons(tmp_path, GOOD, other) == ["some.jsonl:2: id x-0001 is also some.jsonl:1"]


def test_the_same_note_in_nearly_the_same_words_is_named(tmp_path: Path) -> None:
    near = {**GOOD, "id": "x-0002", "text": "Een moeder van een zoon met autisme zoekt andere ouders om mee te praten."}
    assert reasons(tmp_path, GOOD, near) == ["some.jsonl:2: says the same as some.jsonl:1"]


def test_a_corpus_that_is_out_of_balance_is_named_by_topic(tmp_path: Path) -> None:
    found = reasons(tmp_path, GOOD, balance=True)
    assert "some.jsonl:1: autism_child_parent has 1 notes, at least 40 are needed" in found
    assert "corpus:0: 0 notes of no topic, at least 1000 are needed" in found
