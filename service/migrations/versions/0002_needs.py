"""Residents, what they consented to, where they can be reached, what they need, and whom they must not meet."""

from service.migrations.plain import execute

revision = "0002"
down_revision = "0001"

UP = """
create table kring.resident (
    id uuid primary key default gen_random_uuid(),   -- the random pseudonym; nothing here says who it is
    municipality_id uuid not null references kring.municipality on delete cascade,
    age_band text not null check (
        age_band in ('under_12', '12_15', '16_17', '18_24', '25_39', '40_64', '65_plus')),
    created_at timestamptz not null default now(),
    unique (municipality_id, id)
);
select kring.protect('kring.resident', 'select, insert');
grant update (age_band) on kring.resident to kring_app;

-- Who may be in one group as far as age goes: the circles of `models.age.age_circle`; a test holds the two together.
create function kring.age_circle(age_band text) returns text language sql immutable as
$$ select case when age_band = 'under_12' then 'child'
               when age_band in ('12_15', '16_17') then 'teenager' else 'adult' end $$;

create table kring.consent (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    resident_id uuid not null,
    purpose text not null check (purpose in ('matching', 'invitation', 'follow_up')),
    text_version text not null,
    text_hash bytea not null,           -- SHA-256 of the text as it was shown
    language text not null,
    given_by text not null check (given_by in ('self', 'representative')),
    recorded_how text not null check (recorded_how in ('in_person', 'paper', 'link')),
    recorded_by uuid,                   -- null when the resident did it through a link
    given_at timestamptz not null default now(),
    valid_until timestamptz not null check (valid_until > given_at),
    withdrawn_at timestamptz,
    withdrawn_how text check (withdrawn_how in ('link', 'caseworker')),
    check ((withdrawn_at is null) = (withdrawn_how is null)),
    unique (municipality_id, id),
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade,
    foreign key (municipality_id, recorded_by) references kring.staff (municipality_id, id)
);
create unique index one_standing_consent_per_purpose on kring.consent (resident_id, purpose) where withdrawn_at is null;
select kring.protect('kring.consent', 'select, insert');
-- What was consented to is never rewritten; only the withdrawal can be added.
grant update (withdrawn_at, withdrawn_how) on kring.consent to kring_app;

create function kring.consent_rules() returns trigger language plpgsql as $$
declare
    refused boolean := false;
begin
    if tg_op = 'UPDATE' and old.withdrawn_at is not null then
        perform kring.refuse('consent_stays_withdrawn', 'a withdrawn consent stays withdrawn');
    end if;
    -- Under 16 a legal representative consents (AVG art. 8, UAVG art. 5). The lock holds the age band still.
    if tg_op = 'INSERT' and new.given_by = 'self' then
        perform from kring.resident where id = new.resident_id and age_band in ('under_12', '12_15') for share;
        refused := found;
    end if;
    if refused then
        perform kring.refuse('consent_under_16', 'under 16 a representative consents');
    end if;
    return new;
end $$;
create trigger consent_rules before insert or update on kring.consent
    for each row execute function kring.consent_rules();

-- Looks at the ledger at the moment of acting. The share lock makes a withdrawal wait for this transaction, so that it
-- then sees, and undoes, what was just decided.
create function kring.has_consent(wanted_resident uuid, wanted_purpose text) returns boolean language plpgsql as $$
begin
    perform from kring.consent
    where resident_id = wanted_resident and purpose = wanted_purpose and withdrawn_at is null and valid_until > now()
    for share;
    return found;
end $$;

-- The vault: the only place with contact details, sealed with AES-GCM (service.vault). Its own schema, so that it can
-- be dumped, granted and erased apart.
create schema vault;
grant usage on schema vault to kring_app;
create table vault.contact (
    resident_id uuid primary key,
    municipality_id uuid not null,
    channel text not null check (channel in ('email', 'mobile', 'post')),
    key_id text not null,
    nonce bytea not null check (octet_length(nonce) = 12),
    sealed bytea not null,
    updated_at timestamptz not null default now(),
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade
);
select kring.protect('vault.contact', 'select, insert, update, delete');

create table kring.need (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    resident_id uuid not null,
    reference text not null check (reference ~ '^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$'),
    -- The page makes the key when it opens; a form sent twice meets it again and finds its first need.
    submission_key uuid not null,
    state text not null default 'open' check (state in ('open', 'closed', 'withdrawn')),
    text text,
    perspective text not null check (
        perspective in ('self', 'parent', 'partner', 'child', 'sibling', 'relative', 'foster_parent')),
    topics text[] not null default '{}',
    area_id uuid not null,
    languages text[] not null check (cardinality(languages) > 0),
    dayparts text[] not null check (cardinality(dayparts) > 0),
    meeting text not null check (meeting in ('in_person', 'online', 'either')),
    submitted_by uuid not null,
    -- Who held the talk, as a code: the signed-in caseworker, or for an imported row the code in the export. A label or
    -- a report cell needs several of them (docs/sources.md, Reports).
    noted_by text not null,
    waiting_since timestamptz not null default now(),
    paused_until timestamptz,           -- "not now": nobody asks again before this
    created_at timestamptz not null default now(),
    -- What an encoder made of the words (float32, little-endian), and which one did: the vectors of two encoders are
    -- never compared (docs/decisions/0014). A vector tells nearly as much as the words, so it goes when they go.
    vector bytea constraint need_vector_of_floats check (octet_length(vector) % 4 = 0),
    vector_model text,
    constraint need_vector_names_its_model check ((vector is null) = (vector_model is null)),
    constraint need_withdrawn_keeps_no_vector check (state <> 'withdrawn' or vector is null),
    -- A withdrawn need keeps its row, so that counts stay true, and loses its words.
    check ((state = 'withdrawn') = (text is null)),
    unique (municipality_id, id),
    unique (municipality_id, reference),
    unique (municipality_id, submission_key),
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade,
    foreign key (municipality_id, area_id) references kring.area (municipality_id, id),
    foreign key (municipality_id, submitted_by) references kring.staff (municipality_id, id)
);
create index on kring.need (municipality_id, state);
create index on kring.need (resident_id);
select kring.protect('kring.need', 'select, insert');
grant update (state, text, topics, paused_until, vector, vector_model) on kring.need to kring_app;

create table kring.apart (
    municipality_id uuid not null,
    resident_a uuid not null,
    resident_b uuid not null,
    recorded_by uuid not null,
    created_at timestamptz not null default now(),
    primary key (resident_a, resident_b),
    check (resident_a < resident_b),    -- one row a pair, whichever side it is asked from
    foreign key (municipality_id, resident_a) references kring.resident (municipality_id, id) on delete cascade,
    foreign key (municipality_id, resident_b) references kring.resident (municipality_id, id) on delete cascade,
    foreign key (municipality_id, recorded_by) references kring.staff (municipality_id, id)
);
create index on kring.apart (resident_b);
select kring.protect('kring.apart', 'select, insert, delete');
"""

DOWN = """
drop schema vault cascade;
drop table kring.apart, kring.need, kring.consent, kring.resident;
drop function kring.has_consent, kring.consent_rules, kring.age_circle;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
