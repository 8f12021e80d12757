"""The demo's settings: made by itself, its keys kept in its folder so that a second start can open the vault."""

import base64
import json
import os
import secrets
import shlex
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from service.demo.api_token import public_keys
from service.demo.mail import MailCatcher
from service.embedded import EmbeddedServers
from service.processes import write_private
from service.settings import Settings

APPLICATION = "kring_demo"


def demo_settings(folder: Path, servers: EmbeddedServers, *, mail: MailCatcher, port: int) -> Settings:
    keys = _keys(folder)
    owner = urlsplit(servers.postgres.url)
    application = owner._replace(netloc=f"{APPLICATION}:{keys['database']}@{owner.hostname}:{owner.port}")
    return Settings(
        database_url=SecretStr(urlunsplit(application)),
        migrate_url=SecretStr(servers.postgres.url),
        redis_url=SecretStr(servers.redis.url),
        secret=SecretStr(keys["secret"]),
        vault_keys=SecretStr(f"demo:{keys['vault']}"),
        base_url=f"http://127.0.0.1:{port}",
        port=port,
        demo=True,
        demo_mailbox=mail.folder.absolute(),
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_tls="none",
        mail_from="kring@elzermeer.example",
        api_issuer="https://inloggen.elzermeer.example",
        api_keys_file=public_keys(folder).absolute(),
    )


def variables(settings: Settings) -> dict[str, str]:
    """The settings as `KRING_…` variables."""
    values: dict[str, str] = {}
    for name, value in settings:
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            values[f"KRING_{name.upper()}"] = str(plain)
    return values


def environment(settings: Settings) -> dict[str, str]:
    """The same settings for a child process."""
    return {**os.environ, **variables(settings)}


def write_env_file(folder: Path, settings: Settings) -> Path:
    """A file to source in a shell, so that other commands reach the demo while it runs; for its owner only."""
    path = folder / "env"
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables(settings).items())
    write_private(path, lines)
    return path


def _keys(folder: Path) -> dict[str, str]:
    path = folder / "keys.json"
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    keys = {
        "database": secrets.token_urlsafe(24),
        "secret": secrets.token_urlsafe(48),
        "vault": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    write_private(path, json.dumps(keys))
    return keys
