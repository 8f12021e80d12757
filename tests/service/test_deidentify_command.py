"""`kring deidentify`: a file in, a file with spans out, or one clear line."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from service.commands.deidentify import deidentify

app = typer.Typer()
app.command()(deidentify)

ANJA = {"id": "n1", "text": "Mijn buurvrouw Anja belt 06-12345678."}
CLEAN = {"id": "n2", "text": "Zoekt andere mantelzorgers van een partner met Parkinson."}


def _run(*arguments: Path | str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (ANJA, CLEAN)), encoding="utf-8")
    return path


@pytest.fixture
def notes_with_a_bad_row(notes: Path) -> Path:
    notes.write_text(notes.read_text(encoding="utf-8") + '{"id": "n3"}\n', encoding="utf-8")
    return notes


def test_each_row_comes_out_with_its_spans_and_redacted(notes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    _run(notes, "-o", out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows == [
        {
            **ANJA,
            "spans": [{"start": 15, "end": 19, "label": "NAME"}, {"start": 25, "end": 36, "label": "PHONE"}],
            "redacted": "Mijn buurvrouw [NAAM] belt [TELEFOON].",
        },
        {**CLEAN, "spans": [], "redacted": CLEAN["text"]},
    ]


def test_without_an_output_file_the_rows_go_to_standard_output(notes: Path) -> None:
    assert [json.loads(line)["id"] for line in _run(notes).stdout.splitlines()] == ["n1", "n2"]


def test_a_bad_row_exits_2_and_names_its_line(notes_with_a_bad_row: Path, tmp_path: Path) -> None:
    result = _run(notes_with_a_bad_row, "-o", tmp_path / "out.jsonl")
    assert (result.exit_code, "line 3: text: is missing" in result.stderr) == (2, True)


def test_a_bad_row_leaves_the_earlier_output_as_it_was(notes_with_a_bad_row: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("earlier\n", encoding="utf-8")
    _run(notes_with_a_bad_row, "-o", out)
    assert out.read_text(encoding="utf-8") == "earlier\n"


def test_a_bad_row_can_be_skipped(notes_with_a_bad_row: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = _run(notes_with_a_bad_row, "--skip-bad", "-o", out)
    assert (result.exit_code, len(out.read_text(encoding="utf-8").splitlines())) == (0, 2)


def test_a_refused_row_never_shows_its_text(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"id": "n1", "text": "Anja Bakker\\u0000 belt"}\n', encoding="utf-8")
    assert "Anja" not in _run(notes).output


def test_a_missing_file_exits_2_in_one_line(tmp_path: Path) -> None:
    result = _run(tmp_path / "none.jsonl")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)


def test_an_output_in_no_directory_exits_2(notes: Path, tmp_path: Path) -> None:
    assert _run(notes, "-o", tmp_path / "none" / "out.jsonl").exit_code == 2


def test_rare_situations_are_added_only_when_asked_for(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"id": "n1", "text": "Moeder van een drieling zoekt ouders."}\n', encoding="utf-8")
    plain, warned = (json.loads(_run(notes, *flags).stdout) for flags in ((), ("--warnings",)))
    assert "warnings" not in plain
    assert warned == plain | {"warnings": [{"start": 15, "end": 23, "kind": "multiple_birth"}]}
