"""Attempts to sign in that are under way, and sessions that end for another reason than their own."""

from dataclasses import dataclass

from service.db import Connection
from service.domain import MunicipalityId, StaffId
from service.queries.rows import maybe


@dataclass(frozen=True, slots=True)
class Remembered:
    nonce: str
    code_verifier: str
    onward: str


async def insert_attempt(
    conn: Connection,
    municipality: MunicipalityId,
    *,
    state_hash: bytes,
    browser_hash: bytes,
    nonce: str,
    code_verifier: str,
    onward: str,
) -> None:
    await conn.execute(
        """
        insert into kring.sign_in (state_hash, municipality_id, browser_hash, nonce, code_verifier, onward)
        values ($1, $2, $3, $4, $5, $6)
        """,
        state_hash, municipality, browser_hash, nonce, code_verifier, onward,
    )  # fmt: skip


async def take_attempt(conn: Connection, *, state_hash: bytes, browser_hash: bytes) -> Remembered | None:
    """Once: the row is gone with the answer."""
    return maybe(
        Remembered,
        await conn.fetchrow(
            """
            delete from kring.sign_in
            where state_hash = $1 and browser_hash = $2 and created_at > now() - interval '10 minutes'
            returning nonce, code_verifier, onward
            """,
            state_hash, browser_hash,
        ),
    )  # fmt: skip


async def forget_attempts(conn: Connection) -> None:
    """Those that nobody came back from."""
    await conn.execute("delete from kring.sign_in where created_at <= now() - interval '10 minutes'")


async def forget_sessions(conn: Connection) -> None:
    """Those that ended by themselves: the same limits as `kring.session_municipality`."""
    await conn.execute(
        """
        delete from kring.staff_session
        where seen_at <= now() - interval '30 minutes' or created_at <= now() - interval '12 hours'
        """
    )


async def end_sessions_of(conn: Connection, staff: StaffId) -> None:
    await conn.execute("delete from kring.staff_session where staff_id = $1", staff)


async def end_provider_session(conn: Connection, provider_session: str) -> list[StaffId]:
    """Whose sessions ended."""
    ended = await conn.fetch(
        "delete from kring.staff_session where provider_session = $1 returning staff_id", provider_session
    )
    return [StaffId(record["staff_id"]) for record in ended]


async def end_sessions_of_subject(conn: Connection, subject: str) -> list[StaffId]:
    """Whose sessions ended."""
    ended = await conn.fetch(
        """
        delete from kring.staff_session k using kring.staff s
        where s.id = k.staff_id and s.subject = $1 returning k.staff_id
        """,
        subject,
    )
    return [StaffId(record["staff_id"]) for record in ended]
