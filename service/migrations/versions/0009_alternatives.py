"""What would help who has no group yet: for each person, and for each theme; and which municipalities may be asked."""

from service.migrations.plain import execute

revision = "0009"
down_revision = "0008"

UP = """
-- Reasons as code and parameters, what asks least first. `raised`: waits so long that a coordinator is told.
alter table kring.ungrouped
    add column alternatives jsonb not null default '[]',
    add column raised boolean not null default false;
create index ungrouped_raised on kring.ungrouped (run_id) where raised;

-- The smallest changes that would give who is left of a theme a group, as that run found them: counts, never a person.
create table kring.theme_advice (
    run_id uuid not null,
    theme_id uuid not null,
    municipality_id uuid not null,
    reasons jsonb not null,
    primary key (run_id, theme_id),
    foreign key (municipality_id, run_id, theme_id)
        references kring.theme_in_run (municipality_id, run_id, theme_id) on delete cascade
);
select kring.protect('kring.theme_advice', 'select, insert');

-- Neighbours that take part, by name: only that they could be asked is ever said. The owner writes them, as it does the
-- rest of this table (`kring import-areas --neighbour`).
alter table kring.municipality add column neighbours text[] not null default '{}'
    check (array_position(neighbours, null) is null and array_to_string(neighbours, '') !~ ',');
"""

DOWN = """
alter table kring.municipality drop column neighbours;
drop table kring.theme_advice;
drop index kring.ungrouped_raised;
alter table kring.ungrouped drop column raised, drop column alternatives;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
