"""Invitations, the personal links that answer them, and the outbox the worker sends from."""

from service.migrations.plain import execute

revision = "0004"
down_revision = "0003"

UP = """
create table kring.invitation (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    proposal_id uuid not null,
    resident_id uuid not null,
    state text not null default 'pending' check (
        state in ('pending', 'sent', 'accepted', 'not_now', 'never', 'expired', 'withdrawn')),
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    expires_at timestamptz not null,
    answered_at timestamptz,
    check ((state in ('accepted', 'not_now', 'never')) <= (answered_at is not null)),
    unique (municipality_id, id),
    unique (proposal_id, resident_id),
    foreign key (municipality_id, proposal_id) references kring.proposal (municipality_id, id) on delete cascade,
    -- only someone with a seat in the proposal
    foreign key (municipality_id, proposal_id, resident_id)
        references kring.proposal_member (municipality_id, proposal_id, resident_id)
);
create index on kring.invitation (resident_id);
select kring.protect('kring.invitation', 'select, insert');
-- Whom it asks for what never changes: otherwise an old invitation could be turned into one that the rules refuse.
grant update (state, sent_at, answered_at) on kring.invitation to kring_app;

create function kring.invitation_rules() returns trigger language plpgsql as $$
begin
    perform from kring.proposal where id = new.proposal_id and state = 'approved' for share;
    if not found then
        perform kring.refuse('invitation_approved_proposal', 'the proposal is not approved');
    end if;
    perform from kring.proposal_member where proposal_id = new.proposal_id and resident_id = new.resident_id and live;
    if not found then
        perform kring.refuse('invitation_live_seat', 'no live seat in the proposal');
    end if;
    if not kring.has_consent(new.resident_id, 'invitation') then
        perform kring.refuse('invitation_consent', 'no valid invitation consent');
    end if;
    return new;
end $$;
create trigger invitation_rules before insert on kring.invitation
    for each row execute function kring.invitation_rules();

-- An answer stands, but for a yes that is taken back; what is over does not open again.
create function kring.invitation_answer_rules() returns trigger language plpgsql as $$
begin
    if new.state <> old.state and not (
        old.state in ('pending', 'sent') or (old.state = 'accepted' and new.state = 'withdrawn')) then
        perform kring.refuse('invitation_answer_stands', 'an answer stands');
    end if;
    return new;
end $$;
create trigger invitation_answer_rules before update on kring.invitation
    for each row execute function kring.invitation_answer_rules();

-- A proposal starts as a draft, and a decision stands: what was sent cannot be unsaid by changing a state.
create function kring.proposal_rules() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'draft' then
            perform kring.refuse('proposal_starts_as_draft', 'a proposal starts as a draft');
        end if;
    elsif old.state <> 'draft' and (new.state, new.decided_by, new.decided_at, new.decision_reason)
          is distinct from (old.state, old.decided_by, old.decided_at, old.decision_reason) then
        perform kring.refuse('proposal_decision_stands', 'a decision stands');
    end if;
    return new;
end $$;
create trigger proposal_rules before insert or update on kring.proposal
    for each row execute function kring.proposal_rules();

-- What the worker owes. Written in the transaction that causes it; the queue only wakes a worker.
-- No address and no token here: both are made or opened at the moment of sending.
create table kring.outbox (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    resident_id uuid not null,
    kind text not null check (kind in ('invitation', 'reminder', 'started', 'given_up', 'pulse')),
    subject_id uuid not null,           -- the invitation, or for a pulse the pulse
    -- manual: the contact channel is one Kring cannot send by yet
    state text not null default 'due' check (state in ('due', 'sending', 'sent', 'manual', 'cancelled', 'failed')),
    due_at timestamptz not null default now(),
    leased_until timestamptz,
    attempts integer not null default 0,
    error text,                         -- a code, never a message with an address in it
    sent_at timestamptz,
    created_at timestamptz not null default now(),
    unique (kind, subject_id, resident_id),    -- one cause, one message
    unique (municipality_id, id),
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade
);
create index on kring.outbox (due_at) where state in ('due', 'sending');
select kring.protect('kring.outbox', 'select, insert');
grant update (state, due_at, leased_until, attempts, error, sent_at) on kring.outbox to kring_app;

create table kring.link (
    token_hash bytea primary key,       -- SHA-256; the token itself is only in the message
    id uuid not null default gen_random_uuid() unique,
    municipality_id uuid not null,
    resident_id uuid not null,
    outbox_id uuid not null,
    purpose text not null check (purpose in ('invitation', 'pulse')),
    subject_id uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade,
    foreign key (municipality_id, outbox_id) references kring.outbox (municipality_id, id) on delete cascade
);
create index on kring.link (resident_id);
select kring.protect('kring.link', 'select, insert');
grant update (revoked_at) on kring.link to kring_app;

-- A resident comes with a link and nothing else: which municipality it is of, for exactly one standing link.
create function kring.link_municipality(wanted bytea) returns uuid
language sql stable security definer set search_path = '' as $$
    select municipality_id from kring.link
    where token_hash = wanted and revoked_at is null and expires_at > now()
$$;
revoke execute on function kring.link_municipality from public;
grant execute on function kring.link_municipality to kring_app;
"""

DOWN = """
drop trigger proposal_rules on kring.proposal;
drop function kring.link_municipality;
drop table kring.link, kring.outbox, kring.invitation;
drop function kring.invitation_rules, kring.invitation_answer_rules, kring.proposal_rules;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
