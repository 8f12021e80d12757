"""That a resident was written to before a consent ends: once for each consent, whatever happens."""

from service.migrations.plain import execute

revision = "0019"
down_revision = "0018"

UP = """
-- Until when each purpose counts now, and the row that says so: of several consents for one purpose the one that stands
-- longest. What is asked of one resident is looked up for that one only: PostgreSQL pushes it below the `distinct`.
create function kring.lasting_consent() returns setof kring.consent language sql stable as $$
    select distinct on (c.resident_id, c.purpose) c.*
    from unnest(array['matching', 'invitation', 'follow_up']) p (purpose)
    cross join lateral kring.standing_consent(p.purpose) c
    order by c.resident_id, c.purpose, c.valid_until desc, c.id
$$;

-- A consent whose end was told, and the message that told it (the `subject_id` of an outbox row). A row of its own,
-- because the message goes after a while and several consents can share one; and only ever added, so that no consent
-- is told of twice. It goes with the ledger.
create table kring.consent_notice (
    consent_id uuid primary key,
    municipality_id uuid not null,
    message_id uuid not null,
    at timestamptz not null default now(),
    foreign key (municipality_id, consent_id) references kring.consent (municipality_id, id) on delete cascade
);
create index on kring.consent_notice (message_id);
select kring.protect('kring.consent_notice', 'select, insert');

alter table kring.outbox drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (
        kind in ('invitation', 'reminder', 'started', 'joined', 'given_up', 'pulse', 'own_page', 'consent_ends'));
"""

DOWN = """
delete from kring.outbox where kind = 'consent_ends';
alter table kring.outbox drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (
        kind in ('invitation', 'reminder', 'started', 'joined', 'given_up', 'pulse', 'own_page'));
drop table kring.consent_notice;
drop function kring.lasting_consent;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
