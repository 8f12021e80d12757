"""A run offers places in the platforms there are, and what a yes to that is sent: the worker's part of joining."""

from service.domain import PlatformId, Staff
from service.resources import Resources
from tests import factories
from tests.service import joinings
from tests.workers.conftest import Mails, Owner, asked
from workers.main import Jobs


async def _drafts(owner: Owner) -> list[tuple[PlatformId | None, int]]:
    """Platform and seats of each draft."""
    records = await owner.fetch(
        """
        select p.platform_id, count(*) from kring.proposal p join kring.proposal_member m on m.proposal_id = p.id
        where p.state = 'draft' and m.live group by p.id
        """
    )
    return [(record["platform_id"], record["count"]) for record in records]


async def _run(kring: Resources, staff: Staff, jobs: Jobs) -> None:
    await jobs.match({}, str(staff.municipality), str(await asked(kring, staff)))


async def test_a_run_offers_a_platform_before_anything_new(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    await factories.some_people(kring, coordinator, 6)
    await _run(kring, coordinator, jobs)
    assert await _drafts(owner) == [(platform, 6)]
    run = await owner.fetchrow("select needs, grouped from kring.match_run order by created_at desc limit 1")
    assert tuple(run) == (6, 6)


async def test_a_later_run_replaces_an_offer_that_nobody_touched(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    await factories.some_people(kring, coordinator, 2)
    for _ in range(2):
        await _run(kring, coordinator, jobs)
    assert await _drafts(owner) == [(platform, 2)]


async def test_the_last_places_are_drawn_and_who_lost_hears_so(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    """Nine fit and there are seven places; two people are no group of their own."""
    platform, _ = await factories.platform(kring, coordinator)
    await factories.some_people(kring, coordinator, 9)
    await _run(kring, coordinator, jobs)
    assert await _drafts(owner) == [(platform, 7)]
    assert [record["code"] for record in await owner.fetch("select code from kring.ungrouped")] == ["not_drawn"] * 2


async def test_vectors_of_members_by_another_encoder_are_made_again(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    platform, members = await factories.platform(kring, coordinator)
    await joinings.alike(kring, coordinator, *members.people)
    await factories.some_people(kring, coordinator, 2)
    await _run(kring, coordinator, jobs)
    assert await _drafts(owner) == [(platform, 2)]
    assert await owner.fetchval("select count(*) from kring.need where vector_model = 'handmade'") == 0


async def test_the_language_and_the_way_of_meeting_are_kept_for_who_comes_later(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner
) -> None:
    await factories.some_people(kring, coordinator, 6)
    await _run(kring, coordinator, jobs)
    assert tuple(await owner.fetchrow("select language, meeting, daypart from kring.proposal")) == (
        "nl", "in_person", "tue-evening",
    )  # fmt: skip


async def test_who_joins_is_welcomed_by_a_message_that_names_nothing(
    kring: Resources, coordinator: Staff, jobs: Jobs, owner: Owner, mails: Mails
) -> None:
    platform, _ = await factories.platform(kring, coordinator)
    invited = await joinings.asked(kring, coordinator, platform, await factories.submit(kring, coordinator))
    await jobs.deliver({}, str(coordinator.municipality))
    mails.taken.clear()
    await factories.answer(kring, coordinator, invited.invitations[0])
    await jobs.deliver({}, str(coordinator.municipality))
    (mail,) = mails.taken
    words = str(mail.get_body(("plain",)))
    assert "U bent welkom." in words
    assert "antelzorg" not in words
