"""A resident who opened the personal link of an invitation."""

import httpx
import pytest

from service.domain import Staff
from service.resources import Resources
from tests import factories
from tests.app import App


@pytest.fixture
async def invited(kring: Resources, coordinator: Staff) -> factories.Invited:
    """One more than it takes to start a platform."""
    return await factories.approved(kring, coordinator, 6)


@pytest.fixture
async def token(kring: Resources, coordinator: Staff, invited: factories.Invited) -> str:
    return await factories.link(kring, coordinator, invited.invitations[0])


@pytest.fixture
async def resident(app: App, token: str) -> httpx.AsyncClient:
    return await app.link_holder(token)
