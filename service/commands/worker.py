"""`kring worker`: matches, sends and keeps up, until it is stopped."""

from importlib import import_module

from service.commands.errors import clear_errors, settings_or_stop


def worker() -> None:
    """Work on runs and messages. Start as many as you like; SIGTERM or Ctrl-C stops one in order."""
    settings = settings_or_stop()
    with clear_errors():
        # By name, as jobs are: `service` never imports `workers`
        import_module("workers.main").run(settings)
