"""What the documents claim is held by a test that exists: a claim whose test was renamed or removed fails here."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("docs/threat-model.md", "docs/dpia/dpia.md", "docs/dpia/incidenten.md")
NAMED = re.compile(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)::(test_\w+)`")


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def claims(document: str) -> list[tuple[str, str]]:
    return NAMED.findall((ROOT / document).read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_exists(document: str) -> None:
    named = claims(document)
    assert named, "a document that claims nothing needs no test here"
    assert [f"{file}::{test}" for file, test in named if test not in functions_of(file)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_measure_names_its_test(document: str) -> None:
    """A table whose last column is headed "held by" or "bewaakt door" has a test in that column of each row."""
    unheld = []
    watched = False
    for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            watched = False
        elif cells[-1] in {"held by", "bewaakt door"}:
            watched = True
        elif watched and not set(line) <= set("|- ") and not NAMED.search(cells[-1]):
            unheld.append(line)
    assert unheld == []
