"""What the review pages show: one draft as it stands, where its people could go, and what was changed in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from models import effects
from models.effects import Standing
from models.need import PARTS, WEEKDAYS
from service import effect_words, wording
from service.db import Connection
from service.domain import BOUNDS, Channel, ProposalId, ProposalState
from service.drafting import SETTINGS, SideBySide, lay_out, told_reasons
from service.errors import NotFound
from service.queries import invitations, proposal_changes
from service.queries import platforms as platform_rows
from service.queries import proposals as rows
from service.queries.proposal_changes import Change
from service.queries.proposals import Proposal, Seat
from service.web import names
from service.web.meeting_form import meeting_form, suggestion

SENT_BY_KRING: Final = Channel.EMAIL
"""The other channels wait for a person to send them by hand (outbox state `manual`)."""
OFFERED: Final = 5
"""Groups offered beside a candidate; the page with all of them is one click away."""


@dataclass(frozen=True, slots=True)
class Messages:
    """What approving would send, by how: exactly what the page promises next to the button."""

    sent: int
    by_hand: int
    nobody_asked: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A seat as the page shows it; `fits`: free at the group's daypart; `places`: drafts to move to, best first."""

    seat: Seat
    reasons: list[str]
    fits: bool
    other_times: list[str]
    languages: str
    waiting_days: int
    places: list[Proposal]


@dataclass(frozen=True, slots=True)
class Area:
    """Where some of the people live: `km` from its centre to the middle of the group."""

    name: str
    people: int
    km: float
    is_farthest: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A change in words. `last`: the one that can be undone now."""

    change: Change
    sentence: str
    last: bool
    people_left: bool


async def found(conn: Connection, proposal_id: ProposalId) -> Proposal:
    """The proposal, unless it made room for a later run. One that was merged is found: it says where its people are."""
    proposal = await rows.proposal(conn, proposal_id)
    if proposal is None or (proposal.state is ProposalState.SUPERSEDED and proposal.merged_into is None):
        raise NotFound
    return proposal


async def context(conn: Connection, proposal: Proposal) -> dict[str, Any]:
    """Everything the page of one proposal shows."""
    seats = await rows.seats(conn, proposal.id)
    is_draft = proposal.state is ProposalState.DRAFT
    # Once decided, seats come free when people say no; everybody then stays listed, so that it does not show who did.
    people = [seat for seat in seats if (seat.live if is_draft else seat.dropped_at is None)]
    now = datetime.now(UTC)
    shown = {
        "proposal": proposal,
        "messages": _messages(people),
        "start": BOUNDS[proposal.form].start,
        "tally": await invitations.tally(conn, proposal.id),
        "platform": await platform_rows.platform_of_proposal(conn, proposal.id),
        "seen": fingerprint((proposal, seats)),
        "title": proposal.title,
        "stopgap": wording.is_stopgap(proposal.title),
        "meeting": meeting_form(proposal.meeting_place, proposal.meeting_at),
        "reason": "",
        "names": names,
        "week_parts": list(PARTS),
        "km": effect_words.km,
    }
    if is_draft:
        return shown | await _draft_context(conn, proposal, seats, people, now)
    # Counted from the seats, which stay: distances would change when somebody withdraws, and tell that they did
    living = Counter(seat.area_name for seat in people)
    return shown | {
        "people": [_candidate(seat, _sentences(seat.reasons), proposal.daypart, now, []) for seat in people],
        "reasons": _sentences(proposal.reasons),
        "areas": sorted(living.items(), key=lambda area: (-area[1], area[0])),
    }


async def _draft_context(
    conn: Connection, proposal: Proposal, seats: Sequence[Seat], people: Sequence[Seat], now: datetime
) -> dict[str, Any]:
    drafts_now = await rows.proposals(conn, ProposalState.DRAFT)
    others = {one.id: one for one in drafts_now if one.id != proposal.id and one.platform_id is None}
    drafts = await lay_out(conn, [proposal, *others.values()])
    standing = drafts.standing(proposal.id)
    groups = {one: drafts.standing(one) for one in others}
    told = effects.reasons(standing, told_reasons(proposal.reasons))
    daypart = standing.terms.daypart
    away = [seat for seat in seats if not seat.live and seat.dropped_at and seat.arrived and seat.text is not None]
    return {
        "people": [
            _candidate(
                seat,
                [wording.sentence(reason) for reason in effects.member_reasons(drafts.need(need), standing, SETTINGS)],
                daypart,
                now,
                [others[one] for one in islice(drafts.places_for(need, groups), OFFERED)],
            )
            for seat in people
            if (need := str(seat.need_id)) in standing.members
        ],
        "reasons": [sentence for reason in told if (sentence := _worded(reason.code, reason.params))],
        "standing": standing,
        "daypart": daypart,
        "concerns": effect_words.concerns(standing, {need: one.reference for need, one in drafts.person.items()}),
        "areas": areas(standing, drafts),
        "week": week(standing),
        "dropped": [seat.reference for seat in away if seat.elsewhere is None],
        "moved": [(seat.reference, others[seat.elsewhere]) for seat in away if seat.elsewhere in others],
        "others": [others[one] for one in drafts.akin(proposal.id, groups)],
        "changes": [
            Told(change, sentence_of(change, proposal.id), at == 0, len(change.residents) < change.people)
            for at, change in enumerate(await proposal_changes.changes(conn, proposal.id))
        ],
        "suggestion": suggestion(daypart, now) if daypart else None,
    }


def areas(standing: Standing, drafts: SideBySide) -> list[Area]:
    """The areas of a group, nearest to its middle first; those with the longest way are marked when ways differ."""
    far = standing.farthest[1] if standing.farthest else 0.0
    near = min(standing.km.values(), default=0.0)
    of_area: dict[str, list[float]] = {}
    for need, distance in standing.km.items():
        of_area.setdefault(drafts.person[need].area_name, []).append(distance)
    return [
        Area(name, len(ways), max(ways), is_farthest=far - near > 0.05 and far - max(ways) < 0.05)
        for name, ways in sorted(of_area.items(), key=lambda item: (max(item[1]), item[0]))
    ]


def week(standing: Standing) -> list[tuple[str, list[tuple[str, int]]]]:
    """Per day how many can come in each part of it."""
    return [(day, [(f"{day}-{part}", standing.week[f"{day}-{part}"]) for part in PARTS]) for day in WEEKDAYS]


def sentence_of(change: Change, here: ProposalId) -> str:
    """What was done, as somebody reads it on the page of one of the two drafts."""
    who = change.made_by_name or "Kring"
    about = change.references[0] if change.references else "iemand"
    came = change.kind == "move" and change.proposal_id != here
    return {
        "drop": f"{who} haalde {about} uit deze groep.",
        "restore": f"{who} zette {about} terug in deze groep.",
        "move": f"{who} verplaatste {about} hierheen. Die zat in ‘{change.proposal_title}’."
        if came
        else f"{who} verplaatste {about} naar ‘{change.other_title}’.",
        "merge": f"{who} voegde ‘{change.other_title}’ bij deze groep: {effect_words.people(change.people)}.",
        "rename": f"{who} veranderde de naam. Die was: ‘{change.title}’.",
        "meeting": f"{who} vulde de eerste bijeenkomst in.",
    }[change.kind]


def fingerprint(*drafts: tuple[Proposal, Sequence[Seat]]) -> str:
    """Of what a decision or a change is about: who is in the group, for what, where and when."""
    what: list[str] = []
    for proposal, seats in drafts:
        what += [str(proposal.id), proposal.state, proposal.title, proposal.meeting_place or ""]
        what += [str(proposal.meeting_at)]
        what += [f"{seat.resident_id} {seat.can_be_invited}" for seat in seats if seat.live]
    return sha256("\n".join(what).encode()).hexdigest()[:32]


def _candidate(seat: Seat, reasons: list[str], daypart: str | None, now: datetime, places: list[Proposal]) -> Candidate:
    return Candidate(
        seat=seat,
        reasons=reasons,
        fits=daypart is not None and daypart in seat.dayparts,
        other_times=[names.DAYPARTS[part] for part in names.DAYPARTS if part in seat.dayparts and part != daypart],
        languages=", ".join(wording.language(code) for code in seat.languages),
        waiting_days=max(0, (now - seat.waiting_since).days),
        places=places,
    )


def _sentences(reasons: list[dict[str, Any]]) -> list[str]:
    worded = (_worded(reason["code"], reason["params"]) for reason in reasons)
    return [sentence for sentence in worded if sentence]


def _worded(code: str, params: Mapping[str, Any]) -> str | None:
    return wording.stored_sentence(code, params)


def _messages(people: Sequence[Seat]) -> Messages:
    invitable = [seat for seat in people if seat.can_be_invited]
    sent = sum(seat.channel == SENT_BY_KRING for seat in invitable)
    return Messages(sent=sent, by_hand=len(invitable) - sent, nobody_asked=len(people) - len(invitable))
