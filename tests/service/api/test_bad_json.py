"""JSON that no honest program sends: every answer is a 400 (or takes it for what it is), and nothing crashes."""

import json
import uuid
from typing import Any

import httpx
import pytest

from service.domain import TEXT_MOST
from tests.app import App
from tests.service.api.conftest import Sign
from tests.service.api.test_injection import NEED

ADDRESS = "/api/v1/hulpvragen"
JSON = {"content-type": "application/json"}
MEGABYTE = "a" * 1_000_000


@pytest.fixture
async def client(api: App, sign: Sign) -> httpx.AsyncClient:
    visitor = await api.visitor()
    visitor.headers["authorization"] = f"Bearer {sign()}"
    return visitor


def body(**changes: Any) -> dict[str, Any]:
    return {"sleutel": str(uuid.uuid4())} | NEED | changes


async def test_a_good_need_is_accepted(client: httpx.AsyncClient) -> None:
    """Or the tests below would be about something else."""
    assert (await client.post(ADDRESS, json=body())).status_code == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"tekst"',
        b"{",
        b"NaN",
        b"[" * 100_000,
        b'{"tekst":' * 50_000,
        b"[" * 400_000 + b"]" * 400_000,
        b'{"reisafstand": 1' + b"0" * 100_000 + b"}",
        b'{"reisafstand": 1e999999}',
        b'{"tekst": "\xff\xfe"}',
        b'\xef\xbb\xbf{"tekst": "x"}',
        '{"tekst": "x"}'.encode("utf-16"),
        b'{"tekst": "\x00"}',
        b'{"__proto__": {"a": 1}, "constructor": 1}',
        b"{" + b",".join(b'"f%d":1' % number for number in range(50_000)) + b"}",
    ],
    ids=lambda raw: f"{raw[:12]!r} {len(raw)}",
)
async def test_what_is_no_need_is_a_problem(client: httpx.AsyncClient, raw: bytes) -> None:
    answer = await client.post(ADDRESS, content=raw, headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


TOO_MUCH: dict[str, dict[str, Any]] = {
    "tekst": {"tekst": "Zoekt lotgenoten. " * (TEXT_MOST // 18 + 1)},
    "gebied": {"gebied": "B" * 41},
    "talen": {"talen": ["nl"] * 21},
    "dagdelen": {"dagdelen": ["tue-evening"] * 22},
    "onderwerpen": {"onderwerpen": ["dementie"] * 4},
    "toestemmingen": {"toestemmingen": ["matching"] * 4},
    "nietSamenMet": {"nietSamenMet": ["AAAA-AAAA"] * 21},
    "contact.waarde": {"contact": {"kanaal": "email", "waarde": "a" * 501}},
    "reisafstand": {"reisafstand": 101},
}


@pytest.mark.parametrize("field", list(TOO_MUCH))
async def test_one_more_than_the_limit_is_a_problem_of_that_field(client: httpx.AsyncClient, field: str) -> None:
    answer = await client.post(ADDRESS, json=body(**TOO_MUCH[field]))
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("field", list(TOO_MUCH))
async def test_ten_thousand_and_a_megabyte_are_refused(client: httpx.AsyncClient, field: str) -> None:
    ((name, value),) = TOO_MUCH[field].items()
    many: Any = [value[0]] * 10_000 if isinstance(value, list) else MEGABYTE[:900_000]
    assert (await client.post(ADDRESS, json=body(**{name: many}))).status_code == 400
    assert (await client.post(ADDRESS, json=body(**{name: MEGABYTE}))).status_code == 413


@pytest.mark.parametrize("field", [name for name, value in NEED.items() if isinstance(value, str)])
@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "\\ud800x"])
async def test_half_a_character_is_a_problem(client: httpx.AsyncClient, field: str, half: str) -> None:
    sent = json.dumps(body(**{field: "HALF"})).replace("HALF", half)
    assert (await client.post(ADDRESS, content=sent.encode(), headers=JSON)).status_code == 400


@pytest.mark.parametrize("half", ["\\ud800", "\\u0000"])
async def test_half_a_character_in_a_name_or_in_a_list_is_a_problem(client: httpx.AsyncClient, half: str) -> None:
    for changed in (body(HALF=1), body(talen=["HALF"]), body(nietSamenMet=["HALF"]), body(onderwerpen=["HALF"])):
        sent = json.dumps(changed).replace("HALF", half)
        assert (await client.post(ADDRESS, content=sent.encode(), headers=JSON)).status_code == 400


async def test_of_a_field_that_is_sent_twice_the_last_is_checked_and_kept(client: httpx.AsyncClient) -> None:
    """One reader for the check and for what is stored: no text slips in behind another."""
    sent = json.dumps(body())[:-1]
    refused = sent + ', "tekst": "Jan de Vries, 06 12 34 56 78, zoekt lotgenoten."}'
    assert (await client.post(ADDRESS, content=refused.encode(), headers=JSON)).status_code == 400
    accepted = sent.replace(NEED["tekst"], "Jan de Vries zoekt lotgenoten.") + f', "tekst": "{NEED["tekst"]}"}}'
    assert (await client.post(ADDRESS, content=accepted.encode(), headers=JSON)).status_code == 201
    shown = (await client.get(ADDRESS)).json()["hulpvragen"]
    assert [need["tekst"] for need in shown] == [NEED["tekst"]]


@pytest.mark.parametrize("value", ["-1", "0", "101", "1e9", "9" * 5000, "\u0663", "", "null", "1;drop", "%00"])
async def test_a_page_of_an_odd_size_is_a_problem(client: httpx.AsyncClient, value: str) -> None:
    assert (await client.get(ADDRESS, params={"aantal": value})).status_code == 400


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/json-patch+json", "", "application/jsonx"]
)
async def test_another_kind_of_body_is_refused(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post(ADDRESS, content=json.dumps(body()).encode(), headers={"content-type": kind})
    assert answer.status_code == 415
