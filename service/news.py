"""What is new in the drafts since the run before the last one: which groups a coordinator has seen already."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from service.db import Connection
from service.domain import ProposalId
from service.queries import proposal_changes as rows
from service.queries.proposals import Proposal

SAME_FROM = 0.5
"""From this share of its people on, a group is an earlier one that changed: most of them were together before."""


class Seen(StrEnum):
    """What a draft is to somebody who read the drafts of the run before."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    KEPT = "kept"  # of an earlier run: somebody worked on it, so no run replaces it


@dataclass(frozen=True, slots=True)
class News:
    """`came` and `went`: how many people differ from the group it was."""

    seen: Seen
    came: int = 0
    went: int = 0


async def compare(conn: Connection, drafts: Collection[Proposal]) -> dict[ProposalId, News]:
    """Each draft beside the groups of the run before the one that made it; nothing when there was only one run."""
    done = await rows.last_runs(conn)
    if len(done) < 2:
        return {}
    last, earlier = done
    made = await rows.groups_of_run(conn, last)
    before = list((await rows.groups_of_run(conn, earlier)).values())
    return {
        draft.id: news(made.get(draft.id, frozenset()), before) if draft.run_id == last else News(Seen.KEPT)
        for draft in drafts
    }


def news(now: frozenset[UUID], before: Collection[frozenset[UUID]]) -> News:
    """The group beside the one of `before` that it shares most people with; the nearest in size of equals."""
    best = max(before, key=lambda group: (len(now & group), -len(group)), default=frozenset[UUID]())
    if not now or len(now & best) < SAME_FROM * len(now):
        return News(Seen.NEW)
    came, went = len(now - best), len(best - now)
    return News(Seen.CHANGED if came or went else Seen.SAME, came, went)
