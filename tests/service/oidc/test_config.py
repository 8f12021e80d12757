"""The file of providers: a mistake stops the process, and says where it is and never what the secret was."""

from pathlib import Path
from typing import Any

import pytest

from service.domain import Role
from service.errors import SettingsError
from service.oidc.config import ProviderConfig, read_providers
from service.oidc.registry import Providers
from service.settings import Settings

GOOD = """
[waterdam]
issuer = "https://inloggen.waterdam.example/realms/medewerkers"
client_id = "kring"
client_secret_file = "secret"
roles_claim = "realm_access.roles"
api_audience = "kring-api"
[waterdam.roles]
caseworker = ["kring-consulent", "kring-jeugd"]
manager = ["kring-manager"]
[waterdam.second_factor]
acr = ["loa3"]
amr = ["mfa", "otp"]
"""


def _read(folder: Path, text: str) -> dict[str, ProviderConfig]:
    (folder / "secret").write_text("geheim\n")
    path = folder / "providers.toml"
    path.write_text(text)
    return read_providers(path)


@pytest.fixture
def config(tmp_path: Path) -> ProviderConfig:
    return _read(tmp_path, GOOD)["waterdam"]


def test_a_good_file_is_read_with_its_secret(config: ProviderConfig) -> None:
    assert config.client_secret.get_secret_value() == "geheim"
    assert config.roles_claim == ("realm_access", "roles")


def test_a_renewed_secret_counts_from_now_on(config: ProviderConfig) -> None:
    config.client_secret_file.write_text("nieuw")
    assert config.client_secret.get_secret_value() == "nieuw"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("https://inloggen", "http://inloggen", "waterdam.issuer"),
        ("/medewerkers", "/medewerkers?x=1", "waterdam.issuer"),
        ('"kring"', '""', "waterdam.client_id"),
        ('client_id = "kring"', "", "waterdam.client_id"),
        ('"secret"', '"weg"', "waterdam.client_secret_file"),
        ("realm_access.roles", "realm_access..roles", "waterdam.roles_claim"),
        ("caseworker =", "consulent =", "waterdam.roles"),
        ('["kring-manager"]', "[]", "waterdam.roles"),
        ('acr = ["loa3"]\namr = ["mfa", "otp"]', "", "waterdam.second_factor"),
        ('acr = ["loa3"]', "acr = []", "waterdam.second_factor"),
        ("client_id =", "clientid =", "waterdam.clientid"),
        ("[waterdam.roles]", '[waterdam.ask]\nstate = "x"\n[waterdam.roles]', "waterdam.ask"),
        ("[waterdam.roles]", '[waterdam.ask]\nresponse_mode = "fragment"\n[waterdam.roles]', "waterdam.ask"),
        ('"kring-api"', '"kring"', "waterdam.api_audience"),
        ("roles_claim", 'scope = "profile"\nroles_claim', "waterdam.scope"),
        ("[waterdam]", "[waterdam", "TOML"),
        (GOOD, "", "empty"),
        (GOOD, "# niets", "names no municipality"),
        (GOOD, 'waterdam = "x"', "waterdam"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError) as error:
        _read(tmp_path, GOOD.replace(old, new))
    assert named in str(error.value)


def test_no_value_is_repeated_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        _read(tmp_path, GOOD.replace('client_secret_file = "secret"', 'client_secret = "zeer geheim"'))
    assert "zeer geheim" not in str(error.value)


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_secret_is_missed_at_the_start(tmp_path: Path, content: str) -> None:
    _read(tmp_path, GOOD)
    (tmp_path / "secret").write_text(content)
    with pytest.raises(SettingsError, match="client_secret_file"):
        read_providers(tmp_path / "providers.toml")


@pytest.mark.parametrize(
    ("change", "what"),
    [(("kring-api", "other-api"), "client_id"), (('client_id = "kring"', 'client_id = "zandhoek"'), "api_audience")],
)
def test_two_municipalities_never_share_what_tells_them_apart(
    tmp_path: Path, change: tuple[str, str], what: str
) -> None:
    second = GOOD.replace("waterdam]", "zandhoek]").replace("[waterdam.", "[zandhoek.").replace(*change)
    with pytest.raises(SettingsError, match=what):
        _read(tmp_path, GOOD + second)


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"realm_access": {"roles": ["kring-consulent", "iets"]}}, {Role.CASEWORKER}),
        ({"realm_access": {"roles": ["kring-jeugd", "kring-manager"]}}, {Role.CASEWORKER, Role.MANAGER}),
        ({"realm_access": {"roles": "kring-manager"}}, {Role.MANAGER}),
        ({"realm_access": {"roles": ["KRING-MANAGER", 1, None]}}, set()),
        ({"realm_access": {"roles": {"kring-manager": True}}}, set()),
        ({"realm_access": "kring-manager"}, set()),
        ({"realm_access.roles": ["kring-manager"]}, set()),
        ({}, set()),
    ],
)
def test_only_the_values_in_the_file_give_a_role(
    config: ProviderConfig, claims: dict[str, Any], roles: set[Role]
) -> None:
    assert config.roles_of(claims) == roles


def test_a_claim_with_dots_in_its_name_is_a_list_of_one(tmp_path: Path) -> None:
    name = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    config = _read(tmp_path, GOOD.replace('"realm_access.roles"', f'["{name}"]'))["waterdam"]
    assert config.roles_of({name: "kring-manager"}) == {Role.MANAGER}


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"acr": "loa3"}, True),
        ({"amr": ["pwd", "otp"]}, True),
        ({"acr": "loa2", "amr": ["pwd"]}, False),
        ({"acr": ["x"], "amr": "pwd"}, False),
        ({"acr": None}, False),
        ({}, False),
    ],
)
def test_the_second_factor_shows_in_one_of_the_claims(
    config: ProviderConfig, claims: dict[str, Any], shown: bool
) -> None:
    assert config.shows_second_factor(claims) == shown


# --- what the process refuses to start with --------------------------------------------------------------------------


def _settings(**changes: Any) -> Settings:
    return Settings(
        database_url="postgresql://localhost/kring",  # type: ignore[arg-type]
        redis_url="redis://localhost/0",  # type: ignore[arg-type]
        secret="x" * 32,  # type: ignore[arg-type]
        vault_keys="a:AAAA",  # type: ignore[arg-type]
        base_url="https://kring.voorbeeld.test",
        **changes,
    )


def test_a_file_that_is_not_there_stops_the_process(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KRING_OIDC_PROVIDERS"):
        Providers.from_settings(_settings(oidc_providers=tmp_path / "weg.toml"))


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "eHg"}]}'])
def test_api_keys_that_cannot_be_read_stop_the_process(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match="KRING_API_KEYS_FILE"):
        Providers.from_settings(_settings(api_keys_file=path, api_issuer="https://uitgever.example"))


def test_one_issuer_has_one_source_of_keys(tmp_path: Path) -> None:
    _read(tmp_path, GOOD)
    key = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
    (tmp_path / "keys.json").write_text(key)
    with pytest.raises(SettingsError, match="KRING_API_ISSUER"):
        Providers.from_settings(
            _settings(
                oidc_providers=tmp_path / "providers.toml",
                api_keys_file=tmp_path / "keys.json",
                api_issuer="https://inloggen.waterdam.example/realms/medewerkers",
            )
        )
