"""How Dutch care notes are written: plain letters, abbreviations written out, words that say nothing of the subject."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class DutchWords:
    """The data file: `capitals` are abbreviations that mean something else in lower case ("ALS" and "als")."""

    abbreviations: Mapping[str, tuple[str, ...]]
    capitals: Mapping[str, str]
    stop: frozenset[str]


def plain(text: str) -> str:
    """Lower case without accents: "Cliënt" and "client" are one word."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()


@lru_cache(maxsize=1)
def dutch_words() -> DutchWords:
    """Load the data file that ships with the package; read once, it never changes while running."""
    data = tomllib.loads(files("models").joinpath("dutch_words.toml").read_text("utf-8"))
    return DutchWords(
        abbreviations={short: tuple(plain(full).split()) for short, full in data["abbreviations"].items()},
        capitals=data["capitals"],
        stop=frozenset(plain(data["stop"]["words"]).split()),
    )
