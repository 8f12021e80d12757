"""Talking with one municipality's provider: where to send somebody, who came back, and whose session ended there."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.client import OAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from service.domain import Role
from service.errors import SettingsError
from service.oidc import tokens
from service.oidc.config import ProviderConfig, is_secure
from service.oidc.documents import WAIT_SECONDS, Clock, Kept, ProviderAway, fetch_json
from service.oidc.tokens import Claims, KeyUnknown, TokenInvalid
from service.typed import one_line

NAME_MOST: Final = 200  # characters of a person's name
SECRET_BYTES: Final = 32  # of a state, nonce or code verifier
NOT_FOR_SIGNING: Final = frozenset({"enc"})
Checked = TypeVar("Checked")


class Metadata(BaseModel):
    """What Kring reads of the discovery document (OpenID Connect Discovery 1.0; RFC 9207 for the last one)."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is remembered of one attempt to sign in, between leaving for the provider and coming back."""

    state: str
    nonce: str
    code_verifier: str

    @classmethod
    def new(cls) -> "Attempt":
        return cls(*(secrets.token_urlsafe(SECRET_BYTES) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider says this is. No roles: somebody of the municipality, but not for Kring."""

    subject: str
    name: str
    roles: frozenset[Role]
    second_factor: bool
    session: str | None
    """The provider's own id of the session (`sid`), by which it can end it."""


class Provider:
    """One provider. Keeps its published documents, and nothing of anybody who signs in."""

    def __init__(self, config: ProviderConfig, clock: Clock = time.monotonic) -> None:
        self.config = config
        self._metadata = Kept(self._fetch_metadata, clock)
        self._keys = Kept(self._fetch_keys, clock)

    async def authorization_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send somebody: the code flow with PKCE (S256), state and nonce. Raises ProviderAway."""
        metadata = await self._metadata.get()
        acr = " ".join(self.config.second_factor.get("acr", ()))
        client = OAuth2Client(session=None, client_id=self.config.client_id, code_challenge_method="S256")
        url, _ = client.create_authorization_url(
            metadata.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.code_verifier,
            nonce=attempt.nonce,
            redirect_uri=redirect_uri,
            scope=self.config.scope,
            **({"acr_values": acr} if acr else {}),
            **self.config.ask,
        )
        return str(url)

    async def check_issuer(self, said: str | None) -> None:
        """That the answer came from this provider and not from another one (RFC 9207). Raises TokenInvalid."""
        if said is None and not (await self._metadata.get()).authorization_response_iss_parameter_supported:
            return
        if said != self.config.issuer:
            raise TokenInvalid("another_issuer")

    async def person(self, code: str, attempt: Attempt, redirect_uri: str) -> Person:
        """Exchange `code` for the ID token, and read it. Raises TokenInvalid and ProviderAway."""
        answer = await self._exchange(code, attempt, redirect_uri)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise TokenInvalid("no_id_token")
        opened = await self._with_keys(lambda keys: tokens.open_token(token, keys, tokens.ID_TYPES))
        claims = tokens.id_claims(
            opened,
            issuer=self.config.issuer,
            client_id=self.config.client_id,
            nonce=attempt.nonce,
            access_token=access_token if isinstance(access_token, str) else None,
        )
        return self._read(claims)

    async def program(self, token: str) -> tuple[Person, Claims]:
        """On whose behalf a program calls the API. Raises TokenInvalid and ProviderAway."""
        if self.config.api_audience is None:
            raise TokenInvalid("no_api")
        opened = await self._with_keys(lambda keys: tokens.open_token(token, keys, tokens.ACCESS_TYPES))
        claims = tokens.access_claims(opened, issuer=self.config.issuer, audience=self.config.api_audience)
        return self._read(claims), claims

    async def ended(self, logout_token: str) -> tuple[str | None, str | None]:
        """Which sessions the provider ended: `sid` and `sub`, one of them. Raises TokenInvalid and ProviderAway."""
        opened = await self._with_keys(lambda keys: tokens.open_token(logout_token, keys, tokens.LOGOUT_TYPES))
        claims = tokens.logout_claims(
            opened, issuer=self.config.issuer, client_id=self.config.client_id, now=int(time.time())
        )
        return _text(claims.get("sid")), _text(claims.get("sub"))

    async def end_session_url(self, back: str) -> str | None:
        """Where somebody signs out at the provider too (RP-Initiated Logout 1.0); None when it has no such place.

        Without the ID token as a hint: it would have to be stored, and would stand in an address. So the provider
        asks the person whether to sign out, which is right: other applications share that session.
        """
        endpoint = (await self._metadata.get()).end_session_endpoint
        if endpoint is None:
            return None
        asked = urlencode({"client_id": self.config.client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{asked}"

    def _read(self, claims: Claims) -> Person:
        name = claims.get(self.config.name_claim)
        return Person(
            subject=claims["sub"],
            name=one_line(name)[:NAME_MOST] if isinstance(name, str) else "",
            roles=self.config.roles_of(claims),
            second_factor=self.config.shows_second_factor(claims),
            session=_text(claims.get("sid")),
        )

    async def _exchange(self, code: str, attempt: Attempt, redirect_uri: str) -> dict[str, Any]:
        metadata = await self._metadata.get()
        offered = metadata.token_endpoint_auth_methods_supported
        method = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        try:
            secret = self.config.client_secret.get_secret_value()
            async with AsyncOAuth2Client(
                self.config.client_id, secret, token_endpoint_auth_method=method, timeout=WAIT_SECONDS
            ) as client:
                answer = await client.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.code_verifier,
                    redirect_uri=redirect_uri,
                )
        except OAuthError as error:
            # `invalid_grant`: the code was used, is too old, or was not given for this attempt. The rest is our set-up.
            raise TokenInvalid("code_refused" if error.error == "invalid_grant" else "client_refused") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, SettingsError) as error:
            raise ProviderAway(type(error).__name__) from error
        return dict(answer)

    async def _with_keys(self, use: Callable[[KeySet], Checked]) -> Checked:
        """A key that nobody has seen may be new: look once more, within what `Kept` allows."""
        try:
            return use(await self._keys.get())
        except KeyUnknown:
            return use(await self._keys.renew())

    async def _fetch_metadata(self) -> Metadata:
        found = await fetch_json(f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = Metadata.model_validate(found)
        except ValidationError as error:
            raise ProviderAway("incomplete") from error
        places = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        ends = metadata.end_session_endpoint
        if metadata.issuer != self.config.issuer or not all(map(is_secure, (*places, *([ends] if ends else [])))):
            raise ProviderAway("not the issuer")
        return metadata

    async def _fetch_keys(self) -> KeySet:
        found = await fetch_json((await self._metadata.get()).jwks_uri)
        return public_keys(found)


def public_keys(document: dict[str, Any]) -> KeySet:
    """The keys of a JWK set that can sign in public. Raises ProviderAway when there is none."""
    listed = document.get("keys")
    signing = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and key.get("kty") != "oct" and key.get("use") not in NOT_FOR_SIGNING
    ]
    try:
        return KeySet.import_key_set({"keys": signing})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderAway("no usable keys") from error


def _text(claim: Any) -> str | None:
    return claim if isinstance(claim, str) and 0 < len(claim) <= tokens.SUBJECT_MOST else None
