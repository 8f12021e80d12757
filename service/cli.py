"""`kring`: one command line for the demo, the parts, files of needs, and administration. Each command has its module.

A command's module is imported when it is called: the web process must not carry what only the engine needs.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = (
    "demo serve worker migrate match draw topics encode deidentify import-needs import-areas train evaluate bench "
    "bench-workers audit rotate-keys register erase export"
).split()


class OnDemand(TyperGroup):
    """Finds the command `some-name` as the function `some_name` in `service.commands.some_name`."""

    # Any: Typer carries a private copy of click, and names none of its types
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"service.commands.{name}"), name)
        if isinstance(command, typer.Typer):  # a command of commands, such as `audit verify`
            return typer.main.get_command(command)
        single = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        single.command(cmd_name)(command)
        return typer.main.get_command(single)


app = typer.Typer(
    cls=OnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would show local variables, and one of those may hold a note
)


@app.callback()
def kring() -> None:
    """Kring finds residents who live with the same thing and helps them start a platform of their own."""


if __name__ == "__main__":
    app()
