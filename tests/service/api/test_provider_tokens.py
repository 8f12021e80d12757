"""Bearer tokens of the municipality's own provider: real ones work, and all others get the same 401."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from service.resources import Resources
from tests.app import App, running
from tests.service.api.test_needs import body
from tests.service.provider import (
    AUDIENCE,
    KEYS,
    METADATA,
    ROLES,
    IdentityProvider,
    claims_of,
    client_id,
    make_key,
    now,
    providers_file,
)

URL = "/api/v1/hulpvragen"
Owner = asyncpg.Connection


@pytest.fixture
async def site(kring: Resources, provider: IdentityProvider, tmp_path: Path) -> AsyncIterator[App]:
    changed: dict[str, Any] = {"demo": False, "oidc_providers": providers_file(tmp_path, provider)}
    async with running(dataclasses.replace(kring, settings=kring.settings.model_copy(update=changed))) as started:
        yield started


async def _ask(site: App, token: str, scheme: str = "Bearer") -> httpx.Response:
    return await (await site.visitor()).get(URL, headers={"authorization": f"{scheme} {token}".encode()})


def _claims(provider: IdentityProvider, **changes: Any) -> dict[str, Any]:
    return {
        "iss": provider.issuer,
        "aud": AUDIENCE,
        "exp": now() + 300,
        "iat": now(),
        "sub": "zaaksysteem",
        "scope": "hulpvragen",
        "realm_access": {"roles": [ROLES["caseworker"]]},
        **changes,
    }


async def test_a_token_that_the_provider_gave_a_program_works(
    site: App, provider: IdentityProvider, owner: Owner
) -> None:
    token = provider.programs_token()
    client = await site.visitor()
    client.headers["authorization"] = f"Bearer {token}"
    assert (await client.post(URL, json=body())).status_code == 201
    assert len((await client.get(URL)).json()["hulpvragen"]) == 1
    who = await owner.fetchrow("select * from kring.staff where subject = $1", claims_of(token)["sub"])
    assert who is not None
    assert who["roles"] == ["caseworker"]


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
async def test_each_way_to_call_an_access_token_is_taken(
    site: App, provider: IdentityProvider, kind: str | None
) -> None:
    assert (await _ask(site, provider.sign(_claims(provider), typ=kind))).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_the_word_bearer_is_read_in_either_case(site: App, provider: IdentityProvider, scheme: str) -> None:
    assert (await _ask(site, provider.sign(_claims(provider)), scheme)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elders.example"},
        {"iss": None},
        {"aud": "https://een-andere-dienst.example"},
        {"aud": client_id("waterdam")},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "zaaksysteem\u200b"},
    ],
)
async def test_a_token_that_lies_gets_401_and_no_explanation(
    site: App, provider: IdentityProvider, owner: Owner, changes: dict[str, Any]
) -> None:
    _is_refused(await _ask(site, provider.sign(_claims(provider, **changes))))
    assert await owner.fetchval("select count(*) from kring.staff where subject like 'zaaksysteem%'") == 0


async def test_a_token_that_was_forged_or_is_for_something_else_gets_the_same_401(
    site: App, provider: IdentityProvider
) -> None:
    good = provider.sign(_claims(provider))
    head, claims, signature = good.split(".")
    answers = [
        await _ask(site, token)
        for token in (
            good[:-10],
            f"{head}.{claims}.",
            f"eyJhbGciOiJub25lIn0.{claims}.",
            f"{head}.{claims}.{signature}.{signature}",
            provider.sign(_claims(provider), key=make_key("first")),
            provider.sign(_claims(provider), key=make_key("second"), kid="second"),
            provider.sign(_claims(provider), typ="logout+jwt"),
            provider.sign(_claims(provider, aud=client_id("waterdam")), typ="JWT"),  # an ID token
            "x" * 20_000,
            "",
            "e.e.e",
            "W10.W10.W10",
        )
    ]
    for answer in answers:
        _is_refused(answer)
    assert len({answer.text for answer in answers}) == 1


def _is_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_scheme_is_not_a_token(site: App, provider: IdentityProvider) -> None:
    _is_refused(await _ask(site, provider.sign(_claims(provider)), "Basic"))


async def test_a_session_cookie_opens_nothing_of_the_api(site: App, kring: Resources) -> None:
    client = await site.visitor()
    client.cookies.set("kring", "x")
    _is_refused(await client.get(URL))


async def test_a_token_without_the_scope_is_known_and_not_allowed(site: App, provider: IdentityProvider) -> None:
    for scope in (None, "", "rapportage", ["hulpvragen"]):
        assert (await _ask(site, provider.sign(_claims(provider, scope=scope)))).status_code == 403


async def test_microsofts_word_for_a_scope_is_one(site: App, provider: IdentityProvider) -> None:
    assert (await _ask(site, provider.sign(_claims(provider, scope=None, scp="hulpvragen")))).status_code == 200


async def test_a_role_of_the_token_is_the_role_and_goes_with_it(
    site: App, provider: IdentityProvider, owner: Owner
) -> None:
    statuses = []
    for roles in (["caseworker"], ["manager"], [], ["caseworker"]):
        values = [ROLES[role] for role in roles]
        token = provider.sign(_claims(provider, realm_access={"roles": values}))
        statuses.append((await _ask(site, token)).status_code)
    assert statuses == [200, 403, 403, 200]


async def test_a_token_of_one_municipality_is_none_of_another(
    site: App, provider: IdentityProvider, owner: Owner
) -> None:
    """The municipality follows from issuer and audience; a claim that says otherwise says nothing."""
    assert (await _ask(site, provider.sign(_claims(provider, municipality="zandhoek")))).status_code == 200
    rows = await owner.fetch(
        "select m.slug from kring.staff s join kring.municipality m on m.id = s.municipality_id where s.subject = $1",
        "zaaksysteem",
    )
    assert [row["slug"] for row in rows] == ["waterdam"]


async def test_while_the_provider_was_never_reached_nobody_can_tell(site: App, provider: IdentityProvider) -> None:
    provider.away = True
    answer = await _ask(site, provider.sign(_claims(provider)))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


async def test_the_keys_are_not_asked_for_at_each_call(site: App, provider: IdentityProvider) -> None:
    for number in range(5):
        await _ask(site, provider.sign(_claims(provider), key=make_key("x") if number == 3 else None))
    assert (provider.asked[METADATA], provider.asked[KEYS]) == (1, 1)
