"""Contact details go into the vault and come out of it: the only two ways there are.

What comes out leaves an entry in the audit trail, which the database writes itself (revision 0014).
"""

from enum import StrEnum

from service.audit import Actor
from service.db import Connection
from service.domain import Contact, MunicipalityId, ResidentId
from service.queries import contacts, residents
from service.queries.residents import SealedContact
from service.vault import Sealed, Vault


class Why(StrEnum):
    """The reasons to open contact details; the database knows no others."""

    MESSAGE = "message"
    OWN = "own"
    EXPORT = "export"
    ROTATION = "rotation"


async def keep(
    conn: Connection, vault: Vault, municipality: MunicipalityId, resident: ResidentId, contact: Contact
) -> None:
    """Seal and store, in place of what was there. Expects details as `service.contacts.normalised` writes them."""
    await residents.put_contact(conn, municipality, resident, sealed_by(vault, municipality, resident, contact))


async def read(
    conn: Connection, vault: Vault, municipality: MunicipalityId, resident: ResidentId, why: Why, actor: Actor
) -> Contact | None:
    """Open somebody's contact details; None where there are none.

    `Why.OWN` is for the resident alone. Raises VaultKeyMissing and SealBroken.
    """
    found = await contacts.read(
        conn,
        resident,
        why,
        reader_kind=actor.kind,
        reader_id=actor.id,
        reader_origin=actor.origin,
        reader_address=actor.address,
    )
    if found is None:
        return None
    sealed = Sealed(found.key_id, found.nonce, found.sealed, found.key_check)
    return Contact(found.channel, vault.open(resident, sealed, municipality))


def sealed_by(vault: Vault, municipality: MunicipalityId, resident: ResidentId, contact: Contact) -> SealedContact:
    """The row that `contact` becomes."""
    sealed = vault.seal(resident, contact.value, municipality)
    return SealedContact(contact.channel, sealed.key_id, sealed.nonce, sealed.value, sealed.key_check)
