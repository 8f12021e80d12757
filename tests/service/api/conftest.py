"""The API with a signing key of its own: tokens are made and checked as a municipality's identity provider would."""

import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from service.resources import Resources
from tests.app import App, running

ISSUER = "https://inloggen.waterdam.example"
Sign = Callable[..., str]


@pytest.fixture(scope="session")
def signing_key() -> ECKey:
    return ECKey.generate_key("P-256", parameters={"kid": "test"})


@pytest.fixture
def sign(signing_key: ECKey) -> Sign:
    """A token that is accepted as it stands; keyword arguments change its claims, None leaves one out."""

    def make(subject: str = "caseworker", key: Any = signing_key, alg: str = "ES256", **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": "kring",
            "exp": int(time.time()) + 300,
            "sub": subject,
            "municipality": "waterdam",
            "scope": "hulpvragen",
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": "test"}, kept, key, algorithms=[alg])

    return make


@pytest.fixture
async def api(kring: Resources, signing_key: ECKey, tmp_path: Path) -> AsyncIterator[App]:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KeySet([signing_key]).as_dict(private=False)))
    settings = kring.settings.model_copy(update={"api_issuer": ISSUER, "api_keys_file": keys})
    async with running(Resources(settings, kring.pool, kring.queue, kring.vault)) as started:
        yield started
