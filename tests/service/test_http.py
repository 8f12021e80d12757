"""Every answer has its headers, and says nothing it should not: pages, styles, problems, and what breaks below them."""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

import asyncpg
import httpx
import pytest

from service.auth import link_cookie, session_cookie
from service.domain import Staff
from service.resources import Resources
from service.settings import Settings
from service.web.routes import well_known
from tests import factories
from tests.app import App, running
from tests.server import raw, serving
from tests.service.crawl import Found

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
TELLING = re.compile(
    r"Traceback|File \"|\.py\b|asyncpg|starlette|fastapi|pydantic|uvicorn|postgres|redis|"
    r"select \w+ from|insert into|kring\.\w+_|/work/|site-packages|UndefinedError|Exception",
)


def telling(answer: httpx.Response) -> list[str]:
    """Words in an answer that say how Kring is made, and headers that do."""
    headers = [name for name in ("server", "x-powered-by", "via") if name in answer.headers]
    return TELLING.findall(answer.text) + headers


def lacking(answer: httpx.Response) -> list[str]:
    """The headers that an answer should have and has not."""
    wrong = [name for name, value in HEADERS.items() if answer.headers.get(name) != value]
    policy = answer.headers.get("content-security-policy", "")
    if not ("default-src 'none'" in policy and "frame-ancestors 'none'" in policy) or "unsafe" in policy:
        wrong.append("content-security-policy")
    static = answer.request.url.path.startswith("/static/")
    if answer.headers.get("cache-control") != ("public, max-age=3600" if static else "no-store"):
        wrong.append("cache-control")
    if answer.request.url.path.startswith("/api/") and answer.headers.get("api-version") != "1.0.0":
        wrong.append("api-version")
    return wrong


# --- headers --------------------------------------------------------------------------------------------------------


async def test_every_page_has_the_headers(found: Found) -> None:
    assert {page: lacking(answer) for page, answer in found.pages.items() if lacking(answer)} == {}


async def test_every_answer_to_a_form_has_the_headers_and_tells_nothing(found: Found) -> None:
    for form in found.forms:
        for csrf in ("", form.values["csrf"]):
            answer = await form.send(csrf=csrf)
            assert (lacking(answer), telling(answer)) == ([], []), form.where


ODD: dict[str, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]] = {
    "nowhere": lambda client: client.get("/bestaat-niet"),
    "nowhere in the api": lambda client: client.get("/api/v1/bestaat-niet"),
    "above the api": lambda client: client.get("/api/v2/hulpvragen"),
    "a style": lambda client: client.get("/static/run.js"),
    "no style": lambda client: client.get("/static/bestaat-niet.css"),
    "out of the folder": lambda client: client.get("/static/..%2f..%2fsettings.py"),
    "a method": lambda client: client.delete("/aanmelden"),
    "a method nobody has": lambda client: client.request("BREW", "/aanmelden"),
    "a method of the api": lambda client: client.patch("/api/v1/hulpvragen"),
    "an unknown link": lambda client: client.get("/u/onbekend"),
    "no session": lambda client: client.get("/hulpvragen"),
    "no link": lambda client: client.get("/mijn-gegevens"),
    "no token": lambda client: client.post("/aanmelden"),
    "no bearer": lambda client: client.get("/api/v1/hulpvragen"),
    "too large": lambda client: client.post("/aanmelden", content=b"a" * 1_000_001),
    "too large for the api": lambda client: client.post("/api/v1/hulpvragen", content=b"a" * 1_000_001),
    "unreadable": lambda client: client.post("/aanmelden", headers={"content-type": "multipart/form-data"}),
    "a length": lambda client: client.post("/aanmelden", headers={"content-length": "9" * 5000}),
    "no json": lambda client: client.post(
        "/api/v1/hulpvragen", content=b"{", headers={"content-type": "application/json"}
    ),
    "bad percents": lambda client: client.get("/hulpvragen/%ZZ%f0%28"),
    "a null": lambda client: client.get("/u/%00"),
    "another host": lambda client: client.get("/aanmelden", headers={"host": "kwaad.test"}),
    "head": lambda client: client.head("/bestaat-niet"),
    "options": lambda client: client.options("/api/v1/hulpvragen"),
}


@pytest.mark.parametrize("case", list(ODD))
async def test_every_error_has_the_headers_and_tells_nothing(app: App, case: str) -> None:
    answer = await ODD[case](await app.visitor())
    assert lacking(answer) == []
    assert telling(answer) == []
    assert answer.status_code < 500
    if answer.request.url.path.startswith("/api/") and answer.status_code >= 400 and answer.request.method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("page", ["/hulpvragen", "/api/v1/gebieden"])
async def test_a_crash_has_the_headers_and_tells_nothing(
    app: App, caseworker: Staff, owner: "asyncpg.Connection[asyncpg.Record]", page: str
) -> None:
    client = await app.signed_in(caseworker)
    await owner.execute("alter table kring.need rename to lost; alter table kring.municipality rename to gone")
    answer = await client.get(page)
    assert (lacking(answer), telling(answer)) == ([], [])


async def test_a_script_runs_only_with_the_number_of_this_answer(app: App) -> None:
    visitor = await app.visitor()
    numbers = [
        re.findall(r"'nonce-([^']+)'", (await visitor.get("/aanmelden")).headers["content-security-policy"])
        for _ in range(2)
    ]
    assert len({number for found_in in numbers for number in found_in}) == 2


async def test_behind_tls_the_browser_is_told_to_stay_there(kring: Resources) -> None:
    settings = kring.settings.model_copy(update={"base_url": "https://127.0.0.1"})
    async with running(replace(kring, settings=settings)) as app:
        client = await app.visitor()
        for path in ("/aanmelden", "/bestaat-niet", "/api/v1/gebieden", "/static/run.js"):
            assert "max-age=31536000" in (await client.get(path)).headers["strict-transport-security"]


# --- cookies --------------------------------------------------------------------------------------------------------


async def test_cookies_are_for_this_site_alone(kring: Resources, coordinator: Staff) -> None:
    settings = kring.settings.model_copy(update={"base_url": "https://127.0.0.1"})
    secure = replace(kring, settings=settings)
    invited = await factories.approved(kring, coordinator, 6)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    async with running(secure) as app:
        opened = await (await app.visitor()).get(f"/u/{token}")
        client = await app.visitor()
        signed_in = await app.submit(
            client, "/aanmelden", {"municipality": str(coordinator.municipality), "subject": "coordinator"}
        )
        left = await app.submit(client, "/", {}, to="/afmelden")
    for answer, name in ((opened, link_cookie(secure)), (signed_in, session_cookie(secure))):
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"__Host-{name.removeprefix('__Host-')}=")
        flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
        assert {"path=/", "secure", "httponly", "samesite=lax"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)
        assert token not in cookie
    assert "max-age=0" in left.headers["set-cookie"].lower()


# --- one answer -----------------------------------------------------------------------------------------------------


def alike(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """An answer without what is new in each: the nonce, the form's token, the length they give it."""
    fresh = re.compile(r"nonce-[^']+|nonce=\"[^\"]+\"|name=\"csrf\"[^>]*|\b\d+\b(?=$)")
    headers = {name: fresh.sub("", value) for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, fresh.sub("", answer.text), headers


async def test_a_link_that_does_not_work_gets_one_answer(
    app: App, kring: Resources, coordinator: Staff, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Unknown, expired, withdrawn, cut off, or no link at all; and it takes about as long."""
    invited = await factories.approved(kring, coordinator, 6)
    expired, withdrawn, works = [await factories.link(kring, coordinator, one) for one in invited.invitations[:3]]
    await owner.execute(
        "update kring.link set expires_at = now() - interval '1 hour' where resident_id = $1",
        invited.people[0].resident,
    )
    client = await app.link_holder(withdrawn)
    assert (await app.submit(client, "/mijn-gegevens/intrekken", {})).status_code == 303
    visitor = await app.visitor()
    tried = ["A" * 32, expired, withdrawn, works[:-1], works + "A", works.swapcase(), "x"]
    answers = [alike(await visitor.get(f"/u/{token}")) for token in tried]
    assert [answer for answer in answers if answer != answers[0]] == []
    assert answers[0][0] == 404
    durations = {token: await _median_seconds(visitor, f"/u/{token}") for token in ("A" * 32, expired, withdrawn)}
    assert max(durations.values()) < 10 * min(durations.values())


async def _median_seconds(client: httpx.AsyncClient, path: str) -> float:
    taken = []
    for _ in range(7):
        before = time.perf_counter()
        await client.get(path)
        taken.append(time.perf_counter() - before)
    return median(taken)


async def test_a_need_of_a_colleague_and_one_that_never_was_get_one_answer(
    app: App, kring: Resources, caseworker: Staff, coordinator: Staff, other_caseworker: Staff
) -> None:
    colleagues = await factories.submit(kring, coordinator)
    elsewhere = await factories.submit(kring, other_caseworker)
    client = await app.signed_in(caseworker)
    for path in ("/hulpvragen/{}", "/hulpvragen/{}/ontvangen", "/hulpvragen?na={}"):
        answers = [
            alike(await client.get(path.format(reference)))
            for reference in (colleagues.reference, elsewhere.reference, "ZZZZ-ZZZZ")
        ]
        assert [answer for answer in answers[1:] if answer != answers[0]] == [], path


# --- what only a socket can send ------------------------------------------------------------------------------------

CLOSE = b"Host: 127.0.0.1\r\nConnection: close\r\n"
GET, POST = b"GET /aanmelden HTTP/1.1\r\n" + CLOSE, b"POST /aanmelden HTTP/1.1\r\n" + CLOSE
# The request, and the status it may get; None: the server waits for the rest.
RAW: dict[str, tuple[bytes, int | set[int] | None]] = {
    "a page": (GET + b"\r\n", 200),
    "a long address": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", {400, 404}),
    "a long header": (GET + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n", {200, 400}),
    "a long cookie": (GET + b"Cookie: kring=" + b"a" * 60_000 + b"\r\n\r\n", 200),
    "many headers": (GET + b"X-A: a\r\n" * 20_000 + b"\r\n", {200, 400}),
    "bytes": (b"GET /\xff\xfe HTTP/1.1\r\n" + CLOSE + b"\r\n", 400),
    "percents": (b"GET /%ff%fe%00%zz HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
    "bytes in a header": (GET + b"Cookie: kring=\xff\xfe\r\n\r\n", 200),
    "a null in a header": (GET + b"Cookie: kring=\x00\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\naa", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "an endless length": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "too long a length": (POST + b"Content-Length: 99999999\r\n\r\n", 413),
    "pieces that are none": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "pieces of a megabyte": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"a" * 65_535 + b"\r\n") * 16,
        413,
    ),
    "pieces without end": (POST + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n" + b"a" * 65_535, None),
    "a header without end": (GET, None),
    "no http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "another site": (b"GET http://kwaad.test/ HTTP/1.1\r\nHost: kwaad.test\r\nConnection: close\r\n\r\n", 421),
    "no host": (b"GET /aanmelden HTTP/1.0\r\n\r\n", 421),
}


def test_what_no_browser_sends_breaks_nothing(settings: Settings) -> None:
    with serving(settings) as port:
        for case, (request, expected) in RAW.items():
            answer = raw(port, request, patience=0.5 if expected is None else 10)
            status = int(answer.split(b" ", 2)[1]) if answer else None
            assert status in (expected if isinstance(expected, set) else {expected}), (case, answer[:300])
            assert not TELLING.search(answer.decode("latin-1").partition("\r\n\r\n")[2]), case
        assert raw(port, RAW["a page"][0]).startswith(b"HTTP/1.1 200"), "it still serves"


# --- security.txt ---------------------------------------------------------------------------------------------------


async def test_security_txt_says_whom_to_tell(kring: Resources) -> None:
    settings = kring.settings.model_copy(update={"security_contact": "mailto:veilig@waterdam.example"})
    async with running(replace(kring, settings=settings)) as app:
        answer = await (await app.visitor()).get("/.well-known/security.txt")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert lines["Contact"] == "mailto:veilig@waterdam.example"
    assert lines["Canonical"] == "http://127.0.0.1:8000/.well-known/security.txt"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines["Expires"])


async def test_without_a_contact_there_is_no_security_txt(app: App) -> None:
    assert (await (await app.visitor()).get("/.well-known/security.txt")).status_code == 404


async def test_an_expired_security_txt_is_not_shown(kring: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(well_known, "EXPIRES", well_known.EXPIRES.replace(year=2020))
    settings = kring.settings.model_copy(update={"security_contact": "mailto:veilig@waterdam.example"})
    async with running(replace(kring, settings=settings)) as app:
        assert (await (await app.visitor()).get("/.well-known/security.txt")).status_code == 404


def test_security_txt_is_renewed_in_time() -> None:
    """Fails a month before what RFC 9116 calls stale, and when it is set further ahead than that asks."""
    ahead = well_known.EXPIRES - datetime.now(UTC)
    assert 30 <= ahead.days <= 366, "set EXPIRES in service/web/routes/well_known.py: less than a year from now"


@pytest.mark.parametrize("contact", ["veilig@waterdam.example", "http://waterdam.example", "mailto:", "https:// x", ""])
def test_a_contact_is_an_address_that_can_be_followed(settings: Settings, contact: str) -> None:
    with pytest.raises(ValueError, match="security_contact"):
        Settings(**settings.model_dump() | {"security_contact": contact})
