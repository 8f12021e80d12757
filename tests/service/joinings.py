"""Places in a platform that is there: a draft that offers them, as a run would store it, and its approval."""

from datetime import UTC, datetime, timedelta

import numpy as np

from models.encoder import Vector
from models.plan import Code, Joining, Reason
from service import joining, proposals
from service.db import transaction
from service.domain import InvitationId, PlatformId, ProposalId, Staff
from service.queries import needs as need_rows
from service.queries import runs
from service.resources import Resources
from tests import factories
from tests.factories import Invited, Submitted

CLOSE = Reason(Code.CLOSE_TO_OTHERS, {"count": 5, "size": 6})


def joining_of(platform: PlatformId, *people: Submitted) -> Joining:
    members = tuple(str(one.need) for one in people)
    return Joining(str(platform), members, dict.fromkeys(members, (CLOSE,)))


async def store(kring: Resources, staff: Staff, *joinings: Joining) -> tuple[Joining, ...]:
    """Store what a run would have answered: earlier drafts that nobody touched make room; what got a draft."""
    run = await factories.claimed_run(kring, staff)
    async with transaction(kring.pool, staff.municipality) as conn:
        await proposals.proposals.supersede_untouched(conn)
        still = {str(row.id): row for row in await need_rows.pool(conn)}
        stored = await joining.store_joinings(conn, staff.municipality, run.id, joinings, still)
        await runs.finish_run(
            conn, run.id, run.attempt, encoder="handmade", needs=len(still), grouped=0, close_from=0.5
        )
    return stored


async def draft_of(kring: Resources, staff: Staff, platform: PlatformId) -> ProposalId:
    async with transaction(kring.pool, staff.municipality) as conn:
        return ProposalId(
            await conn.fetchval("select id from kring.proposal where platform_id = $1 and state = 'draft'", platform)
        )


async def offered(kring: Resources, staff: Staff, platform: PlatformId, *people: Submitted) -> ProposalId:
    """A draft that offers these people a place."""
    assert len(await store(kring, staff, joining_of(platform, *people))) == 1
    return await draft_of(kring, staff, platform)


async def approve(kring: Resources, staff: Staff, proposal: ProposalId) -> int:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await joining.approve_joining(conn, staff, proposal, link_days=kring.settings.link_days)


async def asked(kring: Resources, staff: Staff, platform: PlatformId, *people: Submitted) -> Invited:
    """These people invited to join, nothing answered yet."""
    proposal = await offered(kring, staff, platform, *people)
    await approve(kring, staff, proposal)
    async with transaction(kring.pool, staff.municipality) as conn:
        records = await conn.fetch("select id, resident_id from kring.invitation where proposal_id = $1", proposal)
    of_resident = {record["resident_id"]: InvitationId(record["id"]) for record in records}
    return Invited(proposal, people, tuple(of_resident[one.resident] for one in people))


async def alike(kring: Resources, staff: Staff, *people: Submitted) -> None:
    """Give these needs one and the same vector, of an encoder made by hand."""
    vector = Vector("handmade", np.array([1.0, 0.0], dtype=np.float32))
    async with transaction(kring.pool, staff.municipality) as conn:
        await need_rows.put_vectors(conn, {one.need: vector for one in people})


def in_two_weeks() -> datetime:
    return datetime.now(UTC) + timedelta(days=14)
