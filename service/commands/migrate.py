"""`kring migrate`: bring the database to the newest revision."""

import typer

from service.commands.errors import clear_errors, settings_or_stop
from service.migrate import migrate as run_migrations


def migrate() -> None:
    """Bring the database to the newest revision, as KRING_MIGRATE_URL, and let the role of KRING_DATABASE_URL in."""
    settings = settings_or_stop()
    with clear_errors():
        run_migrations(settings)
    typer.echo("The database is at the newest revision.")
