"""The application on a real socket, as `kring serve` runs it: what a test client never sends can be sent here."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from service.app import create_app
from service.processes import free_port
from service.settings import Settings

START_SECONDS = 60.0
POLL_SECONDS = 0.02


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Serve in a thread of its own; the port on loopback."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive(), "the server ended"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(POLL_SECONDS)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


def raw(port: int, request: bytes, patience: float = 10.0) -> bytes:
    """Send these bytes; all that comes back until the server closes, breaks off, or waits for more than `patience`."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        answer = b""
        with suppress(OSError):  # it answers before it has read everything, and hangs up
            connection.sendall(request)
        with suppress(OSError):
            while part := connection.recv(65536):
                answer += part
    return answer
