"""The audit trail: who did what to which object, from where, with what result, when (NEN 7513; docs/sources.md).

Never content: an entry holds codes and ids, and the database refuses anything that is not one. Reading leaves an entry
as changing does. The rows of a municipality are chained by hash when their transaction commits (revision 0012), so that
a row that is changed, removed or put elsewhere shows: `verify`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal
from uuid import UUID

from service.db import Connection
from service.domain import MunicipalityId, ResidentId, Staff
from service.queries import audit as rows
from service.queries.audit import Chain, Entry


class Action(StrEnum):
    """What can be done. A new thing gets a word here, in alphabetical order, and in `service.wording` for residents."""

    ACCESS_REFUSED = "access.refused"
    AUDIT_PURGED = "audit.purged"
    AUDIT_READ = "audit.read"
    CONSENT_GIVEN = "consent.given"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONTACT_READ = "contact.read"
    CORRECTION_DECIDED = "correction.decided"
    INVITATION_ANSWERED = "invitation.answered"
    KEYS_ROTATED = "keys.rotated"
    MUNICIPALITY_EXPORTED = "municipality.exported"
    NEED_DANGER_REMINDED = "need.danger_reminded"
    NEED_HIT_OVERRULED = "need.hit_overruled"
    NEED_LISTED = "need.listed"
    NEED_READ = "need.read"
    NEED_SUBMITTED = "need.submitted"
    NEED_WITHDRAWN = "need.withdrawn"
    OWN_DATA_CHANGED = "own_data.changed"
    OWN_DATA_EXPORTED = "own_data.exported"
    OWN_DATA_READ = "own_data.read"
    OWN_LINK_MADE = "own_link.made"
    PLATFORM_CHANGED = "platform.changed"
    PLATFORM_LEFT = "platform.left"
    PLATFORM_LISTED = "platform.listed"
    PLATFORM_READ = "platform.read"
    PROPOSAL_APPROVED = "proposal.approved"
    PROPOSAL_CHANGED = "proposal.changed"
    PROPOSAL_LISTED = "proposal.listed"
    PROPOSAL_READ = "proposal.read"
    PROPOSAL_REJECTED = "proposal.rejected"
    RELEASE_EXPORTED = "release.exported"
    RELEASE_MADE = "release.made"
    RELEASE_READ = "release.read"
    RESIDENT_ERASED = "resident.erased"
    RESIDENT_EXPORTED = "resident.exported"
    RETENTION_APPLIED = "retention.applied"
    RUN_LISTED = "run.listed"
    RUN_READ = "run.read"
    RUN_STARTED = "run.started"
    SIGN_IN_DONE = "sign_in.done"
    SIGN_IN_REFUSED = "sign_in.refused"
    SIGN_OUT_DONE = "sign_out.done"
    START_READ = "start.read"
    THEME_CHANGED = "theme.changed"
    THEME_LISTED = "theme.listed"
    THEME_READ = "theme.read"
    WAITING_LISTED = "waiting.listed"


Result = Literal["done", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where. `address`: the network address of staff, never of a resident."""

    kind: Literal["staff", "resident", "program", "worker", "operator"]
    id: UUID | None
    origin: Literal["page", "api", "link", "worker", "command"]
    address: str | None = None

    @classmethod
    def of_staff(cls, staff: Staff, origin: Literal["page", "api"], address: str | None) -> "Actor":
        return cls("staff" if origin == "page" else "program", staff.id, origin, address)

    @classmethod
    def of_resident(cls, resident: ResidentId) -> "Actor":
        """Somebody who came with a personal link."""
        return cls("resident", resident, "link")


WORKER = Actor("worker", None, "worker")
OPERATOR = Actor("operator", None, "command")
"""Whoever may use the command line of the server: the municipality's own administration says who that is."""


async def record(
    conn: Connection,
    municipality: MunicipalityId,
    actor: Actor,
    action: Action,
    *,
    object_kind: str,
    object_id: str,
    resident: ResidentId | None = None,
    result: Result = "done",
    detail: str | None = None,
) -> None:
    """Write one entry, in the transaction of what it tells of: both are stored, or neither.

    `object_id` is an id or a reference, `detail` a code of at most 80 of `a-z0-9_.:-`; the database refuses all else.
    """
    await record_each(
        conn,
        municipality,
        actor,
        action,
        object_kind=object_kind,
        object_id=object_id,
        residents=[resident],
        result=result,
        detail=detail,
    )


async def record_each(
    conn: Connection,
    municipality: MunicipalityId,
    actor: Actor,
    action: Action,
    *,
    object_kind: str,
    object_id: str,
    residents: Iterable[ResidentId | None],
    result: Result = "done",
    detail: str | None = None,
) -> None:
    """One entry for each resident whose details were shown or changed; None stands for the object as such."""
    await rows.insert(
        conn,
        municipality,
        actor_kind=actor.kind,
        actor_id=actor.id,
        origin=actor.origin,
        address=actor.address,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        residents=list(dict.fromkeys(residents)),
        result=result,
        detail=detail,
    )


def digest(entry: Entry, before: bytes) -> bytes:
    """The hash of an entry chained to the hash `before` it; the same bytes as `kring.audit_hash` in the database.

    Written again here, so that verifying does not trust the database that is verified.
    """
    fields = (
        entry.seq,
        entry.id,
        entry.municipality_id,
        _microseconds(entry.at),
        entry.actor_kind,
        entry.actor_id,
        entry.origin,
        entry.address,
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.resident_id,
        entry.result,
        entry.detail,
    )
    return sha256(before + b"".join(_field(value) for value in fields)).digest()


def _field(value: object) -> bytes:
    if value is None:
        return b"-,"
    encoded = str(value).encode()
    return b"%d:%b," % (len(encoded), encoded)


def _microseconds(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of a chain as it was written down elsewhere: `SEQ:HASH`, with the hash in hex."""

    seq: int
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """Raises ValueError for anything but `SEQ:HASH`."""
        seq, _, hexadecimal = text.partition(":")
        return cls(int(seq), bytes.fromhex(hexadecimal))

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries were read, what is wrong with them, and where the chain ends now."""

    count: int
    problems: tuple[str, ...]
    end: Anchor


PROBLEMS_MOST = 20  # a chain that is broken this often is broken


async def end(conn: Connection, municipality: MunicipalityId) -> Anchor:
    """Where the chain of a municipality ends now: what to write down elsewhere."""
    chain = await rows.chain(conn, municipality)
    return Anchor(0, b"") if chain is None else Anchor(chain.last_seq, chain.last_hash)


async def verify(conn: Connection, municipality: MunicipalityId, anchor: Anchor | None = None) -> Verified:
    """Read the whole chain of a municipality and recompute it.

    Finds a row that was changed, removed, added past the chain or put elsewhere, also at its end. Who owns the database
    can make a whole new chain; that shows only against an `anchor` that was kept elsewhere (the worker logs one each
    night). Expects a transaction of this municipality.
    """
    chain = await rows.chain(conn, municipality) or Chain(1, b"", 0, b"")
    checking = _Checking(chain, anchor)
    async for entry in rows.entries(conn, municipality):
        checking.see(entry)
        if len(checking.problems) >= PROBLEMS_MOST:
            break
    else:
        checking.end()
    for outside in await rows.unchained(conn, municipality):
        checking.problems.append(f"entry {outside} stands outside the chain")
    return Verified(checking.count, tuple(checking.problems[:PROBLEMS_MOST]), Anchor(chain.last_seq, chain.last_hash))


class _Checking:
    """Walks the chain entry by entry. After a problem it goes on from what the entry says of itself."""

    def __init__(self, chain: Chain, anchor: Anchor | None) -> None:
        self.chain = chain
        self.anchor = anchor
        self.before = chain.first_hash
        self.expected = chain.first_seq
        self.count = 0
        self.problems: list[str] = []
        self._look_at_start()

    def _look_at_start(self) -> None:
        if self.anchor is not None and self.anchor.seq == self.chain.first_seq - 1:
            self._look_at_anchor(self.anchor.seq, self.chain.first_hash)

    def see(self, entry: Entry) -> None:
        self.count += 1
        if entry.seq != self.expected:
            missing = f"{self.expected}" if entry.seq == self.expected + 1 else f"{self.expected} to {entry.seq - 1}"
            self.problems.append(f"entry {missing} is missing")
        elif digest(entry, self.before) != entry.hash:
            self.problems.append(f"entry {entry.seq} was changed, or does not follow the one before it")
        self._look_at_anchor(entry.seq, entry.hash)
        self.before, self.expected = entry.hash, entry.seq + 1

    def _look_at_anchor(self, seq: int, found: bytes) -> None:
        if self.anchor is not None and self.anchor.seq == seq and self.anchor.hash != found:
            self.problems.append(f"entry {seq} is not the one that was written down")

    def end(self) -> None:
        if (self.expected - 1, self.before) != (self.chain.last_seq, self.chain.last_hash):
            self.problems.append(f"the chain ends at entry {self.expected - 1}, and should at {self.chain.last_seq}")
        if self.anchor is not None and self.anchor.seq > self.chain.last_seq:
            self.problems.append(f"entry {self.anchor.seq} was written down, and is not there")
