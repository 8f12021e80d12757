"""The keys of the vault: what is refused is named and never shown, and a file can change while it is used."""

import base64
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.errors import SettingsError, VaultKeyMissing
from service.keys import FILE_MOST, KeyFile, parse
from service.processes import write_private
from service.settings import Settings
from service.vault import Vault
from tests.service.test_vault import HERE, ONE, key

SECRET = base64.b64encode(b"een geheim van tweeendertig byte").decode()


def of_file(settings: Settings, path: Path) -> Vault:
    return Vault.of(settings.model_copy(update={"vault_keys": None, "vault_keys_file": path}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    write_private(path, key("a"))
    return path


# --- what is written in it ------------------------------------------------------------------------------------------


def test_keys_stand_apart_by_commas_or_lines_and_keep_their_order() -> None:
    assert list(parse(f"{key('b')}\n\n {key('a')} ,{key('c')}\r\n", "here")) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no key"),
        (" \n,", "holds no key"),
        (SECRET, "entry 1"),
        (f"{SECRET}:first", "entry 1"),
        (f"{key('a')},{SECRET}", "entry 2"),
        (f":{SECRET}", "entry 1"),
        (f"An Id:{SECRET}", "entry 1"),
        (f"{'i' * 33}:{SECRET}", "entry 1"),
        (f"eerste:{SECRET[:-4]}", "'eerste'"),
        (f"eerste:{SECRET[:-1]}", "'eerste'"),
        (f"eerste:{SECRET[:-2]}é=", "'eerste'"),
        (f"eerste:{SECRET},eerste:{SECRET}", "two vault keys 'eerste'"),
        (f"eerste:{SECRET},tweede:{SECRET}", "'tweede' is the same key"),
    ],
)
def test_what_is_wrong_is_named_and_no_key_is_shown(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(text, "here")
    assert (said in str(error.value), SECRET[:12] in str(error.value)) == (True, False)


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_file_of_keys_is_read(settings: Settings, path: Path) -> None:
    assert of_file(settings, path).key_ids == ("a",)


def test_a_missing_file_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"KRING_VAULT_KEYS_FILE: .*/gone cannot be read \(No such file"):
        of_file(settings, tmp_path / "gone")


def test_what_is_no_file_is_refused_and_not_waited_for(settings: Settings, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for wrong in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(SettingsError, match="is not a file"):
            of_file(settings, wrong)


def test_a_file_that_is_no_text_is_refused(settings: Settings, path: Path) -> None:
    path.write_bytes(b"a:\xff\xfe")
    with pytest.raises(SettingsError, match="is not text"):
        of_file(settings, path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(settings: Settings, path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(SettingsError, match="chmod go-w"):
        of_file(settings, path)


@pytest.mark.parametrize(("mode", "said"), [(0o600, False), (0o644, True), (0o440, True)])
def test_that_others_can_read_it_is_said(path: Path, mode: int, said: bool) -> None:
    path.chmod(mode)
    with capture_logs() as logs:
        KeyFile(path).read()
    assert [entry["code"] for entry in logs] == ["readable_by_others"] * said


def test_a_file_far_too_large_is_refused(settings: Settings, path: Path) -> None:
    path.write_text(f"{key('a')}\n" + "x" * FILE_MOST)
    with pytest.raises(SettingsError, match="entry 2"):
        of_file(settings, path)


# --- the file changes -----------------------------------------------------------------------------------------------


def test_a_key_put_first_seals_from_then_on(settings: Settings, path: Path) -> None:
    vault = of_file(settings, path)
    old = vault.seal(ONE, "x", HERE)
    path.write_text(f"{key('b')}\n{key('a')}")
    new = vault.seal(ONE, "y", HERE)
    assert (old.key_id, new.key_id, vault.open(ONE, old, HERE), vault.open(ONE, new, HERE)) == ("a", "b", "x", "y")


def test_a_file_put_in_its_place_is_read(settings: Settings, path: Path) -> None:
    vault = of_file(settings, path)
    write_private(path.with_name("new"), key("b"))
    path.with_name("new").replace(path)
    assert vault.key_ids == ("b",)


def test_an_unknown_key_is_looked_for_in_the_file(settings: Settings, path: Path) -> None:
    """A process that did not seal since: another one did, with a key put first meanwhile."""
    vault = of_file(settings, path)
    before = path.stat()
    path.write_text(f"{key('a')}\n{key('b')}")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    sealed = Vault.from_setting(key("b")).seal(ONE, "x", HERE)
    assert vault.open(ONE, sealed, HERE) == "x"


def test_a_key_taken_out_of_the_file_is_forgotten(settings: Settings, path: Path) -> None:
    vault = of_file(settings, path)
    sealed = vault.seal(ONE, "x", HERE)
    path.write_text(key("b"))
    assert vault.seal(ONE, "y", HERE).key_id == "b"
    with pytest.raises(VaultKeyMissing):
        vault.open(ONE, sealed, HERE)


@pytest.mark.parametrize("wrong", ["", f"b:{SECRET[:20]}", f"a:{SECRET}"])
def test_a_changed_file_with_something_wrong_in_it_changes_nothing(settings: Settings, path: Path, wrong: str) -> None:
    """The last one is another key under a name that is in use."""
    vault = of_file(settings, path)
    sealed = vault.seal(ONE, "x", HERE)
    with capture_logs() as logs:
        path.write_text(wrong)
        assert vault.open(ONE, vault.seal(ONE, "y", HERE), HERE) == "y"
        vault.seal(ONE, "z", HERE)
    assert vault.open(ONE, sealed, HERE) == "x"
    assert [(entry["log_level"], entry["state"]) for entry in logs] == [("error", "not_read")], "said once"
    assert SECRET[:12] not in str(logs)


def test_a_file_that_is_gone_changes_nothing(settings: Settings, path: Path) -> None:
    vault = of_file(settings, path)
    path.unlink()
    assert vault.seal(ONE, "x", HERE).key_id == "a"
    write_private(path, key("b"))
    assert vault.seal(ONE, "x", HERE).key_id == "b"
