"""What no browser sends: every answer is still a page with the right status, and nothing of it reaches a log."""

import asyncio
import logging

import asyncpg
import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.domain import Staff
from service.embedded import EmbeddedServers
from service.http import Contained
from service.resources import Resources
from tests import factories
from tests.app import CSRF, App

ONLY_NUL = "\0"


@pytest.fixture
async def browser(app: App, coordinator: Staff) -> httpx.AsyncClient:
    return await app.signed_in(coordinator)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("naam", {"title": ONLY_NUL}),
        ("bijeenkomst", {"place": ONLY_NUL, "date": "2099-07-07", "time": "19:30"}),
        ("bijeenkomst", {"place": "Zaal", "date": "0206-07-07", "time": "19:30"}),
        ("bijeenkomst", {"place": "Zaal", "date": "9999-12-31", "time": "23:59"}),
        ("afwijzing", {"reason": ONLY_NUL}),
    ],
)
async def test_what_cannot_be_read_is_refused_in_the_form(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, form: str, data: dict[str, str]
) -> None:
    page = f"/voorstellen/{(await factories.draft(kring, coordinator)).proposal}"
    assert (await app.submit(browser, page, data, to=f"{page}/{form}")).status_code == 400


@pytest.mark.parametrize("place", [ONLY_NUL, "\u200b\u202e"])
async def test_a_meeting_of_a_platform_has_a_place_that_can_be_read(
    app: App, browser: httpx.AsyncClient, kring: Resources, coordinator: Staff, place: str
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    data = {"place": place, "date": "2099-07-07", "time": "19:30"}
    answer = await app.submit(browser, f"/platforms/{platform}", data, to=f"/platforms/{platform}/bijeenkomsten")
    assert answer.status_code == 400


async def test_a_file_where_text_belongs_is_nothing(
    browser: httpx.AsyncClient, kring: Resources, coordinator: Staff
) -> None:
    page = f"/voorstellen/{(await factories.draft(kring, coordinator)).proposal}"
    token = CSRF.search((await browser.get(page)).text)
    assert token
    answer = await browser.post(f"{page}/naam", data={"csrf": token[1]}, files={"title": ("naam.txt", b"Kring")})
    assert (answer.status_code, "UploadFile" in answer.text) == (400, False)


async def test_a_form_that_cannot_be_read_is_no_missing_page(browser: httpx.AsyncClient) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = await browser.post("/hulpvragen/nieuw", content=b"no boundary", headers=kind)
    assert answer.status_code == 400
    assert "Kring kon het formulier niet lezen" in answer.text


async def test_a_crash_leaves_no_words_in_the_log(
    browser: httpx.AsyncClient, owner: "asyncpg.Connection[asyncpg.Record]", caplog: pytest.LogCaptureFixture
) -> None:
    await owner.execute("alter table kring.need rename to lost")
    with caplog.at_level(logging.DEBUG):
        assert (await browser.get("/hulpvragen")).status_code == 500
    assert "kring.need" not in caplog.text


async def test_a_crash_that_was_answered_does_not_reach_the_server(
    app: App, coordinator: Staff, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A server writes whatever reaches it to its log, text and all."""
    cookies = (await app.signed_in(coordinator)).cookies
    await owner.execute("alter table kring.need rename to lost")
    transport = httpx.ASGITransport(app.asgi, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
        assert (await client.get("/hulpvragen")).status_code == 500


async def test_half_an_answer_is_broken_off() -> None:
    async def breaks(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ArithmeticError

    transport = httpx.ASGITransport(Contained(breaks))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        with pytest.raises(ArithmeticError):
            await client.get("/")


async def test_a_page_says_so_while_the_database_is_away_and_works_when_it_is_back(
    browser: httpx.AsyncClient, shared_servers: EmbeddedServers
) -> None:
    await asyncio.to_thread(shared_servers.postgres.stop)
    away = await browser.get("/hulpvragen")
    shared_servers.postgres.start()
    assert (away.status_code, (await browser.get("/hulpvragen")).status_code) == (503, 200)


@pytest.mark.parametrize("host", ["kring.example", "127.0.0.1.kring.example", "127.0.0.1@kring.example", ""])
async def test_the_demo_answers_under_no_other_name(app: App, host: str) -> None:
    """A proxy in front of it, or a site whose name was made to lead to this machine."""
    answer = await (await app.visitor()).get("/aanmelden", headers={"host": host})
    assert answer.status_code == 421
    assert "Aanmelden als" not in answer.text


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:8000"])
async def test_the_demo_answers_on_this_machine(app: App, host: str) -> None:
    assert (await (await app.visitor()).get("/aanmelden", headers={"host": host})).status_code == 200
