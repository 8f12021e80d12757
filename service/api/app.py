"""The API as its own application: its own errors, its own public OpenAPI document, the design rules in one place."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from service.api import errors, needs, topics
from service.auth import TokenHolder
from service.db import AWAY
from service.errors import KringError
from service.http import API_VERSION
from service.limits import Limits
from service.settings import Settings

JSON = "application/json"
PROBLEM = {
    "description": "Fout",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Probleem"}}},
}


def create_api(settings: Settings) -> FastAPI:
    api = FastAPI(
        title="Kring",
        version=API_VERSION,
        description="Dien hulpvragen in met toestemming, lees ze terug en trek ze in.",
        contact={"name": "Kring", "email": settings.mail_from, "url": settings.base_url},
        servers=[{"url": f"{settings.base_url.rstrip('/')}/api/v1"}],
        root_path_in_servers=False,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    for router in (needs.router, topics.router):
        api.include_router(router, dependencies=[Depends(_counted)])
    api.exception_handler(KringError)(errors.named)
    api.exception_handler(RequestValidationError)(errors.invalid)
    api.exception_handler(HTTPException)(errors.http)
    for away in AWAY:
        api.exception_handler(away)(errors.away)
    api.exception_handler(Exception)(errors.crashed)
    api.middleware("http")(_content)
    api.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["API-Version", "Location"],
    )
    make = api.openapi
    # FastAPI's own way to change the document is to put another method in its place
    api.openapi = lambda: _document(make, api)  # type: ignore[method-assign]
    return api


async def _counted(request: Request, staff: TokenHolder) -> None:
    """Count what one program asks, whatever token it has at the moment. Raises TooManyRequests."""
    limits: Limits = request.app.state.limits
    await limits.count(limits.account, str(staff.id))


async def _content(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """415 for a body that is not JSON, 406 for who wants something else."""
    accepted = request.headers.get("accept", "*/*")
    if not any(kind in accepted for kind in ("*/*", "application/*", JSON)):
        return errors.http(request, HTTPException(406))
    sends_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if request.method == "POST" and sends_body and request.headers.get("content-type", "").split(";")[0] != JSON:
        return errors.http(request, HTTPException(415))
    return await proceed(request)


def _document(make: Callable[[], dict[str, Any]], api: FastAPI) -> dict[str, Any]:
    """FastAPI's document, told what this API really answers: 400 and problem+json where it says 422."""
    if api.openapi_schema is not None and "Probleem" in api.openapi_schema["components"]["schemas"]:
        return api.openapi_schema
    document = make()
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Probleem"] = {
        "type": "object",
        "required": ["status", "title", "detail"],
        "properties": {
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
        },
    }
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    document["security"] = [{"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            answers = operation["responses"]
            answers.pop("422", None)
            for status in ("400", "401", "403", "404", "406", "413", "415", "429", "500", "503"):
                answers[status] = PROBLEM
            for answer in answers.values():
                answer.setdefault("headers", {})["API-Version"] = {"schema": {"type": "string"}}
    api.openapi_schema = document
    return document
