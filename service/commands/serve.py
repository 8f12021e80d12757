"""`kring serve`: the web process."""

import asyncio

import uvicorn

from service import topics
from service.app import create_app
from service.commands.errors import clear_errors, settings_or_stop
from service.resources import open_resources
from service.settings import Settings


def serve() -> None:
    """Serve the pages and the API on KRING_HOST and KRING_PORT."""
    settings = settings_or_stop()
    with clear_errors():
        asyncio.run(_look(settings))  # a key of the vault that is wrong or missing stops us before we listen
        topics.suggest("warm", None)  # and so do weights that cannot be read
        uvicorn.run(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,  # it would write the tokens in the paths of links
            server_header=False,
            proxy_headers=False,  # the application does that itself, for the proxies of KRING_PROXIES alone
            timeout_graceful_shutdown=5,
        )


async def _look(settings: Settings) -> None:
    """Open all that the server will open, and say in words what is wrong with it."""
    async with open_resources(settings):
        pass
