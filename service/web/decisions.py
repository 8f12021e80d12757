"""What the pages of a proposal refuse in place: which errors, and at which field of the form each is shown."""

from typing import Final

from service.errors import FieldErrors, KringError, MeetingInPast, MeetingMissing, ReasonMissing

FIELD_OF: Final[dict[type[KringError], str]] = {MeetingInPast: "date", MeetingMissing: "place", ReasonMissing: "reason"}
SHOWN_IN_PLACE: Final[tuple[type[KringError], ...]] = (FieldErrors, *FIELD_OF)


def at_fields(error: KringError) -> dict[str, str]:
    """Field of the form → what is wrong with it, for an error that is one of SHOWN_IN_PLACE."""
    return error.fields if isinstance(error, FieldErrors) else {FIELD_OF[type(error)]: error.message}
