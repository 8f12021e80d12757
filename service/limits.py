"""How often one address, one account or one link may ask, counted in Redis so that all processes count together.

None of these limits guards a secret: a link holds 192 random bits and a session 256. They keep one visitor from taking
the time of all others, and make a search through addresses visible. What counts and what happens without Redis is
docs/decisions/0020. Redis learns no address, token or account: a key is a hash that only the server's secret can make.
"""

import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Final, TypeVar

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter as Counter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from service.errors import TooManyRequests
from service.settings import Settings

log = structlog.get_logger(__name__)

PREFIX: Final = "kring:limit"
REDIS_SECONDS: Final = 0.25  # a page does not wait for a counter
AWAY_SECONDS: Final = 5.0  # after Redis failed, ask it again no sooner
MINUTE: Final = 60
NETWORK_BITS: Final = 64  # of an IPv6 address: what a provider gives to one household

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` times in any `seconds`."""

    name: str
    most: int
    seconds: int

    @property
    def item(self) -> RateLimitItemPerSecond:
        return RateLimitItemPerSecond(self.most, self.seconds, namespace=self.name)


class Limits:
    """Counts, per process in memory while Redis is away: then each process lets through as much as all did before."""

    def __init__(self, settings: Settings) -> None:
        """Connects when first used. The numbers are settings; over how long they count is fixed here."""
        self.address = Limit("address", settings.limit_address, MINUTE)
        self.account = Limit("account", settings.limit_account, MINUTE)
        self.checks = Limit("checks", settings.limit_checks, MINUTE)
        self.link = Limit("link", settings.limit_link, MINUTE)
        self.sign_in = Limit("sign_in", settings.limit_sign_in, 5 * MINUTE)
        self.misses = Limit("misses", settings.limit_misses, 10 * MINUTE)
        self._secret = settings.secret.get_secret_value().encode()
        redis_url = settings.redis_url.get_secret_value()
        self._pool: ConnectionPool = ConnectionPool.from_url(
            redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
        self._everywhere = Counter(
            RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=self._pool,  # type: ignore[arg-type]  # documented, and missing in its annotation
            )
        )
        self._alone = Counter(MemoryStorage())
        self._away_until = 0.0

    async def count(self, limit: Limit, who: str) -> None:
        """Count one more. Raises TooManyRequests when that is one too many; what is refused is not counted."""
        if not await self._ask(lambda counter, key: counter.hit(limit.item, key), limit, who):
            raise TooManyRequests(await self._wait(limit, who))

    async def check(self, limit: Limit, who: str) -> None:
        """Raises TooManyRequests when one more would be too many; counts nothing."""
        if not await self._ask(lambda counter, key: counter.test(limit.item, key), limit, who):
            raise TooManyRequests(await self._wait(limit, who))

    async def close(self) -> None:
        await self._pool.aclose()

    async def _wait(self, limit: Limit, who: str) -> int:
        """After how many seconds one more is allowed."""
        stats = await self._ask(lambda counter, key: counter.get_window_stats(limit.item, key), limit, who)
        return min(max(ceil(stats.reset_time - time.time()), 1), limit.seconds)

    async def _ask(self, question: Callable[[Counter, str], Awaitable[Answered]], limit: Limit, who: str) -> Answered:
        key = hmac.new(self._secret, f"limit\0{limit.name}\0{who}".encode(), sha256).hexdigest()
        if time.monotonic() >= self._away_until:
            try:
                return await question(self._everywhere, key)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("limits_count_alone", error=type(error).__name__)
        return await question(self._alone, key)


def network(address: str | None) -> str:
    """What an address counts as: an IPv6 one as its network of 64 bits, in which somebody has all there are."""
    if address is None:
        return "unknown"  # a Unix socket: only a proxy on this machine, which KRING_PROXIES should name
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), NETWORK_BITS), strict=False))
