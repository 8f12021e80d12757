"""How far a resident travels, and parts of a run that any worker may do."""

from service.migrations.plain import execute

revision = "0010"
down_revision = "0009"

UP = """
-- Kilometres; null: the resident did not say, and Kring reckons with the distance of its settings.
alter table kring.need add column reach_km smallint check (reach_km between 0 and 100);

-- Ids and codes, never a word of a note. The rows of a run go when it ends.
create table kring.run_block (
    run_id uuid not null,
    number integer not null,            -- results are put together in this order, whoever did what when
    municipality_id uuid not null,
    attempt integer not null,           -- of the run: who takes a run over starts with blocks of its own
    task jsonb not null,
    leased_until timestamptz,           -- null: nobody is at it
    result jsonb,
    primary key (run_id, number),
    foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id) on delete cascade
);
select kring.protect('kring.run_block', 'select, insert, delete');
grant update (leased_until, result) on kring.run_block to kring_app;
"""

DOWN = """
drop table kring.run_block;
alter table kring.need drop column reach_km;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
