"""Reads needs from a file as municipalities really export them: one JSON object a line, and whatever else went wrong.

Every row becomes a need or a refusal with its line and one clear reason. A refusal never repeats the note: it may hold
what must not be in a log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails

from models.need import DAYPARTS, AgeBand, Meeting, Need, Perspective
from service.domain import TEXT_MOST, Channel, Purpose

MAX_LINE: Final = 256 * 1024
"""Bytes; the longest sound row is under 40 kB, and a line this long is never loaded whole."""
MAX_WAITING_DAYS: Final = 36_500
ANY_TEXT: Final = "any_text"
"""Context key: take a text that is empty, without words or too long to be a need; what reads it says so itself."""
_BOM: Final = b"\xef\xbb\xbf"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


Context = dict[str, bool]


class FileUnreadable(Exception):
    """The file as a whole cannot be read; the message says which file and why in one line."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not a need: its line (from 1), why in one English sentence, and its id when that could be read."""

    line: int
    reason: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class GoodRow:
    """A row that is a need."""

    line: int
    row: NeedRow

    @property
    def need(self) -> Need:
        return self.row.to_need()


def _no_control_characters(value: str) -> str:
    found = _CONTROL.search(value)
    if found is not None:
        raise ValueError(f"holds a control character (U+{ord(found.group()):04X}) at position {found.start() + 1}")
    if _LONE_SURROGATE.search(value):
        raise ValueError("holds half of a character (a lone surrogate)")
    return value


def _has_words(value: str, info: ValidationInfo) -> str:
    if (info.context or {}).get(ANY_TEXT):
        return value
    if not value.strip():
        raise ValueError("is empty")
    if len(value) > TEXT_MOST:
        raise ValueError(f"is too long: {len(value)} characters, at most {TEXT_MOST} are allowed")
    if not any(character.isalpha() for character in value):
        raise ValueError("holds no words")
    return value


def _known_daypart(value: str) -> str:
    if value not in DAYPARTS:
        raise ValueError("holds an unknown daypart; allowed are mon to sun with -morning, -afternoon or -evening")
    return value


Name = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_no_control_characters),
]
Note = Annotated[
    str, StringConstraints(strict=True), AfterValidator(_no_control_characters), AfterValidator(_has_words)
]
Language = Annotated[str, StringConstraints(strict=True, to_lower=True, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Daypart = Annotated[str, StringConstraints(strict=True), AfterValidator(_known_daypart)]


class AreaRow(BaseModel):
    """`area` of a row, in degrees."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)] | None = None
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False, strict=True)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False, strict=True)


class ContactRow(BaseModel):
    """`contact` of a row: where an invitation can go. Only `kring import-needs` reads it."""

    model_config = ConfigDict(extra="ignore")

    channel: Channel
    value: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)]


class NeedRow(BaseModel):
    """A row of the file format in docs/sources.md; keys it does not know are ignored."""

    model_config = ConfigDict(extra="ignore")

    id: Name
    text: Note
    perspective: Perspective = Perspective.SELF
    age_band: AgeBand | None = None
    topics: tuple[Name, ...] = Field(default=(), max_length=20)
    area: AreaRow | None = None
    languages: frozenset[Language] = Field(default=frozenset({"nl"}), min_length=1, max_length=20)
    dayparts: frozenset[Daypart] = frozenset()
    meeting: Meeting = Meeting.EITHER
    reach_km: float | None = Field(default=None, ge=0, le=1_000, allow_inf_nan=False)
    waiting_days: int = Field(default=0, ge=0, le=MAX_WAITING_DAYS, strict=True)
    caseworker: Name | None = None
    apart: frozenset[Name] = Field(default=frozenset(), max_length=1000)
    consents: frozenset[Purpose] | None = None
    contact: ContactRow | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        """Exports write null for what was left open."""
        if isinstance(data, dict):
            required = ("id", "text")
            return {key: value for key, value in data.items() if value is not None or key in required}
        return data

    @model_validator(mode="after")
    def _not_apart_from_self(self) -> Self:
        if self.id in self.apart:
            raise ValueError("apart: names the row itself")
        return self

    def to_need(self) -> Need:
        """The need as the matching engine takes it."""
        return Need(
            id=self.id,
            text=self.text,
            perspective=self.perspective,
            age_band=self.age_band,
            lat=self.area.lat if self.area else None,
            lon=self.area.lon if self.area else None,
            area=self.area.name if self.area else None,
            reach_km=self.reach_km,
            languages=self.languages,
            dayparts=self.dayparts,
            meeting=self.meeting,
            waiting_days=self.waiting_days,
            caseworker=self.caseworker,
            topics=self.topics,
            apart=self.apart,
        )


def read_needs(path: Path, *, any_text: bool = False) -> Iterator[GoodRow | RefusedRow]:
    """Yield every row of the file in order, as a need or a refusal; blank lines are passed over.

    `any_text` takes texts that could be no need (empty, without words, very long), for commands that only read them.
    A file that is one JSON array is read as its elements, numbered from 1. An empty file yields nothing. Raises
    FileUnreadable when there is no such file, or it is a directory, or it may not be read.
    """
    first_line: dict[str, int] = {}
    for row in _rows(path, {ANY_TEXT: any_text}):
        if row.id is None:
            yield row.checked
            continue
        earlier = first_line.setdefault(row.id, row.checked.line)
        if earlier != row.checked.line:
            yield RefusedRow(row.checked.line, f"id: already used on line {earlier}", row.id)
        else:
            yield row.checked


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, and its id when one could be read: a refused row still claims its id."""

    checked: GoodRow | RefusedRow
    id: str | None


def _rows(path: Path, context: Context) -> Iterator[_Row]:
    try:
        with path.open("rb") as file:
            if _is_array(file):
                yield from _array_rows(file.read(), context)
            else:
                for number, line in _lines(file):
                    row = _checked_line(number, line, context)
                    if row is not None:
                        yield row
    except OSError as error:
        raise FileUnreadable(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from error


def _is_array(file: BinaryIO) -> bool:
    """True when the first thing in the file is `[`; leaves the file at its start."""
    head = file.read(1024).removeprefix(_BOM).lstrip()
    file.seek(0)
    return head.startswith(b"[")


def _array_rows(content: bytes, context: Context) -> Iterator[_Row]:
    """The elements of one JSON array; anything wrong with the array itself is one refusal, as nothing in it is sure."""
    decoded = _decoded(content.removeprefix(_BOM))
    if isinstance(decoded, RefusedRow):
        yield _Row(decoded, None)
        return
    parsed = _parsed(1, decoded)
    if isinstance(parsed, RefusedRow):
        yield _Row(parsed, None)
    elif not isinstance(parsed, list):
        yield _Row(RefusedRow(1, "is not an array of objects"), None)
    else:
        for number, element in enumerate(parsed, start=1):
            yield _checked(number, element, context)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Numbered lines; of a line over MAX_LINE only the first MAX_LINE + 1 bytes are kept."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        yield number, line


def _checked_line(number: int, line: bytes, context: Context) -> _Row | None:
    if not line.strip():
        return None
    if len(line) > MAX_LINE:
        return _Row(RefusedRow(number, f"is longer than {MAX_LINE} bytes"), None)
    marked = line.startswith(_BOM)
    decoded = _decoded(line.removeprefix(_BOM), number)
    if isinstance(decoded, RefusedRow):
        return _Row(decoded, None)
    parsed = _parsed(number, decoded.strip())
    if isinstance(parsed, RefusedRow):
        return _Row(parsed, None)
    row = _checked(number, parsed, context)
    if marked:
        return _Row(
            RefusedRow(number, "starts with a byte order mark (save the file as UTF-8 without BOM)", row.id), row.id
        )
    return row


def _decoded(content: bytes, number: int = 1) -> str | RefusedRow:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return RefusedRow(number, f"is not UTF-8: byte {error.start + 1} is 0x{content[error.start]:02x}")


def _parsed(number: int, content: str) -> Any | RefusedRow:
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(content.rstrip()) or error.msg.startswith("Unterminated")
        what = "is cut off" if cut_off else "is not valid JSON"
        return RefusedRow(number, f"{what} at character {error.pos + 1}: {error.msg[0].lower()}{error.msg[1:]}")
    except ValueError as error:
        return RefusedRow(number, f"is not valid JSON: {error}")
    except RecursionError:
        return RefusedRow(number, "is not valid JSON: nested too deeply")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _checked(number: int, value: object, context: Context) -> _Row:
    if not isinstance(value, dict):
        return _Row(RefusedRow(number, "is not a JSON object"), None)
    given = value.get("id")
    row_id = given.strip() if isinstance(given, str) and given.strip() and len(given) <= 100 else None
    try:
        return _Row(GoodRow(number, NeedRow.model_validate(value, context=context)), row_id)
    except ValidationError as error:
        return _Row(RefusedRow(number, _sentence(error.errors(include_url=False)[0]), row_id), row_id)


def _sentence(error: ErrorDetails) -> str:
    """Pydantic's first complaint in one line, without the value it is about."""
    field = ".".join(str(part) for part in error["loc"] if not isinstance(part, int))
    context = error.get("ctx", {})
    kind = _kind(error["input"])
    messages = {
        "missing": "is missing",
        "string_type": f"must be text, not {kind}",
        "enum": f"is unknown; allowed are {str(context.get('expected', '')).replace(chr(39), '')}",
        "greater_than_equal": f"must be at least {_number(context.get('ge'))}",
        "less_than_equal": f"must be at most {_number(context.get('le'))}",
        "string_too_short": "is empty",
        "string_too_long": f"is too long, at most {context.get('max_length')} characters are allowed",
        "string_pattern_mismatch": "holds something that is not a language code such as nl or en",
        "too_short": "is an empty list",
        "too_long": f"holds too many, at most {context.get('max_length')} are allowed",
        "finite_number": "must be a finite number",
        "float_type": f"must be a number, not {kind}",
        "int_type": f"must be a whole number, not {kind}",
        "int_from_float": "must be a whole number",
        "frozen_set_type": f"must be a list, not {kind}",
        "tuple_type": f"must be a list, not {kind}",
        "model_type": f"must be an object, not {kind}",
        "model_attributes_type": f"must be an object, not {kind}",
        "value_error": str(context.get("error", "")),
    }
    message = messages.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])
    return f"{field}: {message}" if field else message


def _number(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _kind(value: object) -> str:
    """What JSON calls a value."""
    names: dict[type, str] = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")
