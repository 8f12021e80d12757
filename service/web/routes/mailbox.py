"""The demo's post: what its mail server received, so that a newcomer can open a resident's link."""

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from service.auth import Kring, NamesVisitor
from service.errors import NotFound
from service.web.pages import page

router = APIRouter(default_response_class=HTMLResponse)
SHOWN_MOST = 100
_DELIVERED = re.compile(r"(\d{1,11})\.M(\d{1,6})")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


@dataclass(frozen=True, slots=True)
class Letter:
    key: str
    to: str
    subject: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a message; `link` when it may be clicked."""

    text: str
    link: bool


def _open(folder: Path | None) -> mailbox.Maildir | None:
    """None when nothing was ever delivered: the mail server makes the folder with its first message."""
    if folder is None:
        return None
    try:
        return mailbox.Maildir(folder, create=False)
    except mailbox.NoSuchMailboxError:
        return None


def _moment(key: str) -> datetime:
    """When it was delivered: a Maildir's own names begin with it (seconds, then microseconds behind an M)."""
    found = _DELIVERED.match(key)
    return datetime.fromtimestamp(int(found[1]) + int(found[2]) / 1e6 if found else 0, UTC)


def _message(box: mailbox.Maildir, key: str) -> EmailMessage:
    try:
        # looked up in the folder's own list of names, so a key is never a path
        return message_from_bytes(box.get_bytes(key), policy=default)
    except (KeyError, FileNotFoundError) as error:
        raise NotFound from error


def _letter(key: str, message: EmailMessage) -> Letter:
    return Letter(key, str(message.get("to", "")), str(message.get("subject", "")), _moment(key))


def _letters(folder: Path | None) -> list[Letter]:
    box = _open(folder)
    if box is None:
        return []
    newest = sorted(box.keys(), key=_moment, reverse=True)[:SHOWN_MOST]
    return [_letter(key, _message(box, key)) for key in newest]


def _one(folder: Path | None, key: str) -> tuple[Letter, str]:
    box = _open(folder)
    if box is None:
        raise NotFound
    message = _message(box, key)
    return _letter(key, message), _text(message)


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except LookupError:  # an encoding that does not exist
        payload = body.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def stretches(text: str, base_url: str) -> Iterator[Stretch]:
    """The text with its links; only an address of this very Kring can be clicked."""
    home = base_url.rstrip("/") + "/"
    at = 0
    for found in _ADDRESS.finditer(text):
        yield Stretch(text[at : found.start()], link=False)
        yield Stretch(found[0], link=found[0].startswith(home))
        at = found.end()
    yield Stretch(text[at:], link=False)


@router.get("/post", dependencies=[NamesVisitor])
async def index(request: Request, kring: Kring) -> Response:
    letters = await run_in_threadpool(_letters, kring.settings.demo_mailbox)
    return page(request, "staff/mailbox.html", letters=letters)


@router.get("/post/{key}", dependencies=[NamesVisitor])
async def show(request: Request, kring: Kring, key: str) -> Response:
    letter, text = await run_in_threadpool(_one, kring.settings.demo_mailbox, key)
    return page(request, "staff/letter.html", letter=letter, stretches=list(stretches(text, kring.settings.base_url)))
