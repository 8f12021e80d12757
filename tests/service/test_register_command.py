"""`kring register`: the register of processing says what the code does, and the one in docs is of today."""

from pathlib import Path

from service.commands import register
from service.consents import TEXTS
from service.retention import KEPT, RULES

ROOT = Path(__file__).parents[2]
SHIPPED = register._days(defaults=True)


def test_the_register_in_docs_is_what_the_command_writes() -> None:
    """`kring register --defaults -o docs/dpia/verwerkingsregister.md` makes it anew."""
    written = (ROOT / "docs" / "dpia" / "verwerkingsregister.md").read_text(encoding="utf-8")
    assert written == register.text(SHIPPED)


def test_it_names_every_rule_and_every_purpose() -> None:
    text = register.text(SHIPPED)
    assert all(f"`KRING_{rule.setting.upper()}`" in text for rule in RULES)
    assert all(kept.what in text for kept in KEPT)
    assert all(purpose.label in text for purpose in TEXTS.values())


def test_another_period_gives_another_register() -> None:
    rule = RULES[0]
    changed = register.text(SHIPPED | {rule.setting: 4321})
    assert f"| {rule.what} | 4321 dagen na" in changed
    assert "4321" not in register.text(SHIPPED)


def test_periods_read_as_people_say_them() -> None:
    assert [register._period(days) for days in (0, 1, 30, 365, 1825)] == [
        "direct",
        "1 dag",
        "30 dagen",
        "1 jaar",
        "5 jaar",
    ]
