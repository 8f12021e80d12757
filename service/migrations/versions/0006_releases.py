"""Releases: the frozen, disclosure-controlled report a manager reads."""

from service.migrations.plain import execute

revision = "0006"
down_revision = "0005"

UP = """
-- One a quarter and never recomputed: two reports over nearly the same people would tell about the difference.
create table kring.release (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null references kring.municipality on delete cascade,
    quarter text not null check (quarter ~ '^[0-9]{4}-K[1-4]$'),
    as_of timestamptz not null default now(),
    tables jsonb not null,              -- already controlled: what is suppressed is not in here at all
    unique (municipality_id, quarter)
);
select kring.protect('kring.release', 'select, insert');
"""

DOWN = """
drop table kring.release;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
