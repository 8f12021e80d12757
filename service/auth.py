"""Who is asking: staff by a session, residents by a link, programs by a bearer token.

The types at the end are what a route declares, so that its signature shows who may call it. Roles are separate: a
coordinator is a caseworker too, a manager is neither.
"""

import secrets
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from service import sign_in
from service.db import Connection, nowhere, transaction
from service.domain import Role, Staff
from service.errors import ForgedForm, LinkUnknown, NotAllowed, NotSignedIn, ProviderUnavailable
from service.oidc.documents import ProviderAway
from service.oidc.registry import Program, Providers
from service.oidc.tokens import TokenInvalid
from service.queries import invitations, municipalities
from service.queries.invitations import Link
from service.resources import Resources

LINK_SESSION_SECONDS = 30 * 60
FORM_SECONDS = 12 * 3600  # as long as a session can last (docs/sources.md, Access)
API_SCOPE = "hulpvragen"


def resources(request: Request) -> Resources:
    kring: Resources = request.app.state.kring
    return kring


Kring = Annotated[Resources, Depends(resources)]


def providers(request: Request) -> Providers:
    found: Providers = request.app.state.providers
    return found


Identity = Annotated[Providers, Depends(providers)]


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
    async with transaction(kring.pool, staff.municipality) as conn:
        return await new_session(conn, staff)


async def new_session(conn: Connection, staff: Staff, provider_session: str | None = None) -> str:
    """The key that goes into the cookie. `provider_session`: what the provider calls this session."""
    key = secrets.token_urlsafe(32)
    await municipalities.insert_session(conn, staff, hash_key(key), provider_session=provider_session)
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


async def token_staff(request: Request, kring: Kring, known: Identity) -> Staff:
    """Staff on whose behalf a program calls the API, by an access token of a provider or of the key file.

    Raises NotSignedIn whatever is wrong with the token: the difference is nobody's business. Raises NotAllowed for a
    good one that is not for this, and ProviderUnavailable when nobody can tell.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn
    try:
        program = await known.program(token)
    except TokenInvalid as error:
        raise NotSignedIn from error
    except ProviderAway as error:
        raise ProviderUnavailable from error
    staff = await _staff_behind(kring, program)
    if API_SCOPE not in program.scopes:
        raise NotAllowed
    return staff


async def _staff_behind(kring: Resources, program: Program) -> Staff:
    """Raises NotSignedIn for who is unknown, and NotAllowed for who has no role."""
    async with nowhere(kring.pool) as conn:
        municipality = await municipalities.municipality_by_slug(conn, program.municipality)
    if municipality is None:
        raise NotSignedIn
    async with transaction(kring.pool, municipality.id) as conn:
        if program.names_roles:
            staff = await sign_in.known_as(conn, municipality.id, program.person)
        else:
            staff = await municipalities.staff_by_subject(conn, program.person.subject)
            if staff is None:
                raise NotSignedIn
    if staff is None:
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
