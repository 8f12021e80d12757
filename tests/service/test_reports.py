"""A release: what it counts, what it leaves out, and that it stands."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest

from models.need import Perspective
from service import consents, proposals, reports
from service.db import Connection, transaction
from service.domain import PlatformState, Staff, StaffId
from service.errors import TooFewPeople, TooLittleChanged
from service.queries.reports import Person, Release, Tables
from service.resources import Resources
from tests import factories
from tests.factories import Submitted

CASEWORKERS = [StaffId(uuid.UUID(int=number)) for number in range(4)]


async def submitted(kring: Resources, caseworkers: list[Staff], count: int) -> tuple[Submitted, ...]:
    return tuple([await factories.submit(kring, caseworkers[number % 3]) for number in range(count)])


async def frozen(kring: Resources, staff: Staff, quarter: str = "2026-K4") -> Release:
    async with transaction(kring.pool, staff.municipality) as conn:
        return await reports.freeze(conn, staff.municipality, quarter)


# --- counting and controlling, without a database -------------------------------------------------------------------


def people(count: int, **changes: object) -> list[Person]:
    person = {
        "created_at": datetime(2026, 10, 1, tzinfo=UTC),
        "perspective": Perspective.PARENT,
        "area": "Binnenstad",
        "theme": "Slaap",
        "placed": False,
        "asked": False,
        "accepted": False,
        "platform": None,
    }
    return [Person(caseworker=CASEWORKERS[at % 4], **(person | changes)) for at in range(count)]  # type: ignore[arg-type]


def shown(tables: Tables) -> dict[str, int]:
    return {line.name: line.residents for line in tables.steps}


def test_each_step_counts_its_part_of_the_step_before() -> None:
    tables = reports.tables(
        people(40)
        + people(30, placed=True)
        + people(20, placed=True, asked=True)
        + people(11, placed=True, asked=True, accepted=True),
        ["Binnenstad"],
    )
    assert shown(tables) == {"needs": 100, "placed": 60, "asked": 30, "accepted": 10}


def test_who_said_yes_is_held_back_when_it_would_tell_how_few_did_not() -> None:
    asked = people(40) + people(9, placed=True, asked=True) + people(30, placed=True, asked=True, accepted=True)
    assert "accepted" not in shown(reports.tables(asked, []))


def test_platforms_are_left_out_when_the_number_they_divide_is() -> None:
    asked = people(40) + people(9, placed=True, asked=True)
    yes = people(30, placed=True, asked=True, accepted=True, platform=PlatformState.ACTIVE)
    assert "platforms" not in reports.tables(asked + yes, []).parts


def test_members_are_counted_by_how_their_platform_stands() -> None:
    yes = {"placed": True, "asked": True, "accepted": True}
    tables = reports.tables(
        people(40)
        + people(20, placed=True, asked=True)
        + people(20, platform=PlatformState.ACTIVE, **yes)
        + people(15, platform=PlatformState.PAUSED, **yes)
        + people(6, **yes)
        + people(6, platform=PlatformState.FORMING, **yes),
        [],
    )
    assert {line.name: line.residents for line in tables.parts["platforms"].lines} == {"active": 20, "paused": 15}


def test_a_small_theme_is_not_in_the_result_not_even_its_name() -> None:
    tables = reports.tables(
        people(40, theme="Slaap") + people(30, theme="Rouw") + people(4, theme="Geheim") + people(12, theme=None), []
    )
    assert [line.name for line in tables.parts["themes"].lines] == ["Slaap", "Rouw"]


def test_two_themes_with_one_label_are_one_line() -> None:
    lines = reports.tables(people(8, theme="Rouw") + people(8, theme="Rouw") + people(20), []).parts["themes"].lines
    assert {line.name: line.residents for line in lines} == {"Rouw": 15, "Slaap": 20}


@pytest.mark.parametrize(
    ("at", "quarter"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), "2026-K4"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "2027-K1"),
        (datetime(2026, 3, 31, 21, 59, tzinfo=UTC), "2026-K1"),
        (datetime(2026, 3, 31, 22, 0, tzinfo=UTC), "2026-K2"),
    ],
)
def test_a_quarter_ends_at_midnight_in_the_netherlands(at: datetime, quarter: str) -> None:
    assert reports.quarter_of(at) == quarter


# --- releases -------------------------------------------------------------------------------------------------------


async def test_who_withdrew_is_in_no_number(kring: Resources, caseworkers: list[Staff]) -> None:
    everybody = await submitted(kring, caseworkers, 13)
    municipality = caseworkers[0].municipality
    async with transaction(kring.pool, municipality) as conn:
        await consents.withdraw_everything(conn, municipality, everybody[0].resident, "link")
    assert (await frozen(kring, caseworkers[0])).tables.total == 10


async def test_who_gave_no_consent_that_stands_is_in_no_number(
    kring: Resources, caseworkers: list[Staff], owner: Connection
) -> None:
    everybody = await submitted(kring, caseworkers, 13)
    await owner.execute(
        "update kring.consent set given_at = now() - interval '2 days', valid_until = now() - interval '1 day' "
        "where resident_id = $1",
        everybody[0].resident,
    )
    assert (await frozen(kring, caseworkers[0])).tables.total == 10


async def test_a_release_stands_whatever_happens_after_it(kring: Resources, caseworkers: list[Staff]) -> None:
    await submitted(kring, caseworkers, 12)
    first = await frozen(kring, caseworkers[0])
    await submitted(kring, caseworkers, 12)
    assert await frozen(kring, caseworkers[0]) == first


async def test_two_managers_at_the_same_moment_make_one_release(
    kring: Resources, caseworkers: list[Staff], owner: Connection
) -> None:
    await submitted(kring, caseworkers, 12)
    one, other = await asyncio.gather(frozen(kring, caseworkers[0]), frozen(kring, caseworkers[0]))
    assert one == other
    assert await owner.fetchval("select count(*) from kring.release") == 1


async def test_nine_residents_give_no_release(kring: Resources, caseworkers: list[Staff], owner: Connection) -> None:
    await submitted(kring, caseworkers, 9)
    with pytest.raises(TooFewPeople):
        await frozen(kring, caseworkers[0])
    assert await owner.fetchval("select count(*) from kring.release") == 0


async def test_a_next_release_waits_for_ten_newcomers(kring: Resources, caseworkers: list[Staff]) -> None:
    await submitted(kring, caseworkers, 12)
    await frozen(kring, caseworkers[0], "2026-K4")
    await submitted(kring, caseworkers, 9)
    with pytest.raises(TooLittleChanged):
        await frozen(kring, caseworkers[0], "2027-K1")
    await submitted(kring, caseworkers, 1)
    assert (await frozen(kring, caseworkers[0], "2027-K1")).tables.total == 20


async def test_the_latest_release_is_the_one_shown(kring: Resources, caseworkers: list[Staff]) -> None:
    await submitted(kring, caseworkers, 12)
    await frozen(kring, caseworkers[0], "2026-K4")
    await submitted(kring, caseworkers, 12)
    await frozen(kring, caseworkers[0], "2027-K1")
    async with transaction(kring.pool, caseworkers[0].municipality) as conn:
        latest = await reports.latest(conn)
    assert latest is not None
    assert latest.quarter == "2027-K1"


async def test_a_release_of_another_municipality_does_not_exist(
    kring: Resources, caseworkers: list[Staff], other_coordinator: Staff
) -> None:
    await submitted(kring, caseworkers, 12)
    await frozen(kring, caseworkers[0])
    async with transaction(kring.pool, other_coordinator.municipality) as conn:
        assert await reports.latest(conn) is None


async def test_steps_and_themes_come_from_what_happened(
    kring: Resources, caseworkers: list[Staff], coordinator: Staff
) -> None:
    """44 with a need, 30 of them in two proposals with one label, 15 of them invited."""
    await submitted(kring, caseworkers, 14)
    groups = [await submitted(kring, caseworkers, 15) for _ in range(2)]
    run = await factories.store_plan(kring, coordinator, factories.plan_of(*groups))
    asked, _ = await factories.drafts_of_run(kring, coordinator, run)
    await factories.plan_meeting(kring, coordinator, asked)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        await proposals.approve(conn, coordinator, asked, link_days=30)
    release = await frozen(kring, coordinator)
    assert shown(release.tables) == {"needs": 45, "placed": 30, "asked": 15}
    themes = {line.name: line.residents for line in release.tables.parts["themes"].lines}
    assert themes == {"mantelzorg": 30, reports.NO_THEME: 15}


async def test_the_stored_release_holds_no_word_of_a_need_and_no_reference(
    kring: Resources, caseworkers: list[Staff], owner: Connection
) -> None:
    everybody = await submitted(kring, caseworkers, 12)
    await frozen(kring, caseworkers[0])
    stored = await owner.fetchval("select tables::text from kring.release")
    texts = await owner.fetch("select text, id::text, resident_id::text, submitted_by::text from kring.need")
    secrets = [value for record in texts for value in record.values()] + [one.reference for one in everybody]
    assert not [secret for secret in secrets if secret in stored]
