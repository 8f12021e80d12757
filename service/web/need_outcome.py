"""What became of a need, in the words of its caseworker's pages. Never what the resident answered."""

from dataclasses import dataclass
from enum import StrEnum

from service import wording
from service.db import Connection
from service.domain import NeedId, ProposalId, ProposalState
from service.queries import needs
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
    """`why` is the engine's reason for no group yet; `proposal_id` is for a coordinator, who may open it."""

    stage: Stage
    why: str | None = None
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
        return NeedOutcome(Stage.UNGROUPED, why=_why(found.ungrouped_code, found.ungrouped_params or {}))
    return NeedOutcome(Stage.WAITING)


def _why(code: str, params: dict[str, str | int | float]) -> str:
    return wording.stored_sentence(code, params) or f"{names.UNGROUPED_OTHER}."


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
    return _of(need, found_of.get(need.id))
