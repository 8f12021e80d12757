"""The form of a need: what a caseworker typed, kept to show again, and read into a `NewNeed`.

Nothing that is sent can break the page: whatever is missing, repeated or unknown becomes a message at its field.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar
from uuid import UUID, uuid4

from starlette.datastructures import FormData

from models.deidentify import Label, Span
from models.need import DAYPARTS, AgeBand, Meeting, Perspective
from models.taxonomy import Topic, TopicId, taxonomy
from models.topics import Suggestions
from service import gate
from service.domain import (
    Channel,
    Contact,
    GivenBy,
    NewNeed,
    Overruled,
    OverruleReason,
    Purpose,
    RecordedHow,
    ReminderAnswer,
)
from service.gate import Seen
from service.note_words import RARE
from service.web import names
from service.web.fields import text_field

ANY_DAYPART = "any"  # one box for "it does not matter when", instead of twenty-one
APART_MOST = 20
CONTACT_MOST = 500  # characters; a postal address of five lines has some 120

# In the order of the page: the summary above the form follows it.
FIELDS = (
    "text overruled topics other_topic no_topic perspective age_band area languages dayparts meeting reach_km consents "
    "given_by recorded_how channel contact_email contact_mobile contact_post apart"
).split()

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class NeedForm:
    """As it was typed, field by field; empty where nothing was."""

    submission_key: UUID = field(default_factory=uuid4)
    text: str = ""
    topics: tuple[str, ...] = ()
    other_topic: str = ""
    no_topic: bool = False
    perspective: str = ""
    age_band: str = ""
    area: str = ""
    languages: tuple[str, ...] = ()
    dayparts: tuple[str, ...] = ()
    meeting: str = ""
    reach_km: str = ""
    consents: tuple[str, ...] = ()
    given_by: str = ""
    recorded_how: str = ""
    channel: str = ""
    contact_email: str = ""
    contact_mobile: str = ""
    contact_post: str = ""
    apart: str = ""
    overruled: tuple[str, ...] = ()  # `NAME:common_word:` and the words: what a select of a hit sends
    rewrite: str = ""  # `NAME:` and the words: the hit whose button was pressed
    danger: str = ""  # what was answered to the reminder
    danger_told: bool = False  # the reminder stood on the page that was sent

    @property
    def overrulings(self) -> tuple[Overruled, ...]:
        """The hits a person says nobody can be recognised by, as far as they can be read."""
        return tuple(read for one in self.overruled if (read := _overruled(one)) is not None)

    @property
    def reminder_answer(self) -> ReminderAnswer | None:
        """What was answered, or left unanswered, to the reminder; None while nobody was asked."""
        if self.danger in set(ReminderAnswer):
            return ReminderAnswer(self.danger)
        return ReminderAnswer.NO_ANSWER if self.danger_told else None

    def rewritten(self) -> "NeedForm":
        """The same form, with the suggestion of the pressed button in the note."""
        label, _, words = self.rewrite.partition(":")
        return replace(self, text=gate.rewrite(self.text, label, words), rewrite="")

    @property
    def chosen_topics(self) -> tuple[str, ...]:
        """What was ticked, and the one from the list."""
        return tuple(dict.fromkeys(topic for topic in (*self.topics, self.other_topic) if topic))

    @property
    def asks(self) -> Perspective | None:
        """Who asks, as far as that was filled in."""
        return Perspective(self.perspective) if self.perspective in set(Perspective) else None

    @property
    def contact(self) -> Contact | None:
        """The detail that belongs to the chosen channel; what stands in the other two fields is not used."""
        match self.channel:
            case Channel.EMAIL:
                typed = self.contact_email
            case Channel.MOBILE:
                typed = self.contact_mobile
            case Channel.POST:
                typed = self.contact_post
            case _:
                return None
        return Contact(Channel(self.channel), typed.strip()) if typed.strip() else None

    @property
    def references(self) -> tuple[str, ...]:
        """The numbers of people this resident must not meet, as typed, one a line."""
        return tuple(line.strip() for line in self.apart.splitlines() if line.strip())


def _overruled(sent: str) -> Overruled | None:
    label, _, rest = sent.partition(":")
    reason, _, words = rest.partition(":")
    if label in set(Label) and reason in set(OverruleReason):
        return Overruled(Label(label), words, OverruleReason(reason))
    return None


def _many(form: FormData, name: str) -> tuple[str, ...]:
    sent = (value.replace("\r\n", "\n") for value in form.getlist(name) if isinstance(value, str))
    return tuple(dict.fromkeys(sent))


def read_form(form: FormData) -> NeedForm:
    try:
        key = UUID(text_field(form, "submission_key"))
    except ValueError:
        key = uuid4()
    dayparts = _many(form, "dayparts")
    return NeedForm(
        submission_key=key,
        text=text_field(form, "text"),
        topics=_many(form, "topics"),
        other_topic=text_field(form, "other_topic"),
        no_topic="no_topic" in form,
        perspective=text_field(form, "perspective"),
        age_band=text_field(form, "age_band"),
        area=text_field(form, "area"),
        languages=_many(form, "languages"),
        dayparts=DAYPARTS if ANY_DAYPART in dayparts else dayparts,
        meeting=text_field(form, "meeting"),
        reach_km=text_field(form, "reach_km"),
        consents=_many(form, "consents"),
        given_by=text_field(form, "given_by"),
        recorded_how=text_field(form, "recorded_how"),
        channel=text_field(form, "channel"),
        contact_email=text_field(form, "contact_email"),
        contact_mobile=text_field(form, "contact_mobile"),
        contact_post=text_field(form, "contact_post"),
        apart=text_field(form, "apart"),
        overruled=tuple(one for one in _many(form, "overruled") if one),
        rewrite=text_field(form, "rewrite"),
        danger=text_field(form, "danger"),
        danger_told="danger_told" in form,
    )


def _choice(
    kind: type[_Choice], typed: str, stand_in: _Choice, name: str, message: str, wrong: dict[str, str]
) -> _Choice:
    try:
        return kind(typed)
    except ValueError:
        wrong[name] = message
        return stand_in


def new_need(form: NeedForm) -> tuple[NewNeed, dict[str, str]]:
    """The need to check, and what could not even be read: field → message.

    An unreadable choice gets a stand-in, so that the rules of `service.needs` can still look at all the others; with
    messages the need must not be stored.
    """
    wrong: dict[str, str] = {}
    known = {purpose.value for purpose in Purpose}
    if set(form.consents) - known:
        wrong["consents"] = "Kies alleen uit de toestemmingen die hier staan."
    if form.reach_km and form.reach_km not in names.REACHES:
        wrong["reach_km"] = "Kies een afstand uit de lijst."
    if form.no_topic and form.chosen_topics:
        wrong["topics"] = "U koos een onderwerp én “Geen van deze onderwerpen”. Haal een van de twee weg."
    if len(form.overrulings) < len(form.overruled):
        wrong["overruled"] = "Kies een reden uit de lijst."
    if len(form.references) > APART_MOST:
        wrong["apart"] = f"Vul hoogstens {APART_MOST} nummers in."
    if form.contact is not None and len(form.contact.value) > CONTACT_MOST:
        wrong[f"contact_{form.channel}"] = f"Gebruik hoogstens {CONTACT_MOST} tekens."
    need = NewNeed(
        submission_key=form.submission_key,
        text=form.text,
        perspective=_choice(
            Perspective, form.perspective, Perspective.SELF, "perspective", "Kies wie de hulpvraag stelt.", wrong
        ),
        age_band=_choice(AgeBand, form.age_band, AgeBand.AGE_40_64, "age_band", "Kies een leeftijdsgroep.", wrong),
        area_code=form.area,
        languages=form.languages,
        dayparts=form.dayparts,
        meeting=_choice(Meeting, form.meeting, Meeting.EITHER, "meeting", "Kies hoe iemand wil meedoen.", wrong),
        consents=frozenset(Purpose(value) for value in form.consents if value in known),
        given_by=_choice(GivenBy, form.given_by, GivenBy.SELF, "given_by", "Kies wie toestemming geeft.", wrong),
        recorded_how=_choice(
            RecordedHow,
            "" if form.recorded_how == RecordedHow.LINK else form.recorded_how,  # only a resident's own link says so
            RecordedHow.IN_PERSON,
            "recorded_how",
            "Kies hoe de toestemming is gegeven.",
            wrong,
        ),
        contact=form.contact,
        apart=form.references[:APART_MOST],
        topics=form.chosen_topics,
        reach_km=int(form.reach_km) if form.reach_km in names.REACHES and form.reach_km else None,
        overruled=form.overrulings,
    )
    return need, wrong


def messages(form: NeedForm, unread: dict[str, str], refused: dict[str, str]) -> dict[str, str]:
    """All problems in the order of the page, each at the field that a person can change."""
    found = dict(refused)
    if "contact" in found:
        chosen = form.channel in {channel.value for channel in Channel}
        found[f"contact_{form.channel}" if chosen else "channel"] = found.pop("contact")
    if {"age_band", "given_by"} & unread.keys():
        found.pop("given_by", None)  # it was held against a stand-in
    found |= unread
    return {name: found[name] for name in sorted(found, key=_place)}


def _place(name: str) -> int:
    return FIELDS.index(name) if name in FIELDS else len(FIELDS)


def offered(form: NeedForm, found: Suggestions | None) -> list[Topic]:
    """The topics that stand in the form to be ticked: what is ticked already, and what the note seems to be about."""
    known = taxonomy().topics
    suggested = [one.topic for one in found.best] if found is not None and found.sure else []
    return [known[TopicId(topic)] for topic in dict.fromkeys([*form.topics, *suggested]) if topic in known]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the note; `found` when it may identify somebody."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What was written and what to write instead, an advice to leave it out, and what a person said of it.

    `words` are the hit itself; `text` is that with what the suggestion repeats of the words around it. `instead` is
    empty where nothing can stand in for it.
    """

    label: Label
    words: str
    text: str
    instead: str
    advice: str
    reason: OverruleReason | None
    may_stay: bool

    @property
    def hit(self) -> str:
        """What the form calls it."""
        return f"{self.label}:{self.words}"


def pieces(text: str, spans: tuple[Span, ...]) -> list[Piece]:
    """The whole note, cut where a span begins and ends."""
    cut: list[Piece] = []
    at = 0
    for span in sorted(spans, key=lambda span: span.start):
        cut += [Piece(text[at : span.start], found=False), Piece(text[span.start : span.end], found=True)]
        at = span.end
    return [piece for piece in [*cut, Piece(text[at:], found=False)] if piece.text]


def findings(seen: Seen) -> list[Finding]:
    """Each thing once, in the order of the note."""
    reasons = {(one.label, one.text): one.reason for one in seen.overruled}
    found: dict[tuple[Label, str], Finding] = {}
    for span in seen.spans:
        hit = (span.label, seen.words(span))
        if hit not in found:
            left_out = span.suggestion.startswith("(")
            found[hit] = Finding(
                label=span.label,
                words=seen.words(span),
                text=seen.text[span.begin : span.stop],
                instead="" if left_out else span.suggestion,
                advice=span.suggestion.strip("()") if left_out else "",
                reason=reasons.get(hit),
                may_stay=span.label in gate.OVERRULABLE,
            )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Notice:
    """What may tell who somebody is without a name, and what to do about it."""

    text: str
    advice: str


def warnings(text: str) -> list[Notice]:
    """Each thing once, in the order of the note."""
    return list(dict.fromkeys(Notice(text[one.start : one.end], RARE[one.kind]) for one in gate.rare(text)))
