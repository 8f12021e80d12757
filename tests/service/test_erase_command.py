"""`kring erase`: shows what goes, asks, and erases all that are named or none."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.demo.settings import environment
from service.domain import Staff
from service.resources import Resources
from service.settings import Settings
from tests import factories

Owner = asyncpg.Connection
Command = Callable[..., Result]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, ["erase", "--municipality", "waterdam", *arguments], input=answer)

    return run


async def _residents(owner: Owner) -> int:
    found: int = await owner.fetchval("select count(*) from kring.resident")
    return found


async def test_it_shows_what_is_held_and_erases_after_a_yes(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command
) -> None:
    _, invited = await factories.platform(kring, coordinator)
    one = invited.people[0]
    done = await asyncio.to_thread(command, one.reference.lower(), answer="y\n")
    assert done.exit_code == 0, done.output
    shown = done.stdout.splitlines()  # with what was typed in between
    assert (
        shown[0] == f"{one.reference}: 3 consents, 1 contact details, 1 seats, 1 invitations, 1 memberships, 2 messages"
    )
    assert shown[-1] == "1 residents erased"
    assert await _residents(owner) == 4
    assert await owner.fetchval("select cause from kring.erasure") == "operator"


async def test_without_a_yes_nobody_is_erased(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command
) -> None:
    one = await factories.submit(kring, coordinator)
    done = await asyncio.to_thread(command, one.reference, answer="n\n")
    assert done.exit_code == 1
    assert await _residents(owner) == 1


async def test_one_unknown_reference_and_nobody_is_erased(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command
) -> None:
    one = await factories.submit(kring, coordinator)
    done = await asyncio.to_thread(command, "--yes", one.reference, "2222-2222", "nobody")
    assert done.exit_code == 2
    assert done.stderr == "kring: there is no resident '2222-2222', 'nobody' in waterdam; nobody was erased\n"
    assert await _residents(owner) == 1


async def test_somebody_of_another_municipality_is_unknown(
    kring: Resources, other_coordinator: Staff, owner: Owner, command: Command
) -> None:
    theirs = await factories.submit(kring, other_coordinator)
    done = await asyncio.to_thread(command, "--yes", theirs.reference)
    assert done.exit_code == 2
    assert await _residents(owner) == 1


async def test_the_same_person_named_twice_is_erased_once(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command
) -> None:
    one = await factories.submit(kring, coordinator)
    done = await asyncio.to_thread(command, "--yes", one.reference, one.reference, str(one.resident))
    assert done.exit_code == 0, done.output
    assert await owner.fetchval("select count(*) from kring.erasure") == 1


async def test_who_came_back_with_a_backup_is_erased_again_by_the_pseudonym_of_the_trail(
    kring: Resources, coordinator: Staff, owner: Owner, command: Command
) -> None:
    """As docs/how-to-erase.md tells: the references are gone, the pseudonyms stand in the trail."""
    one = await factories.submit(kring, coordinator)
    done = await asyncio.to_thread(command, "--yes", str(one.resident))
    assert done.exit_code == 0, done.output
    assert await _residents(owner) == 0
