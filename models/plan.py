"""What the matching engine is told besides the needs (settings), and what it answers (the plan)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from models.errors import Infeasible, Param
from models.need import Form, Meeting, Need, Perspective

AGAIN: Final = 0.6
"""A group of whom so many sat together in a rejected one is that group again."""


class Code(StrEnum):
    """Every reason the engine can give. The service has one sentence for each; parameters are named behind it."""

    # why these people are one group
    SHARED_THEME = "shared_theme"  # label
    SHARED_PERSPECTIVE = "shared_perspective"  # perspective
    SHARED_LANGUAGE = "shared_language"  # language
    SHARED_DAYPART = "shared_daypart"  # daypart, count, size
    DAYPART_OPEN = "daypart_open"  # nobody said when
    MEETS_ONLINE = "meets_online"
    MEETS_NEARBY = "meets_nearby"  # km: the longest way to the middle of the group
    PLACES_UNKNOWN = "places_unknown"  # count: members without an area
    SAME_AGE = "same_age"  # minors of about one age
    WEAKEST_LINK = "weakest_link"  # percent: mean closeness of the member with the lowest one
    MIXED_PERSPECTIVES = "mixed_perspectives"  # a coordinator lets people of several sides into this theme
    # why this member is here
    CLOSE_TO_OTHERS = "close_to_others"  # count, size
    CAN_COME = "can_come"  # daypart
    NEEDS_OTHER_TIME = "needs_other_time"  # daypart
    TIME_UNKNOWN = "time_unknown"
    TRAVELS = "travels"  # km
    WAITED_LONG = "waited_long"  # days
    ROOM_IN_PLATFORM = "room_in_platform"  # room: places the platform has
    DRAWN = "drawn"  # percent, places, wanting: more people wanted a place than there were
    # why this person is in no group (yet)
    NO_SIMILAR_NEED = "no_similar_need"
    THEME_TOO_SMALL = "theme_too_small"  # found, needed
    AGE_DIFFERS = "age_differs"  # found, needed
    LANGUAGE_DIFFERS = "language_differs"  # found, needed
    MEETING_DIFFERS = "meeting_differs"  # found, needed
    TOO_FAR = "too_far"  # found, needed, km
    KEPT_APART = "kept_apart"  # found, needed
    DAYPART_DIFFERS = "daypart_differs"  # found, needed
    GROUP_OTHER_TIME = "group_other_time"  # daypart: when the group this person fits in otherwise meets
    GROUP_FULL = "group_full"  # size
    NO_FITTING_GROUP = "no_fitting_group"  # found: people in the theme
    NOT_DRAWN = "not_drawn"  # percent, places, wanting
    # the smallest change that would make a group possible
    MORE_PEOPLE = "more_people"  # more
    TRAVEL_FURTHER = "travel_further"  # km, now, size, areas: joined with ", ", may be empty
    MEET_ONLINE = "meet_online"  # size, ask: how many would have to agree
    OTHER_DAYPART = "other_daypart"  # daypart, size, ask
    MIX_PERSPECTIVES = "mix_perspectives"  # perspective: the other side, size
    LARGER_GROUP = "larger_group"  # size, most
    ASK_NEIGHBOUR = "ask_neighbour"  # neighbours: joined with ", "; no count ever crosses the border
    MEET_ONE_TO_ONE = "meet_one_to_one"  # found
    TALK_AGAIN = "talk_again"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason as a code and plain parameters; the service words it."""

    code: Code
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """The bounds of a group. Defaults from docs/sources.md, "Groups", unless a reason stands behind them.

    Raises Infeasible when a bound can never hold.
    """

    circle_min: int = 5
    circle_aim: int = 8
    circle_max: int = 12
    cafe_min: int = 20
    cafe_max: int = 40
    # A café stays open for who comes later, so a theme gets one only when it could fill the largest one today:
    # with three in ten accepting, that is the least that gives a first evening with a dozen visitors.
    cafe_from: int = 40
    daypart_share: float = 0.6
    reach_km: float = 10.0
    min_close: int = 2
    # A theme smaller than this would leave someone without two others close to them.
    theme_min: int = 3
    # "Nobody > 90 days without an alternative": from here on waiting is named as a reason.
    long_wait_days: int = 90
    # Over this a coordinator is told, with what could be changed (docs/sources.md, "Groups").
    raise_after_days: int = 60
    # Municipalities nearby that take part, by name; only that they could be asked is ever said, never a count.
    neighbours: tuple[str, ...] = ()
    label_residents: int = 5
    label_caseworkers: int = 3

    def __post_init__(self) -> None:
        """Refuse bounds that contradict one another."""
        if not 1 <= self.circle_min <= self.circle_aim <= self.circle_max:
            raise Infeasible("circle_size", least=self.circle_min, aim=self.circle_aim, most=self.circle_max)
        if not 1 <= self.cafe_min <= self.cafe_max:
            raise Infeasible("cafe_size", least=self.cafe_min, most=self.cafe_max)
        if not 0 <= self.daypart_share <= 1:
            raise Infeasible("daypart_share", share=self.daypart_share)
        if self.min_close >= self.circle_min:
            raise Infeasible("min_close", needed=self.min_close, least=self.circle_min)
        if not self.reach_km >= 0:
            raise Infeasible("reach_km", km=self.reach_km)


@dataclass(frozen=True, slots=True)
class Theme:
    """Needs that are about the same thing, within one perspective (None: mixed, as a coordinator asked).

    `id` holds within one plan only; which past theme it continues is for `models.lineage`.
    """

    id: str
    label: str
    perspective: Perspective | None
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastTheme:
    """A theme as earlier runs left it. `mixed`: a coordinator lets in people of other perspectives."""

    id: str
    members: frozenset[str]
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class OpenPlatform:
    """An existing platform with `room` for so many more. `members` are needs that are not in the pool.

    `asked` are needs in the pool that were offered this platform before, or were taken out of such an offer.
    """

    id: str
    form: Form
    language: str
    meeting: Meeting
    daypart: str | None
    room: int
    members: tuple[Need, ...]
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Joining:
    """Residents who fit an existing platform, and are offered that before anything new."""

    platform_id: str
    members: tuple[str, ...]
    member_reasons: Mapping[str, tuple[Reason, ...]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A group a coordinator turned down; needs that sat in it."""

    form: Form
    members: frozenset[str]

    def is_again(self, form: Form, members: Collection[str]) -> bool:
        """Whether this is that group, or nearly: most of the people would be asked what was turned down for them."""
        return form is self.form and len(self.members.intersection(members)) >= AGAIN * len(members)


@dataclass(frozen=True, slots=True)
class Group:
    """A proposed group. `closeness` gives per member the mean cosine to the other members, rounded to 4 decimals."""

    theme_id: str
    label: str
    form: Form
    members: tuple[str, ...]
    language: str
    meeting: Meeting
    daypart: str | None
    needs_other_time: tuple[str, ...]
    closeness: Mapping[str, float]
    reasons: tuple[Reason, ...] = ()
    member_reasons: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)

    @property
    def weakest(self) -> float:
        """Closeness of the worst-placed member."""
        return min(self.closeness.values())


@dataclass(frozen=True, slots=True)
class Ungrouped:
    """Someone for whom there is no group yet, why, and what would change that, the smallest change first.

    `raised`: waits so long that a coordinator is told. Who waits over `long_wait_days` always has an alternative.
    """

    id: str
    reason: Reason
    alternatives: tuple[Reason, ...] = ()
    raised: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole answer: every need is in exactly one group, in one joining, or in `ungrouped`.

    `close_from` is the cosine of this encoder from which two needs counted as close. `advice` has for a theme, by its
    id, the smallest changes that would give who is left of it a group.
    """

    groups: tuple[Group, ...]
    themes: tuple[Theme, ...]
    ungrouped: tuple[Ungrouped, ...]
    model_id: str
    seed: int
    close_from: float = 1.0
    joinings: tuple[Joining, ...] = ()
    advice: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)


class Stage(StrEnum):
    """What the engine is busy with."""

    ENCODING = "encoding"
    THEMES = "themes"
    GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `done` of `total` within the stage."""

    stage: Stage
    done: int
    total: int
