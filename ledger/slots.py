"""Slots in the store: asked for, held by a lease, given back. One table is one document, changed by compare-and-set.

Leases are judged by the database's clock. A holder of this machine whose process is dead is forgotten at once, one
elsewhere when its lease has run out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from weakref import WeakValueDictionary

from ledger.lease import acting, gone
from ledger.models import Slot, SlotTable, now
from ledger.rules.slots import grants
from ledger.store import Store
from shipline.errors import LeaseLost
from shipline.ids import uuid7

POLL = 0.25  # seconds between two looks while waiting

# Those of one process look one after another, so that only other processes can lose the race for a slot.
_lanes: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()


@asynccontextmanager
async def slot(
    store: Store,
    table: str,
    *,
    key: str,
    group: str,
    total: int,
    limit: int,
    counts: bool = True,
    patience: Callable[[], Awaitable[object]] | None = None,
) -> AsyncIterator[None]:
    """Wait for a slot of ``table`` and hold it as long as the body lasts; see ``ledger.models.Slot`` for the words.

    ``patience`` is awaited at every look while waiting; what it raises ends the wait. Raises LeaseLost when the slot
    was lost to others meanwhile (this process stood still too long); the body is cancelled first.
    """
    with acting() as owner:
        request = _Request(store, table, total, key=key, group=group, limit=limit, counts=counts, owner=owner)
        try:
            while not await _in_turn(table, request):
                if patience is not None:
                    await patience()
                await asyncio.sleep(POLL * random.uniform(0.8, 1.2))  # noqa: S311 (to keep waiters apart)
            async with _kept(request):
                yield
        finally:
            await asyncio.shield(request.leave())


async def _in_turn(table: str, request: _Request) -> bool:
    key = (id(asyncio.get_running_loop()), table)
    lane = _lanes.get(key)
    if lane is None:
        lane = _lanes[key] = asyncio.Lock()
    async with lane:
        return await request.take()


class _Request:
    """One slot that is asked for or held."""

    def __init__(
        self, store: Store, table: str, total: int, *, key: str, group: str, limit: int, counts: bool, owner: str
    ) -> None:
        self._store, self._table, self._total = store, table, total
        self._id = uuid7()
        self._key, self._group, self._limit, self._counts, self._owner = key, group, limit, counts, owner
        self.until = 0.0  # on this process's monotonic clock

    async def take(self) -> bool:
        """Hold it if it is this one's turn, else keep waiting; whether it is held."""
        while True:
            asked = time.monotonic()
            table, clock = await _read(self._store, self._table)
            dead = [each.id for each in table.slots if each.id != self._id and _forgotten(each, clock)]
            alive = [each for each in table.slots if each.id not in dead]
            mine = next((each for each in alive if each.id == self._id), None)
            if mine is None:
                await self._ask()
            elif any(each.id == self._id for each in grants(alive, self._total)):
                if await self._hold(table, clock, dead):
                    self.until = asked + self.term
                    return True
            elif mine.until - clock < self._store.lease / 2:
                await self.renew()
            else:
                return False

    async def renew(self) -> bool:
        """Ask for it, or hold it, for another term; False when it is no longer known."""
        asked = time.monotonic()
        renewed = {"$cond": [
            {"$eq": ["$$this.id", self._id]}, {"$mergeObjects": ["$$this", {"until": self._term_from_now}]}, "$$this"
        ]}  # fmt: skip
        found = await self._store.collection(SlotTable).update_one(
            {"_id": self._table, "slots.id": self._id},
            [{"$set": {"slots": {"$map": {"input": "$slots", "in": renewed}}}}],
        )
        if found.matched_count:
            self.until = asked + self.term
        return found.matched_count == 1

    async def _ask(self) -> None:
        born = {
            "id": self._id, "key": self._key, "group": self._group, "owner": {"$literal": self._owner},
            "limit": self._limit, "counts": self._counts, "held": False, "since": "$$NOW",
            "until": self._term_from_now,
        }  # fmt: skip
        values = {
            "slots": {"$concatArrays": [{"$ifNull": ["$slots", []]}, [born]]},
            "version": {"$ifNull": ["$version", 0]},
        }
        await self._store.collection(SlotTable).update_one({"_id": self._table}, [{"$set": values}], upsert=True)

    async def leave(self) -> None:
        """Give it back, or ask no more."""
        await self._store.collection(SlotTable).update_one(
            {"_id": self._table, "slots.id": self._id}, {"$pull": {"slots": {"id": self._id}}}
        )

    @property
    def term(self) -> float:
        """How many seconds one lease lasts."""
        return self._store.lease.total_seconds()

    @property
    def _term_from_now(self) -> dict[str, object]:
        return {"$add": ["$$NOW", int(self.term * 1000)]}

    async def _hold(self, seen: SlotTable, clock: datetime, dead: list[str]) -> bool:
        # Whoever asks or gives back meanwhile does no harm; another that holds, or a silent one that woke, does.
        silent = [each.id for each in seen.slots if each.id in dead and each.until < clock]
        woken = {"$elemMatch": {"id": {"$in": silent}, "until": {"$gt": clock}}}
        left = {"$filter": {"input": "$slots", "cond": {"$not": [{"$in": ["$$this.id", dead]}]}}}
        taken = {"$cond": [
            {"$eq": ["$$this.id", self._id]},
            {"$mergeObjects": ["$$this", {"held": True, "until": self._term_from_now}]}, "$$this",
        ]}  # fmt: skip
        found = await self._store.collection(SlotTable).update_one(
            {"_id": self._table, "version": seen.version, "$nor": [{"slots": woken}]},
            [{"$set": {"slots": {"$map": {"input": left, "in": taken}}, "version": {"$add": ["$version", 1]}}}],
        )
        return found.matched_count == 1


async def live_slots(store: Store, table: str) -> list[Slot]:
    """The slots that somebody alive holds or waits for."""
    found, clock = await _read(store, table)
    return [each for each in found.slots if not _forgotten(each, clock)]


async def _read(store: Store, table: str) -> tuple[SlotTable, datetime]:
    pipeline = [{"$match": {"_id": table}}, {"$addFields": {"clock": "$$NOW"}}]
    found = await (await store.collection(SlotTable).aggregate(pipeline)).to_list()
    return (SlotTable.from_mongo(found[0]), found[0]["clock"]) if found else (SlotTable(id=table), now())


def _forgotten(each: Slot, clock: datetime) -> bool:
    return each.until < clock or gone(each.owner)


@asynccontextmanager
async def _kept(request: _Request) -> AsyncIterator[None]:
    scope = asyncio.timeout(None)
    try:
        async with scope:
            over = asyncio.Event()  # told, not cancelled: the database's driver may not heed a cancellation
            renewing = asyncio.create_task(_renew(request, scope, over))
            try:
                yield
            finally:
                over.set()
                await asyncio.gather(renewing, return_exceptions=True)
    except TimeoutError:
        if not scope.expired():
            raise
        raise LeaseLost("The slot was lost to another worker.", "Whoever holds it now goes on with it.") from None


async def _renew(request: _Request, scope: asyncio.Timeout, over: asyncio.Event) -> None:
    """Renew until it is over. The monotonic clock goes on while a process is stopped: a lost term is seen at once."""
    try:
        while time.monotonic() < request.until:
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), request.term / 3)
            if over.is_set() or time.monotonic() >= request.until or not await request.renew():
                break
    finally:
        if not over.is_set():
            scope.reschedule(asyncio.get_running_loop().time())
