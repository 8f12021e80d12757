"""Consents that end soon: who is to be told, and that it was told."""

from datetime import datetime
from uuid import UUID

from service.db import Connection
from service.domain import MunicipalityId, ResidentId


async def to_tell(
    conn: Connection, *, now: datetime, until: datetime, only: ResidentId | None = None
) -> list[ResidentId]:
    """Who has a consent that ends after `now` and by `until`, and was not told of it. `only`: of this resident.

    Only who still asks for something (an open need, consent to search), and who may be written to and can be. Nobody
    who answered "never" is among them: that closes the need, ends the consent to invite and takes the address.
    """
    return [
        ResidentId(record["resident_id"])
        for record in await conn.fetch(
            """
            select c.resident_id from kring.lasting_consent() c
            left join kring.consent_notice n on n.consent_id = c.id
            where c.valid_until > $1 and ($3::uuid is null or c.resident_id = $3)
              and exists (select from kring.need a where a.resident_id = c.resident_id and a.state = 'open')
              and exists (select from vault.contact v where v.resident_id = c.resident_id)
            group by c.resident_id
            having bool_or(c.purpose = 'matching') and bool_or(c.purpose = 'invitation')
               and bool_or(n.consent_id is null and c.valid_until <= $2)
            order by c.resident_id
            """,
            now, until, only,
        )
    ]  # fmt: skip


async def put(
    conn: Connection, municipality: MunicipalityId, resident: ResidentId, message: UUID, *, until: datetime
) -> None:
    """This message tells of every consent of theirs that ends before `until`, but for what was told before."""
    await conn.execute(
        """
        insert into kring.consent_notice (consent_id, municipality_id, message_id)
        select c.id, $1, $3 from kring.lasting_consent() c where c.resident_id = $2 and c.valid_until < $4
        on conflict (consent_id) do nothing
        """,
        municipality, resident, message, until,
    )  # fmt: skip
