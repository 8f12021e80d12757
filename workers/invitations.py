"""The nightly round over invitations: unanswered ones lapse, and get one reminder before that."""

from service import invitations
from service.db import transaction
from service.domain import MunicipalityId
from service.resources import Resources


async def remind_and_expire(kring: Resources, municipality: MunicipalityId) -> None:
    """What is over first, so that nobody is reminded of it. A second time does nothing."""
    async with transaction(kring.pool, municipality) as conn:
        await invitations.expire(conn)
        await invitations.give_up(conn, municipality)
        await invitations.remind(conn, municipality, after_days=kring.settings.reminder_days)
