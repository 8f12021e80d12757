"""How often somebody may ask: by address, account and link, for all processes together, with Redis and without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import redis
from pydantic import SecretStr

from service import limits as module
from service.domain import Staff
from service.embedded import EmbeddedServers
from service.errors import TooManyRequests
from service.limits import Limit, Limits, network
from service.resources import Resources
from service.settings import Settings
from tests import factories
from tests.app import App, running

OFFICE, CAFE, PROXY = "192.0.2.7", "192.0.2.8", "10.0.0.5"


@asynccontextmanager
async def limited(kring: Resources, **numbers: Any) -> AsyncIterator[App]:
    """The application with other numbers."""
    settings = kring.settings.model_copy(update=numbers)
    async with running(Resources(settings, kring.pool, kring.queue, kring.vault)) as started:
        yield started


def at(app: App, address: str) -> httpx.AsyncClient:
    """A visitor from that address."""
    transport = httpx.ASGITransport(app.asgi, raise_app_exceptions=False, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def statuses(client: httpx.AsyncClient, path: str, times: int, **how: Any) -> list[int]:
    return [(await client.get(path, **how)).status_code for _ in range(times)]


@pytest.fixture
async def counted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Limits]:
    """With more patience for Redis than a page has: on a busy machine it would else count alone for a moment."""
    monkeypatch.setattr("service.limits.REDIS_SECONDS", 5.0)
    made = Limits(settings)
    yield made
    await made.close()


# --- counting -------------------------------------------------------------------------------------------------------


async def test_all_that_ask_at_one_moment_are_counted(counted: Limits) -> None:
    limit = Limit("test", 7, 60)
    asked = await asyncio.gather(*(counted.count(limit, "one") for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, TooManyRequests) for answer in asked) == 13


async def test_two_processes_count_together(settings: Settings, counted: Limits) -> None:
    limit, other = Limit("test", 2, 60), Limits(settings)
    await counted.count(limit, "one")
    await other.count(limit, "one")
    with pytest.raises(TooManyRequests):
        await counted.count(limit, "one")
    await other.close()


async def test_one_does_not_use_up_what_another_may(counted: Limits) -> None:
    limit = Limit("test", 1, 60)
    await counted.count(limit, "one")
    await counted.count(limit, "other")
    await counted.count(Limit("else", 1, 60), "one")


async def test_looking_counts_nothing(counted: Limits) -> None:
    limit = Limit("test", 1, 60)
    for _ in range(3):
        await counted.check(limit, "one")
    await counted.count(limit, "one")
    with pytest.raises(TooManyRequests):
        await counted.check(limit, "one")


async def test_it_works_again_after_the_seconds_that_were_told(counted: Limits, settings: Settings) -> None:
    limit = Limit("test", 3, 60)
    for _ in range(3):
        await counted.count(limit, "one")
    with pytest.raises(TooManyRequests) as refused:
        await counted.count(limit, "one")
    later(settings, refused.value.retry_after - 1)
    with pytest.raises(TooManyRequests):
        await counted.count(limit, "one")
    later(settings, 1)
    await counted.count(limit, "one")


def later(settings: Settings, seconds: int) -> None:
    """Let what Redis keeps be so much older."""
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        for key in client.keys("*"):
            client.pexpire(key, client.pttl(key) - 1000 * seconds)


async def test_what_is_kept_tells_nobody_and_goes_by_itself(counted: Limits, settings: Settings) -> None:
    await counted.count(Limit("test", 5, 60), "192.0.2.7")
    with redis.Redis.from_url(settings.redis_url.get_secret_value(), decode_responses=True) as client:
        keys = client.keys("*")
        assert len(keys) == 1
        assert "192.0.2.7" not in keys[0]
        assert 0 < client.ttl(keys[0]) <= 120
    other = Limits(settings.model_copy(update={"secret": SecretStr("y" * 32)}))
    await other.count(Limit("test", 5, 60), "192.0.2.7")
    with redis.Redis.from_url(settings.redis_url.get_secret_value(), decode_responses=True) as client:
        assert len(client.keys("*")) == 2, "the key is made with the server's secret"
    await other.close()


async def test_without_redis_a_process_counts_alone(settings: Settings) -> None:
    away = Limits(settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")}))
    limit = Limit("test", 2, 60)
    await away.count(limit, "one")
    await away.count(limit, "one")
    with pytest.raises(TooManyRequests):
        await away.count(limit, "one")
    await away.close()


async def test_redis_that_comes_back_is_asked_again(
    settings: Settings, counted: Limits, shared_servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.0)
    limit = Limit("test", 2, 60)
    await asyncio.to_thread(shared_servers.redis.stop)
    await counted.count(limit, "one")
    shared_servers.redis.start()
    await counted.count(limit, "one")
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        assert client.keys(f"*{module.PREFIX}*")


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
        (None, "unknown"),
    ],
)
def test_an_address_counts_as_what_one_household_has(address: str | None, counts_as: str) -> None:
    assert network(address) == counts_as


# --- pages and the API ----------------------------------------------------------------------------------------------


async def test_an_address_that_asks_too_much_waits_and_another_does_not(kring: Resources) -> None:
    async with limited(kring, limit_address=3) as app:
        assert await statuses(at(app, OFFICE), "/aanmelden", 4) == [200, 200, 200, 429]
        assert await statuses(at(app, CAFE), "/aanmelden", 1) == [200]


async def test_the_page_says_when_and_has_the_headers(kring: Resources) -> None:
    async with limited(kring, limit_address=1) as app:
        client = at(app, OFFICE)
        await client.get("/aanmelden")
        refused = await client.get("/aanmelden")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "<h1" in refused.text
    assert "Wacht even" in refused.text
    assert refused.headers["cache-control"] == "no-store"
    assert OFFICE not in refused.text


async def test_the_api_says_it_as_a_problem(kring: Resources) -> None:
    async with limited(kring, limit_address=1) as app:
        client = at(app, OFFICE)
        await client.get("/api/v1/openapi.json")
        refused = await client.get("/api/v1/openapi.json")
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "TooManyRequests"
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["api-version"]


async def test_styles_are_not_counted(kring: Resources) -> None:
    async with limited(kring, limit_address=1) as app:
        assert await statuses(at(app, OFFICE), "/static/run.js", 3) == [200] * 3


async def test_an_account_has_one_limit_in_all_its_sessions(
    kring: Resources, coordinator: Staff, caseworker: Staff
) -> None:
    async with limited(kring, limit_account=2) as app:
        here, there = await app.signed_in(coordinator), await app.signed_in(coordinator)
        assert await statuses(here, "/hulpvragen", 1) + await statuses(there, "/hulpvragen", 2) == [200, 200, 429]
        assert await statuses(await app.signed_in(caseworker), "/hulpvragen", 1) == [200]
        refused = await here.get("/hulpvragen")
        assert int(refused.headers["retry-after"]) >= 1


async def test_typing_is_counted_apart(kring: Resources, caseworker: Staff) -> None:
    async with limited(kring, limit_account=2, limit_checks=2) as app:
        client = await app.signed_in(caseworker)
        form = {"text": "Zoekt lotgenoten."}
        checked = [
            (await app.submit(client, "/hulpvragen/nieuw", form, to="/hulpvragen/controle")).status_code
            for _ in range(2)
        ]
        assert checked == [200, 200]
        assert (await client.post("/hulpvragen/controle", data=form)).status_code == 429


async def test_a_link_is_opened_so_often_and_no_more(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    async with limited(kring, limit_link=2) as app:
        assert await statuses(at(app, OFFICE), f"/u/{token}", 3) == [303, 303, 429]
        assert await statuses(at(app, CAFE), f"/u/{token}", 1) == [429], "the link, wherever it is opened"


async def test_a_links_session_has_the_limit_of_the_link(kring: Resources, coordinator: Staff) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    async with limited(kring, limit_link=2) as app:
        client, again = await app.link_holder(token), await app.link_holder(token)
        assert await statuses(client, "/uitnodiging", 2) + await statuses(again, "/uitnodiging", 1) == [200, 200, 429]
        assert "Even wachten" in (await client.get("/uitnodiging")).text


async def test_who_tries_links_that_do_not_exist_is_stopped_also_at_one_that_does(
    kring: Resources, coordinator: Staff
) -> None:
    invited = await factories.approved(kring, coordinator, 6)
    token = await factories.link(kring, coordinator, invited.invitations[0])
    async with limited(kring, limit_misses=3) as app:
        guesser = at(app, OFFICE)
        guesses = [(await guesser.get(f"/u/{number}")).status_code for number in range(4)]
        assert guesses == [404, 404, 404, 429]
        assert await statuses(guesser, f"/u/{token}", 1) == [429]
        assert await statuses(at(app, CAFE), f"/u/{token}", 1) == [303]


async def test_links_that_work_are_no_misses(kring: Resources, coordinator: Staff) -> None:
    """A mail scanner opens all of a wave from one address."""
    invited = await factories.approved(kring, coordinator, 6)
    tokens = [await factories.link(kring, coordinator, one) for one in invited.invitations]
    async with limited(kring, limit_misses=1) as app:
        scanner = at(app, OFFICE)
        assert [(await scanner.get(f"/u/{token}")).status_code for token in tokens] == [303] * 6


async def test_signing_in_has_a_limit_of_its_own(kring: Resources) -> None:
    async with limited(kring, limit_sign_in=2) as app:
        assert await statuses(at(app, OFFICE), "/aanmelden", 3) == [200, 200, 429]
        assert await statuses(at(app, OFFICE), "/", 1) == [303]


# --- who asks, behind a proxy ---------------------------------------------------------------------------------------


async def _asked_as(app: App, peer: str, *forwarded: str) -> list[int]:
    client = at(app, peer)
    return [(await client.get("/", headers={"x-forwarded-for": value})).status_code for value in forwarded]


async def test_nobody_is_believed_about_who_asks(kring: Resources) -> None:
    async with limited(kring, limit_address=1) as app:
        assert await _asked_as(app, CAFE, "198.51.100.1", "198.51.100.2") == [303, 429]


@pytest.mark.parametrize("proxies", [PROXY, "10.0.0.0/8", f"192.168.0.1, {PROXY}"])
async def test_a_proxy_that_was_named_is_believed(kring: Resources, proxies: str) -> None:
    async with limited(kring, limit_address=1, proxies=proxies) as app:
        assert await _asked_as(app, PROXY, "198.51.100.1", "198.51.100.2", "198.51.100.1") == [303, 303, 429]


async def test_what_a_visitor_tells_a_proxy_is_not_believed(kring: Resources) -> None:
    """The proxy appends whom it saw; what stands before that came from outside."""
    async with limited(kring, limit_address=1, proxies=PROXY) as app:
        assert await _asked_as(app, PROXY, "1.1.1.1, 198.51.100.1", "2.2.2.2, 198.51.100.1") == [303, 429]


async def test_another_peer_is_not_believed_beside_a_proxy(kring: Resources) -> None:
    async with limited(kring, limit_address=1, proxies=PROXY) as app:
        assert await _asked_as(app, CAFE, "198.51.100.1", "198.51.100.2") == [303, 429]


@pytest.mark.parametrize(("proxies", "told"), [(None, 1), (PROXY, 0)])
async def test_a_proxy_that_was_not_named_is_told_once(
    kring: Resources, capfd: pytest.CaptureFixture[str], proxies: str | None, told: int
) -> None:
    """Everybody behind it would count as one address, and nobody would know why they are refused."""
    async with limited(kring, proxies=proxies) as app:
        await _asked_as(app, PROXY, "198.51.100.1", "198.51.100.2")
    assert "".join(capfd.readouterr()).count("proxy_not_named") == told


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "proxy.waterdam.example", "10.0.0.1/8", "10.0.0.1,"])
def test_a_proxy_is_an_address(settings: Settings, proxies: str) -> None:
    with pytest.raises(ValueError, match="proxies"):
        Settings(**settings.model_dump() | {"proxies": proxies})
