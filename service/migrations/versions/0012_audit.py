"""The audit trail: who did what to which object, from where, with what result, when; never content."""

from service.migrations.plain import execute

revision = "0012"
down_revision = "0011"

UP = """
-- Modelled on NEN 7513 (docs/sources.md, Access). The application can add rows and read those of its municipality, and
-- nothing else: no update, no delete, and no say in the time, the place in the chain or the hash.
create table kring.audit (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null references kring.municipality,  -- no cascade: a trail is never removed by accident
    at timestamptz not null default clock_timestamp(),
    actor_kind text not null check (actor_kind in ('staff', 'resident', 'program', 'worker', 'operator')),
    actor_id uuid,                      -- no foreign key: the row stays true when the account is gone
    origin text not null check (origin in ('page', 'api', 'link', 'worker', 'command')),
    address text check (length(address) <= 45),  -- the network address of staff; a resident's is nobody's business
    action text not null check (action ~ '^[a-z][a-z_]*[.][a-z_]+$'),
    object_kind text not null check (object_kind ~ '^[a-z_]{1,40}$'),
    object_id text not null check (object_id ~ '^[A-Za-z0-9_.:/{}-]{0,100}$'),
    resident_id uuid,                   -- whom it is about: the pseudonym, so that a resident can read their own
    result text not null check (result in ('done', 'refused', 'failed')),
    detail text check (detail ~ '^[a-z0-9_.:-]{0,80}$'),  -- a code: nothing somebody typed fits in it
    -- The chain, one a municipality; filled when the transaction commits.
    seq bigint,
    hash bytea,
    constraint audit_address_of_staff check (actor_kind <> 'resident' or address is null),
    unique (municipality_id, seq)
);
create index on kring.audit (resident_id) where resident_id is not null;
select kring.protect('kring.audit', 'select');
grant insert (municipality_id, actor_kind, actor_id, origin, address, action, object_kind, object_id, resident_id,
    result, detail) on kring.audit to kring_app;

-- Where each chain starts and ends. A row missing at the end shows because this knows of it; what is older than the
-- retention leaves at the start, with the hash it ended in, so that the rest can still be verified.
create table kring.audit_chain (
    municipality_id uuid primary key references kring.municipality,
    first_seq bigint not null default 1,
    first_hash bytea not null default '\\x',       -- what the first row that is kept was chained to
    last_seq bigint not null default 0,
    last_hash bytea not null default '\\x'
);
select kring.protect('kring.audit_chain', 'select');

-- A field as its length and itself, so that no two rows read the same; null is a dash.
create function kring.audit_field(value text) returns text language sql immutable as
$$ select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || ',' $$;

-- The same bytes as `service.audit.digest`; a test holds the two together.
create function kring.audit_hash(entry kring.audit, seq bigint, before bytea) returns bytea language sql stable as $$
    select sha256(before || convert_to(
        kring.audit_field(seq::text) || kring.audit_field(entry.id::text)
        || kring.audit_field(entry.municipality_id::text)
        || kring.audit_field((extract(epoch from entry.at) * 1000000)::bigint::text)
        || kring.audit_field(entry.actor_kind) || kring.audit_field(entry.actor_id::text)
        || kring.audit_field(entry.origin) || kring.audit_field(entry.address) || kring.audit_field(entry.action)
        || kring.audit_field(entry.object_kind) || kring.audit_field(entry.object_id)
        || kring.audit_field(entry.resident_id::text) || kring.audit_field(entry.result)
        || kring.audit_field(entry.detail), 'UTF8'))
$$;

-- Chains a row when its transaction commits: whoever holds the end of the chain takes no other lock after it, so two
-- transactions wait for each other here for a moment and never for ever.
-- Temporary things are named last: with an empty path a caller's own type `text` would be found before PostgreSQL's,
-- and its checks would run as the owner.
create function kring.chain_audit() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    chain kring.audit_chain;
    chained bytea;
begin
    insert into kring.audit_chain (municipality_id) values (new.municipality_id) on conflict do nothing;
    select * into strict chain from kring.audit_chain where municipality_id = new.municipality_id for update;
    chained := kring.audit_hash(new, chain.last_seq + 1, chain.last_hash);
    update kring.audit set seq = chain.last_seq + 1, hash = chained where id = new.id;
    update kring.audit_chain set last_seq = chain.last_seq + 1, last_hash = chained
    where municipality_id = new.municipality_id;
    return null;
end $$;
create constraint trigger chain_audit after insert on kring.audit
    deferrable initially deferred for each row execute function kring.chain_audit();
revoke execute on function kring.chain_audit, kring.audit_hash, kring.audit_field from public;

-- Forgets what is older than `before`, from the start of the chain on; only the owner may (`kring audit purge`).
create function kring.purge_audit(wanted_municipality uuid, before timestamptz) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    chain kring.audit_chain;
    kept bigint;
begin
    select * into chain from kring.audit_chain where municipality_id = wanted_municipality for update;
    if not found then
        return 0;
    end if;
    select coalesce(min(seq), chain.last_seq + 1) into kept from kring.audit
    where municipality_id = wanted_municipality and seq is not null and at >= before;
    if kept <= chain.first_seq then
        return 0;
    end if;
    update kring.audit_chain set first_seq = kept, first_hash =
        (select hash from kring.audit where municipality_id = wanted_municipality and seq = kept - 1)
    where municipality_id = wanted_municipality;
    delete from kring.audit where municipality_id = wanted_municipality and seq < kept;
    insert into kring.audit (municipality_id, actor_kind, origin, action, object_kind, object_id, result)
    values (wanted_municipality, 'operator', 'command', 'audit.purged', 'audit', (kept - 1)::text, 'done');
    return kept - chain.first_seq;
end $$;
revoke execute on function kring.purge_audit from public;
"""

DOWN = """
drop table kring.audit, kring.audit_chain cascade;
drop function kring.purge_audit, kring.chain_audit, kring.audit_field;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
