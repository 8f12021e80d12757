"""From an asyncpg record to a frozen dataclass, checked: a column that does not fit its type is a bug to hear of."""

from functools import cache
from typing import Any, TypeVar

import asyncpg
from pydantic import TypeAdapter

Row = TypeVar("Row")


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def into(kind: type[Row], record: asyncpg.Record) -> Row:
    row: Row = _adapter(kind).validate_python(dict(record))  # type: ignore[arg-type]  # a class is hashable
    return row


def maybe(kind: type[Row], record: asyncpg.Record | None) -> Row | None:
    return None if record is None else into(kind, record)


def each(kind: type[Row], records: list[asyncpg.Record]) -> list[Row]:
    return [into(kind, record) for record in records]
