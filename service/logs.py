"""Logs as JSON lines: what happened to which id, never who, never content.

Only the fields below can be logged; anything else is dropped and its name reported, so that a careless log call cannot
leak a note or an address.
"""

import logging
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger",
        "job", "run", "proposal", "platform", "outbox", "municipality", "area",
        "anchor", "rule", "code", "error", "path", "method", "status", "attempt", "count", "seconds", "state", "kind",
    }
)  # fmt: skip


def only_known_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    kept = {key: value for key, value in event.items() if key in FIELDS}
    dropped = sorted(set(event) - FIELDS)
    return {**kept, "dropped_fields": dropped} if dropped else kept


def where(error: BaseException) -> str:
    """File and line an error came from. The text of an error may hold what somebody wrote, so that is never logged."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"


def configure(level: str) -> None:
    """Call once at the start of a process."""
    logging.basicConfig(level=level.upper(), format="%(message)s")
    for noisy in ("uvicorn.access", "httpx", "aiosmtplib", "mail.log", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_known_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
