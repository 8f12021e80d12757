"""Erasing somebody: the rows go, counts stay under nobody's name, a little proof is kept; and what retention needs."""

from service.migrations.plain import execute

revision = "0016"
down_revision = "0015"

UP = """
-- Since when a need is closed or withdrawn: how long it is kept counts from here.
alter table kring.need add column ended_at timestamptz;
update kring.need set ended_at = now() where state <> 'open';
create function kring.need_ends() returns trigger language plpgsql as $$
begin
    new.ended_at := case when new.state <> 'open' then now() end;
    return new;
end $$;
create trigger need_ends before update of state on kring.need
    for each row when (new.state is distinct from old.state) execute function kring.need_ends();

-- A count outlives the person in it: without an id the row says that somebody was asked, and nothing of whom.
alter table kring.invitation alter column resident_id drop not null;
alter table kring.ungrouped drop constraint ungrouped_pkey, alter column need_id drop not null,
    add unique (run_id, need_id);
alter table kring.pulse_request drop constraint pulse_request_pkey, alter column resident_id drop not null,
    add unique (pulse_id, resident_id);

-- Until when consent for a purpose counts, or counted; null when there never was any.
create function kring.consent_until(wanted_resident uuid, wanted_purpose text) returns timestamptz
language sql stable as
$$ select max(least(c.valid_until, w.at)) from kring.consent c
   left join kring.consent_withdrawal w on w.consent_id = c.id
   where c.resident_id = wanted_resident and c.purpose = wanted_purpose $$;

-- That somebody was erased, and what they had consented to and until when: the proof that Kring was allowed what it did
-- (AVG art. 5(2), 17(3)(e); docs/decisions/0021). No need, group, caseworker or hour.
-- Only the function below adds rows.
create table kring.erasure (
    resident_id uuid primary key,       -- the pseudonym, which nothing else holds any more but the audit trail
    municipality_id uuid not null references kring.municipality on delete cascade,
    erased_on date not null default current_date,
    cause text not null check (cause in ('resident', 'staff', 'operator', 'retention')),
    consents jsonb not null,
    unique (municipality_id, resident_id)
);
select kring.protect('kring.erasure', 'select, delete');

-- What is due to go (service.retention) and asks no more than deleting.
grant delete on kring.link, kring.outbox, kring.membership, kring.pulse_answer to kring_app;

-- An invitation becomes a count: another id, as the trail knows the old one, and nobody's. Who never answered does so
-- no more; the place that somebody left in a platform is free at once, as everybody there could see.
create function kring.unname_invitations(wanted_municipality uuid, wanted_resident uuid, wanted_proposal uuid)
returns void language sql set search_path = pg_catalog, pg_temp as $$
    update kring.invitation i set id = gen_random_uuid(), resident_id = null, sent_at = null,
        state = case when i.state in ('pending', 'sent') then 'withdrawn' else i.state end,
        answered_at = case when i.state <> 'expired' then i.created_at end,
        expires_at = case when exists (
            select from kring.membership m join kring.platform f on f.id = m.platform_id
            join kring.proposal p on p.id = f.proposal_id or p.platform_id = f.id
            where p.id = i.proposal_id and m.resident_id = i.resident_id)
            then least(i.expires_at, now()) else i.expires_at end
    where i.municipality_id = wanted_municipality and i.resident_id = wanted_resident
      and i.proposal_id = coalesce(wanted_proposal, i.proposal_id)
$$;

-- Erases one person of the municipality that is set: false when there is none. It runs as the owner, because the
-- application itself can delete no ledger, no invitation and no seat. Everything that hangs on the resident's row goes
-- with it; what is done here first is what would not, or what has to stay as a count. In the search path the caller's
-- own types come last: found first, their checks would run as the owner.
create function kring.erase_resident(gone uuid, why text, proof jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    here uuid := kring.municipality();
    gone_need uuid;
begin
    perform from kring.resident where id = gone and municipality_id = here for update;
    if not found then
        return false;
    end if;
    perform kring.unname_invitations(here, gone, null);
    update kring.pulse_request set resident_id = null where resident_id = gone;
    for gone_need in select id from kring.need where resident_id = gone loop
        update kring.ungrouped set need_id = null, params = '{}', alternatives = '[]', raised = false
        where need_id = gone_need;
        -- A run under way hands parts to other workers: in those the need becomes one that nobody has.
        update kring.run_block set
            task = replace(task::text, gone_need::text, gen_random_uuid()::text)::jsonb,
            result = replace(result::text, gone_need::text, gen_random_uuid()::text)::jsonb
        where municipality_id = here
          and (strpos(task::text, gone_need::text) > 0 or strpos(result::text, gone_need::text) > 0);
    end loop;
    delete from kring.resident where id = gone and municipality_id = here;
    insert into kring.erasure (resident_id, municipality_id, cause, consents) values (gone, here, why, proof);
    return true;
end $$;

-- A seat in a proposal that is long over, with the invitation to it as a count.
create function kring.forget_seat(wanted_proposal uuid, wanted_resident uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    here uuid := kring.municipality();
begin
    perform kring.unname_invitations(here, wanted_resident, wanted_proposal);
    delete from kring.proposal_member
    where municipality_id = here and proposal_id = wanted_proposal and resident_id = wanted_resident and not live;
end $$;

-- Who was asked in a pulse, as a count.
create function kring.forget_pulse_requests(wanted_pulse uuid) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update kring.pulse_request set resident_id = null
    where municipality_id = kring.municipality() and pulse_id = wanted_pulse and resident_id is not null
$$;
revoke execute on function kring.unname_invitations, kring.erase_resident, kring.forget_seat,
    kring.forget_pulse_requests from public;
grant execute on function kring.erase_resident, kring.forget_seat, kring.forget_pulse_requests to kring_app;

-- The parts of a run hold ids of needs: they go when it ends, whatever way it does.
create function kring.run_ends() returns trigger language plpgsql as $$
begin
    delete from kring.run_block where run_id = new.id;
    return null;
end $$;
create trigger run_ends after update of state on kring.match_run
    for each row when (new.state in ('done', 'failed')) execute function kring.run_ends();
delete from kring.run_block b using kring.match_run r where r.id = b.run_id and r.state in ('done', 'failed');
"""

DOWN = """
drop trigger run_ends on kring.match_run;
drop function kring.run_ends, kring.forget_pulse_requests, kring.forget_seat, kring.erase_resident,
    kring.unname_invitations, kring.consent_until;
revoke delete on kring.link, kring.outbox, kring.membership, kring.pulse_answer from kring_app;
drop table kring.erasure;
delete from kring.pulse_request where resident_id is null;
alter table kring.pulse_request drop constraint pulse_request_pulse_id_resident_id_key,
    add primary key (pulse_id, resident_id);
delete from kring.ungrouped where need_id is null;
alter table kring.ungrouped drop constraint ungrouped_run_id_need_id_key, add primary key (run_id, need_id);
delete from kring.invitation where resident_id is null;
alter table kring.invitation alter column resident_id set not null;
drop trigger need_ends on kring.need;
drop function kring.need_ends;
alter table kring.need drop column ended_at;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
