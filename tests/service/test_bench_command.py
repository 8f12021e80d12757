"""`kring bench`, as it is typed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from models.benchmarks.methods import METHODS
from service.commands import bench as command

app = typer.Typer()
app.command()(command.bench)

draws = pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib comes with group bench")


@pytest.fixture(autouse=True)
def _all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command keeps itself to two cores, and the tests after it would be kept to them too."""
    monkeypatch.setattr(command, "_two_cores", lambda: None)


def kring_bench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@draws
def test_it_prints_tables_and_writes_the_page_with_its_picture(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = kring_bench("--sizes", "60,30", "--methods", "greedy,kring", "--output", page)
    assert done.exit_code == 0, done.output
    assert "Time and memory" in done.stdout
    written = page.read_text("utf-8")
    assert written.startswith("# Time, memory and quality of matching")
    assert "](images/page.svg)" in written
    assert (tmp_path / "images" / "page.svg").read_bytes().startswith(b"<?xml")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["images", "page.md"]


def test_part_of_it_is_printed_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    done = kring_bench("--sizes", "30", "--methods", "greedy")
    assert done.exit_code == 0, done.output
    assert "greedy" in done.stdout
    assert not list((tmp_path / "docs").iterdir())


@draws
def test_an_older_page_survives_a_run_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("older")

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "benchmark", cut_off)
    assert kring_bench("--sizes", "30", "--methods", "greedy", "-o", page).exit_code != 0
    assert page.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["page.md"]


def test_what_is_not_installed_is_one_line_that_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    done = kring_bench("--sizes", "30", "--methods", "greedy", "--output", tmp_path / "page.md")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "matplotlib is not installed" in done.stderr
    assert "--group bench" in done.stderr


def test_a_method_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.benchmarks.methods.find_spec", lambda _: None)
    done = kring_bench("--quick")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "k-means-constrained is not installed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--methods", "kring,magic"), f"magic is not one of {', '.join(METHODS)}"),
        (("--methods", ""), "nothing is not one of"),
        (("--sizes", "many", "--methods", "greedy"), "many is no list of numbers"),
        (("--sizes", "9", "--methods", "greedy"), "9 is less than 10"),
        (("--sizes", "-5", "--methods", "greedy"), "-5 is less than 10"),
        (("--quick", "--sizes", "100"), "contradict"),
        (("--quick", "--output", "no/such/folder/page.md"), "does not exist"),
    ],
)
def test_what_cannot_be_asked_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = kring_bench(*arguments)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
