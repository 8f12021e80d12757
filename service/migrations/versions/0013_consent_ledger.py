"""The consent ledger: rows are only ever added, also for a withdrawal; and what a resident can do on their own page."""

from service.migrations.plain import execute

revision = "0013"
down_revision = "0012"

UP = """
-- A withdrawal is a row of its own: what was given stays as it was given (docs/decisions/0019).
create table kring.consent_withdrawal (
    consent_id uuid primary key,        -- a consent is withdrawn once, and stays so
    municipality_id uuid not null,
    at timestamptz not null default now(),
    how text not null check (how in ('link', 'caseworker')),
    recorded_by uuid,                   -- the caseworker; null for a link, and when a whole resident is erased
    constraint withdrawal_by_link_is_ones_own check (how <> 'link' or recorded_by is null),
    foreign key (municipality_id, consent_id) references kring.consent (municipality_id, id) on delete cascade,
    foreign key (municipality_id, recorded_by) references kring.staff (municipality_id, id)
);
select kring.protect('kring.consent_withdrawal', 'select, insert');

drop trigger consent_rules on kring.consent;
revoke update (withdrawn_at, withdrawn_how) on kring.consent from kring_app;
insert into kring.consent_withdrawal (consent_id, municipality_id, at, how)
    select id, municipality_id, withdrawn_at, withdrawn_how from kring.consent where withdrawn_at is not null;
-- Also not by who owns the table.
create function kring.withdrawal_stands() returns trigger language plpgsql as $$
begin
    perform kring.refuse('consent_stays_withdrawn', 'a withdrawn consent stays withdrawn');
    return null;
end $$;
create trigger withdrawal_stands before update on kring.consent_withdrawal
    for each row execute function kring.withdrawal_stands();

-- Whoever withdraws and whoever acts on a consent take turns on its row. PostgreSQL lets only a role lock a row that
-- may update something in it: so the right is there, and this policy lets no update through.
alter table kring.consent drop column withdrawn_at, drop column withdrawn_how;
grant update (id) on kring.consent to kring_app;
create policy never_rewritten on kring.consent as restrictive for update using (true) with check (false);
create index on kring.consent (resident_id, purpose);

create or replace function kring.consent_rules() returns trigger language plpgsql as $$
declare
    band text;
begin
    -- Under 16 a legal representative consents, from 16 the young person (AVG art. 8, UAVG art. 5). The lock holds the
    -- age band still.
    select age_band into band from kring.resident where id = new.resident_id for share;
    if new.given_by = 'self' and band in ('under_12', '12_15') then
        perform kring.refuse('consent_under_16', 'under 16 a representative consents');
    end if;
    if new.given_by = 'representative' and band not in ('under_12', '12_15') then
        perform kring.refuse('consent_from_16', 'from 16 on somebody consents for themselves');
    end if;
    return new;
end $$;
create trigger consent_rules before insert on kring.consent for each row execute function kring.consent_rules();

-- The one judge of what stands: given for this, not over, not withdrawn, and not by a representative of somebody who is
-- 16 by now. A query that selects from it is planned as if this were written in it.
create function kring.standing_consent(wanted_purpose text) returns setof kring.consent language sql stable as $$
    select c.* from kring.consent c
    join kring.resident r on r.id = c.resident_id
    where c.purpose = wanted_purpose and c.valid_until > now()
      and not exists (select from kring.consent_withdrawal w where w.consent_id = c.id)
      and (c.given_by = 'self' or r.age_band in ('under_12', '12_15'))
$$;

-- Looks at the ledger at the moment of acting. First the share lock, then a look by a second statement: that one sees
-- the withdrawal which the first may have waited for. A later withdrawal waits for this transaction, so that it then
-- sees, and undoes, what was just decided.
create or replace function kring.has_consent(wanted_resident uuid, wanted_purpose text) returns boolean
language plpgsql as $$
begin
    perform from kring.consent where resident_id = wanted_resident and purpose = wanted_purpose order by id for share;
    return exists (select from kring.standing_consent(wanted_purpose) c where c.resident_id = wanted_resident);
end $$;

create or replace function kring.resident_rules() returns trigger language plpgsql as $$
begin
    if kring.age_circle(new.age_band) <> kring.age_circle(old.age_band)
       and exists (select from kring.proposal_member where resident_id = new.id and live) then
        perform kring.refuse('resident_age_in_group', 'in a group of the other age');
    end if;
    if new.age_band in ('under_12', '12_15') and exists (
        select from kring.consent c where c.resident_id = new.id and c.given_by = 'self'
        and not exists (select from kring.consent_withdrawal w where w.consent_id = c.id)) then
        perform kring.refuse('resident_under_16', 'under 16 a representative consents');
    end if;
    return new;
end $$;

-- The words that were agreed to, so that they can be shown years later; each municipality keeps its own.
create table kring.consent_text (
    municipality_id uuid not null references kring.municipality on delete cascade,
    hash bytea not null,
    purpose text not null check (purpose in ('matching', 'invitation', 'follow_up')),
    version text not null,
    language text not null,
    label text not null,
    explanation text not null,
    primary key (municipality_id, hash),
    unique (municipality_id, purpose, version, language),
    constraint consent_text_is_what_was_hashed check (
        hash = sha256(convert_to(label || E'\\n' || explanation, 'UTF8')))
);
select kring.protect('kring.consent_text', 'select, insert');
insert into kring.consent_text
    select distinct c.municipality_id, c.text_hash, t.purpose, '2026-11', 'nl', t.label, t.explanation
    from kring.consent c
    join (values
        ('matching', 'Kring mag zoeken naar mensen die hetzelfde meemaken.',
         'Wij vergelijken de vraag met vragen van anderen. Dat gebeurt zonder naam of adres. '
         'Een medewerker kijkt altijd mee.'),
        ('invitation', 'De gemeente mag een uitnodiging sturen als er een groep is.',
         'Hiervoor bewaren wij een e-mailadres, telefoonnummer of adres. Dat ligt versleuteld in een kluis. '
         'Nee zeggen mag altijd en heeft geen gevolgen voor hulp van de gemeente.'),
        ('follow_up', 'De gemeente mag af en toe vragen hoe het in de groep gaat.',
         'Het gaat om drie korte vragen. De antwoorden zijn anoniem. Niemand ziet wie wat antwoordde.')
    ) as t (purpose, label, explanation)
      on c.purpose = t.purpose and c.text_hash = sha256(convert_to(t.label || E'\\n' || t.explanation, 'UTF8'));

-- What a resident asked to have changed and a caseworker decides on: other words for the note, which were seen by the
-- gate first, or an age band that would put a minor among adults. The row is gone once that is decided.
create table kring.correction_request (
    need_id uuid not null,
    municipality_id uuid not null,
    field text not null check (field in ('text', 'age_band')),
    wanted text not null check (length(wanted) between 1 and 4000),
    created_at timestamptz not null default now(),
    primary key (need_id, field),
    constraint correction_to_an_age_band check (field <> 'age_band' or wanted in
        ('under_12', '12_15', '16_17', '18_24', '25_39', '40_64', '65_plus')),
    foreign key (municipality_id, need_id) references kring.need (municipality_id, id) on delete cascade
);
select kring.protect('kring.correction_request', 'select, insert, delete');
grant update (area_id, languages, dayparts, meeting, reach_km) on kring.need to kring_app;

-- Who leaves takes along what they asked for.
create function kring.need_leaves_corrections() returns trigger language plpgsql as $$
begin
    delete from kring.correction_request where need_id = new.id;
    return null;
end $$;
create trigger need_leaves_corrections after update of state on kring.need
    for each row when (new.state = 'withdrawn') execute function kring.need_leaves_corrections();

-- A link to the own page, for who never got another one.
alter table kring.link drop constraint link_purpose_check,
    add constraint link_purpose_check check (purpose in ('invitation', 'pulse', 'own'));
alter table kring.outbox drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (
        kind in ('invitation', 'reminder', 'started', 'joined', 'given_up', 'pulse', 'own_page'));
"""

DOWN = """
delete from kring.link where purpose = 'own';
alter table kring.link drop constraint link_purpose_check,
    add constraint link_purpose_check check (purpose in ('invitation', 'pulse'));
delete from kring.outbox where kind = 'own_page';
alter table kring.outbox drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (
        kind in ('invitation', 'reminder', 'started', 'joined', 'given_up', 'pulse'));
drop trigger need_leaves_corrections on kring.need;
drop function kring.need_leaves_corrections;
revoke update (area_id, languages, dayparts, meeting, reach_km) on kring.need from kring_app;
drop table kring.correction_request, kring.consent_text;

create or replace function kring.resident_rules() returns trigger language plpgsql as $$
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

create or replace function kring.has_consent(wanted_resident uuid, wanted_purpose text) returns boolean
language plpgsql as $$
begin
    perform from kring.consent
    where resident_id = wanted_resident and purpose = wanted_purpose and withdrawn_at is null and valid_until > now()
    for share;
    return found;
end $$;
drop function kring.standing_consent;
drop trigger consent_rules on kring.consent;
create or replace function kring.consent_rules() returns trigger language plpgsql as $$
declare
    refused boolean := false;
begin
    if tg_op = 'UPDATE' and old.withdrawn_at is not null then
        perform kring.refuse('consent_stays_withdrawn', 'a withdrawn consent stays withdrawn');
    end if;
    if tg_op = 'INSERT' and new.given_by = 'self' then
        perform from kring.resident where id = new.resident_id and age_band in ('under_12', '12_15') for share;
        refused := found;
    end if;
    if refused then
        perform kring.refuse('consent_under_16', 'under 16 a representative consents');
    end if;
    return new;
end $$;

drop policy never_rewritten on kring.consent;
revoke update (id) on kring.consent from kring_app;
drop index kring.consent_resident_id_purpose_idx;
alter table kring.consent
    add column withdrawn_at timestamptz,
    add column withdrawn_how text check (withdrawn_how in ('link', 'caseworker')),
    add constraint consent_check1 check ((withdrawn_at is null) = (withdrawn_how is null));
update kring.consent c set withdrawn_at = w.at, withdrawn_how = w.how
    from kring.consent_withdrawal w where w.consent_id = c.id;
drop table kring.consent_withdrawal;
drop function kring.withdrawal_stands;
-- Of several consents for one purpose the older ones made room for the last.
update kring.consent c set withdrawn_at = now(), withdrawn_how = 'caseworker'
    where withdrawn_at is null and exists (
        select from kring.consent later where later.resident_id = c.resident_id and later.purpose = c.purpose
        and later.withdrawn_at is null and (later.given_at, later.id) > (c.given_at, c.id));
create unique index one_standing_consent_per_purpose on kring.consent (resident_id, purpose) where withdrawn_at is null;
grant update (withdrawn_at, withdrawn_how) on kring.consent to kring_app;
create trigger consent_rules before insert or update on kring.consent
    for each row execute function kring.consent_rules();
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
