"""Errors as `application/problem+json` (RFC 9457): what is wrong, for all fields at once, and never what was sent."""

import re
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service.errors import FieldErrors, Identifying, KringError, TooManyRequests
from service.http import allow
from service.logs import where

log = structlog.get_logger(__name__)

# pydantic's kinds of error → Dutch, without the value that was sent
_MESSAGES = {
    "missing": "Dit veld ontbreekt.",
    "extra_forbidden": "Dit veld bestaat niet.",
    "enum": "Deze waarde staat niet in de lijst.",
    "literal_error": "Deze waarde staat niet in de lijst.",
    "string_type": "Dit moet tekst zijn.",
    "string_too_long": "Deze tekst is te lang.",
    "string_too_short": "Deze tekst is te kort.",
    "list_type": "Dit moet een lijst zijn.",
    "too_long": "Deze lijst is te lang.",
    "too_short": "Deze lijst is te kort.",
    "uuid_parsing": "Dit moet een uuid zijn.",
    "json_invalid": "Dit is geen geldige JSON.",
}

# what the use-case calls a field of a need → what the API calls it
_FIELDS = {
    "text": "tekst",
    "area": "gebied",
    "languages": "talen",
    "dayparts": "dagdelen",
    "topics": "onderwerpen",
    "overruled": "geenHerkenning",
    "consents": "toestemmingen",
    "given_by": "toestemmingDoor",
    "apart": "nietSamenMet",
}
_NAME = re.compile(r"[A-Za-z]\w{0,39}", re.ASCII)


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    return JSONResponse(
        {"status": status, "title": title, "detail": detail, **more},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def named(_: Request, error: KringError) -> JSONResponse:
    return answer(error)


def answer(error: KringError) -> JSONResponse:
    more: dict[str, Any] = {"code": error.code}
    if isinstance(error, FieldErrors):
        more["errors"] = [
            {"field": _FIELDS.get(field, field), "message": message} for field, message in error.fields.items()
        ]
    if isinstance(error, Identifying):
        more["spans"] = [{"start": span.start, "end": span.end, "label": span.label} for span in error.spans]
    return problem(error.status, error.title, error.message, _headers(error), **more)


def _headers(error: KringError) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}


def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    """Input of the wrong shape: 400 with every problem (not FastAPI's 422), and no echo: it may be health data.

    The name of a field that does not exist is input too: it is only repeated when it can be a misspelt one.
    """
    problems = [
        {
            "field": ".".join(part for part in found["loc"][1:] if isinstance(part, str) and _NAME.fullmatch(part))
            or "body",
            "message": _MESSAGES.get(found["type"], "Deze waarde klopt niet."),
        }
        for found in error.errors()
    ]
    return problem(400, "Controleer uw invoer", "Sommige velden kloppen niet.", code="Invalid", errors=problems)


def http(request: Request, error: HTTPException) -> JSONResponse:
    details = {
        400: ("Controleer uw invoer", "Dit is geen geldige JSON."),
        404: ("Niet gevonden", "Dit adres bestaat niet."),
        405: ("Dat kan hier niet", "Deze methode bestaat niet op dit adres."),
        406: ("Niet beschikbaar", "Alleen application/json is beschikbaar."),
        415: ("Onbekende inhoud", "Stuur application/json."),
    }
    title, detail = details.get(error.status_code, ("Dat lukt niet", "Het verzoek kon niet worden uitgevoerd."))
    headers = allow(request) if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else dict(error.headers or {})
    return problem(error.status_code, title, detail, headers)


def too_large() -> JSONResponse:
    return problem(413, "Te groot", "Het verzoek is groter dan 1 megabyte.")


def away(request: Request, error: Exception) -> JSONResponse:
    """PostgreSQL is away or coming back: nothing is wrong with what was asked."""
    if isinstance(error, ValueError):  # asyncpg's way to say that we handed it something of the wrong type
        return crashed(request, error)
    log.warning("unavailable", error=type(error).__name__, method=request.method)
    return problem(503, "Even niet bereikbaar", "Probeer het over een minuut opnieuw.", {"Retry-After": "60"})


def crashed(request: Request, error: Exception) -> JSONResponse:
    # The kind of error and where, never its text: that may hold what was sent.
    log.error("crashed", error=type(error).__name__, code=where(error), path="/api/v1", method=request.method)
    return problem(500, "Er ging iets mis", "Probeer het later opnieuw.")
