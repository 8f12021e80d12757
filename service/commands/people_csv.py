"""People and quotas as files from a clerk's desk: a CSV as Excel saves it, and a TOML file written by hand."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.lottery import Person
from service.commands.errors import stop

SEPARATORS: Final = (";", ",", "\t")


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read, so that anyone can check that theirs is the same."""

    name: str
    sha256: str
    text: str


def read_source(path: Path) -> Source:
    """The text of a UTF-8 file, with or without byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise stop(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise stop(f"{path}: line {line}: is not UTF-8 (in Excel, save as 'CSV UTF-8')") from error
    return Source(path.name, hashlib.sha256(content).hexdigest(), text)


def read_tables(path: Path, source: Source) -> dict[str, object]:
    """The tables of a TOML file."""
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise stop(f"{path}: {error}") from error


def read_people(
    path: Path, source: Source, *, id_column: str, household_column: str | None, needed: Sequence[str]
) -> list[Person]:
    """Everyone in the file. Stops at the first line that is wrong; `needed` columns may not hold an empty cell."""
    rows = _rows(path, source.text)
    _, header = next(rows, (0, []))
    if not header:
        raise stop(f"{path}: is empty")
    columns = _columns(path, header)
    for column in (id_column, household_column):
        if column is not None and column not in columns:
            raise stop(f"{path}: has no column {column!r}; its columns are {', '.join(columns)}")
    people: list[Person] = []
    lines: dict[str, int] = {}
    for line, row in rows:
        if len(row) != len(columns):
            raise stop(f"{path}: line {line}: has {len(row)} cells, the first line has {len(columns)}")
        cells = dict(zip(columns, (cell.strip() for cell in row), strict=True))
        for column in (id_column, *needed):
            if not cells.get(column, "elsewhere"):  # a quota on a column that is not there is told of later
                hint = "" if column == id_column else " (write for instance 'unknown')"
                raise stop(f"{path}: line {line}: {column} is empty{hint}")
        name = cells.pop(id_column)
        if name in lines:
            raise stop(f"{path}: line {line}: {id_column} {name} is on line {lines[name]} too")
        lines[name] = line
        household = cells.pop(household_column, "") if household_column else ""
        people.append(Person(name, cells, household or None))
    if not people:
        raise stop(f"{path}: holds no people")
    return people


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that holds anything, split by what splits the first line most."""
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise stop(f"{path}: line {reader.line_num}: is no CSV ({error})") from error


def _columns(path: Path, header: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in header]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise stop(f"{path}: line 1: column {twice[0]!r} is there twice")
    return columns
