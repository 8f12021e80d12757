"""`kring draw`, as it is typed, and every example of docs/how-to-draw.md."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.commands.draw_report import SENTENCES

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to-draw.md"
MODEL = Path(__file__).parents[2] / "models" / "lottery"

QUOTAS = """
[rol]
inwoner = "1/3"
ondernemer = "1/3"
raadslid = "1/3"
[gebied]
spread = true
[leeftijd]
"18-34" = {min = 6, max = 12}
"65+" = "30%"
"""


def kring_draw(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["draw", *(str(argument) for argument in arguments)])


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """120 people as Excel saves them: a byte order mark and semicolons."""
    lot = random.Random(4)
    lines = ["id;rol;gebied;leeftijd;adres"]
    for number in range(1, 121):
        role = lot.choices(["inwoner", "ondernemer", "raadslid"], [7, 3, 2])[0]
        area = lot.choices(["Noord", "Zuid", "Oost", "West"], [4, 3, 2, 1])[0]
        lines.append(f"P{number:03};{role};{area};{lot.choice(['18-34', '35-64', '65+'])};straat {lot.randrange(90)}")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8-sig")
    return path


@pytest.fixture
def quotas(tmp_path: Path) -> Path:
    path = tmp_path / "quotas.toml"
    path.write_text(QUOTAS, "utf-8")
    return path


def refused(done: Result) -> str:
    """The one line that tells why."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


def test_the_panel_keeps_quotas_and_households_and_the_files_tell_all(
    people: Path, quotas: Path, tmp_path: Path
) -> None:
    out, chances = tmp_path / "out.json", tmp_path / "chances.csv"
    done = kring_draw(
        people, "--quotas", quotas, "--seats", 24, "--seed", 7, "--household", "adres", "--reserves", 3,
        "-o", out, "--chances", chances,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    answer = json.loads(out.read_text("utf-8"))
    panel = answer["panel"]
    assert done.stdout.split() == panel
    assert (len(set(panel)), answer["seats"], answer["seed"]) == (24, 24, 7)
    with people.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file, delimiter=";")}
    assert len({rows[name]["adres"] for name in panel}) == 24
    assert {row["value"]: row["drawn"] for row in answer["quotas"] if row["feature"] == "rol"} == {
        "inwoner": 8,
        "ondernemer": 8,
        "raadslid": 8,
    }
    for row in answer["quotas"]:
        assert row["drawn"] == sum(rows[name][row["feature"]] == row["value"] for name in panel)
        assert row["min"] is None or row["min"] <= row["drawn"] <= row["max"]
    assert answer["people"]["sha256"] == hashlib.sha256(people.read_bytes()).hexdigest()
    assert answer["quotas_file"]["sha256"] == hashlib.sha256(quotas.read_bytes()).hexdigest()
    assert sum(answer["chances"].values()) == pytest.approx(24, abs=1e-5)
    assert len(answer["reserves"]) == 3
    with chances.open(encoding="utf-8", newline="") as file:
        assert {row["id"]: float(row["chance"]) for row in csv.DictReader(file)} == answer["chances"]


def test_the_lottery_in_the_file_gives_the_chances_in_the_file(people: Path, quotas: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert kring_draw(people, "--quotas", quotas, "--seats", 12, "-o", out).exit_code == 0
    answer = json.loads(out.read_text("utf-8"))
    cells, panels = answer["lottery"]["cells"], answer["lottery"]["panels"]
    assert sum(panel["probability"] for panel in panels) == pytest.approx(1, abs=1e-6)
    for at, cell in enumerate(cells):
        chance = sum(panel["probability"] * panel["from_each_cell"][at] for panel in panels) / len(cell)
        assert [answer["chances"][name] for name in cell] == pytest.approx([chance] * len(cell), abs=1e-6)


def test_the_report_says_what_anyone_needs_to_check_it(people: Path, quotas: Path) -> None:
    done = kring_draw(people, "--quotas", quotas, "--seats", 24, "--seed", 7)
    for said in (
        "24 of 120 people drawn",
        "seed 7\n",
        f"people.csv: SHA-256 {hashlib.sha256(people.read_bytes()).hexdigest()}",
        f"quotas.toml: SHA-256 {hashlib.sha256(quotas.read_bytes()).hexdigest()}",
        "lowest chance",
    ):
        assert said in done.stderr
    assert re.search(r"35-64 +none +\d+ +\d+", done.stderr)
    assert "straat" not in done.output


def test_a_seed_that_was_made_repeats_the_draw(people: Path, quotas: Path) -> None:
    first = kring_draw(people, "--quotas", quotas, "--seats", 24)
    found = re.search(r"seed (\d+) \(made now", first.stderr)
    assert found is not None
    again = kring_draw(people, "--quotas", quotas, "--seats", 24, "--seed", found[1])
    assert again.stdout == first.stdout
    assert kring_draw(people, "--quotas", quotas, "--seats", 24).stdout != first.stdout


def test_the_order_of_rows_and_the_separator_do_not_matter(people: Path, quotas: Path, tmp_path: Path) -> None:
    header, *rows = people.read_text("utf-8-sig").replace(";", ",").splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\r\n".join([header, *reversed(rows), "", ""]), "utf-8")
    first = kring_draw(people, "--quotas", quotas, "--seats", 24, "--seed", 7)
    assert first.stdout
    assert kring_draw(other, "--quotas", quotas, "--seats", 24, "--seed", 7).stdout == first.stdout


def test_another_column_may_name_the_people(tmp_path: Path, quotas: Path) -> None:
    people = tmp_path / "few.csv"
    people.write_text('nummer,rol\n1,"a, b"\n2,c\n', "utf-8")
    quotas.write_text('[rol]\n"a, b" = 1\n', "utf-8")
    assert kring_draw(people, "--quotas", quotas, "--seats", 1, "--id-column", "nummer").stdout == "1\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("id;rol\n", "holds no people"),
        ("naam;rol\na;x\n", "has no column 'id'; its columns are naam, rol"),
        ("id;rol;rol\na;x;y\n", "line 1: column 'rol' is there twice"),
        ("id;rol\na;x\n;x\n", "line 3: id is empty"),
        ("id;rol\na;x\nb;\n", "line 3: rol is empty (write for instance 'unknown')"),
        ("id;rol\na;x\n\nb;x\na;x\n", "line 5: id a is on line 2 too"),
        ("id;rol\na;x;y\n", "line 2: has 3 cells, the first line has 2"),
        ('id;rol\na;"x\n', "is no CSV"),
        ("id;soort\na;x\n", "[rol] is no column of the people; their columns are soort"),
        ("id;rol\na;y\n", "[rol] x: nobody in the file has this value"),
        ("id;rol\na;X\n", "did you mean X?"),
        ("id;rol\na;x\n", "2 seats, but 1 people"),
    ],
)
def test_people_that_cannot_be_read_are_one_line(tmp_path: Path, quotas: Path, content: str, said: str) -> None:
    people, out = tmp_path / "bad.csv", tmp_path / "out.json"
    people.write_text(content, "utf-8")
    quotas.write_text("[rol]\nx = 1\n", "utf-8")
    assert said in refused(kring_draw(people, "--quotas", quotas, "--seats", 2, "-o", out))
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[rol\n", "at line 1"),
        ("rol = 3\n", "rol stands in no table"),
        ("[wijk]\na = 1\n", "[wijk] is no column"),
        ("[rol]\ninwoner = 1\ninwoner = 2\n", "at line 3"),
        ('[rol]\ninwoner = "veel"\n', "[rol] inwoner: 'veel' is no number of seats"),
        ("[rol]\ninwoner = {at_least = 3}\n", "[rol] inwoner: at_least is unknown; bounds are min and max"),
        ("[rol]\ninwoner = {min = 3, max = 2}\n", "[rol] inwoner: min 3 is more than max 2"),
        ("[rol]\ninwoner = 1.5\n", "[rol] inwoner: '1.5' is no share from 0 to 1"),
        ("[rol]\ninwoner = -1\n", "[rol] inwoner: -1 is below zero"),
        ("[rol]\ninwoner = {}\n", "[rol] inwoner: give min, max or both"),
    ],
)
def test_quotas_that_cannot_be_read_are_one_line(people: Path, quotas: Path, content: str, said: str) -> None:
    quotas.write_text(content, "utf-8")
    assert said in refused(kring_draw(people, "--quotas", quotas, "--seats", 5))


def test_a_file_that_is_not_utf_8_names_the_line(people: Path, quotas: Path) -> None:
    people.write_bytes(people.read_bytes() + "P121;inwoner;Zuid-Caf\xe9;65+;x\n".encode("cp1252"))
    assert "line 122: is not UTF-8" in refused(kring_draw(people, "--quotas", quotas, "--seats", 5))


@pytest.mark.parametrize("seats", [0, -3])
def test_fewer_seats_than_one_is_one_line(people: Path, quotas: Path, seats: int) -> None:
    assert "--seats" in refused(kring_draw(people, "--quotas", quotas, "--seats", seats))


def test_a_missing_file_or_a_folder_that_is_not_there_is_one_line(people: Path, quotas: Path, tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert "cannot be read" in refused(kring_draw(none, "--quotas", quotas, "--seats", 5))
    assert "cannot be read" in refused(kring_draw(people, "--quotas", none, "--seats", 5))
    for option in ("-o", "--chances"):
        done = kring_draw(people, "--quotas", quotas, "--seats", 5, option, none / "out")
        assert "does not exist" in refused(done)


def test_quotas_that_cannot_hold_tell_the_smallest_change_and_write_nothing(
    people: Path, quotas: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    quotas.write_text("[rol]\ninwoner = 20\nraadslid = 6\n", "utf-8")
    done = kring_draw(people, "--quotas", quotas, "--seats", 24, "-o", out)
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"kring: {quotas}: [rol]: the minimums sum to 26, above 24 seats",
        "the smallest change of quotas with which a panel exists:",
        "  [rol] inwoner: min 18 instead of 20",
    ]
    assert not out.exists()


def test_every_error_of_the_lottery_has_a_sentence() -> None:
    """Those about ids, empty cells, seats and pairs cannot come from a file that was read: the command checks first."""
    raised = {
        code
        for file in MODEL.glob("*.py")
        for code in re.findall(
            r'(?:BadInput|Infeasible)\(\s*"(\w+)"|return "(\w+)", {|\("(quotas_conflict)"', file.read_text()
        )
    }
    codes = {one for groups in raised for one in groups if one}
    assert len(codes) > 15
    assert codes - SENTENCES.keys() == {
        "repeated_id", "apart_from_self", "no_value", "repeated_quota", "min_below_zero", "no_seats",
    }  # fmt: skip


def blocks() -> dict[str, str]:
    """The named blocks of the how-to, and its commands in order under "commands"."""
    text = HOW_TO.read_text("utf-8")
    named = dict(re.findall(r"```\w+ (\S+)\n(.*?)```", text, re.DOTALL))
    return {**named, "commands": "".join(re.findall(r"```\n(kring .*?\n)```", text))}


def test_the_how_to_shows_what_the_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = blocks()
    for name in ("people.csv", "quotas.toml", "too-tight.toml"):
        Path(name).write_text(shown[name], "utf-8")
    drawn, stopped = (CliRunner().invoke(app, shlex.split(command)[1:]) for command in shown["commands"].splitlines())
    assert (drawn.exit_code, stopped.exit_code) == (0, 2)
    for done, name in ((drawn, "report"), (stopped, "refusal")):
        assert [line.rstrip() for line in done.stderr.splitlines()] == shown[name].splitlines()
    assert Path("draw.json").is_file()
    assert Path("chances.csv").is_file()
