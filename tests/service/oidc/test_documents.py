"""What a provider publishes is fetched no more often than it must be, and kept no longer than is safe."""

import asyncio

import pytest

from service.oidc.documents import (
    FRESH_SECONDS,
    RENEW_SECONDS,
    RETRY_SECONDS,
    STALE_SECONDS,
    Kept,
    ProviderAway,
    fetch_json,
)
from tests.service.provider import KEYS, IdentityProvider


class Source:
    """Answers with how often it was asked, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = 0
        self.away = False
        self.kept = Kept(self._fetch, lambda: self.now)

    async def _fetch(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise ProviderAway("test")
        return self.asked


@pytest.fixture
def source() -> Source:
    return Source()


async def test_a_fresh_document_is_not_fetched_again(source: Source) -> None:
    assert await source.kept.get() == 1
    source.now += FRESH_SECONDS - 1
    assert await source.kept.get() == 1


async def test_an_old_document_is(source: Source) -> None:
    await source.kept.get()
    source.now += FRESH_SECONDS
    assert await source.kept.get() == 2


async def test_many_at_once_wait_for_one_answer(source: Source) -> None:
    assert await asyncio.gather(*(source.kept.get() for _ in range(20))) == [1] * 20


async def test_what_was_missed_is_looked_for_no_more_than_every_half_minute(source: Source) -> None:
    await source.kept.get()
    seen = []
    for _ in range(4):
        source.now += RENEW_SECONDS / 2
        seen.append(await source.kept.renew())
    assert seen == [1, 2, 2, 3]


async def test_an_old_document_serves_for_a_day_while_the_provider_is_away(source: Source) -> None:
    await source.kept.get()
    source.away = True
    source.now += STALE_SECONDS - 1
    assert await source.kept.get() == 1
    source.now += RETRY_SECONDS
    with pytest.raises(ProviderAway):
        await source.kept.get()


async def test_after_a_failure_nobody_waits_for_the_next_one_at_once(source: Source) -> None:
    source.away = True
    for _ in range(3):
        with pytest.raises(ProviderAway):
            await source.kept.get()
    assert source.asked == 1
    source.away = False
    source.now += RETRY_SECONDS
    assert await source.kept.get() == 2


@pytest.mark.parametrize("url", ["http://provider.example/keys", "file:///etc/passwd", "", "https://", "http://[::1"])
async def test_nothing_is_fetched_from_an_address_that_is_not_safe(url: str) -> None:
    with pytest.raises(ProviderAway):
        await fetch_json(url)


async def test_an_answer_that_is_no_document_is_a_provider_that_is_away(provider: IdentityProvider) -> None:
    assert "keys" in await fetch_json(f"{provider.issuer}{KEYS}")
    for url in (f"{provider.issuer}/nergens", f"{provider.issuer}/session/end"):
        with pytest.raises(ProviderAway):
            await fetch_json(url)


async def test_a_document_that_has_no_end_is_not_read(provider: IdentityProvider) -> None:
    provider.lies[KEYS] = lambda answer: answer | {"more": "x" * 600_000}
    with pytest.raises(ProviderAway, match="too large"):
        await fetch_json(f"{provider.issuer}{KEYS}")
