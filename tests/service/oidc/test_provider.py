"""Keys that come and go: a new one is believed when it is published, one taken away for ten minutes at most."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from service.oidc import tokens
from service.oidc.config import read_providers
from service.oidc.documents import FRESH_SECONDS, RENEW_SECONDS, ProviderAway
from service.oidc.provider import Provider, public_keys
from service.oidc.tokens import KeyUnknown, TokenInvalid, open_token
from tests.service.provider import AUDIENCE, KEYS, IdentityProvider, key_set, make_key, now, providers_file


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(provider: IdentityProvider, tmp_path: Path, clock: Clock) -> Provider:
    return Provider(read_providers(providers_file(tmp_path, provider))["waterdam"], clock)


def _token(provider: IdentityProvider, key: RSAKey, kid: str) -> str:
    claims = {"iss": provider.issuer, "aud": AUDIENCE, "exp": now() + 300, "sub": "s-1"}
    return provider.sign(claims, key=key, kid=kid, typ="at+jwt")


async def test_a_new_key_is_believed_as_soon_as_it_is_published(
    provider: IdentityProvider, known: Provider, clock: Clock
) -> None:
    await known.program(_token(provider, provider.key, "first"))
    second = make_key("second")
    provider.lies[KEYS] = lambda _: key_set(provider.key, second)
    clock.seconds += RENEW_SECONDS
    person, _ = await known.program(_token(provider, second, "second"))
    assert (person.subject, provider.asked[KEYS]) == ("s-1", 2)


async def test_a_key_that_was_taken_away_stops_within_ten_minutes(
    provider: IdentityProvider, known: Provider, clock: Clock
) -> None:
    await known.program(_token(provider, provider.key, "first"))
    provider.lies[KEYS] = lambda _: key_set(make_key("second"))
    clock.seconds += FRESH_SECONDS
    with pytest.raises(KeyUnknown):
        await known.program(_token(provider, provider.key, "first"))


async def test_tokens_can_be_checked_while_the_provider_is_away(
    provider: IdentityProvider, known: Provider, clock: Clock
) -> None:
    await known.program(_token(provider, provider.key, "first"))
    provider.away = True
    clock.seconds += 3600
    assert (await known.program(_token(provider, provider.key, "first")))[0].subject == "s-1"


@pytest.mark.parametrize(
    "document",
    [{}, {"keys": {}}, {"keys": [1]}, {"keys": [{"kty": "RSA"}]}, {"keys": [{"kty": "RSA", "n": 1, "e": []}]}],
)
def test_keys_that_cannot_be_read_are_no_keys(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderAway):
        public_keys(document)


def test_a_key_for_encryption_signs_nothing() -> None:
    encrypting = make_key("e").as_dict(private=False) | {"use": "enc"}
    with pytest.raises(ProviderAway):
        public_keys({"keys": [encrypting]})
    assert len(public_keys({"keys": [encrypting, make_key("s").as_dict(private=False)]}).keys) == 1


# --- opening a token -------------------------------------------------------------------------------------------------

_KEY = ECKey.generate_key("P-256", parameters={"kid": "k"})
_GOOD = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.eyJzdWIiOiJzIn0.AAAA"


@given(st.one_of(st.text(), st.text(alphabet="._-=abcABC019"), st.tuples(st.text(), st.text()).map(_GOOD.join)))
def test_whatever_is_sent_is_invalid_and_nothing_worse(text: str) -> None:
    with pytest.raises(TokenInvalid):
        open_token(text, KeySet([_KEY]), tokens.ACCESS_TYPES)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (make_key("k"), "RS256"),
        (make_key("k"), "PS256"),
        (_KEY, "ES256"),
        (ECKey.generate_key("P-384", parameters={"kid": "k"}), "ES384"),
        (OKPKey.generate_key("Ed25519", parameters={"kid": "k"}), "Ed25519"),
        (OKPKey.generate_key("Ed25519", parameters={"kid": "k"}), "EdDSA"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # EdDSA is an older name of Ed25519
def test_every_algorithm_that_we_say_to_take_is_taken(key: Any, algorithm: str) -> None:
    if isinstance(key, RSAKey):  # made for RS256 alone
        key = RSAKey.import_key({**key.as_dict(private=True), "alg": algorithm})
    signer = IdentityProvider("", 0, make_key("first"))
    token = signer.sign({"sub": "s"}, key=key, alg=algorithm, kid="k")
    assert open_token(token, KeySet([key]), tokens.ACCESS_TYPES).claims == {"sub": "s"}
