"""How a command fails: one clear line on standard error and exit status 2, never a traceback for what a person did."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import typer
from pydantic import ValidationError
from redis.exceptions import RedisError

from models.errors import EncoderUnavailable
from service.embedded import EmbeddedError
from service.errors import KringError
from service.settings import Settings

BAD_INPUT = 2


def stop(message: str) -> typer.Exit:
    """Print the one line; `raise stop("…")`."""
    typer.echo(f"kring: {message}", err=True)
    return typer.Exit(BAD_INPUT)


@contextmanager
def clear_errors() -> Iterator[None]:
    """What can go wrong around a command, in words. Errors of our own making still show as what they are."""
    try:
        yield
    except KringError as error:
        raise stop(str(error) or error.code) from error
    except (EmbeddedError, EncoderUnavailable) as error:
        raise stop(str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise stop(f"PostgreSQL refused: {error}") from error
    except RedisError as error:
        raise stop(f"Redis could not be reached ({type(error).__name__}); check KRING_REDIS_URL") from error
    except ConnectionError as error:
        raise stop(f"PostgreSQL could not be reached ({type(error).__name__}); check KRING_DATABASE_URL") from error


def settings_or_stop() -> Settings:
    """The settings of this process; names what is missing or wrong, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        raise stop(
            "; ".join(
                _problem(str(found["loc"][0]) if found["loc"] else "", found["msg"])
                for found in error.errors(include_input=False, include_url=False)
            )
        ) from None


def _problem(field: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not field:
        return message
    return f"KRING_{field.upper()} is missing" if message == "Field required" else f"KRING_{field.upper()}: {message}"
