"""Reads a field of a form that anybody may have sent."""

from collections.abc import Mapping


def text_field(form: Mapping[str, object], name: str) -> str:
    """What was typed in the field; empty when it is missing, or holds a file where text belongs."""
    value = form.get(name, "")
    # A browser sends line ends as CR LF
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
