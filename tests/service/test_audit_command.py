"""`kring audit`: what it prints, and how it ends."""

import asyncio
import json
from collections.abc import Callable

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from service import audit
from service.audit import Action, Actor
from service.cli import app
from service.db import transaction
from service.domain import Staff
from service.resources import Resources
from service.settings import Settings
from tests import factories

Owner = asyncpg.Connection
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with the settings of this test, in a thread of its own: it starts a loop."""
    for name in ("database_url", "migrate_url", "redis_url", "secret", "vault_keys"):
        monkeypatch.setenv(f"KRING_{name.upper()}", getattr(settings, name).get_secret_value())
    monkeypatch.setenv("KRING_BASE_URL", settings.base_url)
    return lambda *words: CliRunner().invoke(app, ["audit", *words])


async def read(kring: Resources, staff: Staff, who: factories.Submitted) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await audit.record(
            conn,
            staff.municipality,
            Actor.of_staff(staff, "page", "192.0.2.7"),
            Action.NEED_READ,
            object_kind="need",
            object_id=who.reference,
            resident=who.resident,
        )


async def in_thread(run: Run, *words: str) -> Result:
    return await asyncio.to_thread(run, *words)


async def test_a_whole_trail_says_so_and_where_it_ends(kring: Resources, caseworker: Staff, run: Run) -> None:
    someone = await factories.submit(kring, caseworker)
    await read(kring, caseworker, someone)
    found = await in_thread(run, "verify")
    assert found.exit_code == 0
    first, second = found.stdout.splitlines()
    assert first.startswith("waterdam: ")
    assert ", whole; ends at " in first
    assert second == "zandhoek: 0 entries, whole; ends at 0:"
    anchor = first.rpartition(" ")[2]
    assert (await in_thread(run, "verify", "--municipality", "waterdam", "--anchor", anchor)).exit_code == 0


async def test_a_broken_trail_is_told_and_ends_in_one(
    kring: Resources, owner: Owner, caseworker: Staff, run: Run
) -> None:
    someone = await factories.submit(kring, caseworker)
    for _ in range(3):
        await read(kring, caseworker, someone)
    await owner.execute("delete from kring.audit where seq = 2")
    found = await in_thread(run, "verify", "--municipality", "waterdam")
    assert found.exit_code == 1
    assert "waterdam: entry 2 is missing" in found.stdout
    assert "NOT whole" in found.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("verify", "--municipality", "nergens"), "there is no municipality 'nergens'"),
        (("verify", "--anchor", "1:ab"), "name its --municipality"),
        (("verify", "--municipality", "waterdam", "--anchor", "morgen"), "written as SEQ:HASH"),
        (("show", "--municipality", "nergens"), "there is no municipality 'nergens'"),
        (("show", "--municipality", "waterdam", "--reference", "AAAA-AAAA"), "no need with this reference"),
    ],
)
async def test_what_cannot_be_is_one_clear_line(run: Run, words: tuple[str, ...], told: str) -> None:
    found = await in_thread(run, *words)
    assert found.exit_code == 2
    assert told in found.stderr
    assert len(found.stderr.splitlines()) == 1


async def test_who_looked_at_somebody_is_shown_and_that_is_seen_too(
    kring: Resources, caseworker: Staff, run: Run
) -> None:
    someone, other = await factories.submit(kring, caseworker), await factories.submit(kring, caseworker)
    await read(kring, caseworker, someone)
    await read(kring, caseworker, other)
    shown = await in_thread(run, "show", "--municipality", "waterdam", "--reference", someone.reference)
    entries = [json.loads(line) for line in shown.stdout.splitlines()]
    assert {entry["resident_id"] for entry in entries} == {str(someone.resident)}
    assert [entry["actor_id"] for entry in entries if entry["action"] == "need.read"] == [str(caseworker.id)]
    again = await in_thread(run, "show", "--municipality", "waterdam", "--reference", someone.reference)
    assert '"audit.read"' in again.stdout
