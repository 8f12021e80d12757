"""`kring train` and `kring evaluate`: one line about what was made, or one clear line why nothing was."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from models.bundled import BundledEncoder
from models.training.fitting import Recipe
from service.commands.evaluate import evaluate
from service.commands.train import train
from tests.models.training.small import write_corpus

app = typer.Typer()
app.command()(train)
app.command()(evaluate)


def _run(*arguments: Path | str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # the defaults of a function are made once, so the recipe is shortened where it is kept
    monkeypatch.setitem(_defaults(), "recipe", Recipe(epochs=3, batch=32))
    return write_corpus(tmp_path / "corpus")


def _defaults() -> dict[str, object]:
    from models.training import train as training

    defaults = training.train.__kwdefaults__
    assert defaults is not None
    return defaults


def test_training_says_what_it_made(corpus: Path, tmp_path: Path) -> None:
    done = _run("train", "--corpus", corpus, "--output", tmp_path / "made")
    assert done.exit_code == 0, done.output
    model = BundledEncoder(tmp_path / "made").model_id
    assert "4 topics" in done.stdout
    assert done.stdout.rstrip().endswith(model)
    assert done.stdout.count("\n") == 1


def test_the_same_seed_makes_the_same_weights_and_another_seed_others(corpus: Path, tmp_path: Path) -> None:
    ids = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert _run("train", "--corpus", corpus, "--output", tmp_path / name, "--seed", str(seed)).exit_code == 0
        ids.append(BundledEncoder(tmp_path / name).model_id)
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_a_folder_with_something_else_is_not_replaced(corpus: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", "utf-8")
    done = _run("train", "--corpus", corpus, "--output", mine)
    assert done.exit_code == 2
    assert "something else" in done.stderr
    assert (mine / "thesis.txt").read_text("utf-8") == "years of work"


@pytest.mark.parametrize("output", ["no/such/folder", "corpus/some.jsonl"])
def test_an_output_that_cannot_be_is_one_line(corpus: Path, tmp_path: Path, output: str) -> None:
    done = _run("train", "--corpus", corpus, "--output", tmp_path / output)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("kring: ")
    assert done.stderr.count("\n") == 1


def test_a_broken_row_names_its_file_and_line(corpus: Path, tmp_path: Path) -> None:
    with (corpus / "some.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    done = _run("train", "--corpus", corpus, "--output", tmp_path / "made")
    assert done.exit_code == 2
    assert "some.jsonl" in done.stderr
    assert "52" in done.stderr
    assert not (tmp_path / "made").exists()


def test_a_corpus_that_is_not_there_is_one_line(corpus: Path, tmp_path: Path) -> None:
    done = _run("train", "--corpus", tmp_path / "nothing", "--output", tmp_path / "made")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_evaluate_without_weights_says_how_to_make_them(corpus: Path, tmp_path: Path) -> None:
    done = _run("evaluate", "--quick", "--corpus", corpus, "--weights", tmp_path / "nothing")
    assert done.exit_code == 2
    assert "kring train" in done.stderr


def test_evaluate_prints_tables_and_writes_the_page(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.baselines.MiniLm.installed", staticmethod(lambda: False))
    assert _run("train", "--corpus", corpus, "--output", tmp_path / "made").exit_code == 0
    page = tmp_path / "page.md"
    done = _run("evaluate", "--quick", "--corpus", corpus, "--weights", tmp_path / "made", "--output", page)
    assert done.exit_code == 0, done.output
    assert "Targets" in done.stdout
    assert page.read_text("utf-8").startswith("# How well Kring understands Dutch notes")
    assert "## What it cannot do" in page.read_text("utf-8")
