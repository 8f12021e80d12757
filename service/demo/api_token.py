"""The demo stands in for a municipality's identity provider: a signing key, and a bearer token to try the API with."""

import json
import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from service.processes import write_private
from service.settings import Settings

TOKEN_SECONDS = 12 * 3600


def public_keys(folder: Path) -> Path:
    """The JWK set that the web process checks tokens with; new at every start, and only the public half."""
    return folder / "api-keys.json"


def write_token(folder: Path, settings: Settings, *, municipality: str, subject: str) -> Path:
    """Make a key and sign one token with it, for `subject`, for twelve hours. The signing half is then forgotten."""
    key = ECKey.generate_key("P-256", parameters={"kid": "demo"})
    write_private(public_keys(folder), json.dumps(KeySet([key]).as_dict(private=False)))
    claims = {
        "iss": settings.api_issuer,
        "aud": settings.api_audience,
        "exp": int(time.time()) + TOKEN_SECONDS,
        "sub": subject,
        "municipality": municipality,
        "scope": "hulpvragen",
    }
    path = folder / "api-token"
    write_private(path, jwt.encode({"alg": "ES256", "kid": "demo"}, claims, key))
    return path
