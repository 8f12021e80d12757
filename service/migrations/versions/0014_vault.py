"""The vault's walls: the application writes contact details, and reads one back only where it leaves a trace."""

from service.migrations.plain import execute

revision = "0014"
down_revision = "0013"

UP = """
-- Tells whether a key that goes by the name `key_id` is the key that sealed this row (service.vault.key_check). Null:
-- sealed before this revision, without the municipality bound in; `kring rotate-keys` seals those anew.
alter table vault.contact add column key_check bytea check (octet_length(key_check) = 8);
-- Which keys are still needed, asked by each process that starts, and what is left to seal anew.
create index contact_by_key on vault.contact (municipality_id, key_id, key_check);

-- What is sealed can be written and never selected: not returned, not compared, not copied. Whose it is stands.
revoke select, update on vault.contact from kring_app;
grant select (resident_id, municipality_id, channel, key_id, key_check, updated_at) on vault.contact to kring_app;
grant update (channel, key_id, key_check, nonce, sealed, updated_at) on vault.contact to kring_app;

-- The one way to a sealed value: of one resident, of the municipality of this transaction, with an entry in the audit
-- trail. The entry goes with the transaction, so that reading and rolling back would leave none; a line in the log of
-- PostgreSQL stays. An empty search path would not do: a caller's temporary type `uuid` is found before PostgreSQL's
-- own unless temporary things are named last, also in what is called from here, and its checks run as the owner.
create function vault.read_contact(
    wanted uuid, why text, reader_kind text, reader_id uuid, reader_origin text, reader_address text,
    out channel text, out key_id text, out key_check bytea, out nonce bytea, out sealed bytea
) returns setof record language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if (why in ('message', 'own', 'export', 'rotation')) is not true then
        perform kring.refuse('contact_read_why', 'no reason to read contact details');
    end if;
    -- Their own page shows residents their own.
    if why = 'own' and (reader_kind = 'resident' and reader_id = wanted) is not true then
        perform kring.refuse('contact_read_own', 'somebody else''s contact details');
    end if;
    insert into kring.audit (municipality_id, actor_kind, actor_id, origin, address, action, object_kind, object_id,
        resident_id, result, detail)
    select c.municipality_id, reader_kind, reader_id, reader_origin, reader_address, 'contact.read', 'contact',
        wanted::text, wanted, 'done', why
    from vault.contact c where c.resident_id = wanted and c.municipality_id = kring.municipality();
    if not found then
        return;
    end if;
    raise log 'contact of % read: %', wanted, why;
    return query
        select c.channel, c.key_id, c.key_check, c.nonce, c.sealed
        from vault.contact c where c.resident_id = wanted and c.municipality_id = kring.municipality();
end $$;
revoke execute on function vault.read_contact from public;
grant execute on function vault.read_contact to kring_app;
"""

DOWN = """
drop function vault.read_contact;
-- What was sealed since cannot be opened without its municipality, so going back would lose it: rather not.
do $$ begin
    if exists (select from vault.contact where key_check is not null) then
        raise exception 'contact details were sealed since revision 0014; the revision before cannot open them';
    end if;
end $$;
drop index vault.contact_by_key;
alter table vault.contact drop column key_check;
revoke select (resident_id, municipality_id, channel, key_id, updated_at),
    update (channel, key_id, nonce, sealed, updated_at) on vault.contact from kring_app;
grant select, update on vault.contact to kring_app;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
