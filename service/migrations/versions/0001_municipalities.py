"""Tenants: municipalities, their areas, their staff, and who is signed in."""

from service.migrations.plain import execute

revision = "0001"
down_revision = None

UP = """
-- The application connects as a member of kring_app: it owns nothing here and row-level security binds it.
do $$ begin
    if not exists (select from pg_roles where rolname = 'kring_app') then
        create role kring_app nologin;
    end if;
exception when duplicate_object or unique_violation then
    null;  -- roles are shared by all databases of a server: another one was migrated at this moment
end $$;

create schema kring;
grant usage on schema kring to kring_app;

-- Set at the start of each transaction (service.db.transaction). Unset gives null, and null equals nothing: no rows.
create function kring.municipality() returns uuid language sql stable as
$$ select nullif(current_setting('kring.municipality', true), '')::uuid $$;

-- Each table that holds a municipality's data calls this once: one policy, the same everywhere, so none is forgotten.
create function kring.protect(protected regclass, granted text) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', protected);
    execute format(
        'create policy of_municipality on %s using (municipality_id = kring.municipality()) '
        'with check (municipality_id = kring.municipality())', protected);
    execute format('grant %s on %s to kring_app', granted, protected);
end $$;
revoke execute on function kring.protect from public;

-- How the triggers refuse: as a constraint with a name, which `service.errors.REFUSALS` knows.
create function kring.refuse(constraint_name text, why text) returns void language plpgsql as $$
begin
    raise exception '%', why using errcode = 'check_violation', constraint = constraint_name;
end $$;

-- Which municipalities take part is public; the worker goes round them, so this table alone has no policy.
create table kring.municipality (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (slug ~ '^[a-z0-9-]{2,40}$'),
    name text not null,
    created_at timestamptz not null default now()
);
grant select on kring.municipality to kring_app;

create table kring.area (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null references kring.municipality on delete cascade,
    code text not null,
    name text not null,
    lat double precision not null check (lat between -90 and 90),
    lon double precision not null check (lon between -180 and 180),
    unique (municipality_id, code),
    unique (municipality_id, id)
);
select kring.protect('kring.area', 'select, insert, update');

create table kring.staff (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null references kring.municipality on delete cascade,
    subject text not null,             -- the name the municipality's sign-in knows this person by
    name text not null,
    -- A coordinator is a caseworker who also reviews; a manager never opens a need. Neither implies the other.
    roles text[] not null check (roles <@ array['caseworker', 'coordinator', 'manager'] and cardinality(roles) > 0),
    created_at timestamptz not null default now(),
    unique (municipality_id, subject),
    unique (municipality_id, id)
);
select kring.protect('kring.staff', 'select, insert, update');

create table kring.staff_session (
    key_hash bytea primary key,        -- the cookie holds the key, this table only its SHA-256
    municipality_id uuid not null,
    staff_id uuid not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    foreign key (municipality_id, staff_id) references kring.staff (municipality_id, id) on delete cascade
);
select kring.protect('kring.staff_session', 'select, insert, update, delete');

-- A visitor comes with a cookie and nothing else, so the municipality follows from the session. This function runs as
-- the owner and answers for exactly one key: idle 30 minutes, absolute 12 hours (docs/sources.md, Access). The search
-- path is empty because a temporary table of the caller's would otherwise be found before ours.
create function kring.session_municipality(wanted bytea) returns uuid
language sql stable security definer set search_path = '' as $$
    select municipality_id from kring.staff_session
    where key_hash = wanted and seen_at > now() - interval '30 minutes' and created_at > now() - interval '12 hours'
$$;
revoke execute on function kring.session_municipality from public;
grant execute on function kring.session_municipality to kring_app;
"""

DOWN = """
drop schema kring cascade;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
