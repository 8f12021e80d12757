"""Signing in with the municipality's own provider: what is remembered on the way, and what the provider's word gives.

Roles come from the provider and from nowhere else. They are read at every sign-in and every call of the API; who has
none any more loses what Kring remembered, and every session. Between two sign-ins Kring does not ask again: a session
lasts twelve hours at most, and a provider that cannot wait ends it itself (`ended_by_provider`).
"""

from hashlib import sha256
from typing import Final

from service import audit
from service.audit import Action, Actor
from service.db import Connection
from service.domain import MunicipalityId, Staff, StaffId
from service.errors import SignInExpired
from service.oidc.provider import Attempt, Person
from service.queries import municipalities, sign_ins

START: Final = "/"
ONWARD_MOST: Final = 300  # characters, as the database has it
NAMELESS: Final = "Medewerker"
NOT_IN_ADDRESS: Final = frozenset('\\ "<>')
NOT_ONWARD: Final = ("/aanmelden", "/afmelden", "/api/", "/static/")


def onward_path(asked: str) -> str:
    """The page to go to afterwards when it is one of ours, else the start: never an address of somebody else's choice.

    Browsers read `//host`, `/\\host` and a tab after the first slash as another site.
    """
    ours = (
        asked.startswith("/")
        and not asked.startswith(("//", *NOT_ONWARD))
        and len(asked) <= ONWARD_MOST
        and asked.isascii()
        and asked.isprintable()
        and not set(asked) & NOT_IN_ADDRESS
    )
    return asked if ours else START


async def remember(conn: Connection, municipality: MunicipalityId, attempt: Attempt, browser: str, onward: str) -> None:
    """Keep `attempt` for ten minutes, for the visitor whose cookie holds `browser`, who wants to go to `onward`."""
    await sign_ins.forget_attempts(conn)
    await sign_ins.insert_attempt(
        conn,
        municipality,
        state_hash=_hash(attempt.state),
        browser_hash=_hash(browser),
        nonce=attempt.nonce,
        code_verifier=attempt.code_verifier,
        onward=onward_path(onward),
    )


async def recall(conn: Connection, state: str, browser: str) -> tuple[Attempt, str]:
    """The attempt that this visitor comes back from, and where to go then; once, whatever comes of it.

    Raises SignInExpired for one that is unknown, too old, used, or somebody else's: all the same to who asks.
    """
    found = await sign_ins.take_attempt(conn, state_hash=_hash(state), browser_hash=_hash(browser))
    if found is None:
        raise SignInExpired("unknown_state")
    return Attempt(state, found.nonce, found.code_verifier), found.onward


async def known_as(conn: Connection, municipality: MunicipalityId, person: Person) -> Staff | None:
    """The staff account of `person`, with the roles that the provider gives now; None without a role.

    Nobody gets an account for having none. Who had one keeps it, empty, because things were done in that name, and
    every session of it ends.
    """
    known = await municipalities.staff_by_subject(conn, person.subject)
    if not person.roles:
        if known is not None:
            await _put(conn, municipality, person, known.name)
            await sign_ins.end_sessions_of(conn, known.id)
        return None
    name = person.name or (known.name if known else NAMELESS)
    if known is None or (known.name, known.roles) != (name, person.roles):
        await _put(conn, municipality, person, name)
        known = await municipalities.staff_by_subject(conn, person.subject)
    return known


async def _put(conn: Connection, municipality: MunicipalityId, person: Person, name: str) -> None:
    await municipalities.put_staff(conn, municipality, subject=person.subject, name=name, roles=sorted(person.roles))


async def signed_in(conn: Connection, staff: Staff, address: str | None) -> None:
    """Note that somebody came in."""
    await sign_ins.forget_sessions(conn)
    await _note(conn, staff.municipality, staff.id, address, Action.SIGN_IN_DONE)


async def signed_out(conn: Connection, staff: Staff, address: str | None) -> None:
    """Note that somebody left."""
    await _note(conn, staff.municipality, staff.id, address, Action.SIGN_OUT_DONE)


async def refused(conn: Connection, municipality: MunicipalityId, address: str | None, detail: str) -> None:
    """Note that somebody did not get in; who it was is not known, or not believed."""
    actor = Actor("staff", None, "page", address)
    await audit.record(
        conn, municipality, actor, Action.SIGN_IN_REFUSED,
        object_kind="sign_in", object_id="", result="refused", detail=detail,
    )  # fmt: skip


async def ended_by_provider(
    conn: Connection, municipality: MunicipalityId, *, session: str | None, subject: str | None
) -> None:
    """End one session of the provider's, or all of a person when it names no session."""
    if session is not None:
        ended = await sign_ins.end_provider_session(conn, session)
    else:
        ended = [] if subject is None else await sign_ins.end_sessions_of_subject(conn, subject)
    for staff in ended:
        await _note(conn, municipality, staff, None, Action.SIGN_OUT_DONE, detail="by_provider")


async def _note(
    conn: Connection,
    municipality: MunicipalityId,
    staff: StaffId,
    address: str | None,
    action: Action,
    detail: str | None = None,
) -> None:
    actor = Actor("staff", staff, "page", address)
    await audit.record(conn, municipality, actor, action, object_kind="staff", object_id=str(staff), detail=detail)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
