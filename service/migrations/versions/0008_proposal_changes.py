"""What coordinators changed in proposals, so that each change can be undone; and how close was close in a run."""

from service.migrations.plain import execute

revision = "0008"
down_revision = "0007"

UP = """
-- The dot product from which two notes counted as close, by the encoder of that run: with the stored vectors it is all
-- that a page needs to judge a change, without the encoder itself.
alter table kring.match_run add column close_from double precision;

-- Where the people of a merged draft went. Only such a draft may come back: when the merging is undone.
alter table kring.proposal add column merged_into uuid,
    add foreign key (municipality_id, merged_into) references kring.proposal (municipality_id, id),
    add constraint proposal_merged_is_superseded check (merged_into is null or state = 'superseded');

create or replace function kring.proposal_rules() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'draft' then
            perform kring.refuse('proposal_starts_as_draft', 'a proposal starts as a draft');
        end if;
    elsif old.state = 'superseded' and new.state = 'draft'
          and old.merged_into is not null and new.merged_into is null then
        return new;
    elsif old.state <> 'draft' and (new.state, new.decided_by, new.decided_at, new.decision_reason)
          is distinct from (old.state, old.decided_by, old.decided_at, old.decision_reason) then
        perform kring.refuse('proposal_decision_stands', 'a decision stands');
    end if;
    return new;
end $$;

-- A decision keeps the reasons as they were then: a coordinator may have changed who is in the group.
grant update (reasons) on kring.proposal_member to kring_app;

-- One row for each thing a person did to a draft, in the order of `step`, with what it takes to reverse it: ids, and
-- what the draft itself said before. Never a word of a note.
create table kring.proposal_change (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null references kring.municipality on delete cascade,
    step bigint generated always as identity,
    kind text not null check (kind in ('drop', 'restore', 'move', 'merge', 'rename', 'meeting')),
    proposal_id uuid not null,
    other_id uuid,                      -- of a move: where to; of a merge: which draft was taken in
    residents uuid[] not null default '{}',     -- who it was about
    arrived uuid[] not null default '{}',       -- those of them who had not been in the group they came to
    people integer not null default 0,  -- how many it was about; more than `residents` once one of them has left
    title text,                         -- what was there before: the name of the group, where and when it meets
    meeting_place text,
    meeting_at timestamptz,
    made_by uuid,                       -- null: a script, and nobody who signed in
    made_at timestamptz not null default now(),
    undone_by uuid,
    undone_at timestamptz,
    unique (municipality_id, id),
    constraint proposal_change_between_two check ((kind in ('move', 'merge')) = (other_id is not null)),
    constraint proposal_change_undone_when check (undone_by is null or undone_at is not null),
    foreign key (municipality_id, proposal_id) references kring.proposal (municipality_id, id) on delete cascade,
    foreign key (municipality_id, other_id) references kring.proposal (municipality_id, id) on delete cascade,
    foreign key (municipality_id, made_by) references kring.staff (municipality_id, id),
    foreign key (municipality_id, undone_by) references kring.staff (municipality_id, id)
);
create index on kring.proposal_change (proposal_id, step);
create index on kring.proposal_change (other_id, step);
create index on kring.proposal_change using gin (residents);
select kring.protect('kring.proposal_change', 'select, insert');
grant update (residents, arrived, undone_by, undone_at) on kring.proposal_change to kring_app;

-- What was done stays written: it is undone once, and people are only ever forgotten in it.
create function kring.proposal_change_rules() returns trigger language plpgsql as $$
begin
    if not (new.residents <@ old.residents and new.arrived <@ old.arrived)
       or (old.undone_at is not null and (new.undone_at, new.undone_by) is distinct from (old.undone_at, old.undone_by))
    then
        perform kring.refuse('proposal_change_stands', 'a change stands as it was made');
    end if;
    return new;
end $$;
create trigger proposal_change_rules before update on kring.proposal_change
    for each row execute function kring.proposal_change_rules();

-- Whoever withdraws is gone from what was done too, whichever way they leave.
create function kring.forget_in_changes() returns trigger language plpgsql as $$
declare
    gone uuid := case tg_table_name when 'need' then (to_jsonb(new) ->> 'resident_id')::uuid else old.id end;
begin
    update kring.proposal_change set residents = array_remove(residents, gone), arrived = array_remove(arrived, gone)
    where residents @> array[gone];
    return null;
end $$;
create trigger forget_in_changes after update of state on kring.need
    for each row when (new.state = 'withdrawn' and old.state <> 'withdrawn')
    execute function kring.forget_in_changes();
create trigger forget_in_changes after delete on kring.resident
    for each row execute function kring.forget_in_changes();
"""

DOWN = """
revoke update (reasons) on kring.proposal_member from kring_app;
drop trigger forget_in_changes on kring.resident;
drop trigger forget_in_changes on kring.need;
drop table kring.proposal_change;
drop function kring.forget_in_changes, kring.proposal_change_rules;
create or replace function kring.proposal_rules() returns trigger language plpgsql as $$
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
alter table kring.proposal drop column merged_into;
alter table kring.match_run drop column close_from;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
