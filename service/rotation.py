"""Seals contact details anew with the first key of the vault, while everything else goes on.

Small transactions, each of which leaves every row sealed by one key or by the other: a rotation that is cut off goes on
where it was, two at once share the work, and what somebody stores meanwhile is never written over, because a row is
held from the moment it is read. What a process that still had the old list sealed meanwhile is found by looking again
at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service import addresses, audit
from service.addresses import Why
from service.audit import OPERATOR, Action
from service.db import Connection, Pool, nowhere, transaction
from service.domain import MunicipalityId, ResidentId
from service.errors import SealBroken
from service.queries import contacts, municipalities
from service.vault import Vault

BATCH = 50  # rows held at once: some tens of milliseconds, which is how long a person who stores one of them waits


@dataclass(frozen=True, slots=True)
class Rotated:
    """`broken`: whose contact details did not open, and so stand as they were. `unused`: keys that seal nothing."""

    count: int
    broken: tuple[ResidentId, ...]
    unused: tuple[str, ...]


async def count(pool: Pool, vault: Vault) -> int:
    """How many contact details are to be sealed anew, everywhere."""
    return sum([await _count(pool, vault, municipality, []) for municipality in await _everywhere(pool)])


async def rotate(pool: Pool, vault: Vault, done: Callable[[int], None] = lambda _: None) -> Rotated:
    """Seal everything anew that the first key did not seal; `done` hears after each batch how many it was."""
    resealed = 0
    broken: list[ResidentId] = []
    places = await _everywhere(pool)
    while True:
        found = [await _Rotation(pool, vault, place, broken, done).run() for place in places]
        if not any(found):
            break
        resealed += sum(found)
    return Rotated(resealed, tuple(broken), await _unused(pool, vault, places))


class _Rotation:
    """One municipality, once from its first row to its last and then again for what was held or written meanwhile."""

    def __init__(
        self,
        pool: Pool,
        vault: Vault,
        municipality: MunicipalityId,
        broken: list[ResidentId],
        done: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._municipality = municipality
        self._broken = broken
        self._done = done

    async def run(self) -> int:
        """How many were sealed anew."""
        resealed = await self._all_that_are_free()
        while await _count(self._pool, self._vault, self._municipality, self._broken):
            resealed += await self._one_that_was_held()
        if resealed:
            async with transaction(self._pool, self._municipality) as conn:
                await audit.record(
                    conn,
                    self._municipality,
                    OPERATOR,
                    Action.KEYS_ROTATED,
                    object_kind="key",
                    object_id=self._vault.key_ids[0],
                    detail=f"resealed:{resealed}",
                )
        return resealed

    async def _all_that_are_free(self) -> int:
        resealed = 0
        after: ResidentId | None = None
        while True:
            async with transaction(self._pool, self._municipality) as conn:
                held = await contacts.take_stale(conn, self._vault.key_ids[0], self._broken, after=after, most=BATCH)
                count = sum([await self._reseal(conn, resident) for resident in held])
            if not held:
                return resealed
            after = held[-1]
            resealed += count
            self._done(count)

    async def _one_that_was_held(self) -> int:
        async with transaction(self._pool, self._municipality) as conn:
            held = await contacts.await_stale(conn, self._vault.key_ids[0], self._broken)
            count = 0 if held is None else int(await self._reseal(conn, held))
        self._done(count)
        return count

    async def _reseal(self, conn: Connection, resident: ResidentId) -> bool:
        try:
            contact = await addresses.read(conn, self._vault, self._municipality, resident, Why.ROTATION, OPERATOR)
        except SealBroken:
            self._broken.append(resident)
            return False
        if contact is None:
            return False
        await contacts.reseal(conn, resident, addresses.sealed_by(self._vault, self._municipality, resident, contact))
        return True


async def _everywhere(pool: Pool) -> list[MunicipalityId]:
    async with nowhere(pool) as conn:
        return [one.id for one in await municipalities.all_municipalities(conn)]


async def _count(pool: Pool, vault: Vault, municipality: MunicipalityId, but: list[ResidentId]) -> int:
    async with transaction(pool, municipality) as conn:
        return await contacts.count_stale(conn, vault.key_ids[0], but)


async def _unused(pool: Pool, vault: Vault, places: list[MunicipalityId]) -> tuple[str, ...]:
    used: set[str] = set()
    for municipality in places:
        async with transaction(pool, municipality) as conn:
            used.update(await contacts.keys_in_use(conn, municipality))
    return tuple(key_id for key_id in vault.key_ids[1:] if key_id not in used)
