"""Who is asking: staff by a session, residents by a link, programs by a bearer token.

The types at the end are what a route declares, so that its signature shows who may call it. Roles are separate: a
coordinator is a caseworker too, a manager is neither.
"""

import json
import secrets
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.db import nowhere, transaction
from service.domain import Role, Staff
from service.errors import ForgedForm, LinkUnknown, NotAllowed, NotSignedIn
from service.queries import invitations, municipalities
from service.queries.invitations import Link
from service.resources import Resources
from service.typed import visible

LINK_SESSION_SECONDS = 30 * 60
FORM_SECONDS = 12 * 3600  # as long as a session can last (docs/sources.md, Access)
TOKEN_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # public-key only; `none` and shared secrets never


def resources(request: Request) -> Resources:
    kring: Resources = request.app.state.kring
    return kring


Kring = Annotated[Resources, Depends(resources)]


def _signer(kring: Resources, purpose: str) -> URLSafeTimedSerializer:
    """Signs for one purpose only: what it signed for another is forged here."""
    return URLSafeTimedSerializer(kring.settings.secret.get_secret_value(), salt=purpose)


# --- staff sessions -------------------------------------------------------------------------------------------------


def session_cookie(kring: Resources) -> str:
    """`__Host-` needs https; the demo on plain loopback does without."""
    return "__Host-kring" if kring.settings.secure else "kring"


def link_cookie(kring: Resources) -> str:
    return "__Host-kring-link" if kring.settings.secure else "kring-link"


def hash_key(key: str) -> bytes:
    return sha256(key.encode()).digest()


async def start_session(kring: Resources, staff: Staff, old_key: str | None) -> str:
    """A new random key at every sign-in; the old session, if any, ends."""
    if old_key:  # it may be of another municipality, so it is looked up like any other
        await end_session(kring, old_key)
    key = secrets.token_urlsafe(32)
    async with transaction(kring.pool, staff.municipality) as conn:
        await municipalities.insert_session(conn, staff, hash_key(key))
    return key


async def end_session(kring: Resources, key: str) -> None:
    async with nowhere(kring.pool) as conn:
        municipality = await municipalities.session_municipality(conn, hash_key(key))
    if municipality is not None:
        async with transaction(kring.pool, municipality) as conn:
            await municipalities.delete_session(conn, hash_key(key))


async def maybe_staff(request: Request, kring: Kring) -> Staff | None:
    """Whoever is signed in, looked up once a request."""
    if not hasattr(request.state, "staff"):
        request.state.staff = await _staff_of(kring, request.cookies.get(session_cookie(kring)))
    staff: Staff | None = request.state.staff
    return staff


async def _staff_of(kring: Resources, key: str | None) -> Staff | None:
    if not key:
        return None
    async with nowhere(kring.pool) as conn:
        municipality = await municipalities.session_municipality(conn, hash_key(key))
    if municipality is None:
        return None
    async with transaction(kring.pool, municipality) as conn:
        await municipalities.touch_session(conn, hash_key(key))
        return await municipalities.session_staff(conn, hash_key(key))


async def signed_in(staff: Annotated[Staff | None, Depends(maybe_staff)]) -> Staff:
    if staff is None:
        raise NotSignedIn
    return staff


class RoleNeeded:
    """A dependency that lets through staff with one of `roles`."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, staff: Annotated[Staff, Depends(signed_in)]) -> Staff:
        if not self.roles & staff.roles:
            raise NotAllowed
        return staff


# --- residents' links -----------------------------------------------------------------------------------------------


async def find_link(kring: Resources, token_hash: bytes) -> Link:
    """Raises LinkUnknown: unknown, used up and expired get one and the same answer."""
    async with nowhere(kring.pool) as conn:
        municipality = await invitations.link_municipality(conn, token_hash)
    if municipality is None:
        raise LinkUnknown
    async with transaction(kring.pool, municipality) as conn:
        link = await invitations.link(conn, token_hash)
    if link is None:
        raise LinkUnknown
    return link


def link_session(kring: Resources, token_hash: bytes) -> str:
    """The short session a link is exchanged for: signed, half an hour, and no row, since opening changes nothing."""
    return _signer(kring, "link-session").dumps(token_hash.hex())


async def link_holder(request: Request, kring: Kring) -> Link:
    cookie = request.cookies.get(link_cookie(kring), "")
    try:
        token_hash = bytes.fromhex(_signer(kring, "link-session").loads(cookie, max_age=LINK_SESSION_SECONDS))
    except BadSignature as error:
        raise LinkUnknown from error
    return await find_link(kring, token_hash)


# --- forms ----------------------------------------------------------------------------------------------------------


def _visitor(request: Request, kring: Resources) -> str:
    """What a form is bound to: the session it was shown in, as a hash."""
    cookies = request.cookies.get(session_cookie(kring), "") + "|" + request.cookies.get(link_cookie(kring), "")
    return sha256(cookies.encode()).hexdigest()


def form_token(request: Request, kring: Resources) -> str:
    """The hidden field `csrf` of every form."""
    return _signer(kring, "form").dumps(_visitor(request, kring))


def from_this_site(request: Request) -> bool:
    """Whether a page of ours sent this, as far as the browser says; an old one says nothing."""
    return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


async def check_form(request: Request, kring: Kring) -> None:
    """Raises ForgedForm unless the form was shown to this session and sent from this site.

    A visitor without a session has nothing to forge with but the sign-in itself; `Sec-Fetch-Site` guards that one.
    """
    if not from_this_site(request):
        raise ForgedForm
    sent = (await request.form()).get("csrf")
    try:
        bound = _signer(kring, "form").loads(sent if isinstance(sent, str) else "", max_age=FORM_SECONDS)
    except BadSignature as error:
        raise ForgedForm from error
    if not secrets.compare_digest(bound, _visitor(request, kring)):
        raise ForgedForm


# --- programs -------------------------------------------------------------------------------------------------------


async def token_staff(request: Request, kring: Kring) -> Staff:
    """Staff on whose behalf a program calls the API: `iss`, `aud`, `exp`, the municipality's slug and a subject.

    Raises NotSignedIn whatever is wrong with the token: the difference is nobody's business.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    settings = kring.settings
    if scheme.lower() != "bearer" or settings.api_keys_file is None or settings.api_issuer is None:
        raise NotSignedIn
    try:
        # read each time: a key that was rotated counts from now on, without a restart
        keys = KeySet.import_key_set(json.loads(settings.api_keys_file.read_text()))
        claims = jwt.decode(token, keys, algorithms=TOKEN_ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": settings.api_issuer},
            aud={"essential": True, "value": settings.api_audience},
            exp={"essential": True},
            sub={"essential": True},
            municipality={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError) as error:
        raise NotSignedIn from error
    slug, subject = str(claims["municipality"]), str(claims["sub"])
    if visible(slug + subject) != slug + subject:  # never looked up as somebody else
        raise NotSignedIn
    async with nowhere(kring.pool) as conn:
        municipality = await municipalities.municipality_by_slug(conn, slug)
    if municipality is None:
        raise NotSignedIn
    async with transaction(kring.pool, municipality.id) as conn:
        staff = await municipalities.staff_by_subject(conn, subject)
    if staff is None:
        raise NotSignedIn
    if "hulpvragen" not in str(claims.get("scope", "")).split():
        raise NotAllowed
    return staff


async def token_caseworker(staff: Annotated[Staff, Depends(token_staff)]) -> Staff:
    if not staff.is_caseworker:
        raise NotAllowed
    return staff


# --- what a route declares ------------------------------------------------------------------------------------------

Visitor = Annotated[Staff | None, Depends(maybe_staff)]
NamesVisitor = Depends(maybe_staff)
"""For a page that is the same for everybody, under a header that says who is signed in."""
Caseworker = Annotated[Staff, Depends(RoleNeeded(Role.CASEWORKER, Role.COORDINATOR))]
Coordinator = Annotated[Staff, Depends(RoleNeeded(Role.COORDINATOR))]
Manager = Annotated[Staff, Depends(RoleNeeded(Role.MANAGER))]
LinkHolder = Annotated[Link, Depends(link_holder)]
TokenHolder = Annotated[Staff, Depends(token_staff)]
TokenCaseworker = Annotated[Staff, Depends(token_caseworker)]
SafeForm = Depends(check_form)
