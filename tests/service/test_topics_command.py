"""`kring topics` and `kring encode`: formats that are a contract, and texts nobody could read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from tests.models.encoders import saved_model
from tests.models.test_encoder import ODD

NOTES = [
    {"id": "a", "text": "Moeder van een zoon met autisme zoekt andere ouders.", "perspective": "parent"},
    {"id": "b", "text": "Vraagt een nieuwe parkeerkaart aan."},
    {"id": "c", "text": "Weduwe van 78, de avonden zijn lang sinds haar man overleed."},
]


def kring(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in NOTES), "utf-8")
    return path


def test_topics_are_best_first_in_the_format_of_the_contract(file: Path) -> None:
    done = kring("topics", str(file))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert "autism_child_parent" in [one["topic"] for one in rows[0]["topics"]]
    assert rows[2]["topics"][0]["topic"] == "widow_older"
    for row in rows:
        assert row.keys() == {"id", "topics"}
        assert len(row["topics"]) == 3
        assert all(0 <= one["score"] <= 1 for one in row["topics"])


def test_a_note_of_no_topic_says_none_first(file: Path) -> None:
    row = json.loads(kring("topics", str(file)).stdout.splitlines()[1])
    assert row["topics"][0]["topic"] == "none"


def test_top_says_how_many(file: Path) -> None:
    rows = [json.loads(line) for line in kring("topics", str(file), "--top", "5").stdout.splitlines()]
    assert {len(row["topics"]) for row in rows} == {5}


def test_vectors_are_float32_unit_rows_in_the_order_of_the_file(file: Path, tmp_path: Path) -> None:
    done = kring("encode", str(file), "-o", str(tmp_path / "out.npy"))
    assert done.exit_code == 0
    vectors = np.load(tmp_path / "out.npy")
    assert (vectors.dtype, len(vectors)) == (np.float32, 3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_another_encoder_can_be_set(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("KRING_ENCODER", str(saved_model(tmp_path / "model", [row["text"] for row in NOTES], seed=1)))
    assert kring("encode", str(file), "-o", str(tmp_path / "out.npy")).exit_code == 0
    assert np.load(tmp_path / "out.npy").shape == (3, 16)


def test_whatever_is_typed_gets_a_row_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    odd = {name: text for name, text in ODD.items() if name != "control characters"}
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in odd.items()), "utf-8")
    done = kring("topics", str(path))
    rows = {row["id"]: row["topics"] for row in map(json.loads, done.stdout.splitlines())}
    assert rows.keys() == odd.keys()
    assert {rows[name][0]["topic"] for name in ("empty", "blank", "emoji", "Arabic")} == {"none"}
    assert kring("encode", str(path), "-o", str(tmp_path / "odd.npy")).exit_code == 0
    assert np.isfinite(np.load(tmp_path / "odd.npy")).all()


def test_a_row_that_is_broken_stops_with_one_line_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"id": "a"}\n', "utf-8")
    done = kring("encode", str(path), "-o", str(tmp_path / "out.npy"))
    assert done.exit_code == 2
    assert done.stderr.strip() == f"kring: {path}: line 1: text: is missing (--skip-bad goes on without)"
    assert not (tmp_path / "out.npy").exists()


def test_an_empty_file_is_an_empty_matrix(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("", "utf-8")
    assert kring("encode", str(path), "-o", str(tmp_path / "out.npy")).exit_code == 0
    assert len(np.load(tmp_path / "out.npy")) == 0
