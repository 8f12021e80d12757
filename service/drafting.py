"""Drafts laid side by side, so that a change can be judged before it is made: `models.effects` on stored needs.

The web process judges changes too, so nothing heavy is loaded for it: the vectors of an encoder are stored with the
needs, and only for the one that ships with Kring is the encoder itself asked what of them may be compared.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from models.bounds import Pool
from models.bundled import bundled
from models.effects import Effect, Standing, Terms, change, fits, kinship, likeness, standing
from models.encoder import Vector, Vectors
from models.need import Meeting, Need
from models.plan import Code, MatchSettings, Reason
from models.pool import pool_of
from service.db import Connection
from service.domain import ProposalId
from service.queries import proposal_changes as rows
from service.queries.proposal_changes import Person
from service.queries.proposals import Proposal

SETTINGS = MatchSettings()
"""The bounds that every run uses."""
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SideBySide:
    """`members` holds ids of needs; `person` knows everybody by that id, who was dropped too."""

    pool: Pool
    unread: frozenset[str]
    members: Mapping[ProposalId, frozenset[str]]
    terms: Mapping[ProposalId, Terms]
    person: Mapping[str, Person]

    def standing(self, proposal: ProposalId) -> Standing:
        return standing(self.members[proposal], self.pool, SETTINGS, self.terms[proposal], unread=self.unread)

    def change(self, proposal: ProposalId, *, out: Collection[str] = NOBODY, into: Collection[str] = NOBODY) -> Effect:
        return change(
            self.members[proposal], self.pool, SETTINGS, self.terms[proposal], out=out, into=into, unread=self.unread
        )

    def alike(self, need: str, groups: Mapping[ProposalId, Standing]) -> list[ProposalId]:
        """The groups in which this person is most at home first."""
        at_home = {one: likeness(need, now, self.pool) for one, now in groups.items()}
        return sorted(groups, key=lambda one: (-at_home[one], one))

    def places_for(self, need: str, groups: Mapping[ProposalId, Standing]) -> Iterator[ProposalId]:
        """Those of them that this person fits in, one by one: nobody needs them all."""
        for one in self.alike(need, groups):
            if fits(groups[one], need, self.pool, SETTINGS, unread=self.unread):
                yield one

    def akin(self, proposal: ProposalId, groups: Mapping[ProposalId, Standing]) -> list[ProposalId]:
        """The groups that are most about the same thing as this one first."""
        here = self.standing(proposal)
        shared = {one: kinship(here, now, self.pool) for one, now in groups.items()}
        return sorted(groups, key=lambda one: (-shared[one], one))

    def need(self, need: str) -> Need:
        return self.pool.needs[self.pool.row[need]]


async def lay_out(conn: Connection, proposals: Sequence[Proposal]) -> SideBySide:
    """These drafts with their people, as they are in this transaction."""
    found = await rows.people(conn, [proposal.id for proposal in proposals])
    person = {str(one.need_id): one for one in found}
    pairs = await rows.apart_among(conn, [one.resident_id for one in person.values()])
    model = _usual_model(list(person.values()))
    level = None if model is None or model == bundled().model_id else await rows.close_from(conn, model)
    needs = _needs(person, pairs)
    pool, unread = await asyncio.to_thread(_pool, needs, person, model, level)
    members: dict[ProposalId, set[str]] = {proposal.id: set() for proposal in proposals}
    for one in found:
        if one.live:
            members[one.proposal_id].add(str(one.need_id))
    return SideBySide(
        pool=pool,
        unread=unread,
        members={proposal: frozenset(ids) for proposal, ids in members.items()},
        terms={proposal.id: terms_of(proposal) for proposal in proposals},
        person=person,
    )


def terms_of(proposal: Proposal) -> Terms:
    """What the engine agreed on for this group; language and way of meeting are in its reasons."""
    told = {reason["code"]: reason["params"] for reason in proposal.reasons}
    language = told.get(Code.SHARED_LANGUAGE, {}).get("language", "nl")
    meeting = Meeting.ONLINE if Code.MEETS_ONLINE in told else Meeting.IN_PERSON
    return Terms(proposal.form, str(language), proposal.daypart, meeting)


def told_reasons(stored: Sequence[Mapping[str, object]]) -> tuple[Reason, ...]:
    """Stored reasons as the engine gave them; one of an older engine, whose codes were others, is left out."""
    known = {code.value for code in Code}
    return tuple(
        Reason(Code(str(reason["code"])), dict(reason["params"]))  # type: ignore[call-overload]
        for reason in stored
        if reason["code"] in known
    )


def _needs(person: Mapping[str, Person], pairs: Sequence[tuple[UUID, UUID]]) -> list[Need]:
    of_resident: dict[UUID, set[str]] = defaultdict(set)
    for need, one in person.items():
        of_resident[one.resident_id].add(need)
    apart: dict[str, set[str]] = defaultdict(set)
    for one_of, other in pairs:
        for need in of_resident[one_of]:
            apart[need] |= of_resident[other]
        for need in of_resident[other]:
            apart[need] |= of_resident[one_of]
    return [
        Need(
            id=need,
            text=one.text,
            perspective=one.perspective,
            age_band=one.age_band,
            lat=one.lat,
            lon=one.lon,
            languages=frozenset(one.languages),
            dayparts=frozenset(one.dayparts),
            meeting=one.meeting,
            reach_km=one.reach_km,
            waiting_days=one.waiting_days,
            topics=one.topics,
            apart=frozenset(apart[need]),
        )
        for need, one in person.items()
    ]


def _usual_model(people: Sequence[Person]) -> str | None:
    """The encoder that made most of the vectors: those of another one cannot be compared with them."""
    models = Counter(one.vector_model for one in people if one.vector_model is not None)
    return min(models, key=lambda model: (-models[model], model), default=None)


def _pool(
    needs: list[Need], person: Mapping[str, Person], model: str | None, level: float | None
) -> tuple[Pool, frozenset[str]]:
    """The needs as the models take them, and who of them has no vector that can be compared."""
    read = {
        need: np.frombuffer(one.vector, dtype="<f4").astype(np.float32)
        for need, one in person.items()
        if one.vector is not None and one.vector_model == model
    }
    ours = model == bundled().model_id
    if not read or (level is None and not ours):
        return Pool.of(needs, np.zeros((len(needs), 1), dtype=np.float32), 1.0), frozenset(person)
    size = next(iter(read.values())).shape
    vectors: dict[str, Vectors] = {need: read.get(need, np.zeros(size, dtype=np.float32)) for need in person}
    unread = frozenset(person) - read.keys()
    if level is not None:
        return Pool.of(needs, np.array([vectors[need.id] for need in needs], dtype=np.float32), level), unread
    return pool_of(needs, bundled(), {need: Vector(bundled().model_id, row) for need, row in vectors.items()}), unread
