"""Rows in every table for both municipalities: what the walls between them are tried on."""

import asyncpg

from models.plan import Code, Plan, Reason, Ungrouped
from service import erasure, needs, platforms
from service.audit import OPERATOR
from service.db import transaction
from service.domain import Staff
from service.queries import municipalities, own_data, run_blocks
from service.resources import Resources
from tests import factories
from tests.factories import Submitted

Owner = asyncpg.Connection
# Which municipalities take part is public: the only table without a municipality's data.
PUBLIC = "kring.municipality"


async def fill(kring: Resources, coordinator: Staff) -> Submitted:
    """At least one row in every table of this municipality; somebody in it."""
    here = coordinator.municipality
    platform, invited = await factories.platform(kring, coordinator)
    await factories.link(kring, coordinator, invited.invitations[0])
    left_out = await factories.submit(kring, coordinator)
    await factories.submit(kring, coordinator, apart=(left_out.reference,))
    run = await factories.claimed_run(kring, coordinator)
    plan = Plan((), (), (Ungrouped(str(left_out.need), Reason(Code.NO_SIMILAR_NEED, {"found": 0})),), "handmade", 1)
    async with transaction(kring.pool, here) as conn:
        await factories.matching.store(conn, here, run, plan, pooled=2)
        await platforms.ask_pulse(conn, here, platform)
        pulse = await conn.fetchval("select id from kring.pulse")
        await platforms.answer_pulse(conn, here, pulse, invited.people[0].resident, welcome=5, helped=4, staying=5)
        await municipalities.insert_session(conn, coordinator, b"key of " + coordinator.name.encode())
        await conn.execute(
            "insert into kring.release (municipality_id, quarter, tables) values ($1, '2026-K3', $2)",
            here,
            {"total": 0, "steps": [], "parts": {}},
        )
        await conn.execute(
            """
            insert into kring.theme_advice (run_id, theme_id, municipality_id, reasons)
            select run_id, theme_id, municipality_id, '[]' from kring.theme_in_run limit 1
            """
        )
        await run_blocks.put(conn, here, run.id, run.attempt, [{"blocks": []}])
        await conn.execute(
            """
            insert into kring.consent_notice (consent_id, municipality_id, message_id)
            select id, municipality_id, gen_random_uuid() from kring.consent
            """
        )
        await own_data.put_correction(conn, here, left_out.need, "text", "Zoekt mensen die hetzelfde meemaken.")
        await conn.execute(
            """
            insert into kring.overruled_hit (municipality_id, need_id, label, reason, overruled_by)
            values ($1, $2, 'NAME', 'common_word', $3)
            """,
            here,
            left_out.need,
            coordinator.id,
        )
        await conn.execute(
            """
            insert into kring.sign_in (state_hash, municipality_id, browser_hash, nonce, code_verifier, onward)
            values (sha256($1), $2, sha256('browser'), 'nonce', 'verifier', '/')
            """,
            coordinator.name.encode(),
            here,
        )
    await leave(kring, coordinator)
    return left_out


async def leave(kring: Resources, coordinator: Staff) -> None:
    """One resident withdrew, and one was erased."""
    withdrew, erased = await factories.some_people(kring, coordinator, 2)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await needs.withdraw(conn, coordinator, withdrew.reference)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await erasure.erase(conn, coordinator.municipality, erased.resident, OPERATOR)


async def tables(owner: Owner) -> list[str]:
    return [
        record["name"]
        for record in await owner.fetch(
            """
            select oid::regclass::text as name from pg_class
            where relkind in ('r', 'p') and relnamespace::regnamespace::text in ('kring', 'vault') order by 1
            """
        )
        if record["name"] != PUBLIC
    ]
