"""What the page of an offer of places shows: the platform, who fits it and why, and what approving would do."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from service import joining, wording
from service.db import Connection
from service.domain import Channel, ProposalId, ProposalState
from service.errors import NotFound
from service.queries import invitations
from service.queries import joining as rows
from service.queries import platforms as platform_rows
from service.queries import proposals as proposal_rows
from service.queries.proposals import Proposal, Seat
from service.web import names
from service.web.meeting_form import meeting_form, suggestion


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who fits the platform, as the page shows them; `fits`: can come when it meets."""

    seat: Seat
    reasons: list[str]
    fits: bool
    other_times: list[str]
    languages: str
    waiting_days: int


async def found(conn: Connection, proposal_id: ProposalId) -> Proposal:
    """A proposal that offers places in a platform. Raises NotFound for any other, and for one that a run replaced."""
    proposal = await proposal_rows.proposal(conn, proposal_id)
    joins = await rows.platform_joined(conn, proposal_id)
    if proposal is None or joins is None or proposal.state is ProposalState.SUPERSEDED:
        raise NotFound
    return proposal


async def context(conn: Connection, proposal: Proposal) -> dict[str, Any]:
    """Everything the page shows, in each state of the proposal."""
    places = await _places(conn, proposal.id)
    seats = await proposal_rows.seats(conn, proposal.id)
    is_draft = proposal.state is ProposalState.DRAFT
    # As on the page of a new group: after the decision everybody stays listed, so that it does not show who said no.
    people = [seat for seat in seats if (seat.live if is_draft else seat.dropped_at is None)]
    place, at = await joining.meeting_of(conn, proposal, places.id)
    now = datetime.now(UTC)
    invitable = [seat for seat in people if seat.can_be_invited]
    sent = sum(seat.channel == Channel.EMAIL for seat in invitable)
    return {
        "proposal": proposal,
        "places": places,
        "platform": await platform_rows.platform(conn, places.id),
        "room": joining.room_of(places),
        "people": [_newcomer(seat, places.daypart, now) for seat in people],
        "dropped": [seat.reference for seat in seats if not seat.live and seat.dropped_at and seat.text is not None],
        "invitable": len(invitable),
        "sent": sent,
        "by_hand": len(invitable) - sent,
        "tally": await invitations.tally(conn, proposal.id),
        "meeting": meeting_form(place, at),
        "meeting_at": at,
        "meeting_place": place,
        "of_platform": proposal.meeting_place is None and place is not None,
        "suggestion": suggestion(places.daypart, now) if places.daypart else None,
        "seen": fingerprint(proposal, seats, place, at),
        "reason": "",
        "names": names,
    }


async def _places(conn: Connection, proposal_id: ProposalId) -> rows.Places:
    platform = await rows.platform_joined(conn, proposal_id)
    places = None if platform is None else await rows.places(conn, platform)
    if places is None:
        raise NotFound
    return places


async def seen_now(conn: Connection, proposal: Proposal) -> str:
    """The fingerprint as it would be shown now."""
    places = await _places(conn, proposal.id)
    place, at = await joining.meeting_of(conn, proposal, places.id)
    return fingerprint(proposal, await proposal_rows.seats(conn, proposal.id), place, at)


def fingerprint(proposal: Proposal, seats: list[Seat], place: str | None, at: datetime | None) -> str:
    """Of what an approval is about: who is asked, and where and when they come first."""
    what = [str(proposal.id), proposal.state, place or "", str(at)]
    what += [f"{seat.resident_id} {seat.can_be_invited}" for seat in seats if seat.live]
    return sha256("\n".join(what).encode()).hexdigest()[:32]


def _newcomer(seat: Seat, daypart: str | None, now: datetime) -> Newcomer:
    worded = (wording.stored_sentence(reason["code"], reason["params"]) for reason in seat.reasons)
    # that there is room is said once, for all of them
    return Newcomer(
        seat=seat,
        reasons=[
            sentence
            for reason, sentence in zip(seat.reasons, worded, strict=True)
            if sentence and reason["code"] not in ("room_in_platform", "can_come")
        ],
        fits=daypart is not None and daypart in seat.dayparts,
        other_times=[names.DAYPARTS[part] for part in names.DAYPARTS if part in seat.dayparts and part != daypart],
        languages=", ".join(wording.language(code) for code in seat.languages),
        waiting_days=max(0, (now - seat.waiting_since).days),
    )
