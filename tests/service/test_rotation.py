"""Sealing everything anew while Kring serves: nothing lost, nothing written over, whatever happens meanwhile."""

import asyncio
import contextlib
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from typer.testing import CliRunner

from models.need import AgeBand
from service import addresses, rotation
from service.addresses import Why
from service.audit import WORKER
from service.cli import app
from service.db import transaction
from service.demo.settings import environment
from service.domain import Channel, Contact, ResidentId, Staff
from service.processes import write_private
from service.queries import residents
from service.queries.residents import SealedContact
from service.resources import Resources, open_resources
from service.settings import Settings
from service.vault import Vault
from tests.database import together, waiting
from tests.service.test_vault import key, sealed_early

Owner = asyncpg.Connection
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to-rotate-keys.md"
SECONDS = 60.0


def address(number: int) -> Contact:
    return Contact(Channel.EMAIL, f"inwoner{number}@voorbeeld.test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vault_keys"
    write_private(path, key("a"))  # no line end, as `make secrets` leaves it
    return path


@pytest.fixture
def settings(settings: Settings, path: Path) -> Settings:
    """Every process here has its keys from the file."""
    return settings.model_copy(update={"vault_keys": None, "vault_keys_file": path})


def put(path: Path, *letters: str) -> None:
    """Write over the list: the first key seals."""
    path.write_text("".join(f"{key(letter)}\n" for letter in letters))


async def people(kring: Resources, staff: Staff, count: int) -> list[ResidentId]:
    """Each with an address, by number."""
    async with transaction(kring.pool, staff.municipality) as conn:
        made = [await residents.insert_resident(conn, staff.municipality, AgeBand.AGE_40_64) for _ in range(count)]
        for number, resident in enumerate(made):
            await addresses.keep(conn, kring.vault, staff.municipality, resident, address(number))
    return made


async def opened(kring: Resources, staff: Staff, made: list[ResidentId]) -> list[Contact | None]:
    async with transaction(kring.pool, staff.municipality) as conn:
        return [
            await addresses.read(conn, kring.vault, staff.municipality, resident, Why.MESSAGE, WORKER)
            for resident in made
        ]


async def sealed_by(owner: Owner) -> dict[str, int]:
    rows = await owner.fetch("select key_id, count(*)::int as n from vault.contact group by key_id")
    return {row["key_id"]: row["n"] for row in rows}


def rotate_keys(settings: Settings, log: Path) -> "subprocess.Popen[bytes]":
    """`kring rotate-keys`, as an administrator starts it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "service.cli", "rotate-keys"],
            env=environment(settings) | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


@contextlib.contextmanager
def as_administrator(settings: Settings) -> Iterator[CliRunner]:
    """Commands in this process; the database of this test, and nothing else from the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(settings).items():
            patch.setenv(name, value)
        yield CliRunner()


# --- what a rotation does -------------------------------------------------------------------------------------------


async def test_everything_is_sealed_by_the_new_key_and_opens_as_before(
    kring: Resources, caseworker: Staff, other_caseworker: Staff, owner: Owner, path: Path
) -> None:
    made, others = await people(kring, caseworker, 120), await people(kring, other_caseworker, 3)
    put(path, "b", "a")
    heard: list[int] = []
    assert await rotation.count(kring.pool, kring.vault) == 123
    rotated = await rotation.rotate(kring.pool, kring.vault, heard.append)
    assert (rotated.count, rotated.broken, rotated.unused) == (123, (), ("a",))
    assert (sum(heard), max(heard) <= rotation.BATCH, len(heard) >= 4) == (123, True, True)
    put(path, "b")
    assert await sealed_by(owner) == {"b": 123}
    assert await opened(kring, caseworker, made) == [address(number) for number in range(120)]
    assert await opened(kring, other_caseworker, others) == [address(number) for number in range(3)]


async def test_a_rotation_changes_nothing_but_the_seal(
    kring: Resources, caseworker: Staff, owner: Owner, path: Path
) -> None:
    await people(kring, caseworker, 2)
    kept = "select resident_id, municipality_id, channel, updated_at from vault.contact order by 1"
    before = await owner.fetch(kept)
    put(path, "b", "a")
    await rotation.rotate(kring.pool, kring.vault)
    assert await owner.fetch(kept) == before


async def test_where_nothing_is_left_to_do_nothing_is_done(
    kring: Resources, caseworker: Staff, owner: Owner, path: Path
) -> None:
    await people(kring, caseworker, 2)
    before = await owner.fetch("select * from vault.contact order by 1")
    put(path, "a", "b")  # known to all, and not in use yet
    rotated = await rotation.rotate(kring.pool, kring.vault)
    assert (rotated.count, await owner.fetch("select * from vault.contact order by 1")) == (0, before)
    assert await owner.fetchval("select count(*) from kring.audit where action = 'keys.rotated'") == 0


async def test_what_was_sealed_without_a_municipality_is_sealed_with_it(
    kring: Resources, caseworker: Staff, owner: Owner
) -> None:
    (somebody,) = await people(kring, caseworker, 1)
    early = sealed_early("a", somebody, address(7).value)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        row = SealedContact(Channel.EMAIL, early.key_id, early.nonce, early.value)
        await residents.put_contact(conn, caseworker.municipality, somebody, row)
    assert await opened(kring, caseworker, [somebody]) == [address(7)]
    assert (await rotation.rotate(kring.pool, kring.vault)).count == 1
    assert await owner.fetchval("select count(*) from vault.contact where key_check is null") == 0
    assert await opened(kring, caseworker, [somebody]) == [address(7)]


async def test_each_reading_and_each_rotation_stands_in_the_trail(
    kring: Resources, caseworker: Staff, owner: Owner, path: Path
) -> None:
    made = await people(kring, caseworker, 3)
    put(path, "b", "a")
    await rotation.rotate(kring.pool, kring.vault)
    rows = await owner.fetch("select action, resident_id, object_id, detail from kring.audit order by seq")
    reads = sorted(row["resident_id"] for row in rows if (row["action"], row["detail"]) == ("contact.read", "rotation"))
    assert reads == sorted(made)
    assert tuple(rows[-1]) == ("keys.rotated", None, "b", "resealed:3")


async def test_details_that_do_not_open_are_named_and_left_alone(
    kring: Resources, caseworker: Staff, owner: Owner, path: Path
) -> None:
    made = await people(kring, caseworker, 60)
    broken = made[:2]
    await owner.execute("update vault.contact set sealed = '\\x00' where resident_id = any($1)", broken)
    put(path, "b", "a")
    rotated = await rotation.rotate(kring.pool, kring.vault)
    assert (rotated.count, sorted(rotated.broken), rotated.unused) == (58, sorted(broken), ())
    assert await sealed_by(owner) == {"a": 2, "b": 58}


# --- what happens meanwhile -----------------------------------------------------------------------------------------


async def test_two_rotations_at_once_do_all_of_it(
    kring: Resources, settings: Settings, caseworker: Staff, owner: Owner, path: Path
) -> None:
    made = await people(kring, caseworker, 250)
    put(path, "b", "a")
    async with open_resources(settings) as other:
        one, two = await together(rotation.rotate(kring.pool, kring.vault), rotation.rotate(other.pool, other.vault))
    assert (one.count + two.count, one.unused, two.unused) == (250, ("a",), ("a",))
    assert await opened(kring, caseworker, made) == [address(number) for number in range(250)]


async def test_details_stored_while_they_are_sealed_anew_stand(
    kring: Resources, settings: Settings, caseworker: Staff, owner: Owner, path: Path
) -> None:
    """By a process with the old list, in a transaction that ends after the rotation came by."""
    made = await people(kring, caseworker, 3)
    late = Vault.from_setting(key("a"))
    put(path, "b", "a")
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await addresses.keep(conn, late, caseworker.municipality, made[1], address(99))
        rotating = await waiting(owner, rotation.rotate(kring.pool, kring.vault))
        assert await sealed_by(owner) == {"a": 1, "b": 2}, "the others did not wait"
    assert (await rotating).unused == ("a",)
    assert await opened(kring, caseworker, made) == [address(0), address(99), address(2)]
    assert await sealed_by(owner) == {"b": 3}


async def test_somebody_new_sealed_by_the_old_key_keeps_that_key_needed(
    kring: Resources, caseworker: Staff, owner: Owner, path: Path
) -> None:
    """Stored after the last look: it opens, the key is still needed, and the next rotation takes it along."""
    await people(kring, caseworker, 1)
    late = Vault.from_setting(key("a"))
    put(path, "b", "a")
    await rotation.rotate(kring.pool, kring.vault)
    async with transaction(kring.pool, caseworker.municipality) as conn:
        somebody = await residents.insert_resident(conn, caseworker.municipality, AgeBand.AGE_40_64)
        await addresses.keep(conn, late, caseworker.municipality, somebody, address(5))
    assert await opened(kring, caseworker, [somebody]) == [address(5)]
    assert (await rotation.rotate(kring.pool, kring.vault)).count == 1
    assert await sealed_by(owner) == {"b": 2}


async def test_details_erased_meanwhile_stay_erased(
    kring: Resources, caseworker: Staff, owner: Owner, path: Path
) -> None:
    made = await people(kring, caseworker, 3)
    put(path, "b", "a")
    async with transaction(kring.pool, caseworker.municipality) as conn:
        await residents.delete_contact(conn, made[0])
        rotating = await waiting(owner, rotation.rotate(kring.pool, kring.vault))
    assert (await rotating).count == 2
    assert await opened(kring, caseworker, made) == [None, address(1), address(2)]


async def test_a_rotation_killed_halfway_loses_nothing_and_goes_on_where_it_was(
    kring: Resources, settings: Settings, caseworker: Staff, owner: Owner, path: Path, tmp_path: Path
) -> None:
    """A real process, stopped in the middle of a transaction and killed there as by a power cut."""
    made = await people(kring, caseworker, 2000)
    put(path, "b", "a")
    process = rotate_keys(settings, tmp_path / "log")
    try:
        deadline = time.monotonic() + SECONDS
        while not (await sealed_by(owner)).get("b"):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        async with owner.transaction():
            await owner.execute("lock table vault.contact in exclusive mode")  # now it waits, inside a transaction
            halfway = await sealed_by(owner)
            assert process.poll() is None, "it was done before it could be stopped"
            process.kill()
            process.wait()
    finally:
        process.kill()
        process.wait()
    assert 0 < halfway["b"] < 2000
    assert await opened(kring, caseworker, made) == [address(number) for number in range(2000)]
    left = await rotation.count(kring.pool, kring.vault)
    assert 0 < left <= 2000 - halfway["b"]
    rotated = await rotation.rotate(kring.pool, kring.vault)
    assert (rotated.count, rotated.unused) == (left, ("a",))
    assert await opened(kring, caseworker, made) == [address(number) for number in range(2000)]


# --- the command ----------------------------------------------------------------------------------------------------


async def test_the_command_says_what_it_did_and_which_keys_can_go(
    kring: Resources, settings: Settings, caseworker: Staff, path: Path
) -> None:
    await people(kring, caseworker, 2)
    put(path, "b", "a", "c")
    with as_administrator(settings) as command:
        done = await asyncio.to_thread(command.invoke, app, ["rotate-keys"])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "2 contact details were sealed anew; all that can be opened are sealed with 'b'",
        "These keys seal nothing any more and can leave the list: 'a', 'c'",
    ]


async def test_the_command_names_whose_details_are_damaged(
    kring: Resources, settings: Settings, caseworker: Staff, owner: Owner, path: Path
) -> None:
    (somebody,) = await people(kring, caseworker, 1)
    await owner.execute("update vault.contact set sealed = '\\x00'")
    put(path, "b", "a")
    with as_administrator(settings) as command:
        done = await asyncio.to_thread(command.invoke, app, ["rotate-keys"])
    assert (done.exit_code, str(somebody) in done.stderr, "can leave" in done.stdout) == (1, True, False)


@pytest.mark.parametrize("name", ["serve", "worker", "rotate-keys"])
async def test_no_process_starts_without_a_key_that_is_needed(
    kring: Resources, settings: Settings, caseworker: Staff, path: Path, name: str
) -> None:
    await people(kring, caseworker, 1)
    put(path, "b")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service.cli", name,
        env=environment(settings) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(SECONDS):
        said, errors = await process.communicate()
    (line,) = errors.decode().splitlines()
    assert (process.returncode, said) == (2, b"")
    assert line.startswith("kring: KRING_VAULT_KEYS_FILE lacks a key")
    assert ("'a'" in line, key("b")[2:] in line) == (True, False)


# --- the how-to -----------------------------------------------------------------------------------------------------


def shown() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)


async def test_the_how_to_rotates_the_keys_while_serving(
    kring: Resources, settings: Settings, caseworker: Staff, owner: Owner, path: Path
) -> None:
    """Its commands, as they stand there, in order; `kring` is another process all the while and never loses track."""
    commands = shown()
    made = await people(kring, caseworker, 2)
    programs = Path(sys.executable).parent
    where = environment(settings) | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "KEYS": str(path),
        "ID": "second",
        "OLD": "a",
    }
    sealing = []
    for number, command in enumerate(commands):
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-euc", command], env=where, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        assert await opened(kring, caseworker, made) == [address(0), address(1)], shlex.quote(command)
        async with transaction(kring.pool, caseworker.municipality) as conn:
            await addresses.keep(conn, kring.vault, caseworker.municipality, made[0], address(0))
        sealing.append(await owner.fetchval("select key_id from vault.contact where resident_id = $1", made[0]))
        assert number < 5
    assert sealing == ["a", "second", "second", "second"]
    assert await sealed_by(owner) == {"second": 2}
    assert kring.vault.key_ids == ("second",)
    assert urlsplit(settings.database_url.get_secret_value()).username == "kring_web", "all as the application itself"
