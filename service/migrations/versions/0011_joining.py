"""Joining what exists: a proposal may offer places in a platform, and a platform holds its own bounds."""

from service.migrations.plain import execute

revision = "0011"
down_revision = "0010"

UP = """
-- With a platform, a proposal offers places in it in place of a new group. Language and way of meeting are those of the
-- group as a run composed it; a platform meets as its own proposal says, and newcomers are sought who can.
alter table kring.proposal
    add column platform_id uuid,
    add column language text,
    add column meeting text check (meeting in ('in_person', 'online', 'either')),
    add constraint proposal_of_platform
        foreign key (municipality_id, platform_id) references kring.platform (municipality_id, id),
    -- who fits a platform is no group of their own
    add constraint proposal_joining_stays_apart check (merged_into is null or platform_id is null);
create unique index one_draft_per_platform on kring.proposal (platform_id) where state = 'draft';
create index on kring.proposal (platform_id);
-- Earlier groups said both among their reasons.
update kring.proposal set
    language = (select r -> 'params' ->> 'language' from jsonb_array_elements(reasons) r
                where r ->> 'code' = 'shared_language' limit 1),
    meeting = case when reasons @> '[{"code": "meets_online"}]' then 'online' else 'in_person' end;

-- How many a form holds: BOUNDS of service.domain; a test holds the two together.
create function kring.form_most(form text) returns integer language sql immutable as
$$ select case when form = 'circle' then 12 else 40 end $$;

-- Everybody a platform has, or has asked, or is about to ask: each of them may sit beside each other one day.
create function kring.around_platform(wanted uuid) returns setof uuid language sql stable as $$
    select resident_id from kring.membership where platform_id = wanted and left_at is null
    union
    select m.resident_id from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
    where m.live and (p.platform_id = wanted
                      or p.id = (select proposal_id from kring.platform where id = wanted))
$$;

-- The platforms that somebody takes part in, or has a seat at: the same looked at from the other side.
create function kring.platforms_around(wanted uuid) returns setof uuid language sql stable as $$
    select m.platform_id from kring.membership m where m.resident_id = wanted and m.left_at is null
    union
    select coalesce(p.platform_id, f.id)
    from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
    left join kring.platform f on f.proposal_id = p.id
    where m.resident_id = wanted and m.live
$$;

-- Whom a platform offers a place to is decided when the draft is made; a platform that has ended offers none.
create function kring.proposal_joins() returns trigger language plpgsql as $$
declare
    platform_form text;
begin
    if tg_op = 'UPDATE' then
        if new.platform_id is distinct from old.platform_id then
            perform kring.refuse('proposal_joins_one_platform', 'the platform of a proposal stands');
        end if;
        if new.platform_id is null or new.state = old.state or new.state not in ('draft', 'approved') then
            return new;
        end if;
    elsif new.platform_id is null then
        return new;
    end if;
    -- The platform's row is where joining, asking and ending take turns.
    select form into platform_form from kring.platform
    where id = new.platform_id and state <> 'ended' for no key update;
    if not found then
        perform kring.refuse('joining_platform_ended', 'the platform has ended');
    end if;
    if new.form <> platform_form then
        perform kring.refuse('joining_form', 'a proposal to join has the form of its platform');
    end if;
    return new;
end $$;
create trigger proposal_joins before insert or update on kring.proposal
    for each row execute function kring.proposal_joins();

-- After kring.proposal_member_rules, by name: the same once more, beside those who are there already.
create function kring.seat_beside_members() returns trigger language plpgsql as $$
declare
    joined uuid;
    own_band text;
begin
    if not new.live or (tg_op = 'UPDATE' and old.live) then
        return new;
    end if;
    select platform_id into joined from kring.proposal where id = new.proposal_id;
    if joined is null then
        return new;
    end if;
    perform from kring.platform where id = joined and state <> 'ended' for no key update;
    if not found then
        perform kring.refuse('joining_platform_ended', 'the platform has ended');
    end if;
    if exists (select from kring.membership where platform_id = joined and resident_id = new.resident_id) then
        perform kring.refuse('joining_member_already', 'somebody who is, or was, a member');
    end if;
    select age_band into own_band from kring.resident where id = new.resident_id;
    if exists (
        select from kring.around_platform(joined) beside join kring.resident r on r.id = beside
        where beside <> new.resident_id and kring.age_circle(r.age_band) <> kring.age_circle(own_band)) then
        perform kring.refuse('joining_age_circle', 'a minor beside members who are adults, or the other way round');
    end if;
    if exists (
        select from kring.around_platform(joined) beside
        join kring.apart a on a.resident_a = least(beside, new.resident_id)
                          and a.resident_b = greatest(beside, new.resident_id)) then
        perform kring.refuse('joining_apart', 'somebody who must not meet a member');
    end if;
    return new;
end $$;
create trigger seat_beside_members before insert or update on kring.proposal_member
    for each row execute function kring.seat_beside_members();

-- The last look, at the moment somebody becomes a member.
create function kring.membership_rules() returns trigger language plpgsql as $$
declare
    platform_form text;
    own_band text;
begin
    -- Two who say yes at one moment take turns here: the second sees the first.
    select form into platform_form from kring.platform
    where id = new.platform_id and state <> 'ended' for no key update;
    if not found then
        perform kring.refuse('membership_platform_ended', 'the platform has ended');
    end if;
    if (select count(*) from kring.membership where platform_id = new.platform_id and left_at is null)
       >= kring.form_most(platform_form) then
        perform kring.refuse('membership_full', 'the platform is full');
    end if;
    select age_band into own_band from kring.resident where id = new.resident_id for share;
    if exists (
        select from kring.membership m join kring.resident r on r.id = m.resident_id
        where m.platform_id = new.platform_id and m.left_at is null
          and kring.age_circle(r.age_band) <> kring.age_circle(own_band)) then
        perform kring.refuse('membership_age_circle', 'a minor beside adults');
    end if;
    if exists (
        select from kring.membership m
        join kring.apart a on a.resident_a = least(m.resident_id, new.resident_id)
                          and a.resident_b = greatest(m.resident_id, new.resident_id)
        where m.platform_id = new.platform_id and m.left_at is null) then
        perform kring.refuse('membership_apart', 'two people who must not meet');
    end if;
    return new;
end $$;
create trigger membership_rules before insert on kring.membership
    for each row execute function kring.membership_rules();

-- The other ways round. By name these come after kring.apart_rules and kring.resident_rules, which hold the residents.
create function kring.apart_around_platforms() returns trigger language plpgsql as $$
begin
    perform from kring.resident where id in (new.resident_a, new.resident_b) order by id for no key update;
    if exists (
        select from kring.platforms_around(new.resident_a) one
        join kring.platforms_around(new.resident_b) other on other = one
        join kring.platform f on f.id = one
        where f.state <> 'ended') then
        perform kring.refuse('apart_in_one_platform', 'these two are in one platform, or are asked for it');
    end if;
    return new;
end $$;
create trigger apart_rules_of_platforms before insert on kring.apart
    for each row execute function kring.apart_around_platforms();

create function kring.resident_stays_member() returns trigger language plpgsql as $$
begin
    if kring.age_circle(new.age_band) <> kring.age_circle(old.age_band) and exists (
        select from kring.membership m join kring.platform f on f.id = m.platform_id
        where m.resident_id = new.id and m.left_at is null and f.state <> 'ended') then
        perform kring.refuse('resident_age_in_platform', 'a member of a platform of the other age');
    end if;
    return new;
end $$;
create trigger resident_stays_member before update on kring.resident
    for each row execute function kring.resident_stays_member();

-- Who joins a platform that exists is welcomed; who starts one hears that it starts.
alter table kring.outbox drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (
        kind in ('invitation', 'reminder', 'started', 'joined', 'given_up', 'pulse'));
"""

DOWN = """
delete from kring.outbox where kind = 'joined';
alter table kring.outbox drop constraint outbox_kind_check,
    add constraint outbox_kind_check check (kind in ('invitation', 'reminder', 'started', 'given_up', 'pulse'));
drop trigger resident_stays_member on kring.resident;
drop trigger apart_rules_of_platforms on kring.apart;
drop trigger membership_rules on kring.membership;
drop trigger seat_beside_members on kring.proposal_member;
drop trigger proposal_joins on kring.proposal;
drop function kring.resident_stays_member, kring.apart_around_platforms, kring.membership_rules,
    kring.seat_beside_members, kring.proposal_joins, kring.platforms_around, kring.around_platform,
    kring.form_most;
-- Without its platform an offer of places would read as a group of its own: the people can be placed again.
update kring.proposal_member set live = false
where proposal_id in (select id from kring.proposal where platform_id is not null and state = 'draft');
update kring.proposal set state = 'superseded' where platform_id is not null and state = 'draft';
alter table kring.proposal drop column platform_id, drop column language, drop column meeting;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
