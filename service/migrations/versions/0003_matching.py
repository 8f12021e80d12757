"""Runs of the matching, the themes they found, and the proposals a coordinator decides on."""

from service.migrations.plain import execute

revision = "0003"
down_revision = "0002"

UP = """
-- The run's row is the truth; a queue entry only wakes a worker. `heartbeat_at` is the worker's lease on it.
create table kring.match_run (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null references kring.municipality on delete cascade,
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
    cause text not null check (cause in ('demand', 'nightly')),
    requested_by uuid,
    seed bigint not null,
    encoder text,                       -- id of the model whose vectors were used
    phase text,
    steps_done integer not null default 0,
    steps_total integer not null default 0,
    attempt integer not null default 0, -- also the fence: a worker that lost its lease stores nothing
    needs integer,
    grouped integer,
    error_code text,
    error_params jsonb,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz,
    unique (municipality_id, id),
    foreign key (municipality_id, requested_by) references kring.staff (municipality_id, id)
);
create unique index one_run_at_a_time on kring.match_run (municipality_id) where state in ('queued', 'running');
select kring.protect('kring.match_run', 'select, insert, update');

create table kring.theme (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    run_id uuid not null,
    label text not null,
    created_at timestamptz not null default now(),
    unique (municipality_id, id),
    foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id) on delete cascade
);
select kring.protect('kring.theme', 'select, insert');

create table kring.theme_need (
    theme_id uuid not null,
    need_id uuid not null,
    municipality_id uuid not null,
    primary key (theme_id, need_id),
    foreign key (municipality_id, theme_id) references kring.theme (municipality_id, id) on delete cascade,
    foreign key (municipality_id, need_id) references kring.need (municipality_id, id) on delete cascade
);
create index on kring.theme_need (need_id);
select kring.protect('kring.theme_need', 'select, insert, delete');

-- Why somebody was left without a group, in the last run that looked: "no group for you yet" is an answer too.
create table kring.ungrouped (
    run_id uuid not null,
    need_id uuid not null,
    municipality_id uuid not null,
    code text not null,
    params jsonb not null default '{}',
    primary key (run_id, need_id),
    foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id) on delete cascade,
    foreign key (municipality_id, need_id) references kring.need (municipality_id, id) on delete cascade
);
create index on kring.ungrouped (need_id);
select kring.protect('kring.ungrouped', 'select, insert, delete');

create table kring.proposal (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    run_id uuid not null,
    theme_id uuid not null,
    title text not null check (length(title) between 1 and 80),
    form text not null check (form in ('circle', 'cafe', 'association')),
    daypart text,
    reasons jsonb not null,
    -- superseded: a draft nobody touched, replaced by a later run
    state text not null default 'draft' check (state in ('draft', 'approved', 'rejected', 'superseded')),
    meeting_place text,
    meeting_at timestamptz,
    edited_at timestamptz,              -- a draft a person worked on is never replaced by a run
    decided_by uuid,
    decided_at timestamptz,
    decision_reason text,
    created_at timestamptz not null default now(),
    unique (municipality_id, id),
    foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id),
    foreign key (municipality_id, theme_id) references kring.theme (municipality_id, id),
    foreign key (municipality_id, decided_by) references kring.staff (municipality_id, id),
    -- A person decides (AVG art. 22), and an invited resident must be told where and when.
    constraint proposal_decided_by_a_person check (
        (state in ('approved', 'rejected')) = (decided_by is not null and decided_at is not null)),
    constraint proposal_rejected_with_reason check (
        state <> 'rejected' or coalesce(length(decision_reason), 0) > 0),
    constraint proposal_approved_with_meeting check (
        state <> 'approved' or (meeting_place is not null and meeting_at is not null))
);
create index on kring.proposal (municipality_id, state);
select kring.protect('kring.proposal', 'select, insert, update');

create table kring.proposal_member (
    proposal_id uuid not null,
    need_id uuid not null,
    resident_id uuid not null,
    municipality_id uuid not null,
    reasons jsonb not null default '[]',
    -- True while this seat counts. One live seat a resident, across all proposals: nobody is placed twice.
    live boolean not null default true,
    dropped_at timestamptz,
    dropped_by uuid,
    primary key (proposal_id, resident_id),
    unique (municipality_id, proposal_id, resident_id),
    foreign key (municipality_id, proposal_id) references kring.proposal (municipality_id, id) on delete cascade,
    foreign key (municipality_id, need_id) references kring.need (municipality_id, id) on delete cascade,
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade,
    foreign key (municipality_id, dropped_by) references kring.staff (municipality_id, id)
);
create unique index one_live_seat_per_resident on kring.proposal_member (resident_id) where live;
create index on kring.proposal_member (need_id);
select kring.protect('kring.proposal_member', 'select, insert');
-- A seat is given up or taken again; whose it is never changes.
grant update (live, dropped_at, dropped_by) on kring.proposal_member to kring_app;

create function kring.proposal_member_rules() returns trigger language plpgsql as $$
declare
    own_band text;
begin
    if not new.live or (tg_op = 'UPDATE' and old.live) then
        return new;
    end if;
    -- Two people adding at once take turns: each check below then sees the other's row. After the decision nobody is
    -- added: a person decided about these members and no others.
    perform from kring.proposal where id = new.proposal_id and state = 'draft' for update;
    if not found then
        perform kring.refuse('member_draft_proposal', 'the proposal is no draft');
    end if;
    -- The resident's row is the meeting point with kring.apart_rules and kring.resident_rules.
    select age_band into own_band from kring.resident where id = new.resident_id for share;
    if not exists (
        select from kring.need where id = new.need_id and resident_id = new.resident_id and state = 'open') then
        perform kring.refuse('member_need_open', 'the need is not open');
    end if;
    if not kring.has_consent(new.resident_id, 'matching') then
        perform kring.refuse('member_matching_consent', 'no valid matching consent');
    end if;
    if exists (
        select from kring.proposal_member m join kring.resident r on r.id = m.resident_id
        where m.proposal_id = new.proposal_id and m.live and m.resident_id <> new.resident_id
          and kring.age_circle(r.age_band) <> kring.age_circle(own_band)) then
        perform kring.refuse('member_age_circle', 'a minor in a group with adults');
    end if;
    if exists (
        select from kring.proposal_member m
        join kring.apart a on a.resident_a = least(m.resident_id, new.resident_id)
                          and a.resident_b = greatest(m.resident_id, new.resident_id)
        where m.proposal_id = new.proposal_id and m.live and m.resident_id <> new.resident_id) then
        perform kring.refuse('member_apart', 'two people who must not meet');
    end if;
    return new;
end $$;
create trigger proposal_member_rules before insert or update on kring.proposal_member
    for each row execute function kring.proposal_member_rules();

-- The other way round: a pair that is already together cannot be declared apart before one of them has left.
create function kring.apart_rules() returns trigger language plpgsql as $$
begin
    perform from kring.resident where id in (new.resident_a, new.resident_b) order by id for no key update;
    if exists (
        select from kring.proposal_member a join kring.proposal_member b using (proposal_id)
        where a.resident_id = new.resident_a and b.resident_id = new.resident_b and a.live and b.live) then
        perform kring.refuse('apart_in_one_proposal', 'these two are in one proposal');
    end if;
    return new;
end $$;
create trigger apart_rules before insert on kring.apart for each row execute function kring.apart_rules();

-- A resident whose age band changes must still fit the group, and still be old enough for the consents that stand.
create function kring.resident_rules() returns trigger language plpgsql as $$
begin
    if kring.age_circle(new.age_band) <> kring.age_circle(old.age_band)
       and exists (select from kring.proposal_member where resident_id = new.id and live) then
        perform kring.refuse('resident_age_in_group', 'in a group of the other age');
    end if;
    if new.age_band in ('under_12', '12_15') and exists (
        select from kring.consent where resident_id = new.id and given_by = 'self' and withdrawn_at is null) then
        perform kring.refuse('resident_under_16', 'under 16 a representative consents');
    end if;
    return new;
end $$;
create trigger resident_rules before update on kring.resident for each row execute function kring.resident_rules();
"""

DOWN = """
drop trigger resident_rules on kring.resident;
drop trigger apart_rules on kring.apart;
drop table kring.proposal_member, kring.proposal, kring.ungrouped, kring.theme_need, kring.theme, kring.match_run;
drop function kring.resident_rules, kring.apart_rules, kring.proposal_member_rules;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
