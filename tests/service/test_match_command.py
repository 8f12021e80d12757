"""`kring match`, as it is typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from models.plan import Code, Reason
from service.commands.match import match
from service.wording import SENTENCES, sentence

CASES = Path(__file__).parents[1] / "cases"

app = typer.Typer()
app.command()(match)


def kring_match(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def needs(tmp_path: Path) -> Path:
    file = tmp_path / "needs.jsonl"
    cases = json.loads((CASES / "groups.json").read_text("utf-8"))
    file.write_text("".join(json.dumps(row) + "\n" for row in cases["needs"]), "utf-8")
    return file


def test_the_plan_has_the_shape_of_the_contract(needs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = kring_match(needs, "-o", out)
    assert done.exit_code == 0, done.output
    plan = json.loads(out.read_text("utf-8"))
    assert plan["groups"]
    assert {"theme", "label", "form", "members", "reasons"} <= plan["groups"][0].keys()
    assert {"label", "members"} <= plan["themes"][0].keys()
    assert {"id", "why"} <= plan["ungrouped"][0].keys()
    assert {"code", "params", "text"} == plan["groups"][0]["reasons"][0].keys()


def test_without_an_output_the_plan_goes_to_standard_output_alone(needs: Path) -> None:
    done = kring_match(needs)
    assert json.loads(done.stdout)["run"]["needs"] > 0
    assert "in" in done.stderr


def test_the_same_file_and_seed_give_the_same_bytes(needs: Path) -> None:
    assert kring_match(needs, "--seed", 7).stdout == kring_match(needs, "--seed", 7).stdout


def test_a_bad_row_stops_it_with_one_line_and_nothing_written(needs: Path, tmp_path: Path) -> None:
    needs.write_text(needs.read_text("utf-8") + '{"id": "x"}\n{"id": "y"}\n', "utf-8")
    out = tmp_path / "out.json"
    done = kring_match(needs, "-o", out)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "text: is missing; 1 more row is refused" in done.stderr
    assert not out.exists()


def test_with_skip_bad_each_refused_row_is_named_and_the_rest_is_matched(needs: Path) -> None:
    needs.write_text(needs.read_text("utf-8") + '{"id": "x"}\n{"id": "y"}\n', "utf-8")
    done = kring_match(needs, "--skip-bad")
    assert done.exit_code == 0
    assert done.stderr.count("text: is missing") == 2
    assert json.loads(done.stdout)["run"]["refused"] == 2


@pytest.mark.parametrize("output", [".", "no/such/folder/out.json"])
def test_an_output_that_cannot_be_written_is_one_line(needs: Path, tmp_path: Path, output: str) -> None:
    done = kring_match(needs, "-o", tmp_path / output)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    done = kring_match(tmp_path / "none.jsonl")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_a_missing_encoder_is_one_line(needs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = kring_match(needs, "--encoder", tmp_path / "none")
    assert done.exit_code == 2
    assert "encoder" in done.stderr.splitlines()[-1]


def test_an_older_plan_survives_when_the_new_one_fails(needs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("older")
    needs.write_text("not json\n", "utf-8")
    assert kring_match(needs, "-o", out).exit_code == 2
    assert out.read_text() == "older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["needs.jsonl", "out.json"]


def test_an_empty_file_gives_an_empty_plan(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    plan = json.loads(kring_match(empty).stdout)
    assert (plan["groups"], plan["themes"], plan["ungrouped"]) == ([], [], [])


def test_every_reason_has_a_sentence() -> None:
    assert set(Code) - set(SENTENCES) == set()


def test_a_sentence_speaks_dutch() -> None:
    reason = Reason(Code.SHARED_DAYPART, {"daypart": "mon-evening", "count": 5, "size": 8})
    assert sentence(reason) == "5 van de 8 mensen kunnen op maandagavond."


def test_an_output_that_is_no_file_is_written_to_and_not_replaced(needs: Path, tmp_path: Path) -> None:
    """As root, a renamed file takes the place of `/dev/null` itself, for every program on the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert kring_match(needs, "-o", pipe).exit_code == 0
        assert pipe.is_fifo()
        assert os.read(reader, 1) == b"{"
    finally:
        os.close(reader)


def test_an_output_that_is_a_link_stays_one(needs: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "plan.json")
    assert kring_match(needs, "-o", link).exit_code == 0
    assert link.is_symlink()
    assert json.loads((tmp_path / "plan.json").read_text("utf-8"))["run"]
