"""Rows as municipalities really export them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.need import AgeBand, Meeting, Need, Perspective
from service.jsonl import MAX_LINE, FileUnreadable, GoodRow, RefusedRow, read_needs

ROW = {"id": "b01", "text": "Meneer wil samen eten.", "perspective": "self", "area": {"lat": 52.2, "lon": 4.9}}


def read(path: Path, content: bytes) -> list[GoodRow | RefusedRow]:
    file = path / "needs.jsonl"
    file.write_bytes(content)
    return list(read_needs(file))


def line(**changes: object) -> bytes:
    return json.dumps(ROW | changes).encode() + b"\n"


def only_refusal(path: Path, content: bytes) -> str:
    (row,) = read(path, content)
    assert isinstance(row, RefusedRow)
    return row.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xef\xbb\xbf" + line(), "starts with a byte order mark (save the file as UTF-8 without BOM)"),
        (b'{"id": "b02", "text": "Moeder", ', "is cut off at character 32: "),
        (b'{"id": "b02", "text": "Moed', "is cut off at character 23: unterminated string"),
        (b'{"id" "b02"}', "is not valid JSON at character 7: expecting ':' delimiter"),
        (b'{"id": "b03"}', "text: is missing"),
        (b'{"text": "x"}', "id: is missing"),
        (line(text=""), "text: is empty"),
        (line(text="  \n "), "text: is empty"),
        (line(text=None), "text: must be text, not null"),
        (
            line(perspective="neighbour"),
            "perspective: is unknown; allowed are self, parent, partner, child, sibling, relative or foster_parent",
        ),
        (line(area={"lat": 520, "lon": 5}), "area.lat: must be at most 90"),
        (line(area={"lat": 52, "lon": -181}), "area.lon: must be at least -180"),
        (line(area={"lat": "52", "lon": 5}), "area.lat: must be a number, not text"),
        (line(area=[52, 5]), "area: must be an object, not a list"),
        (line(area={"lat": float("nan"), "lon": 5}), "is not valid JSON: NaN is not a number"),
        (line(area={"lat": float("inf"), "lon": 5}), "is not valid JSON: Infinity is not a number"),
        (line().replace(b"52.2", b"1e999"), "area.lat: must be "),
        (line(text="a" * 4001), "text: is too long: 4001 characters, at most 4000 are allowed"),
        (line(text="Pleegouders\x00 zoeken"), "text: holds a control character (U+0000) at position 12"),
        (line(text="rood\x1b[31m"), "text: holds a control character (U+001B) at position 5"),
        (line(text=4711), "text: must be text, not a number"),
        (line(text=["Meneer"]), "text: must be text, not a list"),
        (line(text="😢😢🙏👨‍👩‍👧"), "text: holds no words"),
        (line(text="\ud83d kapot"), "text: holds half of a character (a lone surrogate)"),
        ('{"id": "b12", "text": "Cliënt"}'.encode("latin-1"), "is not UTF-8: byte 27 is 0xeb"),
        (line(dayparts=["monday"]), "dayparts: holds an unknown daypart"),
        (line(dayparts="mon-evening"), "dayparts: must be a list, not text"),
        (line(languages=[]), "languages: is an empty list"),
        (line(languages=["Nederlands!"]), "languages: holds something that is not a language code such as nl or en"),
        (line(meeting="phone"), "meeting: is unknown; allowed are in_person, online or either"),
        (line(waiting_days=-1), "waiting_days: must be at least 0"),
        (line(waiting_days=1.5), "waiting_days: must be a whole number"),
        (line(waiting_days=True), "waiting_days: must be a whole number, not true or false"),
        (line(apart=["b01"]), "apart: names the row itself"),
        (line(id="  "), "id: is empty"),
        (b"[1, 2", "is cut off at character 6: "),
        (b"7\n", "is not a JSON object"),
        (b"[" * 100_000 + b"\n", "is "),
    ],
)
def test_a_broken_row_is_refused_with_one_precise_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    found = only_refusal(tmp_path, content)
    assert found.startswith(reason)
    assert "\n" not in found


def test_a_repeated_id_names_the_first_line_even_when_that_was_refused(tmp_path: Path) -> None:
    rows = read(tmp_path, line(text="") + b"\n" + line())
    assert rows[1] == RefusedRow(3, "id: already used on line 1", "b01")


def test_a_refusal_never_repeats_the_note(tmp_path: Path) -> None:
    secret = "Geheimenis"
    for content in (line(text=f"{secret}\x00"), line(perspective=secret), line(text=[secret]), line(area=secret)):
        assert secret not in only_refusal(tmp_path, content)


def test_a_huge_line_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    rows = read(tmp_path, line(id="huge", text="a" * 3 * MAX_LINE) + line())
    assert rows[0] == RefusedRow(1, f"is longer than {MAX_LINE} bytes")
    assert isinstance(rows[1], GoodRow)
    assert rows[1].line == 2


def test_blank_lines_and_windows_line_ends_are_passed_over(tmp_path: Path) -> None:
    rows = read(tmp_path, b"\r\n" + line().replace(b"\n", b"\r\n") + b"   \r\n" + line(id="b02").strip())
    assert [row.line for row in rows] == [2, 4]
    assert all(isinstance(row, GoodRow) for row in rows)


def test_a_json_array_is_read_as_its_elements(tmp_path: Path) -> None:
    rows = read(tmp_path, json.dumps([ROW, ROW | {"id": "b02"}, 7], indent=1).encode())
    assert [type(row) for row in rows] == [GoodRow, GoodRow, RefusedRow]


def test_an_empty_file_holds_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == []


def test_a_whole_row_becomes_a_need(tmp_path: Path) -> None:
    (row,) = read(
        tmp_path,
        line(
            perspective="child",
            age_band="16_17",
            topics=["jonge_mantelzorg"],
            languages=["NL", "ti"],
            dayparts=["mon-evening"],
            meeting="online",
            waiting_days=3,
            caseworker="c1",
            apart=["b09"],
            unknown="ignored",
        ),
    )
    assert isinstance(row, GoodRow)
    assert row.need == Need(
        id="b01",
        text="Meneer wil samen eten.",
        perspective=Perspective.CHILD,
        age_band=AgeBand.AGE_16_17,
        lat=52.2,
        lon=4.9,
        languages=frozenset({"nl", "ti"}),
        dayparts=frozenset({"mon-evening"}),
        meeting=Meeting.ONLINE,
        waiting_days=3,
        caseworker="c1",
        topics=("jonge_mantelzorg",),
        apart=frozenset({"b09"}),
    )


def test_what_an_export_left_null_is_absent(tmp_path: Path) -> None:
    (row,) = read(tmp_path, line(area=None, languages=None, age_band=None, waiting_days=None))
    assert isinstance(row, GoodRow)
    assert row.need.languages == frozenset({"nl"})


def test_a_directory_or_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.jsonl"):
        with pytest.raises(FileUnreadable, match=str(path)):
            list(read_needs(path))
