"""What a caseworker overruled at the gate."""

from service.migrations.plain import execute

revision = "0017"
down_revision = "0016"

UP = """
-- A caseworker said of something the gate found that nobody can be recognised by it. Never the words themselves: they
-- stand in the note, and leave with it. Which kinds can be overruled: `service.gate.OVERRULABLE`; a test holds the two
-- together.
create table kring.overruled_hit (
    id uuid primary key default gen_random_uuid(),
    municipality_id uuid not null,
    need_id uuid not null,
    label text not null constraint overruled_hit_label check (
        label in ('NAME', 'DATE', 'AGE', 'POSTCODE', 'ADDRESS', 'PLACE', 'ORGANISATION', 'PLATE', 'CASE_NUMBER')),
    reason text not null constraint overruled_hit_reason check (
        reason in ('common_word', 'illness', 'well_known', 'calendar', 'other')),
    overruled_by uuid not null,
    overruled_at timestamptz not null default now(),
    foreign key (municipality_id, need_id) references kring.need (municipality_id, id) on delete cascade,
    foreign key (municipality_id, overruled_by) references kring.staff (municipality_id, id)
);
create index on kring.overruled_hit (need_id);
select kring.protect('kring.overruled_hit', 'select');
-- not the time: it is the database's
grant insert (municipality_id, need_id, label, reason, overruled_by) on kring.overruled_hit to kring_app;
"""

DOWN = """
drop table kring.overruled_hit;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
