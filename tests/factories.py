"""Short ways to real rows, made through the use-cases: a need, a draft, an approval, answers, a platform."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.need import AgeBand, Form, Meeting, Perspective
from models.plan import Group, Plan, Theme
from service import invitations, matching, needs, proposals
from service.db import transaction
from service.domain import (
    BOUNDS,
    Answer,
    Channel,
    Contact,
    GivenBy,
    InvitationId,
    NeedId,
    NewNeed,
    PlatformId,
    ProposalId,
    Purpose,
    RecordedHow,
    ResidentId,
    RunId,
    Staff,
)
from service.queries import invitations as invitation_rows
from service.queries import needs as need_rows
from service.queries import outbox, runs
from service.queries import platforms as platform_rows
from service.resources import Resources

EVERY_PURPOSE = frozenset(Purpose)
CLAIM_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Submitted:
    reference: str
    need: NeedId
    resident: ResidentId


@dataclass(frozen=True, slots=True)
class Seated:
    """A proposal and its people, in the order in which they were submitted."""

    proposal: ProposalId
    people: tuple[Submitted, ...]


@dataclass(frozen=True, slots=True)
class Invited:
    """An approved proposal: `invitations` has one for each of `people`, in the same order."""

    proposal: ProposalId
    people: tuple[Submitted, ...]
    invitations: tuple[InvitationId, ...]


def email(name: str) -> Contact:
    return Contact(Channel.EMAIL, f"{name}@voorbeeld.test")


def new_need(**changes: Any) -> NewNeed:
    """A need that is accepted as it stands; `changes` are fields of NewNeed."""
    key = uuid.uuid4()
    need = NewNeed(
        submission_key=key,
        text="Zorgt al jaren voor haar moeder met dementie en heeft zelf nergens meer tijd voor.",
        perspective=Perspective.CHILD,
        age_band=AgeBand.AGE_40_64,
        area_code="BU01",
        languages=("nl",),
        dayparts=("tue-evening", "wed-morning"),
        meeting=Meeting.IN_PERSON,
        consents=EVERY_PURPOSE,
        given_by=GivenBy.SELF,
        recorded_how=RecordedHow.IN_PERSON,
        contact=email(key.hex),
    )
    return replace(need, **changes)


def childs_need(**changes: Any) -> NewNeed:
    """A need of somebody of 12 to 15, for whom a representative consents."""
    return new_need(
        **{"age_band": AgeBand.AGE_12_15, "given_by": GivenBy.REPRESENTATIVE, "perspective": Perspective.SELF} | changes
    )


async def submit(kring: Resources, staff: Staff, need: NewNeed | None = None, **changes: Any) -> Submitted:
    async with transaction(kring.pool, staff.municipality) as conn:
        reference = await needs.submit(
            conn, staff, need or new_need(**changes), vault=kring.vault, consent_days=kring.settings.consent_days
        )
        row = await need_rows.need_by_reference(conn, reference)
    assert row is not None
    return Submitted(reference, row.id, row.resident_id)


async def some_people(kring: Resources, staff: Staff, count: int, **changes: Any) -> tuple[Submitted, ...]:
    return tuple([await submit(kring, staff, **changes) for _ in range(count)])


async def claimed_run(kring: Resources, staff: Staff) -> runs.Run:
    """A run that a worker has taken."""
    async with transaction(kring.pool, staff.municipality) as conn:
        run_id = await matching.request_run(conn, staff)
        run = await runs.claim_run(conn, run_id, CLAIM_SECONDS)
    assert run is not None
    return run


def plan_of(*groups: tuple[Submitted, ...], form: Form = Form.CIRCLE, seed: int = 1) -> Plan:
    """A plan as the engine would give it, with exactly these groups, each its own theme."""
    themes = tuple(
        Theme(f"t{number}", "mantelzorg", Perspective.CHILD, tuple(str(one.need) for one in group))
        for number, group in enumerate(groups)
    )
    return Plan(
        groups=tuple(
            Group(
                theme_id=theme.id,
                label=theme.label,
                form=form,
                members=theme.members,
                language="nl",
                meeting=Meeting.IN_PERSON,
                daypart="tue-evening",
                needs_other_time=(),
                closeness=dict.fromkeys(theme.members, 0.5),
            )
            for theme in themes
        ),
        themes=themes,
        ungrouped=(),
        model_id="handmade",
        seed=seed,
    )


async def store_plan(kring: Resources, staff: Staff, plan: Plan) -> RunId:
    """Store `plan` as a run that just finished."""
    run = await claimed_run(kring, staff)
    async with transaction(kring.pool, staff.municipality) as conn:
        await matching.store(conn, staff.municipality, run, plan, pooled=0)
    return run.id


async def drafts_of_run(kring: Resources, staff: Staff, run: RunId) -> list[ProposalId]:
    async with transaction(kring.pool, staff.municipality) as conn:
        records = await conn.fetch("select id from kring.proposal where run_id = $1 order by created_at", run)
    return [ProposalId(record["id"]) for record in records]


async def draft(
    kring: Resources,
    staff: Staff,
    size: int = 5,
    *,
    people: tuple[Submitted, ...] | None = None,
    form: Form = Form.CIRCLE,
    meeting: bool = False,
) -> Seated:
    """A draft of `size` new people, or of `people`. With a `meeting` it is edited, so no later run replaces it."""
    people = people or await some_people(kring, staff, size)
    run = await store_plan(kring, staff, plan_of(people, form=form))
    (proposal,) = await drafts_of_run(kring, staff, run)
    if meeting:
        await plan_meeting(kring, staff, proposal)
    return Seated(proposal, people)


async def plan_meeting(kring: Resources, staff: Staff, proposal: ProposalId) -> None:
    async with transaction(kring.pool, staff.municipality) as conn:
        await proposals.plan_meeting(
            conn, proposal, "Buurthuis De Linde", datetime.now(UTC) + timedelta(days=14), by=staff.id
        )


async def approved(
    kring: Resources, coordinator: Staff, size: int = 5, *, people: tuple[Submitted, ...] | None = None
) -> Invited:
    """An approved proposal whose invitations are pending: nothing was sent yet."""
    seated = await draft(kring, coordinator, size, people=people, meeting=True)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.approve(conn, coordinator, seated.proposal, link_days=kring.settings.link_days)
        records = await conn.fetch(
            "select id, resident_id from kring.invitation where proposal_id = $1", seated.proposal
        )
    of_resident = {record["resident_id"]: InvitationId(record["id"]) for record in records}
    return Invited(seated.proposal, seated.people, tuple(of_resident[one.resident] for one in seated.people))


async def answer(
    kring: Resources, staff: Staff, invitation: InvitationId, choice: Answer = Answer.ACCEPTED
) -> invitations.Answered:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await invitations.answer(
            conn, staff.municipality, invitation, choice, not_now_days=kring.settings.not_now_days
        )


async def one_yes_short(kring: Resources, coordinator: Staff) -> Invited:
    """Five invited; four of them said yes, and the last has not answered."""
    invited = await approved(kring, coordinator)
    for invitation in invited.invitations[:4]:
        await answer(kring, coordinator, invitation)
    return invited


async def link(kring: Resources, staff: Staff, invitation: InvitationId) -> str:
    """The token of the personal link in an invitation's message, as the worker makes it when it sends."""
    async with transaction(kring.pool, staff.municipality) as conn:
        owed = await conn.fetchrow(
            "select id, resident_id from kring.outbox where kind = 'invitation' and subject_id = $1", invitation
        )
        assert owed is not None
        token = await invitations.new_link(
            conn,
            staff.municipality,
            resident=owed["resident_id"],
            outbox_id=owed["id"],
            purpose="invitation",
            subject_id=invitation,
            days=kring.settings.link_days,
        )
        await outbox.sent(conn, owed["id"])
        await invitation_rows.mark_sent(conn, invitation)
    return token


async def platform(
    kring: Resources, coordinator: Staff, size: int = 5, *, form: Form = Form.CIRCLE
) -> tuple[PlatformId, Invited]:
    """A platform that just started, with as many members as it takes to start one."""
    invited = await approved(kring, coordinator, size)
    for invitation in invited.invitations[: BOUNDS[form].start]:
        await answer(kring, coordinator, invitation)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        started = await platform_rows.platform_of_proposal(conn, invited.proposal)
    assert started is not None
    return started, invited
