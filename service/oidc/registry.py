"""All identity providers of an installation, and which of them vouches for a bearer token."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc.jwk import KeySet

from service.errors import SettingsError
from service.oidc import tokens
from service.oidc.config import read_file, read_providers
from service.oidc.documents import ProviderAway
from service.oidc.provider import Person, Provider, public_keys
from service.oidc.tokens import Claims, TokenInvalid
from service.settings import Settings
from service.typed import visible

KEYS_FILE: Final = "KRING_API_KEYS_FILE"


@dataclass(frozen=True, slots=True)
class Program:
    """What a bearer token says: who, of which municipality, and for what it may be used."""

    municipality: str
    """The slug."""
    person: Person
    scopes: frozenset[str]
    names_roles: bool
    """Whether the token says which roles there are; else they are those that Kring knows the person by."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Tokens that are signed with keys from a file, each for somebody Kring knows already."""

    path: Path
    issuer: str
    audience: str

    def keys(self) -> KeySet:
        """Read each time: a key that was rotated counts from now on, without a restart. Raises SettingsError."""
        try:
            return public_keys(json.loads(read_file(self.path, KEYS_FILE)))
        except (ProviderAway, ValueError, AttributeError) as error:
            raise SettingsError(f"{KEYS_FILE}: {self.path} is not a set of public keys (JWK set)") from error

    def program(self, token: str) -> Program:
        """Raises TokenInvalid, and SettingsError when the file has gone."""
        opened = tokens.open_token(token, self.keys(), tokens.ACCESS_TYPES)
        claims = tokens.access_claims(opened, issuer=self.issuer, audience=self.audience)
        slug = claims.get("municipality")
        if not isinstance(slug, str) or visible(slug) != slug:  # never looked up as another one
            raise TokenInvalid("missing_claim:municipality")
        person = Person(claims["sub"], "", frozenset(), second_factor=False, session=None)
        return Program(slug, person, _scopes(claims), names_roles=False)


class Providers:
    """Made once, before anybody is served: a mistake in the settings stops the process there."""

    def __init__(self, providers: dict[str, Provider], key_file: KeyFile | None = None) -> None:
        """`providers`: by the slug of their municipality."""
        self._providers = providers
        self._key_file = key_file

    @classmethod
    def from_settings(cls, settings: Settings) -> "Providers":
        """Raises SettingsError: what is missing or wrong, and where."""
        path = settings.oidc_providers
        configs = {} if path is None else read_providers(path)
        key_file = None
        if settings.api_keys_file is not None and settings.api_issuer is not None:
            key_file = KeyFile(settings.api_keys_file, settings.api_issuer, settings.api_audience)
            key_file.keys()
            if any(config.issuer == key_file.issuer for config in configs.values()):
                raise SettingsError("KRING_API_ISSUER is one of KRING_OIDC_PROVIDERS: its keys come from there")
        return cls({slug: Provider(config) for slug, config in configs.items()}, key_file)

    def of(self, slug: str) -> Provider | None:
        return self._providers.get(slug)

    async def program(self, token: str) -> Program:
        """On whose behalf a program calls the API. Raises TokenInvalid, ProviderAway and SettingsError."""
        hint = _unchecked(token)
        issuer, audience = hint.get("iss"), hint.get("aud")
        if self._key_file is not None and issuer == self._key_file.issuer:
            return self._key_file.program(token)
        named = audience if isinstance(audience, list) else [audience]
        for slug, provider in self._providers.items():
            if provider.config.issuer == issuer and provider.config.api_audience in named:
                person, claims = await provider.program(token)
                return Program(slug, person, _scopes(claims), names_roles=True)
        raise TokenInvalid("unknown_issuer")


def _unchecked(token: str) -> dict[str, Any]:
    """What a token claims before anybody looked at its signature: only to know whose keys to look with."""
    if len(token) > tokens.TOKEN_MOST:
        raise TokenInvalid("too_long")
    try:
        claims = json.loads(tokens.payload(token))
    except (ValueError, RecursionError) as error:
        raise TokenInvalid("malformed") from error
    if not isinstance(claims, dict):
        raise TokenInvalid("malformed")
    return claims


def _scopes(claims: Claims) -> frozenset[str]:
    """`scope` is the standard's word (RFC 8693), `scp` Microsoft's; both separate by spaces."""
    said = claims.get("scope", claims.get("scp"))
    return frozenset(said.split()) if isinstance(said, str) else frozenset()
