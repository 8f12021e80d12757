"""docker-compose.yml and the Dockerfile against what they start: there is no Docker engine here to try them on."""

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.cli import COMMANDS
from service.demo.settings import environment
from service.keys import KeyFile
from service.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COPIED = [path for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M) for path in line.split()[:-1]]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "kring")
ONE_SHOTS = {
    name
    for service in SERVICES.values()
    for name, awaited in service.get("depends_on", {}).items()
    if awaited["condition"] == "service_completed_successfully"
}
REQUIRED = {f"kring_{name}" for name, field in Settings.model_fields.items() if field.is_required()}
KNOWN = {f"kring_{name}" for name in Settings.model_fields}


def _given(service: str) -> set[str]:
    """Names of the settings that a service gets, from its environment or as a secret file."""
    environment = {name.lower() for name in SERVICES[service].get("environment", {}) if name.startswith("KRING_")}
    return environment | {name for name in SERVICES[service]["secrets"] if name.startswith("kring_")}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make secrets` makes."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copy(ROOT / "Makefile", folder)
    subprocess.run(["make", "secrets"], cwd=folder, check=True)
    return folder / "secrets"


def test_three_services_run_our_image() -> None:
    assert OURS == ["migrate", "web", "worker"]


@pytest.mark.parametrize("service", OURS)
def test_every_setting_given_is_one_we_have(service: str) -> None:
    assert _given(service) - KNOWN == set()


@pytest.mark.parametrize("service", OURS)
def test_every_required_setting_is_given(service: str) -> None:
    assert REQUIRED - _given(service) == set()


def test_who_serves_or_sends_gets_the_keys_of_the_vault_and_nobody_else() -> None:
    path = COMPOSE["x-settings"]["KRING_VAULT_KEYS_FILE"]
    assert [service for service in SERVICES if Path(path).name in SERVICES[service].get("secrets", [])] == [
        "web", "worker"
    ]  # fmt: skip


def test_the_keys_that_are_made_are_read(secrets: Path) -> None:
    assert list(KeyFile(secrets / "vault_keys").read()) == ["first"]


def test_only_the_migration_gets_the_owner_of_the_database() -> None:
    assert [service for service in OURS if "kring_migrate_url" in _given(service)] == ["migrate"]


@pytest.mark.parametrize("service", OURS)
def test_the_settings_are_accepted(service: str, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
    settings = Settings(_secrets_dir=secrets)
    assert settings.database_url.get_secret_value().startswith("postgresql://kring:")


def test_the_secrets_that_are_declared_are_the_ones_made(secrets: Path) -> None:
    assert set(COMPOSE["secrets"]) == {path.name for path in secrets.iterdir()}


@pytest.mark.parametrize("service", SERVICES)
def test_a_secret_that_is_used_is_declared(service: str) -> None:
    assert set(SERVICES[service].get("secrets", [])) - set(COMPOSE["secrets"]) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_stands_in_the_environment(service: str) -> None:
    private = re.compile("password|secret|key|url$", re.IGNORECASE)
    names = [name for name in SERVICES[service].get("environment", {}) if private.search(name)]
    assert [name for name in names if not name.endswith("_FILE") and name != "KRING_BASE_URL"] == []


@pytest.mark.parametrize("service", sorted(set(SERVICES) - ONE_SHOTS))
def test_a_lasting_service_has_a_health_check(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_runs_as_root(service: str) -> None:
    assert str(SERVICES[service]["user"]).split(":")[0] not in {"root", "0"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_can_write_outside_its_volumes(service: str) -> None:
    assert SERVICES[service]["read_only"]


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_published_is_for_this_machine_only(service: str) -> None:
    assert [port for port in SERVICES[service].get("ports", []) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("service", OURS)
def test_the_programs_named_are_in_our_image(service: str) -> None:
    """The image holds Python and the console scripts of the packages it installs, and no curl."""
    health = SERVICES[service].get("healthcheck", {"test": ["CMD", "python"]})["test"][1]
    programs = {SERVICES[service]["command"][0], health}
    assert [name for name in programs if not (Path(sys.executable).parent / name).exists()] == []


def test_our_commands_are_commands_of_kring() -> None:
    assert {SERVICES[service]["command"][1] for service in OURS} - set(COMMANDS) == set()


def test_the_worker_can_be_asked_for_its_health(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    module, _, name = SERVICES["worker"]["healthcheck"]["test"][-1].rpartition(".")
    assert getattr(importlib.import_module(module), name)["redis_settings"]


def test_redis_keeps_an_append_only_file() -> None:
    assert "appendonly yes" in SERVICES["redis"]["command"][2]


def test_the_user_of_our_services_is_made_in_the_image() -> None:
    assert {SERVICES[service]["user"] for service in OURS} == {re.findall(r"useradd .* (\w+)$", DOCKERFILE, re.M)[0]}


def test_the_image_ends_as_a_plain_user() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)[-1:] == ["kring"]


def test_everything_the_image_copies_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {path.split("/")[0] for path in COPIED} - let_through == set()


def test_everything_the_image_copies_is_there() -> None:
    assert [path for path in COPIED if not (ROOT / path).exists()] == []


def test_the_image_and_the_makefile_install_the_same_torch_and_uv() -> None:
    makefile = (ROOT / "Makefile").read_text()
    pinned = [re.findall(rf"{name} ?:?= ?(\S+)", text) for text in (makefile, DOCKERFILE) for name in ("UV", "TORCH")]
    assert pinned[:2] == pinned[2:]


def test_the_image_runs_a_python_we_support() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    image = re.findall(r"^FROM python:3\.(\d+)", DOCKERFILE, re.MULTILINE)
    assert (project["requires-python"], {11 <= int(minor) < 14 for minor in image}) == (">=3.11,<3.14", {True})
