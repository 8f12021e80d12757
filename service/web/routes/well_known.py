"""`/.well-known/security.txt` (RFC 9116): whom to tell about a weakness, before anybody else."""

from datetime import UTC, datetime
from typing import Final

import structlog
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from service.auth import Kring
from service.errors import NotFound

log = structlog.get_logger(__name__)
router = APIRouter()

EXPIRES: Final = datetime(2027, 11, 1, tzinfo=UTC)
"""RFC 9116 asks for less than a year ahead, so that a contact nobody reads any more is not believed for ever.

Each release sets it anew; a test fails when it is near or past. A Kring that is not kept up to date stops telling.
"""


@router.get("/.well-known/security.txt")
async def security_txt(kring: Kring) -> Response:
    """Raises NotFound without a contact, and when it is out of date: then nobody may use it (section 5.3)."""
    contact = kring.settings.security_contact
    if contact is None:
        raise NotFound
    if datetime.now(UTC) >= EXPIRES:
        log.error("security_txt_expired")
        raise NotFound
    return PlainTextResponse(
        f"Contact: {contact}\n"
        f"Expires: {EXPIRES:%Y-%m-%dT%H:%M:%SZ}\n"
        "Preferred-Languages: nl, en\n"
        f"Canonical: {kring.settings.base_url.rstrip('/')}/.well-known/security.txt\n"
    )
