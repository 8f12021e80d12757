"""Logs tell what happened to which id; a careless call cannot leak more."""

import json
import subprocess
import sys

import pytest

from service.logs import FIELDS, only_known_fields

CARELESS = """
import structlog
from service import logs

logs.configure("info")
log = structlog.get_logger("kring")
log.info("submitted", run="r1", text="heel herkenbaar", email="jan@voorbeeld.test")
log.debug("quiet")
"""


@pytest.fixture(scope="module")
def logged() -> str:
    """What a process that logs carelessly wrote."""
    done = subprocess.run([sys.executable, "-c", CARELESS], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_a_log_line_is_json_with_the_known_fields_only(logged: str) -> None:
    (line,) = logged.splitlines()
    fields = json.loads(line)
    assert (fields["event"], fields["run"], fields["dropped_fields"]) == ("submitted", "r1", ["email", "text"])


def test_what_was_dropped_is_nowhere_in_the_line(logged: str) -> None:
    assert [word for word in ("herkenbaar", "jan@") if word in logged] == []


def test_a_known_field_is_kept_as_it_is() -> None:
    assert only_known_fields(None, "info", {"event": "x", "run": "1"}) == {"event": "x", "run": "1"}


def test_no_field_is_for_content() -> None:
    content = {"text", "email", "mobile", "address", "contact", "name", "token", "title", "message", "body", "query"}
    assert FIELDS & content == set()
