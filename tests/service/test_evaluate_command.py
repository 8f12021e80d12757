"""`kring evaluate --only gate`: its section and nothing else of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from models.training.finders import Finder
from models.training.gate import NOTES_FOLDER
from service.commands.evaluate import evaluate
from tests.models.training.small import write_corpus

app = typer.Typer()
app.command()(evaluate)

NOTES = [
    {"id": "a", "text": "Bel 06-12345678.", "spans": [{"start": 4, "end": 15, "label": "PHONE"}]},
    {"id": "b", "text": "Zij bakt elke week brood.", "spans": []},
]


def _run(*arguments: Path | str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Finder, "installed", property(lambda self: self is Finder.KRING))
    return write_corpus(tmp_path / "corpus")


def _with_notes(corpus: Path) -> Path:
    (corpus / NOTES_FOLDER).mkdir()
    (corpus / NOTES_FOLDER / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in NOTES), "utf-8")
    return corpus


def test_the_gate_alone_is_measured_without_weights_and_the_rest_of_the_page_stays(
    corpus: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# How well\n\n## Topics\n\n| 1 |\n\n## What the gate finds\n\noutdated\n", "utf-8")
    done = _run("--only", "gate", "--corpus", _with_notes(corpus), "--weights", tmp_path / "none", "--output", page)
    assert done.exit_code == 0, done.output
    written = page.read_text("utf-8")
    assert written.startswith("# How well\n\n## Topics\n\n| 1 |\n\n## What the gate finds\n")
    assert "| PHONE found | ≥ 100% | 100.0% | yes |" in written
    assert "| clean notes flagged | ≤ 5% | 0.0% | yes |" in written
    assert "outdated" not in written
    assert "not installed" in written
    assert "| Kring's gate, some | 100.0% | 100.0% | 1 of 1 | 0 of 1 | 0 of 1 |" in written
    assert "PHONE found" in done.stdout


def test_a_corpus_without_notes_for_the_gate_is_one_line(corpus: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = _run("--only", "gate", "--corpus", corpus, "--output", page)
    assert (done.exit_code, done.stderr.splitlines()[-1].startswith("kring: ")) == (2, True)
    assert NOTES_FOLDER in done.stderr
    assert not page.exists()


def test_a_broken_note_for_the_gate_names_its_line(corpus: Path, tmp_path: Path) -> None:
    with (_with_notes(corpus) / NOTES_FOLDER / "some.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    done = _run("--only", "gate", "--corpus", corpus, "--output", tmp_path / "page.md")
    assert done.exit_code == 2
    assert "file=some.jsonl, line=3" in done.stderr
