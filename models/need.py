"""A need as the matching engine sees it: a de-identified note plus what the resident prefers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final


class Perspective(StrEnum):
    """Who asks, seen from the problem: the person who has it, or someone beside that person."""

    SELF = "self"
    PARENT = "parent"
    PARTNER = "partner"
    CHILD = "child"
    SIBLING = "sibling"
    RELATIVE = "relative"
    FOSTER_PARENT = "foster_parent"


class AgeBand(StrEnum):
    """Age of the resident who asks, as coarse as grouping needs it."""

    UNDER_12 = "under_12"
    AGE_12_15 = "12_15"
    AGE_16_17 = "16_17"
    AGE_18_24 = "18_24"
    AGE_25_39 = "25_39"
    AGE_40_64 = "40_64"
    AGE_65_PLUS = "65_plus"

    @property
    def is_minor(self) -> bool:
        """True under 18."""
        return self in (AgeBand.UNDER_12, AgeBand.AGE_12_15, AgeBand.AGE_16_17)


class Meeting(StrEnum):
    """How a resident wants to meet; `either` goes along with both."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    EITHER = "either"

    @property
    def opposite(self) -> Meeting | None:
        """The one way that does not go with this one; None for `either`."""
        return {Meeting.IN_PERSON: Meeting.ONLINE, Meeting.ONLINE: Meeting.IN_PERSON}.get(self)


class Form(StrEnum):
    """What a group may become: a closed circle, an open café, an association."""

    CIRCLE = "circle"
    CAFE = "cafe"
    ASSOCIATION = "association"


WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARTS: Final = ("morning", "afternoon", "evening")
DAYPARTS: Final[tuple[str, ...]] = tuple(f"{day}-{part}" for day, part in product(WEEKDAYS, PARTS))
"""The 21 dayparts in the order of the week: `mon-morning` … `sun-evening`."""


@dataclass(frozen=True, slots=True)
class Need:
    """One consented need.

    `lat`/`lon` are degrees of the area's centre, never of an address; both None when the area is unknown. `area` is
    what that area is called. `reach_km`: how far the resident can travel; None: as far as the settings say.
    `dayparts` empty means: the resident did not say. `caseworker` None: unknown, it then backs no label.
    `apart` holds ids this resident must never share a group with; ids that are not in the pool are ignored.
    """

    id: str
    text: str
    perspective: Perspective = Perspective.SELF
    age_band: AgeBand | None = None
    lat: float | None = None
    lon: float | None = None
    area: str | None = None
    reach_km: float | None = None
    languages: frozenset[str] = frozenset({"nl"})
    dayparts: frozenset[str] = frozenset()
    meeting: Meeting = Meeting.EITHER
    waiting_days: int = 0
    caseworker: str | None = None
    topics: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()

    @property
    def is_minor(self) -> bool:
        """True when the resident is known to be under 18; an unknown age counts as adult."""
        return self.age_band is not None and self.age_band.is_minor
