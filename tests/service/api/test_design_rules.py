"""The NL GOV API Design Rules 2.2, as far as a program can see them (docs/sources.md, API)."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.app import App
from tests.service.api.conftest import Sign

V1 = "/api/v1"


@pytest.fixture
async def client(api: App, sign: Sign) -> httpx.AsyncClient:
    visitor = await api.visitor()
    visitor.headers["authorization"] = f"Bearer {sign()}"
    return visitor


@pytest.mark.parametrize("path", ["/hulpvragen", "/openapi.json", "/bestaat-niet", "/hulpvragen/"])
async def test_every_answer_has_the_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(V1 + path)).headers
    assert headers["api-version"] == "1.0.0"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


async def test_a_trailing_slash_is_another_address(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{V1}/hulpvragen/")).status_code == 404


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    got, head = await client.get(f"{V1}/hulpvragen"), await client.head(f"{V1}/hulpvragen")
    assert head.status_code == got.status_code
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.content == b""


async def test_a_method_that_does_not_exist_names_those_that_do(client: httpx.AsyncClient) -> None:
    answer = await client.delete(f"{V1}/hulpvragen")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_not_json_gets_415(client: httpx.AsyncClient) -> None:
    assert (await client.post(f"{V1}/hulpvragen", data={"tekst": "x"})).status_code == 415


async def test_who_accepts_no_json_gets_406(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{V1}/hulpvragen", headers={"accept": "text/csv"})).status_code == 406


async def test_broken_json_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        f"{V1}/hulpvragen", content=b'{"tekst": "mevrouw', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert "mevrouw" not in answer.text


async def test_the_name_of_an_unknown_field_is_only_repeated_when_it_can_be_a_slip(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{V1}/hulpvragen", json={"teskt": "x", "mevrouw van der Berg": "x"})
    named = {error["field"] for error in answer.json()["errors"] if error["message"] == "Dit veld bestaat niet."}
    assert named == {"teskt", "body"}


async def test_an_address_with_a_line_end_is_a_problem_too(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{V1}/hulpvragen/a%0Ab")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("claims", [{"sub": "case\0worker"}, {"municipality": "water\0dam"}])
async def test_a_claim_that_cannot_be_looked_up_is_nobody(api: App, sign: Sign, claims: dict[str, str]) -> None:
    visitor = await api.visitor()
    visitor.headers["authorization"] = f"Bearer {sign(**claims)}"
    assert (await visitor.get(f"{V1}/gebieden")).status_code == 401


async def test_ten_megabytes_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{V1}/hulpvragen", json={"tekst": "a" * 10_000_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["api-version"] == "1.0.0"


async def test_a_crash_tells_nothing_and_has_the_headers(
    client: httpx.AsyncClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("alter table kring.need rename to lost")
    answer = await client.get(f"{V1}/hulpvragen")
    assert answer.status_code == 500
    assert answer.headers["api-version"] == "1.0.0"
    assert answer.json().keys() == {"status", "title", "detail"}


async def test_the_document_is_public_for_any_site(api: App) -> None:
    answer = await (await api.visitor()).get(f"{V1}/openapi.json", headers={"origin": "https://elders.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_document_says_what_the_api_does(api: App) -> None:
    document: dict[str, Any] = (await (await api.visitor()).get(f"{V1}/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["contact"].keys() >= {"name", "email", "url"}
    assert document["servers"][0]["url"].endswith("/v1")
    answers = [op["responses"].keys() for path in document["paths"].values() for op in path.values()]
    assert all("422" not in statuses and "400" in statuses for statuses in answers)


async def test_times_are_utc_with_a_z(client: httpx.AsyncClient) -> None:
    from tests.service.api.test_needs import body

    await client.post(f"{V1}/hulpvragen", json=body())
    assert (await client.get(f"{V1}/hulpvragen")).json()["hulpvragen"][0]["ontvangen"].endswith("Z")
