"""The sweep finds in PostgreSQL what Redis forgot, and once a night there is a round over everything."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from service import audit, logs, matching, retention
from service.audit import Action, Anchor
from service.db import transaction
from service.domain import Answer, Staff
from service.enqueue import QUEUE, deserialize
from service.queries.municipalities import Municipality
from service.resources import Resources
from tests import factories
from tests.workers.conftest import Mails, Owner, outbox_states
from workers import upkeep
from workers.main import Jobs

TONIGHT = timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-23T12:00:00+00:00", "2026-11-23T01:00:00+00:00"),
        ("2026-11-23T00:30:00+00:00", "2026-11-22T01:00:00+00:00"),
        ("2026-07-01T00:00:00+00:00", "2026-07-01T00:00:00+00:00"),  # summer: two hours ahead
        ("2026-10-25T12:00:00+00:00", "2026-10-25T00:00:00+00:00"),  # the clock went back at three
        ("2026-03-29T12:00:00+00:00", "2026-03-29T01:00:00+00:00"),  # and forward at two: there was no two o'clock
    ],
)
def test_last_night_is_two_oclock_in_amsterdam(now: str, night: str) -> None:
    assert upkeep.last_night(datetime.fromisoformat(now)).astimezone(UTC) == datetime.fromisoformat(night)


async def test_a_run_that_redis_forgot_is_woken(kring: Resources, coordinator: Staff) -> None:
    async with transaction(kring.pool, coordinator.municipality) as conn:
        run = await matching.request_run(conn, coordinator)
    await upkeep.sweep(kring)
    assert [("match", [str(coordinator.municipality), str(run)])] == queued(kring)


async def test_a_run_that_is_under_way_is_not_woken(kring: Resources, coordinator: Staff) -> None:
    await factories.claimed_run(kring, coordinator)
    await upkeep.sweep(kring)
    assert queued(kring) == []


async def test_messages_that_redis_forgot_are_woken(kring: Resources, coordinator: Staff) -> None:
    await factories.approved(kring, coordinator)
    await upkeep.sweep(kring)
    assert queued(kring) == [("deliver", [str(coordinator.municipality)])]


async def test_a_message_that_waits_its_time_wakes_nobody(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await factories.approved(kring, coordinator)
    await owner.execute("update kring.outbox set due_at = now() + interval '1 hour'")
    await upkeep.sweep(kring)
    assert queued(kring) == []


async def test_once_a_night_there_is_a_run_in_each_municipality(kring: Resources, owner: Owner) -> None:
    await upkeep.sweep(kring, datetime.now(UTC) + TONIGHT)
    await upkeep.sweep(kring, datetime.now(UTC) + TONIGHT)
    causes = await owner.fetch("select municipality_id, cause from kring.match_run")
    assert sorted(row["cause"] for row in causes) == ["nightly", "nightly"]


async def test_a_night_that_was_made_is_not_made_again(
    kring: Resources, municipality: Municipality, jobs: Jobs, owner: Owner
) -> None:
    await upkeep.nightly_round(kring, municipality.id, datetime.now(UTC))
    run = await owner.fetchval("select id from kring.match_run")
    await jobs.match({}, str(municipality.id), str(run))
    await owner.execute("update kring.municipality set created_at = now() - interval '1 year'")
    await upkeep.sweep(kring)
    assert await owner.fetchval("select count(*) from kring.match_run where municipality_id = $1", municipality.id) == 1


async def test_a_municipality_that_joined_today_waits_for_its_first_night(kring: Resources, owner: Owner) -> None:
    await upkeep.sweep(kring, datetime.now(UTC))
    assert await owner.fetchval("select count(*) from kring.match_run") == 0


async def test_an_unanswered_invitation_gets_one_reminder(
    kring: Resources, coordinator: Staff, jobs: Jobs, mails: Mails, owner: Owner
) -> None:
    await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    await owner.execute("update kring.invitation set sent_at = now() - interval '8 days'")
    for _ in range(2):
        await upkeep.nightly_round(kring, coordinator.municipality, datetime.now(UTC))
        await jobs.deliver({}, str(coordinator.municipality))
    kinds = await owner.fetch("select kind, count(*)::int from kring.outbox where state = 'sent' group by kind")
    assert {(row["kind"], row["count"]) for row in kinds} == {("invitation", 5), ("reminder", 5)}


async def test_who_answered_gets_no_reminder(kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner) -> None:
    invited = await factories.approved(kring, coordinator)
    await jobs.deliver({}, str(coordinator.municipality))
    await owner.execute("update kring.invitation set sent_at = now() - interval '8 days'")
    for invitation in invited.invitations:
        await factories.answer(kring, coordinator, invitation, Answer.NOT_NOW)
    await upkeep.nightly_round(kring, coordinator.municipality, datetime.now(UTC))
    assert await outbox_states(owner) == {"sent": 5}


async def test_no_answer_at_all_frees_the_seat(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await factories.approved(kring, coordinator)
    await owner.execute("update kring.invitation set expires_at = now() - interval '1 minute'")
    await upkeep.nightly_round(kring, coordinator.municipality, datetime.now(UTC))
    assert await owner.fetchval("select count(*) from kring.proposal_member where live") == 0


async def test_a_platform_that_met_is_asked_how_it_goes_once(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    await owner.execute("update kring.meeting set state = 'held', attended = 5, newcomers = 5")
    await owner.execute("update kring.platform set state = 'active' where id = $1", platform)
    for _ in range(2):
        await upkeep.nightly_round(kring, coordinator.municipality, datetime.now(UTC))
        await jobs.deliver({}, str(coordinator.municipality))
    assert await owner.fetchval("select count(*) from kring.outbox where kind = 'pulse' and state = 'sent'") == 5


async def test_a_pulse_setting_of_a_day_does_not_break_the_round(
    kring: Resources, coordinator: Staff, impatient: Resources, owner: Owner
) -> None:
    """By hand or by setting, a platform is asked once a week at most."""
    platform, _ = await factories.platform(kring, coordinator)
    await owner.execute("update kring.meeting set state = 'held', attended = 5, newcomers = 5")
    await owner.execute("update kring.platform set state = 'active' where id = $1", platform)
    await upkeep.nightly_round(impatient, coordinator.municipality, datetime.now(UTC))
    await owner.execute("update kring.pulse set sent_at = now() - interval '3 days'")
    await upkeep.nightly_round(impatient, coordinator.municipality, datetime.now(UTC))
    assert await owner.fetchval("select count(*) from kring.pulse") == 1


async def _closed(kring: Resources, coordinator: Staff, owner: Owner, count: int) -> None:
    """So many needs that were closed a year ago."""
    await factories.some_people(kring, coordinator, count)
    await owner.execute("update kring.need set state = 'closed'")
    await owner.execute("update kring.need set ended_at = now() - interval '1 year'")


async def test_at_night_goes_what_is_kept_no_longer(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    await _closed(kring, coordinator, owner, 2)
    await upkeep.nightly_round(kring, coordinator.municipality, datetime.now(UTC))
    assert await owner.fetchval("select count(*) from kring.need where text is not null") == 0


async def test_the_night_goes_by_the_moment_of_the_sweep(kring: Resources, coordinator: Staff, owner: Owner) -> None:
    """A year of consent and thirty days: the words stand until then, and not a day more."""
    await factories.submit(kring, coordinator)
    left = []
    for days in (1, 394, 396):
        await upkeep.sweep(kring, datetime.now(UTC) + timedelta(days=days))
        left.append(await owner.fetchval("select count(*) from kring.need where text is not null"))
        await owner.execute("delete from kring.match_run")
    assert left == [1, 1, 0]


async def test_more_than_fits_one_transaction_goes_in_several(
    kring: Resources, coordinator: Staff, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    await _closed(kring, coordinator, owner, 5)
    await upkeep.let_go(kring, coordinator.municipality, datetime.now(UTC))
    told = await owner.fetch(
        "select detail, count(*)::int from kring.audit where action = 'retention.applied' group by 1"
    )
    assert {row["detail"]: row["count"] for row in told} == {"2": 4, "1": 1}


async def test_a_rule_that_breaks_off_keeps_what_it_did_holds_up_no_other_and_goes_on_the_next_night(
    kring: Resources, coordinator: Staff, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    await _closed(kring, coordinator, owner, 3)
    await owner.execute("update vault.contact set updated_at = now() - interval '1 year'")
    await owner.execute("delete from kring.consent")
    real = retention.audit.record_each
    calls = 0

    async def once(*arguments: Any, **named: Any) -> None:
        nonlocal calls
        if named["object_id"] == "words_of_closed":
            calls += 1
            if calls == 2:
                raise RuntimeError("the worker is killed")
        await real(*arguments, **named)

    monkeypatch.setattr(retention.audit, "record_each", once)
    words = "select count(*) from kring.need where text is not null"
    await upkeep.let_go(kring, coordinator.municipality, datetime.now(UTC))
    first = await owner.fetchval(words), await owner.fetchval("select count(*) from vault.contact")
    await upkeep.let_go(kring, coordinator.municipality, datetime.now(UTC))
    assert first == (2, 0)
    assert await owner.fetchval(words) == 0


async def test_redis_holds_nothing_about_anybody(
    kring: Resources, coordinator: Staff, other_municipality: Municipality
) -> None:
    await factories.approved(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        run = await matching.request_run(conn, coordinator)
    await kring.queue.wake("match", coordinator.municipality, run)
    await upkeep.sweep(kring)
    held = "".join(value for _, value in everything(kring))
    assert "deliver" in held
    assert not [secret for secret in ("voorbeeld.test", "moeder", "Waterdam", "coordinator", "Linde") if secret in held]


def everything(kring: Resources) -> list[tuple[str, str]]:
    """Every key in Redis with its value."""
    with redis.Redis.from_url(kring.settings.redis_url.get_secret_value()) as client:
        return [
            (
                key.decode(),
                repr(client.zrange(key, 0, -1, withscores=True))
                if client.type(key) == b"zset"
                else repr(client.get(key)),
            )
            for key in client.scan_iter()
        ]


def queued(kring: Resources) -> list[tuple[str, list[str]]]:
    """Name and arguments of the jobs that wait, in the order in which they were asked for."""
    with redis.Redis.from_url(kring.settings.redis_url.get_secret_value()) as client:
        jobs = [client.get(b"arq:job:" + job) for job in client.zrange(QUEUE, 0, -1)]
    return [(job["f"], job["a"]) for job in map(deserialize, filter(None, jobs))]


async def test_the_end_of_the_trail_is_logged_each_night(
    kring: Resources, coordinator: Staff, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever owns the database can make a whole new trail; what stands in a log elsewhere tells."""
    await factories.submit(kring, coordinator)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await audit.record(
            conn, coordinator.municipality, audit.WORKER, Action.RUN_READ, object_kind="run", object_id="1"
        )
    logs.configure("info")
    await upkeep.nightly_round(kring, coordinator.municipality, datetime.now(UTC))
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "audit_trail_ends" in line]
    async with transaction(kring.pool, coordinator.municipality) as conn:
        found = await audit.verify(conn, coordinator.municipality, Anchor.parse(said[-1]["anchor"]))
    assert found.count >= 1
    assert found.problems == ()
