"""`kring serve`: the web process."""

import uvicorn

from service import topics
from service.app import create_app
from service.commands.errors import clear_errors, settings_or_stop
from service.vault import Vault


def serve() -> None:
    """Serve the pages and the API on KRING_HOST and KRING_PORT."""
    settings = settings_or_stop()
    with clear_errors():
        Vault.from_setting(settings.vault_keys.get_secret_value())  # a wrong key stops us before we listen
        topics.suggest("warm", None)  # and so do weights that cannot be read
        uvicorn.run(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,  # it would write the tokens in the paths of links
            server_header=False,
            timeout_graceful_shutdown=5,
        )
