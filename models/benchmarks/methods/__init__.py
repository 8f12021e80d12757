"""The methods that are compared, one module each, so that a process holds nothing of the others.

Each module has `prepare(handed)`: load what the method needs, and return the work to be timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final, TypeAlias

from models.benchmarks.handed import Handed, Made

Work: TypeAlias = Callable[[], Made]

KRING: Final = "kring"
AIM: Final = 8
LEAST: Final = 5
MOST: Final = 12
"""The sizes of a circle (docs/sources.md, "Groups"), as the other methods are told them."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method by the name of its module; `needs` is the package of group "bench" it stands on."""

    name: str
    title: str
    about: str
    needs: str | None = None

    def installed(self) -> bool:
        """Whether the package it stands on is there."""
        return self.needs is None or find_spec(self.needs.replace("-", "_")) is not None

    def prepare(self, handed: Handed) -> Work:
        """Import and load; what is returned is the work alone."""
        work: Work = import_module(f"models.benchmarks.methods.{self.name.replace('-', '_')}").prepare(handed)
        return work


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                KRING,
                "Kring",
                "the whole engine with its default bounds: themes, labels, groups, and reasons for everybody.",
            ),
            Method(
                "k-means-constrained",
                "k-means-constrained",
                f"k-means with {LEAST} to {MOST} people in every cluster and as many clusters as make {AIM} the mean,"
                " by minimum cost flow (Bradley, Bennett and Demiriz 2000); one start instead of its usual ten.",
                needs="k-means-constrained",
            ),
            Method(
                "hdbscan",
                "HDBSCAN, cut",
                f"scikit-learn's, with clusters of at least {LEAST}; one larger than {MOST} is cut into parts of about"
                f" {AIM}, each somebody and their nearest. Its outliers are in no group.",
            ),
            Method(
                "greedy",
                "greedy",
                f"the first person who is free and their {AIM - 1} nearest who are, until fewer than {LEAST} are left.",
            ),
        )
    }
)
