"""The one place where a token is believed: ID tokens, access tokens and logout tokens, all as JWT.

A token is first opened (signature, algorithm, key, `typ`), then its claims are checked for what it is to be used as.
The rules are those of OpenID Connect Core 3.1.3.7, RFC 9068 (access tokens), Back-Channel Logout 2.6 and RFC 8725 (best
current practice): public-key algorithms by our own list, and never one kind of token in the place of another.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from service.typed import one_line

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Public-key only: with `none` or a shared secret, whoever can read our settings or the provider's keys could sign."""
LEEWAY: Final = 60  # seconds that two clocks may differ
LOGOUT_SECONDS: Final = 600  # how old a logout token can be; they are sent at once, and again after a failure
TOKEN_MOST: Final = 16_000  # characters; tokens with a hundred roles have half of it
SUBJECT_MOST: Final = 255  # characters (OpenID Connect Core, section 2)
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
ID_TYPES: Final = frozenset({"", "jwt"})
ACCESS_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
LOGOUT_TYPES: Final = frozenset({"", "jwt", "logout+jwt", "application/logout+jwt"})

Claims = dict[str, Any]


class TokenInvalid(Exception):
    """`code` says what is wrong, for the audit trail; whoever sent the token is told no difference."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KeyUnknown(TokenInvalid):
    """Signed with a key that is not among those known: perhaps it is newer."""


def payload(token: str) -> bytes:
    """The middle part, unchecked. Raises ValueError."""
    _, body, _ = token.split(".")
    return urlsafe_b64decode(body.encode("ascii") + b"==")


def open_token(token: str, keys: KeySet, types: frozenset[str]) -> jwt.Token:
    """The token when one of `keys` signed it. Raises TokenInvalid, or KeyUnknown when it names another key.

    `types`: the values of `typ` that are right for what the token is to be used as, in lower case.
    """
    if len(token) > TOKEN_MOST:
        raise TokenInvalid("too_long")
    try:
        opened = jwt.decode(token, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))
    except InvalidKeyIdError as error:
        raise KeyUnknown("unknown_key") from error
    except JoseError as error:
        raise TokenInvalid(error.error) from error
    except (ValueError, TypeError, KeyError) as error:  # what is not a JWT at all, in as many ways as there are
        raise TokenInvalid("malformed") from error
    kind = opened.header.get("typ", "")
    if not isinstance(kind, str) or kind.lower() not in types:
        raise TokenInvalid("wrong_type")
    return opened


def id_claims(opened: jwt.Token, *, issuer: str, client_id: str, nonce: str, access_token: str | None) -> Claims:
    """Who signed in: `iss`, `aud`, `azp`, `exp`, `iat`, `nonce`, and `at_hash` where there is one."""
    claims = CodeIDToken(
        opened.claims,
        opened.header,
        {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
        {"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    return _checked(opened.claims, lambda: claims.validate(leeway=LEEWAY))


def access_claims(opened: jwt.Token, *, issuer: str, audience: str) -> Claims:
    """On whose behalf a program calls the API: `iss`, `aud`, `exp`, `nbf`, `iat`, `sub`."""
    registry = JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )
    return _checked(opened.claims, lambda: registry.validate(opened.claims))


def logout_claims(opened: jwt.Token, *, issuer: str, client_id: str, now: int) -> Claims:
    """Whose sessions end: by `sid`, else by `sub`. `now`: seconds since 1970."""
    registry = JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        iat={"essential": True},
    )
    claims = opened.claims
    events = claims.get("events")
    if "nonce" in claims or not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise TokenInvalid("no_logout_event")
    _checked(claims, lambda: registry.validate(claims), subject="sub" in claims or "sid" not in claims)
    if claims["iat"] < now - LOGOUT_SECONDS:
        raise TokenInvalid("too_old")
    return claims


def _checked(claims: Claims, validate: Callable[[], None], *, subject: bool = True) -> Claims:
    try:
        validate()
    except ClaimError as error:
        raise TokenInvalid(f"{error.error}:{error.claim}") from error
    except JoseError as error:
        raise TokenInvalid(error.error) from error
    except (ValueError, TypeError, KeyError) as error:  # a claim of a type that nobody expects
        raise TokenInvalid("malformed") from error
    if subject and not is_subject(claims.get("sub")):
        raise TokenInvalid("invalid_claim:sub")
    return claims


def is_subject(claim: Any) -> bool:
    """Whether this can name one person: text of a fair length, in which nothing is hidden."""
    return isinstance(claim, str) and 0 < len(claim) <= SUBJECT_MOST and one_line(claim) == claim
