"""The nightly round over consents: whose consent ends soon is written to, once."""

from datetime import datetime

from service import consents
from service.db import transaction
from service.domain import MunicipalityId
from service.resources import Resources


async def tell_of_ends(kring: Resources, municipality: MunicipalityId, now: datetime) -> None:
    """One resident a transaction: it holds a whole ledger, and two of them could wait for each other.

    A second time does nothing; what breaks off is found again the next night.
    """
    days = kring.settings.consent_notice_days
    async with transaction(kring.pool, municipality) as conn:
        ending = await consents.to_tell(conn, now, days)
    for resident in ending:
        async with transaction(kring.pool, municipality) as conn:
            await consents.tell(conn, municipality, resident, now, days=days)
