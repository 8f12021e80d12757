"""The nightly round over platforms: those that have met and were not asked lately get a pulse."""

from service import platforms
from service.db import transaction
from service.domain import MunicipalityId
from service.resources import Resources


async def ask_pulses(kring: Resources, municipality: MunicipalityId) -> None:
    """A second time does nothing: a platform that was just asked is not due."""
    async with transaction(kring.pool, municipality) as conn:
        await platforms.ask_due_pulses(conn, municipality, every_days=kring.settings.pulse_days)
