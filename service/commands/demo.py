"""`kring demo`: all of Kring on this machine, with a fictional municipality, until Ctrl-C."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from service.commands.errors import clear_errors, stop
from service.demo.api_token import write_token
from service.demo.children import Child, child
from service.demo.first_day import SLUG, first_day, is_new
from service.demo.mail import mail_catcher
from service.demo.settings import demo_settings, write_env_file
from service.embedded import EmbeddedServers, Server
from service.migrate import migrate
from service.processes import free_port

READY_SECONDS = 60.0
POLL_SECONDS = 0.2
DIED_MOST, DIED_SECONDS = 4, 60.0  # more often than this, and starting it again is no help


class Stopped(Exception):
    """Somebody asked Kring to stop."""


def demo(
    folder: Annotated[Path, typer.Option(help="where the demo keeps its data")] = Path(".kring"),
    port: Annotated[int, typer.Option(help="port of the pages", min=1, max=65535)] = 8000,
) -> None:
    """Start PostgreSQL, Redis, a mail server, the worker and the pages, with the fictional municipality Elzermeer.

    The first time it also submits some 300 needs, finds groups, approves three of them and sends their invitations.
    """
    console = Console(highlight=False, soft_wrap=True)
    for asked in (signal.SIGINT, signal.SIGTERM):  # also where a script started us and SIGINT was ignored
        signal.signal(asked, _stop)
    with clear_errors():
        try:
            _run(console, folder, port)
        except Stopped:
            console.print(f"\nKring has stopped. Its data is kept in {folder}")


def _stop(*_: object) -> None:
    raise Stopped


def _run(console: Console, folder: Path, port: int) -> None:
    with ExitStack() as stack:
        with _step(console, "PostgreSQL and Redis"):
            servers = stack.enter_context(EmbeddedServers(folder))
        mail = stack.enter_context(mail_catcher(folder / "mail"))
        if _listens(port):
            console.print(f"Port {port} is taken; the pages get another one (--port chooses)")
            port = free_port()
        settings = demo_settings(folder, servers, mail=mail, port=port)
        with _step(console, "Database"):
            migrate(settings)
        token = write_token(folder, settings, municipality=SLUG, subject="anouk")
        worker = stack.enter_context(child(settings, folder, "worker"))
        web = stack.enter_context(child(settings, folder, "serve"))
        with _step(console, "Pages"):
            wait_until_it_listens(settings.port, web)
        if asyncio.run(is_new(settings)):
            asyncio.run(first_day(settings, console))
        env = write_env_file(folder, settings)
        console.print(
            f"\nKring is ready: {settings.base_url}\n"
            f"  Sign in as anyone you like; the mail that Kring sent is at {settings.base_url}/post\n"
            f"  The API is at {settings.base_url}/api/v1, with the bearer token in {token}\n"
            f"  Other commands reach it after: set -a; . {env}; set +a\n"
            f"  Logs and data are in {folder}; Ctrl-C stops everything"
        )
        _keep_running(console, folder, (servers.postgres, servers.redis, worker, web))


def _keep_running(console: Console, folder: Path, parts: Sequence[Child | Server]) -> NoReturn:
    """Start again what stops, as a supervisor does for the real service, until something stops time and again."""
    died: list[float] = []
    while True:
        time.sleep(POLL_SECONDS)
        for part in parts:
            if part.running:
                continue
            died = [*(at for at in died if at > time.monotonic() - DIED_SECONDS), time.monotonic()]
            if len(died) > DIED_MOST:
                raise stop(f"{part.name} keeps stopping; see the logs in {folder}")
            console.print(f"[yellow]![/yellow] {part.name} stopped; started again")
            part.start()


@contextmanager
def _step(console: Console, name: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{name} …"):
        yield
    console.print(f"[green]✓[/green] {name} ({time.monotonic() - started:.1f} s)")


def wait_until_it_listens(port: int, process: Child) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _listens(port):
        if not process.running or time.monotonic() > deadline:
            raise stop("the pages did not start; see serve.log in the demo's folder")
        time.sleep(POLL_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
