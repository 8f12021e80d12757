"""The API asked everything its own OpenAPI document allows, and much that it does not, on a real server and database.

A minute with the other tests; `make fuzz` goes on for ten (KRING_FUZZ_SECONDS), with other data each time.
"""

import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from joserfc.jwk import ECKey, KeySet
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from service.settings import Settings
from tests.server import serving
from tests.service.api.conftest import ISSUER, Sign
from tests.service.api.test_injection import NEED

SECONDS: Final = float(os.environ.get("KRING_FUZZ_SECONDS", "40"))
BATCH: Final = 20  # cases of one operation before the next has its turn
WORDS: Final = 6  # a shorter text may well stand in an error by accident

HEADERS: Final = {
    "api-version": "1.0.0",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


# --- the rules of docs/sources.md that the document cannot say -------------------------------------------------------


def has_the_headers(_: CheckContext, response: Response, __: Case) -> None:
    got = {name: response.headers.get(name, [None])[0] for name in HEADERS}
    assert got == HEADERS


def is_a_problem(_: CheckContext, response: Response, __: Case) -> None:
    """RFC 9457 for whatever goes wrong, and never FastAPI's 422."""
    assert response.status_code != 422
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"]
        problem = json.loads(response.content)
        assert problem["status"] == response.status_code
        assert problem["title"]
        assert problem["detail"]


def repeats_nothing(_: CheckContext, response: Response, case: Case) -> None:
    """It may be health data."""
    if response.status_code < 400:
        return
    shown = json.loads(response.content)
    known = {error["field"] for error in shown.get("errors", [])}  # the name of a field may be a slip: it is told
    sent = {
        text
        for part in (case.body, case.query, case.path_parameters, case.headers)
        for text in texts(part)
        if len(text) >= WORDS and text not in known
    }
    words = list(texts(shown))  # not its keys: a text that was sent may happen to be one of those
    assert [text for text in sent if any(text in word for word in words)] == []


def texts(part: Any) -> Iterator[str]:
    """Every text somewhere in what was sent; names of fields are the document's own."""
    match part:
        case str():
            yield part
        case dict():
            for value in part.values():
                yield from texts(value)
        case list() | tuple():
            for value in part:
                yield from texts(value)


CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
    has_the_headers,
    is_a_problem,
    repeats_nothing,
]


# --- the walk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def base_url(settings: Settings, signing_key: ECKey, tmp_path: Path) -> Iterator[str]:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KeySet([signing_key]).as_dict(private=False)))
    much = {name: 10**9 for name in Settings.model_fields if name.startswith("limit_")}
    changed = settings.model_copy(update={"api_issuer": ISSUER, "api_keys_file": keys, **much})
    with serving(changed) as port:
        yield f"http://127.0.0.1:{port}/api/v1"


@dataclass(slots=True)
class Walk:
    """What was asked so far, and the needs that were accepted: a random reference would never be one of them."""

    base_url: str
    headers: dict[str, str]
    seen: Counter[str] = field(default_factory=Counter)
    references: list[str] = field(default_factory=list)

    def batch(self, operation: APIOperation, mode: GenerationMode) -> None:
        """Some cases of one operation. Raises what the checks found, with the request that shows it."""

        @hypothesis_settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def ask(case: Case, data: st.DataObject) -> None:
            if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
                self.nearly_good(case, data)
            response = case.call(base_url=self.base_url, headers=self.headers)
            self.seen[f"{operation.label} {response.status_code}"] += 1
            if response.status_code == 201 and operation.path == "/hulpvragen":
                self.references.append(json.loads(response.content)["referentie"])
            case.validate_response(response, checks=CHECKS, headers=self.headers)

        with suppress(Unsatisfiable):  # nothing that could be asked wrongly: any text can be a reference
            ask()

    def nearly_good(self, case: Case, data: st.DataObject) -> None:
        """A need that is good but for one field, a reference that exists: others get no further than the door."""
        if case.operation.path == "/hulpvragen" and isinstance(case.body, dict):
            fields = sorted(set(case.body) - {"sleutel"})
            kept = {name: case.body[name] for name in fields if fields and name == data.draw(st.sampled_from(fields))}
            case.body = {**NEED, "sleutel": str(uuid.uuid4()), **kept}
        if "referentie" in case.path_parameters and self.references:
            case.path_parameters["referentie"] = data.draw(st.sampled_from(self.references))


def test_the_api_keeps_its_word(base_url: str, sign: Sign, capsys: pytest.CaptureFixture[str]) -> None:
    walk = Walk(base_url, {"authorization": f"Bearer {sign(exp=int(time.time() + SECONDS) + 300)}"})
    # the token is ours in every case; `ignored_auth` tries without, and with another
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_url(f"{base_url}/openapi.json", config=config)
    operations = [result.ok() for result in schema.get_all_operations()]
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for operation in operations:
            for mode in GenerationMode:
                walk.batch(operation, mode)
    with capsys.disabled():
        print(f"\n{walk.seen.total()} cases: " + ", ".join(f"{what} {n}x" for what, n in sorted(walk.seen.items())))
    worked = {what.rpartition(" ")[0] for what in walk.seen if what.endswith((" 200", " 201"))}
    assert worked == {operation.label for operation in operations}, "what never worked was not tried"
