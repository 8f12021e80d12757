"""Place, date and time of a meeting as a coordinator fills them in: on the clock of the Netherlands, stored in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from models.need import WEEKDAYS
from service.domain import AMSTERDAM
from service.errors import FieldErrors
from service.web.fields import text_field

NOTICE = timedelta(days=14)
"""People need to read the invitation, answer, and keep the evening free."""
YEARS = range(2000, 2100)
"""A year outside these is a slip of the keyboard, such as 0206."""
STARTS = {"morning": time(10), "afternoon": time(14), "evening": time(19, 30)}


@dataclass(frozen=True, slots=True)
class MeetingForm:
    """As typed; a browser sends `2026-12-08` and `19:30`."""

    place: str = ""
    date: str = ""
    time: str = ""

    def moment(self) -> datetime:
        """When that is, in UTC. Raises FieldErrors with everything that is wrong, the place too."""
        problems: dict[str, str] = {}
        day = clock = None
        if not self.place.strip():
            problems["place"] = "Vul in waar de bijeenkomst is."
        try:
            day = date.fromisoformat(self.date)
            if day.year not in YEARS:
                raise ValueError
        except ValueError:
            problems["date"] = "Vul een datum in, bijvoorbeeld 08-12-2026."
        try:
            clock = time.fromisoformat(self.time).replace(tzinfo=None)
        except ValueError:
            problems["time"] = "Vul een tijd in, bijvoorbeeld 19:30."
        if problems or day is None or clock is None:
            raise FieldErrors(problems)
        return datetime.combine(day, clock, tzinfo=AMSTERDAM).astimezone(UTC)


def read_meeting(form: Mapping[str, object]) -> MeetingForm:
    return MeetingForm(*(text_field(form, field) for field in ("place", "date", "time")))


def meeting_form(place: str | None, at: datetime | None) -> MeetingForm:
    """What is stored, as the form shows it."""
    if place is None or at is None:
        return MeetingForm()
    local = at.astimezone(AMSTERDAM)
    return MeetingForm(place, local.date().isoformat(), local.strftime("%H:%M"))


def suggestion(daypart: str, now: datetime) -> datetime:
    """The first time the group's daypart comes round with two weeks' notice."""
    weekday, _, part = daypart.partition("-")
    first = (now + NOTICE).astimezone(AMSTERDAM).date()
    day = first + timedelta(days=(WEEKDAYS.index(weekday) - first.weekday()) % 7)
    return datetime.combine(day, STARTS[part], tzinfo=AMSTERDAM)
