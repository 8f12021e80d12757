"""Settings that would be unsafe stop the process before it serves anybody."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.settings import Settings

GOOD: dict[str, Any] = {
    "database_url": "postgresql://kring_web:geheim@localhost/kring",
    "redis_url": "redis://localhost/0",
    "secret": "x" * 32,
    "vault_keys": "a:AAAA",
    "base_url": "https://kring.voorbeeld.test",
}


def _refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Settings(**GOOD | changes)
    return str(error.value)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KRING_{name.upper()}", raising=False)


def test_good_settings_are_accepted() -> None:
    assert Settings(**GOOD).secure


@pytest.mark.parametrize("name", list(GOOD))
def test_what_has_no_default_must_be_there(name: str) -> None:
    with pytest.raises(ValidationError, match=f"(?i){name}"):
        Settings(**{key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    "where",
    [
        {"host": "0.0.0.0", "base_url": "http://127.0.0.1:8000"},
        {"host": "127.0.0.1", "base_url": "https://kring.voorbeeld.test"},
        {"host": "127.0.0.1", "base_url": "http://127.0.0.1.voorbeeld.test"},
        {"host": "127.0.0.1", "base_url": "http://127.0.0.1@voorbeeld.test"},
        {"host": "", "base_url": "http://127.0.0.1:8000"},
    ],
)
def test_the_demo_only_starts_on_loopback(where: dict[str, str]) -> None:
    assert "loopback" in _refused(demo=True, **where)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_demo_starts_on_loopback(host: str) -> None:
    assert Settings(**GOOD | {"demo": True, "host": host, "base_url": "http://localhost:8000"}).demo


def test_a_real_service_is_https() -> None:
    assert "https" in _refused(base_url="http://kring.voorbeeld.test")


def test_a_short_secret_is_refused() -> None:
    assert "32" in _refused(secret="x" * 31)


def test_the_keys_of_the_vault_have_one_source() -> None:
    assert "both set" in _refused(vault_keys_file="/run/secrets/vault_keys")
    assert Settings(**{**GOOD, "vault_keys": None, "vault_keys_file": "/run/secrets/vault_keys"}).vault_keys is None


def test_mail_that_leaves_the_machine_is_encrypted() -> None:
    assert "loopback" in _refused(smtp_tls="none", smtp_host="mail.voorbeeld.test")


def test_secrets_are_not_shown() -> None:
    settings = Settings(**GOOD | {"smtp_password": "wachtwoord"})
    assert [word for word in ("geheim", "wachtwoord", "x" * 32, "AAAA") if word in repr(settings)] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(f"KRING_{name.upper()}", value)
    monkeypatch.setenv("KRING_LINK_DAYS", "14")
    assert Settings().link_days == 14


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
