"""The queue, kept to one class: it wakes a worker with a job's name and ids, and that is all it is trusted with.

arq is at-least-once and Redis may forget, so what is owed stands in PostgreSQL and the worker's sweep finds it. A wake
that fails is therefore a delay of seconds, never a loss, and is no reason to fail what a person just did. Only ids go
in, as JSON: no pickle, no personal data.
"""

import json
from typing import Any
from uuid import UUID

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

QUEUE = "kring:queue"


def serialize(job: dict[str, Any]) -> bytes:
    return json.dumps(job).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(job)
    return loaded


def redis_settings(url: str) -> RedisSettings:
    """Fails fast: a page does not wait for a queue it can do without."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 1
    settings.conn_retries = 0
    return settings


async def connect(url: str) -> ArqRedis:
    return await create_pool(
        redis_settings(url), default_queue_name=QUEUE, job_serializer=serialize, job_deserializer=deserialize
    )


class Queue:
    """Wakes workers. Connects when first used, and again after Redis was away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis: ArqRedis | None = None

    async def wake(self, job: str, *ids: UUID) -> bool:
        """Ask for `job` soon; False when Redis could not be reached and the sweep will have to find it."""
        try:
            if self._redis is None:
                self._redis = await connect(self._url)
            await self._redis.enqueue_job(job, *map(str, ids))
        except (RedisError, OSError) as error:
            log.warning("queue_unreachable", job=job, error=type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()
