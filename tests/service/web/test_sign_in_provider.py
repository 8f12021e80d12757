"""Signing in at the municipality's own provider: the honest way, and every lie that must not work."""

import dataclasses
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from service.domain import Staff
from service.resources import Resources
from tests.app import App, running
from tests.service.provider import (
    KEYS,
    METADATA,
    SECRET,
    TOKEN,
    IdentityProvider,
    Visitor,
    client_id,
    key_set,
    make_key,
    now,
    person,
    providers_file,
)

Owner = asyncpg.Connection


@pytest.fixture
async def site(kring: Resources, provider: IdentityProvider, tmp_path: Path) -> AsyncIterator[App]:
    """Kring as a municipality has it: no demo, two municipalities at one provider."""
    changed: dict[str, Any] = {"demo": False, "oidc_providers": providers_file(tmp_path, provider)}
    async with running(dataclasses.replace(kring, settings=kring.settings.model_copy(update=changed))) as started:
        yield started


@pytest.fixture
async def visitor(site: App) -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient() as outside:
        yield await Visitor.new(site, outside)


@pytest.fixture
async def other_visitor(site: App) -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient() as outside:
        yield await Visitor.new(site, outside)


async def _is_in(client: httpx.AsyncClient) -> bool:
    return (await client.get("/")).status_code == 200


async def _refusals(owner: Owner) -> list[str]:
    rows = await owner.fetch("select detail from kring.audit where action = 'sign_in.refused' order by at")
    return [row["detail"] for row in rows]


# --- the honest way --------------------------------------------------------------------------------------------------


async def test_who_has_a_role_comes_in_under_their_own_name(visitor: Visitor) -> None:
    answer = await visitor.sign_in(person())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Welkom, Noor de Wit" in (await visitor.kring.get("/")).text


async def test_a_role_of_the_provider_is_that_role_here_and_no_other(visitor: Visitor) -> None:
    await visitor.sign_in(person("s-1", "manager"))
    answers = [(await visitor.kring.get(path)).status_code for path in ("/rapportage", "/hulpvragen", "/voorstellen")]
    assert answers == [200, 403, 403]


async def test_the_request_carries_pkce_a_nonce_and_a_state(visitor: Visitor) -> None:
    asked = parse_qs(urlsplit(await visitor.leave()).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert asked["acr_values"] == ["loa3"]
    assert [len(asked[name][0]) >= 43 for name in ("code_challenge", "nonce", "state")] == [True] * 3
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/aanmelden/waterdam/terug"]


async def test_no_two_attempts_share_a_secret(visitor: Visitor) -> None:
    first, second = [parse_qs(urlsplit(await visitor.leave()).query) for _ in range(2)]
    assert [name for name in ("state", "nonce", "code_challenge") if first[name] == second[name]] == []


async def test_what_is_stored_of_an_attempt_is_no_key_to_it(visitor: Visitor, owner: Owner) -> None:
    state = parse_qs(urlsplit(await visitor.leave()).query)["state"][0]
    row = await owner.fetchval("select s::text from kring.sign_in s")
    kept = visitor.kring.cookies["kring-browser"]
    assert [secret for secret in (state, kept, state.encode().hex(), kept.encode().hex()) if secret in row] == []


async def test_nothing_of_the_attempt_is_left_after_it(visitor: Visitor, owner: Owner) -> None:
    await visitor.sign_in(person())
    assert await owner.fetchval("select count(*) from kring.sign_in") == 0
    assert "kring-browser" not in visitor.kring.cookies


async def test_the_cookie_holds_a_random_key_and_nothing_of_the_person(visitor: Visitor) -> None:
    answer = await visitor.sign_in(person())
    set_here = [line.lower() for line in answer.headers.get_list("set-cookie") if line.startswith("kring=")]
    assert len(set_here) == 1
    assert all(word in set_here[0] for word in ("httponly", "samesite=lax", "path=/"))
    assert len(visitor.kring.cookies["kring"]) == 43


async def test_signing_in_again_gives_another_key_and_ends_the_old_one(visitor: Visitor, site: App) -> None:
    await visitor.sign_in(person())
    old = visitor.kring.cookies["kring"]
    await visitor.sign_in(person())
    thief = await site.visitor()
    thief.cookies.set("kring", old)
    assert visitor.kring.cookies["kring"] != old
    assert not await _is_in(thief)
    assert await _is_in(visitor.kring)


async def test_two_windows_can_sign_in_at_once(visitor: Visitor) -> None:
    first, second = await visitor.leave(), await visitor.leave()
    back = await visitor.log_in(first, person())
    also = await visitor.log_in(second, person())
    assert (await visitor.kring.get(back)).status_code == 303
    visitor.kring.cookies.set("kring-browser", "gone with the first")
    assert (await visitor.kring.get(also)).status_code == 400
    assert await _is_in(visitor.kring)


async def test_signing_in_is_written_down(visitor: Visitor, owner: Owner) -> None:
    await visitor.sign_in(person())
    rows = await owner.fetch(
        """
        select a.actor_kind, a.result, s.name from kring.audit a join kring.staff s on s.id = a.actor_id
        where a.action = 'sign_in.done'
        """
    )
    assert [tuple(row) for row in rows] == [("staff", "done", "Noor de Wit")]


async def test_a_name_has_nothing_hidden_in_it(visitor: Visitor) -> None:
    who = person()
    who["claims"]["name"] = "Noor\u202e\u0000 <script>alert(1)</script>" + "x" * 500
    await visitor.sign_in(who)
    shown = (await visitor.kring.get("/")).text
    assert "&lt;script&gt;alert(1)" in shown
    assert "\u202e" not in shown


# --- roles -----------------------------------------------------------------------------------------------------------


async def test_who_has_no_role_gets_a_kind_page_and_no_account(visitor: Visitor, owner: Owner) -> None:
    before = await owner.fetchval("select count(*) from kring.staff")
    answer = await visitor.sign_in(person(claims={"name": "Noor", "realm_access": {"roles": ["offline_access"]}}))
    assert answer.status_code == 403
    assert "Vraag de beheerder van Kring" in answer.text
    assert await owner.fetchval("select count(*) from kring.staff") == before
    assert not await _is_in(visitor.kring)
    assert await _refusals(owner) == ["no_role"]


@pytest.mark.parametrize("claims", [{}, {"realm_access": None}, {"realm_access": ["kring-manager"]}, {"roles": ["x"]}])
async def test_a_claim_that_is_not_there_gives_no_role(visitor: Visitor, claims: dict[str, Any]) -> None:
    assert (await visitor.sign_in(person(claims=claims))).status_code == 403


async def test_a_role_that_was_taken_away_is_gone_in_every_session(
    visitor: Visitor, other_visitor: Visitor, owner: Owner
) -> None:
    await visitor.sign_in(person("s-7", "coordinator"))
    assert (await visitor.kring.get("/voorstellen")).status_code == 200
    await other_visitor.sign_in(person("s-7", "caseworker"))
    assert (await visitor.kring.get("/voorstellen")).status_code == 403


async def test_who_lost_the_last_role_loses_every_session(
    visitor: Visitor, other_visitor: Visitor, owner: Owner
) -> None:
    await visitor.sign_in(person("s-7", "coordinator"))
    without = person("s-7", claims={"name": "Noor", "realm_access": {"roles": []}})
    assert (await other_visitor.sign_in(without)).status_code == 403
    assert not await _is_in(visitor.kring)
    assert await owner.fetchval("select roles from kring.staff where subject = 's-7'") == []


async def test_one_person_at_two_municipalities_is_two_accounts(visitor: Visitor, owner: Owner) -> None:
    await visitor.sign_in(person("s-9"), "waterdam")
    await visitor.sign_in(person("s-9"), "zandhoek")
    rows = await owner.fetch(
        """
        select m.slug from kring.staff s join kring.municipality m on m.id = s.municipality_id
        where s.subject = 's-9' order by 1
        """
    )
    assert [row["slug"] for row in rows] == ["waterdam", "zandhoek"]


# --- the second factor -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [{"acr": "loa2"}, {"acr": "loa2", "amr": ["pwd"]}, {"acr": "loa2", "amr": []}])
async def test_a_password_alone_is_not_enough(visitor: Visitor, owner: Owner, shown: dict[str, Any]) -> None:
    answer = await visitor.sign_in(person(**shown))
    assert (answer.status_code, "tweede stap" in answer.text) == (403, True)
    assert not await _is_in(visitor.kring)
    assert await _refusals(owner) == ["no_second_factor"]


@pytest.mark.parametrize("shown", [{"acr": "loa3", "amr": []}, {"acr": "loa2", "amr": ["pwd", "mfa"]}])
async def test_either_claim_can_show_the_second_factor(visitor: Visitor, shown: dict[str, Any]) -> None:
    assert (await visitor.sign_in(person(**shown))).status_code == 303


async def test_without_acr_and_amr_there_was_no_second_factor(visitor: Visitor, provider: IdentityProvider) -> None:
    provider.lie(acr=None, amr=None)
    assert (await visitor.sign_in(person())).status_code == 403


# --- tokens that lie -------------------------------------------------------------------------------------------------


def _other_issuer(it: IdentityProvider) -> None:
    it.lie(iss="https://elders.example")


def _other_audience(it: IdentityProvider) -> None:
    it.lie(aud="iemand-anders")


def _audience_of_the_neighbour(it: IdentityProvider) -> None:
    it.lie(aud=client_id("zandhoek"))


def _two_audiences_and_no_azp(it: IdentityProvider) -> None:
    it.lie(aud=[client_id("waterdam"), "iemand-anders"])


def _other_party(it: IdentityProvider) -> None:
    it.lie(aud=[client_id("waterdam"), "iemand-anders"], azp="iemand-anders")


def _other_nonce(it: IdentityProvider) -> None:
    it.lie(nonce="een ander")


def _no_nonce(it: IdentityProvider) -> None:
    it.lie(nonce=None)


def _expired(it: IdentityProvider) -> None:
    it.lie(exp=now() - 120, iat=now() - 600)


def _without_end(it: IdentityProvider) -> None:
    it.lie(exp=None)


def _from_the_future(it: IdentityProvider) -> None:
    it.lie(iat=now() + 600, exp=now() + 1200)


def _not_before_tomorrow(it: IdentityProvider) -> None:
    it.lie(nbf=now() + 86_400)


def _nobody(it: IdentityProvider) -> None:
    it.lie(sub=None)


def _empty_subject(it: IdentityProvider) -> None:
    it.lie(sub="")


def _hidden_subject(it: IdentityProvider) -> None:
    it.lie(sub="s-1042\u200b")


def _numbered_subject(it: IdentityProvider) -> None:
    it.lie(sub=1042)


def _other_access_token(it: IdentityProvider) -> None:
    it.lie(at_hash="AAAAAAAAAAAAAAAAAAAAAA")


def _strange_key(it: IdentityProvider) -> None:
    it.lie(key=make_key("first"))


def _unknown_key(it: IdentityProvider) -> None:
    it.lie(key=make_key("second"), header={"kid": "second"})


def _public_key_as_secret(it: IdentityProvider) -> None:
    it.forge(
        {"alg": "HS256", "kid": "first"}, lambda signed: hmac.digest(it.key.as_pem(private=False), signed, "sha256")
    )


def _client_secret_as_key(it: IdentityProvider) -> None:
    it.forge({"alg": "HS256", "kid": "first"}, lambda signed: hmac.digest(SECRET.encode(), signed, "sha256"))


def _own_key_in_the_header(it: IdentityProvider) -> None:
    stranger = ECKey.generate_key("P-256")
    it.lie(key=stranger, header={"alg": "ES256", "jwk": stranger.as_dict(private=False)})


def _access_token(it: IdentityProvider) -> None:
    it.lie(header={"typ": "at+jwt"})


def _critical_header(it: IdentityProvider) -> None:
    it.forge({"alg": "RS256", "kid": "first", "crit": ["new-rule"], "new-rule": 1}, it.signature)


def _unsigned(it: IdentityProvider) -> None:
    it.forge({"alg": "none"}, lambda _: b"")


def _truncated(it: IdentityProvider) -> None:
    it.lies[TOKEN] = lambda answer: answer | {"id_token": answer["id_token"][:-20]}


def _no_id_token(it: IdentityProvider) -> None:
    it.lies[TOKEN] = lambda answer: {name: value for name, value in answer.items() if name != "id_token"}


def _list_as_id_token(it: IdentityProvider) -> None:
    it.lies[TOKEN] = lambda answer: answer | {"id_token": [answer["id_token"]]}


LIES = {
    "invalid_claim:iss": _other_issuer,
    "invalid_claim:aud": _other_audience,
    "invalid_claim:aud ": _audience_of_the_neighbour,
    "missing_claim:azp": _two_audiences_and_no_azp,
    "invalid_claim:azp": _other_party,
    "invalid_claim:nonce": _other_nonce,
    "missing_claim:nonce": _no_nonce,
    "expired_token:exp": _expired,
    "missing_claim:exp": _without_end,
    "invalid_claim:iat": _from_the_future,
    "invalid_claim:nbf": _not_before_tomorrow,
    "missing_claim:sub": _nobody,
    "invalid_claim:sub": _empty_subject,
    "invalid_claim:sub ": _hidden_subject,
    "invalid_claim:sub  ": _numbered_subject,
    "invalid_claim:at_hash": _other_access_token,
    "bad_signature": _strange_key,
    "unknown_key": _unknown_key,
    "unsupported_algorithm": _public_key_as_secret,
    "unsupported_algorithm ": _client_secret_as_key,
    "unknown_key ": _own_key_in_the_header,
    "wrong_type": _access_token,
    "unsupported_header": _critical_header,
    "unsupported_algorithm  ": _unsigned,
    "bad_signature  ": _truncated,
    "no_id_token": _no_id_token,
    "no_id_token ": _list_as_id_token,
}


@pytest.mark.parametrize(("code", "lie"), LIES.items(), ids=[lie.__name__.strip("_") for lie in LIES.values()])
async def test_a_token_that_lies_lets_nobody_in(
    visitor: Visitor, provider: IdentityProvider, owner: Owner, code: str, lie: Any
) -> None:
    """And it is the lie that is seen: the same token without it would do."""
    before = await owner.fetchval("select count(*) from kring.staff")
    lie(provider)
    answer = await visitor.sign_in(person())
    assert (answer.status_code, "Aanmelden is niet gelukt" in answer.text) == (403, True)
    assert "kring" not in visitor.kring.cookies
    assert await owner.fetchval("select count(*) from kring.staff") == before
    assert await _refusals(owner) == [code.strip()]


async def test_the_page_tells_no_difference_between_lies(visitor: Visitor, provider: IdentityProvider) -> None:
    pages = []
    for lie in (_other_issuer, _strange_key, _unsigned):
        lie(provider)
        text = (await visitor.sign_in(person())).text
        pages.append(text.split("<main", 1)[1].split("</main>")[0])
    assert len(set(pages)) == 1


async def test_a_token_that_was_signed_anew_and_does_not_lie_is_believed(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    """What makes the test of the lies one that can fail."""
    provider.lie()
    assert (await visitor.sign_in(person())).status_code == 303


# --- coming back -----------------------------------------------------------------------------------------------------


async def test_an_answer_works_once(visitor: Visitor, provider: IdentityProvider) -> None:
    back = await visitor.log_in(await visitor.leave(), person())
    browser = visitor.kring.cookies["kring-browser"]
    assert (await visitor.kring.get(back)).status_code == 303
    visitor.kring.cookies.set("kring-browser", browser)
    asked = provider.asked[TOKEN]
    answer = await visitor.kring.get(back)
    assert (answer.status_code, provider.asked[TOKEN]) == (400, asked)
    assert "Aanmelden is verlopen" in answer.text


async def test_a_code_works_once_also_in_another_attempt(visitor: Visitor, owner: Owner) -> None:
    """A code is given for one attempt (PKCE): in another one the provider itself refuses it."""
    back = await visitor.log_in(await visitor.leave(), person())
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(await visitor.leave()).query)["state"][0]
    query = {"code": code, "state": state, "iss": parse_qs(urlsplit(back).query)["iss"][0]}
    answer = await visitor.kring.get("/aanmelden/waterdam/terug", params=query)
    assert (answer.status_code, await _refusals(owner)) == (403, ["code_refused"])


async def test_an_attempt_ends_after_ten_minutes(visitor: Visitor, owner: Owner) -> None:
    back = await visitor.log_in(await visitor.leave(), person())
    await owner.execute("update kring.sign_in set created_at = created_at - interval '10 minutes 1 second'")
    assert (await visitor.kring.get(back)).status_code == 400
    await visitor.leave()
    assert await owner.fetchval("select count(*) from kring.sign_in") == 1


async def test_nobody_is_signed_in_with_the_answer_of_another(visitor: Visitor, other_visitor: Visitor) -> None:
    """Login CSRF: a victim who opens the attacker's own answer would work in the attacker's account."""
    attackers = await visitor.log_in(await visitor.leave(), person("s-666"))
    await other_visitor.leave()  # a browser with an attempt of its own
    assert (await other_visitor.kring.get(attackers)).status_code == 400
    assert not await _is_in(other_visitor.kring)
    assert (await visitor.kring.get(attackers)).status_code == 303  # and the attempt is not used up by trying


async def test_a_browser_without_an_attempt_is_not_signed_in(visitor: Visitor, site: App) -> None:
    back = await visitor.log_in(await visitor.leave(), person())
    stranger = await site.visitor()
    assert (await stranger.get(back)).status_code == 400
    assert not await _is_in(stranger)


@pytest.mark.parametrize("query", [{}, {"code": "x"}, {"state": ""}, {"state": "x" * 5000}, {"state": "\0"}])
async def test_an_answer_to_nothing_is_expired(visitor: Visitor, query: dict[str, str]) -> None:
    await visitor.leave()
    assert (await visitor.kring.get("/aanmelden/waterdam/terug", params=query)).status_code == 400


async def test_the_answer_for_one_municipality_is_none_for_another(visitor: Visitor) -> None:
    back = await visitor.log_in(await visitor.leave("waterdam"), person())
    elsewhere = back.replace("/aanmelden/waterdam/", "/aanmelden/zandhoek/")
    assert (await visitor.kring.get(elsewhere)).status_code == 400
    assert not await _is_in(visitor.kring)


@pytest.mark.parametrize("issuer", ["https://elders.example", "", None])
async def test_an_answer_in_the_name_of_another_issuer_is_refused(
    visitor: Visitor, provider: IdentityProvider, owner: Owner, issuer: str | None
) -> None:
    """Mix-up (RFC 9207): this provider always says who it is, so an answer that does not is not its own."""
    back = urlsplit(await visitor.log_in(await visitor.leave(), person()))
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | {"iss": issuer}
    sent = {name: value for name, value in query.items() if value is not None}
    answer = await visitor.kring.get(back.path, params=sent)
    assert (answer.status_code, provider.asked[TOKEN]) == (403, 0)
    assert await _refusals(owner) == ["another_issuer"]


async def test_who_says_no_at_the_provider_reads_that_nothing_happened(visitor: Visitor, owner: Owner) -> None:
    answer = await visitor.sign_in({"error": "access_denied"})
    assert (answer.status_code, "Er is niets gebeurd" in answer.text) == (403, True)
    assert await _refusals(owner) == ["access_denied"]


async def test_what_a_provider_says_of_its_error_is_shown_nowhere(visitor: Visitor, owner: Owner) -> None:
    state = parse_qs(urlsplit(await visitor.leave()).query)
    query = {"state": state["state"][0], "error": "<b>bel 0900-1234</b>", "error_description": "bel 0900-1234"}
    query["iss"] = urlsplit(await visitor.leave())._replace(path="", query="").geturl()
    answer = await visitor.kring.get("/aanmelden/waterdam/terug", params=query)
    assert (answer.status_code, "0900" in answer.text) == (403, False)
    assert await _refusals(owner) == ["provider_error"]


@pytest.mark.parametrize("slug", ["nergens", "elzermeer", "%00", "waterdam%2F.."])
async def test_a_municipality_without_a_provider_has_no_way_in(visitor: Visitor, slug: str) -> None:
    assert (await visitor.press(slug)).status_code == 404
    assert (await visitor.kring.get(f"/aanmelden/{slug}/terug")).status_code == 404


# --- where somebody goes afterwards ----------------------------------------------------------------------------------


async def test_who_asked_for_a_page_gets_that_page(visitor: Visitor) -> None:
    answer = await visitor.sign_in(person(), onward="/hulpvragen?na=2")
    assert answer.headers["location"] == "/hulpvragen?na=2"


@pytest.mark.parametrize(
    "onward",
    [
        "https://elders.example",
        "//elders.example",
        "/\\elders.example",
        "/\t/elders.example",
        "\\\\elders.example",
        "javascript:alert(1)",
        "elders.example",
        "/aanmelden/waterdam/terug?code=x",
        "/afmelden",
        "/é",
        "/" + "x" * 300,
        "/x\r\nset-cookie: a=b",
        "",
    ],
)
async def test_nobody_is_sent_to_an_address_of_somebody_elses_choice(visitor: Visitor, onward: str) -> None:
    assert (await visitor.sign_in(person(), onward=onward)).headers["location"] == "/"


# --- the provider and its keys ---------------------------------------------------------------------------------------


async def test_while_the_provider_is_away_the_page_says_so_and_the_rest_works(
    visitor: Visitor, other_visitor: Visitor, provider: IdentityProvider
) -> None:
    await visitor.sign_in(person())
    back = await other_visitor.log_in(await other_visitor.leave(), person("s-2"))
    provider.away = True
    answer = await other_visitor.kring.get(back)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "Aanmelden kan nu even niet" in answer.text
    assert await _is_in(visitor.kring)


async def test_a_provider_that_was_away_from_the_start_is_a_page_too(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    provider.away = True
    assert (await visitor.press()).status_code == 503


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://elders.example"},
        {"token_endpoint": "http://elders.example/token"},
        {"authorization_endpoint": None},
        {"end_session_endpoint": "javascript:alert(1)"},
    ],
)
async def test_a_provider_that_says_to_be_another_sends_nobody_anywhere(
    visitor: Visitor, provider: IdentityProvider, lie: dict[str, Any]
) -> None:
    provider.lies[METADATA] = lambda answer: answer | lie
    assert (await visitor.press()).status_code == 503


async def test_what_a_provider_publishes_is_not_asked_for_each_time(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    for _ in range(3):
        await visitor.sign_in(person())
    assert (provider.asked[METADATA], provider.asked[KEYS]) == (1, 1)


async def test_made_up_key_ids_are_no_stream_of_requests(visitor: Visitor, provider: IdentityProvider) -> None:
    for number in range(4):
        provider.lie(key=make_key("x"), header={"kid": f"made-up-{number}"})
        await visitor.sign_in(person())
    assert provider.asked[KEYS] == 1


async def test_a_secret_among_the_keys_signs_nothing(visitor: Visitor, provider: IdentityProvider) -> None:
    shared = OctKey.import_key("x" * 32, parameters={"kid": "shared"})
    provider.lies[KEYS] = lambda _: {"keys": [*key_set(provider.key)["keys"], shared.as_dict(private=True)]}
    provider.lie(key=shared, header={"alg": "HS256", "kid": "shared"})
    assert (await visitor.sign_in(person())).status_code == 403


# --- signing out -----------------------------------------------------------------------------------------------------


async def _sign_out(visitor: Visitor) -> httpx.Response:
    return await visitor.app.submit(visitor.kring, "/", {}, to="/afmelden")


async def test_signing_out_ends_the_session_and_leads_to_the_provider(
    visitor: Visitor, provider: IdentityProvider, owner: Owner
) -> None:
    await visitor.sign_in(person())
    kept = visitor.kring.cookies["kring"]
    answer = await _sign_out(visitor)
    url = answer.text.split('content="0; url=')[1].split('"')[0].replace("&amp;", "&")
    asked = parse_qs(urlsplit(url).query)
    assert asked == {
        "client_id": [client_id("waterdam")],
        "post_logout_redirect_uri": ["http://127.0.0.1:8000/aanmelden"],
    }
    visitor.kring.cookies.set("kring", kept)
    assert not await _is_in(visitor.kring)
    assert "Afmelden?" in (await visitor.provider.get(url)).text
    assert await owner.fetchval("select count(*) from kring.audit where action = 'sign_out.done'") == 1


async def test_a_provider_where_nobody_can_sign_out_is_not_gone_to(
    visitor: Visitor, provider: IdentityProvider
) -> None:
    provider.lies[METADATA] = lambda answer: {
        name: value for name, value in answer.items() if name != "end_session_endpoint"
    }
    await visitor.sign_in(person())
    assert (await _sign_out(visitor)).headers["location"] == "/aanmelden"
    assert not await _is_in(visitor.kring)


async def test_signing_out_works_while_the_provider_is_away(
    site: App, provider: IdentityProvider, caseworker: Staff
) -> None:
    client = await site.signed_in(caseworker)
    provider.away = True
    assert (await site.submit(client, "/", {}, to="/afmelden")).headers["location"] == "/aanmelden"
    assert not await _is_in(client)


async def _end_at_provider(visitor: Visitor, provider: IdentityProvider) -> str:
    """Sign out there, from another application; the logout token that the provider then sends to Kring."""
    page = await visitor.provider.get(f"{provider.issuer}/session/end")
    field = page.text.split('name="xsrf" value="')[1].split('"')[0]
    await visitor.provider.post(f"{provider.issuer}/session/end/confirm", data={"xsrf": field, "logout": "yes"})
    assert len(provider.caught) == 1
    return provider.caught[0]


async def test_a_session_that_the_provider_ends_is_over_here_too(
    visitor: Visitor, other_visitor: Visitor, provider: IdentityProvider, site: App, owner: Owner
) -> None:
    """Of one person's two sessions, the one that ended."""
    await visitor.sign_in(person())
    await other_visitor.sign_in(person())
    token = await _end_at_provider(visitor, provider)
    answer = await (await site.visitor()).post("/afmelden/waterdam/sessie", data={"logout_token": token})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (await _is_in(visitor.kring), await _is_in(other_visitor.kring)) == (False, True)
    assert await owner.fetchval("select detail from kring.audit where action = 'sign_out.done'") == "by_provider"


async def test_a_person_whom_the_provider_ends_loses_every_session_here(
    visitor: Visitor, other_visitor: Visitor, provider: IdentityProvider, site: App
) -> None:
    await visitor.sign_in(person())
    await other_visitor.sign_in(person())
    token = provider.sign(_logout_claims(provider, sid=None), typ="logout+jwt")
    assert await _post_logout(site, token) == 200
    assert (await _is_in(visitor.kring), await _is_in(other_visitor.kring)) == (False, False)


def _logout_claims(provider: IdentityProvider, **changes: Any) -> dict[str, Any]:
    return {
        "iss": provider.issuer,
        "aud": client_id("waterdam"),
        "iat": now(),
        "exp": now() + 120,
        "jti": "1",
        "sub": "s-1042",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        **changes,
    }


async def _post_logout(site: App, token: str) -> int:
    client = await site.visitor()
    return (await client.post("/afmelden/waterdam/sessie", data={"logout_token": token})).status_code


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elders.example"},
        {"aud": client_id("zandhoek")},
        {"iat": 1_700_000_000, "exp": None},
        {"iat": None},
        {"exp": 1},
        {"events": None},
        {"events": {"iets anders": {}}},
        {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
        {"nonce": "x"},
        {"sub": None},
    ],
)
async def test_a_logout_token_that_lies_ends_nothing(
    visitor: Visitor, provider: IdentityProvider, site: App, changes: dict[str, Any]
) -> None:
    await visitor.sign_in(person())
    token = provider.sign(_logout_claims(provider, **changes), typ="logout+jwt")
    assert (await _post_logout(site, token), await _is_in(visitor.kring)) == (400, True)


async def test_an_id_token_or_rubbish_is_no_logout_token(
    visitor: Visitor, provider: IdentityProvider, site: App
) -> None:
    await visitor.sign_in(person())
    stranger = provider.sign(_logout_claims(provider), key=make_key("first"))
    id_token = provider.sign(_logout_claims(provider, events=None, nonce="x"))
    assert [await _post_logout(site, token) for token in (stranger, id_token, "", "a.b.c")] == [400] * 4
    assert await _is_in(visitor.kring)


# --- the page to sign in on ------------------------------------------------------------------------------------------


async def test_the_page_offers_each_municipality_that_has_a_provider(site: App) -> None:
    shown = (await (await site.visitor()).get("/aanmelden")).text
    assert [name for name in ("Aanmelden bij Waterdam", "Aanmelden bij Zandhoek") if name not in shown] == []


async def test_one_municipality_has_one_button(kring: Resources, provider: IdentityProvider, tmp_path: Path) -> None:
    changed: dict[str, Any] = {"demo": False, "oidc_providers": providers_file(tmp_path, provider, ("waterdam",))}
    async with running(dataclasses.replace(kring, settings=kring.settings.model_copy(update=changed))) as app:
        answer = await (await app.visitor()).get("/aanmelden")
    assert answer.status_code == 200
    assert answer.text.count("<button") == 1
    assert "Aanmelden met uw gemeente-account" in answer.text
    assert "Zandhoek" not in answer.text


async def test_leaving_needs_the_forms_own_token(site: App, owner: Owner) -> None:
    assert (await (await site.visitor()).post("/aanmelden/waterdam", data={"verder": "/"})).status_code == 403
    assert await owner.fetchval("select count(*) from kring.sign_in") == 0


async def test_another_site_cannot_send_somebody_to_sign_in(visitor: Visitor) -> None:
    visitor.kring.headers["sec-fetch-site"] = "cross-site"
    assert (await visitor.press()).status_code == 403


async def test_looking_at_the_page_makes_no_attempt(site: App, owner: Owner, caseworker: Staff) -> None:
    client = await site.visitor()
    for _ in range(2):
        await client.get("/aanmelden")
        await client.head("/aanmelden")
        await client.get("/aanmelden/waterdam")
    assert await owner.fetchval("select count(*) from kring.sign_in") == 0
