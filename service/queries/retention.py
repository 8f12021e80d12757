"""What is due to go, one statement a rule (`service.retention`): found and removed at once, at most so many at a time.

The clock of the database is never asked, so that a rule does the same whoever applies it when. Each gives back what it
did: residents where it was about one, else a number.
"""

from dataclasses import dataclass
from datetime import datetime

from service.db import Connection
from service.domain import ResidentId


@dataclass(frozen=True, slots=True)
class Due:
    """What was over at `limit` is due at `now`; `most` rows at a time."""

    limit: datetime
    now: datetime
    most: int


async def words_without_consent(conn: Connection, due: Due) -> list[ResidentId]:
    """Nobody may compare these words any more; who takes part in a platform goes on doing so."""
    return await _forget_words(
        conn,
        """
        n.state = 'open' and coalesce(
            kring.consent_until(n.resident_id, 'matching'),
            (select r.created_at from kring.resident r where r.id = n.resident_id)) <= $1
        """,
        due,
    )


async def words_of_closed(conn: Connection, due: Due) -> list[ResidentId]:
    return await _forget_words(conn, "n.state = 'closed' and n.ended_at <= $1", due)


async def _forget_words(conn: Connection, which: str, due: Due) -> list[ResidentId]:
    """The needs that are due become withdrawn ones, and leave the drafts they are in."""
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch(
            f"""
            with due as (
                select n.id from kring.need n where {which} order by n.id limit $2 for update skip locked),
            seats as (
                update kring.proposal_member m set live = false from kring.proposal p
                where p.id = m.proposal_id and p.state = 'draft' and m.live and m.need_id in (select id from due))
            update kring.need set state = 'withdrawn', text = null, topics = '{{}}', vector = null, vector_model = null
            where id in (select id from due) returning resident_id
            """,  # noqa: S608 - `which` is one of the two above
            due.limit, due.most,
        )
    ]  # fmt: skip


async def over(conn: Connection, due: Due) -> list[ResidentId]:
    """Residents of whom nothing is left to do: no words, no seat, and in no platform."""
    return [
        ResidentId(record["id"])
        for record in await conn.fetch(
            """
            select r.id from kring.resident r
            where r.created_at <= $1
              and not exists (select from kring.need n
                              where n.resident_id = r.id and (n.state <> 'withdrawn' or n.ended_at > $1))
              and not exists (select from kring.proposal_member m where m.resident_id = r.id and m.live)
              and not exists (select from kring.membership k join kring.platform f on f.id = k.platform_id
                              where k.resident_id = r.id and k.left_at is null and f.state <> 'ended')
            order by r.id limit $2
            """,
            due.limit, due.most,
        )
    ]  # fmt: skip


async def contacts_without_consent(conn: Connection, due: Due) -> list[ResidentId]:
    """Nobody may be written to with these: neither to be invited, nor to be asked how it goes."""
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch(
            """
            delete from vault.contact where resident_id in (
                select v.resident_id from vault.contact v
                where coalesce(
                    greatest(kring.consent_until(v.resident_id, 'invitation'),
                             kring.consent_until(v.resident_id, 'follow_up')),
                    v.updated_at) <= $1
                order by v.resident_id limit $2)
            returning resident_id
            """,
            due.limit, due.most,
        )
    ]  # fmt: skip


async def links(conn: Connection, due: Due) -> int:
    return _deleted(
        await conn.execute(
            """
            delete from kring.link where id in (
                select id from kring.link where least(expires_at, revoked_at) <= $1 order by id limit $2)
            """,
            due.limit, due.most,
        )
    )  # fmt: skip


async def sessions(conn: Connection, due: Due) -> int:
    """Of staff, and ways to the provider that nobody came back from."""
    ended = await conn.execute(
        """
        delete from kring.staff_session where key_hash in (
            select key_hash from kring.staff_session where created_at <= $1 order by key_hash limit $2)
        """,
        due.limit, due.most,
    )  # fmt: skip
    begun = await conn.execute(
        """
        delete from kring.sign_in where state_hash in (
            select state_hash from kring.sign_in where created_at <= $1 order by state_hash limit $2)
        """,
        due.limit, due.most,
    )  # fmt: skip
    return _deleted(ended) + _deleted(begun)


async def messages(conn: Connection, due: Due) -> int:
    """What is not owed any more, unless the link in it still opens something."""
    return _deleted(
        await conn.execute(
            """
            delete from kring.outbox where id in (
                select o.id from kring.outbox o
                where o.state not in ('due', 'sending') and greatest(o.created_at, o.due_at, o.sent_at) <= $1
                  and not exists (select from kring.link l where l.outbox_id = o.id
                                  and l.revoked_at is null and l.expires_at > $3)
                order by o.id limit $2)
            """,
            due.limit, due.most, due.now,
        )
    )  # fmt: skip


async def memberships(conn: Connection, due: Due) -> int:
    return _deleted(
        await conn.execute(
            """
            delete from kring.membership where (platform_id, resident_id) in (
                select k.platform_id, k.resident_id from kring.membership k
                join kring.platform f on f.id = k.platform_id
                where least(k.left_at, f.ended_at) <= $1 order by 1, 2 limit $2)
            """,
            due.limit, due.most,
        )
    )  # fmt: skip


async def seats(conn: Connection, due: Due) -> int:
    """Who was in a proposal that is over and takes no part in what came of it; also in what was changed in it."""
    forgotten = await conn.fetch(
        """
        select kring.forget_seat(m.proposal_id, m.resident_id)
        from kring.proposal_member m join kring.proposal p on p.id = m.proposal_id
        where not m.live and p.state <> 'draft' and greatest(p.created_at, p.edited_at, p.decided_at) <= $1
          and not exists (select from kring.invitation i where i.proposal_id = p.id
                          and i.resident_id = m.resident_id and i.state in ('pending', 'sent'))
          and not exists (select from kring.membership k join kring.platform f on f.id = k.platform_id
                          where k.resident_id = m.resident_id and (f.proposal_id = p.id or f.id = p.platform_id))
        order by m.proposal_id, m.resident_id limit $2
        """,
        due.limit, due.most,
    )  # fmt: skip
    changes = await conn.execute(
        """
        update kring.proposal_change set residents = '{}', arrived = '{}' where id in (
            select c.id from kring.proposal_change c
            join kring.proposal p on p.id = c.proposal_id left join kring.proposal o on o.id = c.other_id
            where c.residents <> '{}' and p.state <> 'draft' and o.state is distinct from 'draft'
              and greatest(p.created_at, p.edited_at, p.decided_at,
                           o.created_at, o.edited_at, o.decided_at) <= $1
            order by c.id limit $2)
        """,
        due.limit, due.most,
    )  # fmt: skip
    return len(forgotten) + _deleted(changes)


async def ungrouped(conn: Connection, due: Due) -> int:
    """Why somebody got no group in a run that is not the last: how often each reason was given stays."""
    return _deleted(
        await conn.execute(
            """
            with gone as (
                delete from kring.ungrouped where (run_id, need_id) in (
                    select u.run_id, u.need_id from kring.ungrouped u join kring.match_run r on r.id = u.run_id
                    where u.need_id is not null and r.finished_at <= $1
                      and r.id <> (select l.id from kring.match_run l where l.state = 'done'
                                   order by l.finished_at desc limit 1)
                    order by 1, 2 limit $2)
                returning run_id, municipality_id, code)
            insert into kring.ungrouped (run_id, municipality_id, code)
            select run_id, municipality_id, code from gone
            """,
            due.limit, due.most,
        )
    )  # fmt: skip


async def pulse_requests(conn: Connection, due: Due) -> int:
    """How many were asked, and how many of them answered, stays."""
    return len(
        await conn.fetch(
            """
            select kring.forget_pulse_requests(p.id) from kring.pulse p
            where p.sent_at <= $1
              and exists (select from kring.pulse_request q where q.pulse_id = p.id and q.resident_id is not null)
            order by p.id limit $2
            """,
            due.limit, due.most,
        )
    )  # fmt: skip


async def pulse_answers(conn: Connection, due: Due) -> int:
    return _deleted(
        await conn.execute(
            """
            delete from kring.pulse_answer where id in (
                select a.id from kring.pulse_answer a join kring.pulse p on p.id = a.pulse_id
                where p.sent_at <= $1 order by a.id limit $2)
            """,
            due.limit, due.most,
        )
    )  # fmt: skip


async def proofs(conn: Connection, due: Due) -> int:
    """A day counts from its end, so that no proof goes early."""
    return _deleted(
        await conn.execute(
            """
            delete from kring.erasure where resident_id in (
                select resident_id from kring.erasure
                where (erased_on + 1)::timestamp at time zone 'Europe/Amsterdam' <= $1 order by 1 limit $2)
            """,
            due.limit, due.most,
        )
    )  # fmt: skip


def _deleted(status: str) -> int:
    """`DELETE 3` is three; so are `UPDATE 3` and `INSERT 0 3`."""
    return int(status.rpartition(" ")[2])
