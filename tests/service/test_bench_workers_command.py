"""`kring bench-workers` on real servers and worker processes, with few people."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app


def test_the_groups_are_the_same_for_one_worker_and_two(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = CliRunner().invoke(app, ["bench-workers", "--needs", "150", "--workers", "1,2", "-o", str(page)])
    assert done.exit_code == 0, done.output
    rows = [line.split("|")[1:-1] for line in page.read_text().splitlines() if line.startswith(("| 1", "| 2"))]
    assert [row[0].strip() for row in rows] == ["1", "2"]
    assert len({row[-1] for row in rows}) == 1
    assert int(rows[0][-2]) > 0


@pytest.mark.parametrize("workers", ["0", "two", "", "1,,2"])
def test_a_number_of_workers_that_is_none_is_refused(workers: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench-workers", "--workers", workers, "-o", str(tmp_path / "page.md")])
    assert done.exit_code == 2
    assert "--workers wants numbers" in done.stderr
