"""What became of a need, in the words of its caseworker's pages. Never what the resident answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from models.errors import Param
from service import wording
from service.db import Connection
from service.domain import NeedId, ProposalId, ProposalState
from service.queries import needs, waiting
from service.web import names

FIRST_WORDS = 70  # characters: two lines on a telephone


class Stage(StrEnum):
    WAITING = "waiting"  # no run has looked at it yet
    UNGROUPED = "ungrouped"
    PROPOSED = "proposed"
    GROUP = "group"
    WITHDRAWN = "withdrawn"


SHORT: dict[Stage, str] = {
    Stage.WAITING: "Wacht op zoeken",
    Stage.UNGROUPED: "Nog geen groep gevonden",
    Stage.PROPOSED: "In een voorstel",
    Stage.GROUP: "Groep gevonden",
    Stage.WITHDRAWN: "Ingetrokken",
}
BADGES: dict[Stage, str] = {
    Stage.WAITING: "neutral",
    Stage.UNGROUPED: "warning",
    Stage.PROPOSED: "active",
    Stage.GROUP: "success",
    Stage.WITHDRAWN: "inactive",
}


@dataclass(frozen=True, slots=True)
class NeedOutcome:
    """`why` is the engine's reason for no group yet, `helps` what would change that, what asks least first.

    `proposal_id` is for a coordinator, who may open it.
    """

    stage: Stage
    why: str | None = None
    helps: tuple[str, ...] = ()
    proposal_id: ProposalId | None = None

    @property
    def short(self) -> str:
        return SHORT[self.stage]

    @property
    def badge(self) -> str:
        return BADGES[self.stage]


@dataclass(frozen=True, slots=True)
class NeedLine:
    need: needs.NeedRow
    first_words: str
    outcome: NeedOutcome


def _of(need: needs.NeedRow, found: needs.Outcome | None) -> NeedOutcome:
    if need.state == "withdrawn":
        return NeedOutcome(Stage.WITHDRAWN)
    if found is None:
        return NeedOutcome(Stage.WAITING)
    if found.proposal_id is not None:
        stage = Stage.GROUP if found.proposal_state is ProposalState.APPROVED else Stage.PROPOSED
        return NeedOutcome(stage, proposal_id=found.proposal_id)
    if found.ungrouped_code is not None:
        return NeedOutcome(Stage.UNGROUPED, why=why(found.ungrouped_code, found.ungrouped_params or {}))
    return NeedOutcome(Stage.WAITING)


def why(code: str, params: Mapping[str, Param]) -> str:
    """Why there is no group yet; a reason of an older engine is told as another one."""
    return wording.stored_sentence(code, params) or f"{names.UNGROUPED_OTHER}."


def sentences(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Stored reasons in words; one of an older engine, which has none, is left out."""
    told = (wording.stored_sentence(reason["code"], reason["params"]) for reason in reasons)
    return [sentence for sentence in told if sentence is not None]


def first_words(text: str | None) -> str:
    """The beginning of a note, cut between two words."""
    words = " ".join((text or "").split())
    return words if len(words) <= FIRST_WORDS else words[:FIRST_WORDS].rsplit(" ", 1)[0] + " …"


async def lines(conn: Connection, found: list[needs.NeedRow]) -> list[NeedLine]:
    """The needs with what became of each, in the order given."""
    found_of = await needs.outcomes(conn, [need.id for need in found])
    return [NeedLine(need, first_words(need.text), _of(need, found_of.get(need.id))) for need in found]


async def of_need(conn: Connection, need: needs.NeedRow) -> NeedOutcome:
    found_of = await needs.outcomes(conn, [NeedId(need.id)])
    outcome = _of(need, found_of.get(need.id))
    if outcome.stage is not Stage.UNGROUPED:  # what would help somebody who is in a group tells what they answered
        return outcome
    return replace(outcome, helps=tuple(sentences(await waiting.alternatives(conn, need.id))))
