"""What a program sends stays what was sent: in no field it comes to life, and no error repeats it."""

import logging
import uuid
from typing import Any

import pytest

from service.settings import Settings
from tests.app import App
from tests.service.api.conftest import Sign
from tests.service.filled import Owner
from tests.service.payloads import MARK, PAYLOADS, executed, kept_in_redis, logged

NEED: dict[str, Any] = {
    "tekst": "Zorgt al jaren voor haar moeder met dementie en heeft zelf nergens meer tijd voor.",
    "perspectief": "child",
    "onderwerpen": [],
    "leeftijdsgroep": "40_64",
    "gebied": "BU01",
    "talen": ["nl"],
    "dagdelen": ["tue-evening"],
    "ontmoeten": "in_person",
    "reisafstand": 5,
    "toestemmingen": ["matching", "invitation"],
    "toestemmingDoor": "self",
    "toestemmingHoe": "in_person",
    "contact": {"kanaal": "email", "waarde": "iemand@voorbeeld.test"},
    "nietSamenMet": [],
}


def spoiled(payload: str) -> list[tuple[str, dict[str, Any]]]:
    """The need with the payload in one field at a time, and as the name of one."""
    made = []
    for name, value in NEED.items():
        changed: Any = [payload] if isinstance(value, list) else payload
        made.append((name, {**NEED, name: changed}))
    made += [(f"contact.{name}", {**NEED, "contact": NEED["contact"] | {name: payload}}) for name in NEED["contact"]]
    return [*made, ("a name", {**NEED, payload: payload}), ("sleutel", {**NEED, "sleutel": payload})]


async def test_nothing_in_a_field_of_the_api_comes_to_life(
    api: App,
    sign: Sign,
    owner: Owner,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    client = await api.visitor()
    client.headers["authorization"] = f"Bearer {sign()}"
    with caplog.at_level(logging.DEBUG):
        for name, body in [one for payload in PAYLOADS.values() for one in spoiled(payload)]:
            answer = await client.post("/api/v1/hulpvragen", json={"sleutel": str(uuid.uuid4())} | body)
            assert executed(answer) == [], name
            assert MARK not in answer.text, name
            if answer.status_code != 201:
                assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), name
        for payload in PAYLOADS.values():
            suggested = await client.post("/api/v1/onderwerp-suggesties", json={"tekst": payload})
            assert executed(suggested) == []
            assert MARK not in suggested.text
    assert MARK not in logged(caplog, capfd)
    assert kept_in_redis(settings) == []
    good = await client.post("/api/v1/hulpvragen", json={"sleutel": str(uuid.uuid4())} | NEED)
    assert good.status_code == 201, "without a payload it is a need like any other"
