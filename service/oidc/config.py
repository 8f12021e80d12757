"""The file that KRING_OIDC_PROVIDERS names: for each municipality its provider, and what that provider's words mean.

Read once, before anybody is served: a mistake stops the process and says in which municipality and where.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator

from service.domain import Role
from service.errors import SettingsError
from service.settings import LOOPBACK

OURS: Final = frozenset(
    "acr_values claims_locales client_id code_challenge code_challenge_method nonce redirect_uri request request_uri "
    "response_mode response_type scope state".split()
)
"""Parameters of the authorization request that Kring sets itself, or that would change what comes back."""


def is_secure(url: str) -> bool:
    """Whether nobody on the way can read or change it: https, or a provider on this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError:  # `http://[::1`
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _path(given: Any) -> Any:
    """`realm_access.roles` is a claim in a claim; a name that has dots itself is given as a list of one."""
    return tuple(given.split(".")) if isinstance(given, str) else given


Words = tuple[str, ...]
ClaimPath = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_path), Field(min_length=1)]


class ProviderConfig(BaseModel):
    """One municipality's provider, as in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str = Field(min_length=1)
    client_secret_file: Path
    scope: str = "openid profile"
    name_claim: str = "name"
    roles_claim: ClaimPath
    roles: dict[Role, Annotated[Words, Field(min_length=1)]] = Field(min_length=1)
    """Role in Kring → the values of the claim that give it."""
    second_factor: dict[str, Annotated[Words, Field(min_length=1)]] = Field(min_length=1)
    """Claim (`acr`, `amr`, `acrs`) → the values that show a second factor; one of all of these is enough."""
    ask: dict[str, str] = Field(default_factory=dict)
    """More parameters for the authorization request, such as `claims` or `domain_hint`."""
    api_audience: str | None = None
    """`aud` of this provider's access tokens for the API; without it the API takes none of them."""

    @field_validator("issuer")
    @classmethod
    def issuer_is_secure(cls, issuer: str) -> str:
        if not is_secure(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
            raise ValueError("must be an https address without ? and #")
        return issuer

    @field_validator("scope")
    @classmethod
    def scope_is_openid(cls, scope: str) -> str:
        if "openid" not in scope.split():
            raise ValueError("must hold openid")
        return scope

    @field_validator("ask")
    @classmethod
    def ask_leaves_ours_alone(cls, ask: dict[str, str]) -> dict[str, str]:
        if taken := sorted(OURS & ask.keys()):
            raise ValueError(f"Kring sets {', '.join(taken)} itself")
        return ask

    @property
    def client_secret(self) -> SecretStr:
        """Read again at each sign-in, so that a renewed secret counts without a restart. Raises SettingsError."""
        return SecretStr(read_file(self.client_secret_file, "client_secret_file").strip())

    def roles_of(self, claims: dict[str, Any]) -> frozenset[Role]:
        """The roles these claims give in Kring; none when the claim is not there."""
        found: Any = claims
        for name in self.roles_claim:
            found = found.get(name) if isinstance(found, dict) else None
        said = _strings(found)
        return frozenset(role for role, values in self.roles.items() if not said.isdisjoint(values))

    def shows_second_factor(self, claims: dict[str, Any]) -> bool:
        return any(not _strings(claims.get(name)).isdisjoint(values) for name, values in self.second_factor.items())


def _strings(claim: Any) -> frozenset[str]:
    """A claim is one string or a list of them; anything else says nothing."""
    if isinstance(claim, str):
        return frozenset({claim})
    return frozenset(value for value in claim if isinstance(value, str)) if isinstance(claim, list) else frozenset()


def read_file(path: Path, setting: str) -> str:
    """Raises SettingsError with the name of the setting and of the file, never with what is in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting}: {path} cannot be read ({type(error).__name__})") from error
    if not text.strip():
        raise SettingsError(f"{setting}: {path} is empty")
    return text


def read_providers(path: Path) -> dict[str, ProviderConfig]:
    """Slug of a municipality → its provider. Raises SettingsError: what is wrong where, and no value of it."""
    try:
        tables = tomllib.loads(read_file(path, "KRING_OIDC_PROVIDERS"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"KRING_OIDC_PROVIDERS: {path} is not TOML: {error}") from error
    providers = {slug: _provider(slug, table, path.parent) for slug, table in tables.items()}
    if not providers:
        raise SettingsError(f"KRING_OIDC_PROVIDERS: {path} names no municipality")
    # One person of the one would else be taken for one of the other
    _refuse_shared(((one.issuer, one.client_id) for one in providers.values()), "issuer and client_id")
    _refuse_shared(((one.issuer, one.api_audience) for one in providers.values() if one.api_audience), "api_audience")
    return providers


def _provider(slug: str, table: Any, folder: Path) -> ProviderConfig:
    try:
        config = ProviderConfig.model_validate(table)
    except ValidationError as error:
        problems = (
            f"{slug}.{'.'.join(str(part) for part in found['loc'])}: {found['msg'].removeprefix('Value error, ')}"
            for found in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"KRING_OIDC_PROVIDERS: {'; '.join(problems)}") from None
    if config.api_audience == config.client_id:  # an ID token, which every page of the provider hands out, would do
        raise SettingsError(f"KRING_OIDC_PROVIDERS: {slug}.api_audience must not be the client_id")
    config = config.model_copy(update={"client_secret_file": folder / config.client_secret_file})
    read_file(config.client_secret_file, f"{slug}.client_secret_file")
    return config


def _refuse_shared(pairs: Iterable[tuple[str, ...]], what: str) -> None:
    if any(count > 1 for count in Counter(pairs).values()):
        raise SettingsError(f"KRING_OIDC_PROVIDERS: two municipalities have the same {what}; each needs its own")
