"""Platforms: what came of a proposal, who takes part, when they met, how it goes."""

from service.migrations.plain import execute

revision = "0005"
down_revision = "0004"

UP = """
create table kring.platform (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    proposal_id uuid not null unique,
    name text not null check (length(name) between 1 and 80),
    form text not null check (form in ('circle', 'cafe', 'association')),
    state text not null default 'forming' check (state in ('forming', 'active', 'paused', 'ended')),
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    -- the closing reasons of Wituk (2002), see docs/sources.md
    end_reason text check (end_reason in ('attendance', 'leadership', 'not_needed', 'conflict', 'logistics')),
    check ((state = 'ended') = (ended_at is not null and end_reason is not null)),
    unique (municipality_id, id),
    foreign key (municipality_id, proposal_id) references kring.proposal (municipality_id, id)
);
select kring.protect('kring.platform', 'select, insert, update');

create table kring.membership (
    platform_id uuid not null,
    resident_id uuid not null,
    municipality_id uuid not null,
    joined_at timestamptz not null default now(),
    left_at timestamptz,
    primary key (platform_id, resident_id),     -- no membership twice
    check (left_at >= joined_at),
    foreign key (municipality_id, platform_id) references kring.platform (municipality_id, id) on delete cascade,
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade
);
create index on kring.membership (resident_id);
select kring.protect('kring.membership', 'select, insert');
grant update (left_at) on kring.membership to kring_app;

create table kring.meeting (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    platform_id uuid not null,
    place text not null check (length(place) between 1 and 200),
    starts_at timestamptz not null,
    state text not null default 'planned' check (state in ('planned', 'held', 'cancelled')),
    -- Heads, not names: how many came tells how a platform is doing; who came is nobody's business.
    attended integer check (attended between 0 and 500),
    newcomers integer check (newcomers >= 0 and newcomers <= attended),
    check ((state = 'held') = (attended is not null)),
    unique (municipality_id, id),
    foreign key (municipality_id, platform_id) references kring.platform (municipality_id, id) on delete cascade
);
create index on kring.meeting (platform_id, starts_at);
select kring.protect('kring.meeting', 'select, insert, update');

create table kring.platform_event (
    number bigint generated always as identity primary key,   -- the order, also of two in the same moment
    municipality_id uuid not null,
    platform_id uuid not null,
    at timestamptz not null default now(),
    kind text not null,
    params jsonb not null default '{}',
    foreign key (municipality_id, platform_id) references kring.platform (municipality_id, id) on delete cascade
);
create index on kring.platform_event (platform_id, number);
select kring.protect('kring.platform_event', 'select, insert');

create table kring.pulse (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    platform_id uuid not null,
    sent_at timestamptz not null default now(),
    unique (municipality_id, id),
    foreign key (municipality_id, platform_id) references kring.platform (municipality_id, id) on delete cascade
);
create index on kring.pulse (platform_id, sent_at);
select kring.protect('kring.pulse', 'select, insert');

-- Who was asked and whether they answered, apart from what was answered: the two cannot be joined.
create table kring.pulse_request (
    pulse_id uuid not null,
    resident_id uuid not null,
    municipality_id uuid not null,
    answered boolean not null default false,
    primary key (pulse_id, resident_id),
    foreign key (municipality_id, pulse_id) references kring.pulse (municipality_id, id) on delete cascade,
    foreign key (municipality_id, resident_id) references kring.resident (municipality_id, id) on delete cascade
);
select kring.protect('kring.pulse_request', 'select, insert');
grant update (answered) on kring.pulse_request to kring_app;

create function kring.pulse_request_rules() returns trigger language plpgsql as $$
begin
    if not kring.has_consent(new.resident_id, 'follow_up') then
        perform kring.refuse('pulse_consent', 'no valid follow-up consent');
    end if;
    perform from kring.membership m join kring.pulse p on p.platform_id = m.platform_id
    where p.id = new.pulse_id and m.resident_id = new.resident_id and m.left_at is null;
    if not found then
        perform kring.refuse('pulse_member', 'not a member');
    end if;
    return new;
end $$;
create trigger pulse_request_rules before insert on kring.pulse_request
    for each row execute function kring.pulse_request_rules();

-- No resident and no time: an answer belongs to a group. The random key keeps even the order of arrival out of it.
create table kring.pulse_answer (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    pulse_id uuid not null,
    welcome smallint not null check (welcome between 1 and 5),
    helped smallint not null check (helped between 1 and 5),
    staying smallint not null check (staying between 1 and 5),
    foreign key (municipality_id, pulse_id) references kring.pulse (municipality_id, id) on delete cascade
);
create index on kring.pulse_answer (pulse_id);
select kring.protect('kring.pulse_answer', 'select, insert');
"""

DOWN = """
drop table kring.pulse_answer, kring.pulse_request, kring.pulse, kring.platform_event, kring.meeting, kring.membership,
    kring.platform;
drop function kring.pulse_request_rules;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
