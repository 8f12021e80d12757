"""A municipality's identity provider; two municipalities with something in every table; who may see and change it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from service.db import transaction
from service.domain import PlatformId, Role, Staff
from service.invitations import new_link
from service.queries import municipalities
from service.resources import Resources
from service.settings import Settings
from tests import factories
from tests.app import App, running
from tests.factories import Submitted
from tests.service import joinings
from tests.service.crawl import Found, crawl
from tests.service.filled import fill
from tests.service.provider import IdentityProvider, identity_provider


@pytest.fixture(scope="session")
def started_provider() -> Iterator[IdentityProvider]:
    with identity_provider() as started:
        yield started


@pytest.fixture
def provider(started_provider: IdentityProvider) -> IdentityProvider:
    """The provider of all tests, telling the truth again."""
    started_provider.truthful()
    return started_provider


# --- something in every table ---------------------------------------------------------------------------------------


@pytest.fixture
async def ours(kring: Resources, coordinator: Staff) -> Submitted:
    """This municipality filled; somebody of it."""
    return await fill(kring, coordinator)


@pytest.fixture
async def theirs(kring: Resources, ours: Submitted, other_coordinator: Staff) -> Submitted:
    """Both municipalities filled; somebody of the other one."""
    return await fill(kring, other_coordinator)


# --- whoever may see and change it ----------------------------------------------------------------------------------


@pytest.fixture
async def unlimited(kring: Resources) -> AsyncIterator[App]:
    """The application for a test that asks a lot."""
    much = {name: 10**6 for name in Settings.model_fields if name.startswith("limit_")}
    async with running(replace(kring, settings=kring.settings.model_copy(update=much))) as started:
        yield started


@pytest.fixture
async def all_roles(unlimited: App, kring: Resources, coordinator: Staff, ours: Submitted) -> httpx.AsyncClient:
    """Somebody who may see and change all that staff can."""
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        await municipalities.put_staff(conn, here, subject="all", name="Alles", roles=list(Role))
        staff = await municipalities.staff_by_subject(conn, "all")
    assert staff is not None
    return await unlimited.signed_in(staff)


@pytest.fixture
async def invited_resident(unlimited: App, kring: Resources, coordinator: Staff, ours: Submitted) -> httpx.AsyncClient:
    """A resident who opened the link of an invitation."""
    asked = await factories.approved(kring, coordinator, 6)
    return await unlimited.link_holder(await factories.link(kring, coordinator, asked.invitations[0]))


@pytest.fixture
async def asked_member(unlimited: App, kring: Resources, coordinator: Staff, ours: Submitted) -> httpx.AsyncClient:
    """A member who opened the link of a pulse."""
    here = coordinator.municipality
    async with transaction(kring.pool, here) as conn:
        owed = await conn.fetchrow("select id, resident_id, subject_id from kring.outbox where kind = 'pulse' limit 1")
        assert owed is not None
        token = await new_link(
            conn,
            here,
            resident=owed["resident_id"],
            outbox_id=owed["id"],
            purpose="pulse",
            subject_id=owed["subject_id"],
            days=30,
        )
    return await unlimited.link_holder(token)


async def offer(kring: Resources, coordinator: Staff) -> None:
    """Two drafts of a group, which can be merged, and one of places in a platform."""
    for _ in range(2):  # a run leaves alone what somebody worked on
        await factories.plan_meeting(kring, coordinator, (await factories.draft(kring, coordinator)).proposal)
    async with transaction(kring.pool, coordinator.municipality) as conn:
        platform = PlatformId(await conn.fetchval("select id from kring.platform where state <> 'ended' limit 1"))
    await joinings.offered(kring, coordinator, platform, await factories.submit(kring, coordinator))


@pytest.fixture
async def found(
    kring: Resources,
    coordinator: Staff,
    all_roles: httpx.AsyncClient,
    invited_resident: httpx.AsyncClient,
    asked_member: httpx.AsyncClient,
) -> Found:
    """Every page and form there is."""
    await offer(kring, coordinator)
    walks = [
        await crawl(all_roles, "/", "/zoektochten", "/rapportage"),
        await crawl(invited_resident, "/uitnodiging", "/mijn-gegevens"),
        await crawl(asked_member, "/peiling"),
    ]
    return Found(
        {page: answer for walk in walks for page, answer in walk.pages.items()},
        [form for walk in walks for form in walk.forms],
    )
