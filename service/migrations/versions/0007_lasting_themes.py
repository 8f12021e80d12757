"""Themes that last: one row for a theme, one for each run that found it, and what happened to it between them."""

from service.migrations.plain import execute

revision = "0007"
down_revision = "0006"

UP = """
-- A theme was found by one run; now it stays itself from run to run (models.lineage).
alter table kring.theme rename column created_at to born_at;
alter table kring.theme
    add column number integer,          -- 1, 2, 3 … in the municipality: what it is called while no word may name it
    add column perspective text check (perspective in (
        'self', 'parent', 'partner', 'child', 'sibling', 'relative', 'foster_parent')),    -- null: mixed
    -- A coordinator lets in people who ask from another side; the next run heeds it.
    add column mixed boolean not null default false,
    add column ended_at timestamptz;

create table kring.theme_in_run (
    run_id uuid not null,
    theme_id uuid not null,
    municipality_id uuid not null,
    label text not null,                -- as it was then
    size integer not null check (size >= 0),
    primary key (run_id, theme_id),
    unique (municipality_id, run_id, theme_id),
    foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id) on delete cascade,
    foreign key (municipality_id, theme_id) references kring.theme (municipality_id, id) on delete cascade
);
create index on kring.theme_in_run (theme_id);
select kring.protect('kring.theme_in_run', 'select, insert');

create table kring.theme_event (
    number bigint generated always as identity primary key,    -- the order, also of two in the same moment
    municipality_id uuid not null,
    theme_id uuid not null,
    run_id uuid,                        -- the run that saw it
    decided_by uuid,                    -- or the coordinator who decided it
    at timestamptz not null default now(),
    kind text not null check (kind in (
        'born', 'returned', 'grew', 'shrank', 'merged', 'split', 'ended', 'mixing_on', 'mixing_off')),
    others uuid[] not null default '{}',    -- the themes that merged into it, or its other parts
    params jsonb not null default '{}',     -- counts only
    constraint theme_event_seen_or_decided check ((run_id is null) <> (decided_by is null)),
    foreign key (municipality_id, theme_id) references kring.theme (municipality_id, id) on delete cascade,
    foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id) on delete cascade,
    foreign key (municipality_id, decided_by) references kring.staff (municipality_id, id)
);
create index on kring.theme_event (theme_id, number);
create index on kring.theme_event (run_id);
create index on kring.theme_event using gin (others);
create index on kring.proposal (theme_id);
select kring.protect('kring.theme_event', 'select, insert');

-- Each old row becomes a theme of its own, in the order in which they were found; a numbered one takes its own number.
with numbered as (
    select id, row_number() over (partition by municipality_id order by born_at, label, id) as number from kring.theme)
update kring.theme t set number = n.number from numbered n where n.id = t.id;
insert into kring.theme_in_run (run_id, theme_id, municipality_id, label, size)
select t.run_id, t.id, t.municipality_id, t.label, count(n.need_id)
from kring.theme t left join kring.theme_need n on n.theme_id = t.id group by t.id;
insert into kring.theme_event (municipality_id, theme_id, run_id, at, kind, params)
select s.municipality_id, s.theme_id, s.run_id, t.born_at, 'born', jsonb_build_object('size', s.size)
from kring.theme_in_run s join kring.theme t on t.id = s.theme_id order by t.born_at, t.number;
update kring.theme t set
    label = case when t.label ~ '^Thema \\d+$' then 'Thema ' || t.number else t.label end,
    perspective = (select case when count(distinct d.perspective) = 1 then min(d.perspective) end
                   from kring.theme_need n join kring.need d on d.id = n.need_id where n.theme_id = t.id),
    -- over as soon as a later run was done
    ended_at = (select min(later.finished_at) from kring.match_run own join kring.match_run later
                on later.municipality_id = own.municipality_id and later.state = 'done'
                and later.finished_at > own.finished_at
                where own.id = t.run_id);
update kring.proposal p set title = regexp_replace(p.title, '\\(thema \\d+\\)$', '(thema ' || t.number || ')')
from kring.theme t where t.id = p.theme_id and p.state = 'draft' and p.edited_at is null;

-- Who is in a theme is kept for the run that saw it last, which is what the next run needs to recognise it; how large
-- it was stays for each run. Who withdrew is in none.
alter table kring.theme_need add column run_id uuid;
delete from kring.theme_need n using kring.theme t, kring.need d
where t.id = n.theme_id and d.id = n.need_id and (t.ended_at is not null or d.state = 'withdrawn');
update kring.theme_need n set run_id = t.run_id from kring.theme t where t.id = n.theme_id;
delete from kring.theme_need a using kring.theme_need b
where a.run_id = b.run_id and a.need_id = b.need_id and a.theme_id > b.theme_id;
alter table kring.theme_need
    alter column run_id set not null,
    drop constraint theme_need_pkey,
    add primary key (run_id, need_id),  -- a run puts nobody in two themes
    drop constraint theme_need_municipality_id_theme_id_fkey,
    add foreign key (municipality_id, run_id, theme_id)
        references kring.theme_in_run (municipality_id, run_id, theme_id) on delete cascade;
create index on kring.theme_need (theme_id);

alter table kring.theme
    alter column number set not null,
    drop column run_id,                 -- and with it that a theme goes when a run does
    add unique (municipality_id, number),
    add foreign key (municipality_id) references kring.municipality on delete cascade;
grant update (label, perspective, mixed, ended_at) on kring.theme to kring_app;

-- A need that is withdrawn leaves no trace in a theme, whoever withdraws it and by whatever way.
create function kring.need_leaves_themes() returns trigger language plpgsql as $$
begin
    delete from kring.theme_need where need_id = new.id;
    return new;
end $$;
create trigger need_leaves_themes after update of state on kring.need
    for each row when (new.state = 'withdrawn') execute function kring.need_leaves_themes();
"""

DOWN = """
drop trigger need_leaves_themes on kring.need;
drop function kring.need_leaves_themes;

-- One row for each run that found the theme. The last one keeps the id, and with it the members.
create temporary table found_again on commit drop as
select s.run_id, s.theme_id, s.municipality_id, s.label, r.finished_at,
    case when row_number() over (partition by s.theme_id order by r.finished_at desc nulls last, s.run_id) = 1
         then s.theme_id else gen_random_uuid() end as id
from kring.theme_in_run s join kring.match_run r on r.id = s.run_id;

alter table kring.theme add column run_id uuid;
update kring.theme t set run_id = f.run_id, label = f.label, born_at = coalesce(f.finished_at, t.born_at)
from found_again f where f.id = t.id;
alter table kring.theme drop constraint theme_municipality_id_number_key, alter column number drop not null;
insert into kring.theme (id, municipality_id, run_id, label, born_at)
select id, municipality_id, run_id, label, coalesce(finished_at, now()) from found_again where id <> theme_id;
update kring.proposal p set theme_id = f.id from found_again f
where f.theme_id = p.theme_id and f.run_id = p.run_id and f.id <> f.theme_id;

alter table kring.theme_need
    drop constraint theme_need_municipality_id_run_id_theme_id_fkey,
    drop constraint theme_need_pkey,
    drop column run_id,
    add primary key (theme_id, need_id),
    add constraint theme_need_municipality_id_theme_id_fkey
        foreign key (municipality_id, theme_id) references kring.theme (municipality_id, id) on delete cascade;
drop index kring.theme_need_theme_id_idx, kring.proposal_theme_id_idx;
drop table kring.theme_event, kring.theme_in_run;
revoke update (label, perspective, mixed, ended_at) on kring.theme from kring_app;
alter table kring.theme
    drop column number, drop column perspective, drop column mixed, drop column ended_at,
    drop constraint theme_municipality_id_fkey,
    alter column run_id set not null,
    add foreign key (municipality_id, run_id) references kring.match_run (municipality_id, id) on delete cascade;
alter table kring.theme rename column born_at to created_at;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
