"""Short texts become fit to store and to show: no character stays that nobody can see."""

import pytest

from service.typed import one_line, several_lines


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Kring\tvan\n weduwnaren ", "Kring van weduwnaren"),
        ("Kring\0 van\x1b weduwnaren", "Kring van weduwnaren"),
        ("Kring \u202eneranwudew\u202c", "Kring neranwudew"),
        ("\u200bKring", "Kring"),
        ("Buurthuis 👨\u200d👩\u200d👧", "Buurthuis 👨\u200d👩\u200d👧"),
        ("\0", ""),
        ("\u200b\u2060 \ufffe", ""),
        ("- … -", ""),
    ],
)
def test_one_line_holds_what_can_be_read(typed: str, kept: str) -> None:
    assert one_line(typed) == kept


def test_several_lines_keep_their_ends() -> None:
    assert several_lines(" Te klein.\n\nWacht\0 af. ") == "Te klein.\n\nWacht af."
