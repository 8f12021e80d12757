"""Errors as `application/problem+json` (RFC 9457): what is wrong, for all fields at once, and never what was sent."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service.errors import FieldErrors, Identifying, KringError
from service.http import allow

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


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    return JSONResponse(
        {"status": status, "title": title, "detail": detail, **more},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def named(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, KringError)  # noqa: S101  Starlette types every handler with Exception
    more: dict[str, Any] = {"code": error.code}
    if isinstance(error, FieldErrors):
        more["errors"] = [{"field": field, "message": message} for field, message in error.fields.items()]
    if isinstance(error, Identifying):
        more["spans"] = [{"start": span.start, "end": span.end, "label": span.label} for span in error.spans]
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    return problem(error.status, error.title, error.message, headers, **more)


def invalid(_: Request, error: Exception) -> JSONResponse:
    """Input of the wrong shape: 400 with every problem (not FastAPI's 422), and no echo: it may be health data."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    problems = [
        {
            "field": ".".join(str(part) for part in found["loc"][1:] if isinstance(part, str)) or "body",
            "message": _MESSAGES.get(found["type"], "Deze waarde klopt niet."),
        }
        for found in error.errors()
    ]
    return problem(400, "Controleer uw invoer", "Sommige velden kloppen niet.", code="Invalid", errors=problems)


def http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    details = {
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


def crashed(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "Er ging iets mis", "Probeer het later opnieuw.")
