"""Short texts that people type (a name, a place, a reason), made fit to store and to show on one line or a few.

PostgreSQL stores no NUL; the other control characters, and the marks that turn the direction of reading, would change
how a page or a log around the text is read.
"""

import unicodedata
from typing import Final

# Control characters, invisible marks, halves of characters, private and unassigned ones. Kept: ends of lines, and the
# two marks that Persian and emoji are written with.
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT: Final = frozenset("\n\r\t\u200c\u200d")


def one_line(typed: str) -> str:
    """Without control characters, and with single spaces; empty when no letter or digit is left to read."""
    return _readable(visible(" ".join(typed.split())))


def several_lines(typed: str) -> str:
    """As `one_line`, with its line ends."""
    return _readable(visible(typed).strip())


def visible(typed: str) -> str:
    """Without what nobody can see; ends of lines stay."""
    return "".join(char for char in typed if char in _KEPT or unicodedata.category(char) not in _DROPPED)


def _readable(text: str) -> str:
    return text if any(char.isalnum() for char in text) else ""
