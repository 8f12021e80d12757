"""The demo's mail server: keeps what arrives in a Maildir, so that a newcomer can click the links."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from service.processes import free_port


@dataclass(frozen=True, slots=True)
class MailCatcher:
    port: int
    folder: Path


@contextmanager
def mail_catcher(folder: Path) -> Iterator[MailCatcher]:
    """Listens on a free port of loopback until the `with` block ends."""
    port = free_port()
    controller = Controller(Mailbox(folder), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield MailCatcher(port, folder)
    finally:
        controller.stop()
