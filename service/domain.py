"""The words of Kring as types (glossary: README and docs), shared by use-cases, queries and pages.

Perspective, age band, meeting form and group form come from `models.need`: engine and service speak of the same things.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType
from uuid import UUID
from zoneinfo import ZoneInfo

from models.deidentify import Label
from models.need import AgeBand, Form, Meeting, Perspective

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
"""The clock that residents and staff live by; what is stored is in UTC."""
TEXT_MOST = 4000
TITLE_MOST = 80  # characters, as the database has it: name of a proposal or platform
PLACE_MOST = 200  # characters, as the database has it: where people meet
"""Characters of a note. A note of a talk has a tenth of it; a pasted report is refused."""
TOPICS_MOST = 3
"""Topics a person can confirm of one need: with more, it is about everything and like nobody's."""
UNDER_16 = frozenset({AgeBand.UNDER_12, AgeBand.AGE_12_15})
"""A legal representative consents for them (UAVG art. 5) and is written to."""

MunicipalityId = NewType("MunicipalityId", UUID)
StaffId = NewType("StaffId", UUID)
ResidentId = NewType("ResidentId", UUID)
NeedId = NewType("NeedId", UUID)
RunId = NewType("RunId", UUID)
ThemeId = NewType("ThemeId", UUID)
ProposalId = NewType("ProposalId", UUID)
InvitationId = NewType("InvitationId", UUID)
PlatformId = NewType("PlatformId", UUID)
MeetingId = NewType("MeetingId", UUID)
PulseId = NewType("PulseId", UUID)


class Role(StrEnum):
    CASEWORKER = "caseworker"
    COORDINATOR = "coordinator"
    MANAGER = "manager"


class Purpose(StrEnum):
    MATCHING = "matching"
    INVITATION = "invitation"
    FOLLOW_UP = "follow_up"


class GivenBy(StrEnum):
    SELF = "self"
    REPRESENTATIVE = "representative"


class RecordedHow(StrEnum):
    IN_PERSON = "in_person"
    PAPER = "paper"
    LINK = "link"


class Channel(StrEnum):
    EMAIL = "email"
    MOBILE = "mobile"
    POST = "post"


MessageKind = Literal["invitation", "reminder", "started", "joined", "given_up", "pulse", "own_page", "consent_ends"]
"""The messages a resident can get."""
LinkPurpose = Literal["invitation", "pulse", "own"]
"""What a personal link opens first; each opens the resident's own page too."""


class OverruleReason(StrEnum):
    """Why nobody can be recognised by what the gate found. Codes only: a reason in words would hold the words."""

    COMMON_WORD = "common_word"
    ILLNESS = "illness"
    WELL_KNOWN = "well_known"
    CALENDAR = "calendar"
    OTHER = "other"


class ReminderAnswer(StrEnum):
    """What a caseworker answered when reminded of direct help; each of them lets the need through."""

    ARRANGED = "arranged"
    DOING_NOW = "doing_now"
    MISREAD = "misread"
    NO_ANSWER = "no_answer"
    NOT_ASKED = "not_asked"  # a program submitted the need


class Answer(StrEnum):
    """What a resident can say to an invitation."""

    ACCEPTED = "accepted"
    NOT_NOW = "not_now"
    NEVER = "never"


class ProposalState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class PlatformState(StrEnum):
    FORMING = "forming"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why platforms end: the five closing reasons of Wituk et al. (2002)."""

    ATTENDANCE = "attendance"
    LEADERSHIP = "leadership"
    NOT_NEEDED = "not_needed"
    CONFLICT = "conflict"
    LOGISTICS = "logistics"


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who is signed in."""

    id: StaffId
    municipality: MunicipalityId
    municipality_name: str
    name: str
    roles: frozenset[Role]

    @property
    def is_caseworker(self) -> bool:
        """A coordinator is a caseworker too; a manager is neither."""
        return not self.roles.isdisjoint({Role.CASEWORKER, Role.COORDINATOR})


@dataclass(frozen=True, slots=True)
class Contact:
    """How a resident, or the representative of one under 16, is reached. Only ever in memory or sealed."""

    channel: Channel
    value: str


@dataclass(frozen=True, slots=True)
class Overruled:
    """A hit of the gate by which nobody can be recognised, says a person. Its words are compared and never stored."""

    label: Label
    text: str
    reason: OverruleReason


OVERRULED_MOST = 20
"""Hits a person can overrule in one note: with more, the note is a document."""
REACH_MOST = 100
"""Kilometres somebody may travel at most, as the database allows."""


@dataclass(frozen=True, slots=True)
class NewNeed:
    """What a caseworker submits after a talk; `service.needs.submit` checks and stores it."""

    submission_key: UUID
    text: str
    perspective: Perspective
    age_band: AgeBand
    area_code: str
    languages: tuple[str, ...]
    dayparts: tuple[str, ...]
    meeting: Meeting
    consents: frozenset[Purpose]
    given_by: GivenBy
    recorded_how: RecordedHow
    contact: Contact | None
    apart: tuple[str, ...] = ()  # references of needs whose residents this one must not meet
    topics: tuple[str, ...] = ()
    reach_km: int | None = None  # how far the resident can travel; None: did not say
    waiting_since: datetime | None = None  # an imported need waited before it came here
    noted_by: str | None = None  # an imported need's own caseworker, as a code; None: whoever submits it
    overruled: tuple[Overruled, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupBounds:
    """How many yeses start a platform, and how many it holds (docs/sources.md, Groups)."""

    start: int
    least: int
    most: int


BOUNDS: dict[Form, GroupBounds] = {
    Form.CIRCLE: GroupBounds(start=5, least=5, most=12),
    Form.CAFE: GroupBounds(start=5, least=20, most=40),
    Form.ASSOCIATION: GroupBounds(start=5, least=5, most=40),
}

# What residents can share; Dutch names, because pages show them. The most spoken at home in the Netherlands, by name.
LANGUAGES = {
    "nl": "Nederlands",
    "am": "Amhaars",
    "ar": "Arabisch",
    "ber": "Berbers",
    "bg": "Bulgaars",
    "de": "Duits",
    "en": "Engels",
    "es": "Spaans",
    "fa": "Farsi of Dari",
    "fr": "Frans",
    "fy": "Fries",
    "hi": "Hindi",
    "it": "Italiaans",
    "ku": "Koerdisch",
    "dse": "Nederlandse Gebarentaal",
    "pap": "Papiaments",
    "pl": "Pools",
    "ps": "Pasjtoe",
    "pt": "Portugees",
    "ro": "Roemeens",
    "ru": "Russisch",
    "so": "Somalisch",
    "srn": "Sranantongo",
    "ti": "Tigrinya",
    "tr": "Turks",
    "uk": "Oekraïens",
    "ur": "Urdu",
    "vi": "Vietnamees",
    "zh": "Chinees",
}
