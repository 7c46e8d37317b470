"""Slots against a real MongoDB: limits across workers, fairness, and what becomes of a holder that dies or sleeps."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from ledger import slots
from ledger.models import SlotTable
from ledger.slots import live_slots, slot
from ledger.store import Store
from shipline.errors import Interrupted, LeaseLost

TERM = timedelta(seconds=2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, store: Store, other_store: Store) -> None:
    monkeypatch.setattr(slots, "POLL", 0.1)
    store.lease = other_store.lease = TERM


class Floor:
    """Counts who is on it at once."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.ended: list[str] = []

    @asynccontextmanager
    async def on(self, group: str) -> AsyncIterator[None]:
        self.now[group] += 1
        for name, count in ((group, self.now[group]), ("all", sum(self.now.values()))):
            self.most[name] = max(self.most[name], count)
        yield
        self.now[group] -= 1
        self.ended.append(group)

    async def work(self, store: Store, group: str, key: str, *, total: int, limit: int, takes: float = 0.3) -> None:
        async with slot(store, "leaves", key=key, group=group, total=total, limit=limit), self.on(group):
            await asyncio.sleep(takes)


async def test_two_workers_keep_one_limit_for_all_and_one_for_each_run(store: Store, other_store: Store) -> None:
    floor = Floor()
    await asyncio.gather(
        *(floor.work(store, "a", f"a/{number}", total=5, limit=3, takes=1.0) for number in range(6)),
        *(floor.work(other_store, "b", f"b/{number}", total=5, limit=3, takes=1.0) for number in range(6)),
    )
    assert len(floor.ended) == 12
    # Five at once are three of one run and two of the other, whichever.
    assert floor.most["all"] == 5
    assert max(floor.most["a"], floor.most["b"]) == 3
    assert await live_slots(store, "leaves") == []


async def test_a_run_with_many_leaves_does_not_starve_one_with_two(store: Store, other_store: Store) -> None:
    floor = Floor()
    big = [asyncio.create_task(floor.work(store, "big", f"big/{n}", total=4, limit=4)) for n in range(30)]
    await asyncio.sleep(1)
    assert floor.ended
    await asyncio.gather(*(floor.work(other_store, "small", f"small/{n}", total=4, limit=4) for n in range(2)))
    assert floor.ended.count("small") == 2
    assert not all(each.done() for each in big)
    for each in big:
        each.cancel()
    await asyncio.gather(*big, return_exceptions=True)
    assert await live_slots(store, "leaves") == []


async def test_one_key_is_held_by_one_worker(store: Store, other_store: Store) -> None:
    floor = Floor()
    await asyncio.gather(*(floor.work(each, "a", "a/x", total=9, limit=9) for each in (store, other_store) * 3))
    assert (len(floor.ended), floor.most["all"]) == (6, 1)


async def test_a_holder_keeps_its_slot_as_long_as_its_work_takes(store: Store, other_store: Store) -> None:
    floor = Floor()
    takes = 1.5 * TERM.total_seconds()
    await asyncio.gather(*(floor.work(e, "a", "a/x", total=1, limit=1, takes=takes) for e in (store, other_store)))
    assert floor.most["all"] == 1


_HOLD = """
import asyncio, sys
from datetime import timedelta
from ledger.slots import slot
from ledger.store import Store
from shipline.errors import LeaseLost
async def main():
    store = await Store.open(sys.argv[1], sys.argv[2], lease=timedelta(seconds=float(sys.argv[3])))
    try:
        async with slot(store, "leaves", key="a/x", group="a", total=1, limit=1):
            print("held", flush=True)
            await asyncio.sleep(60)
    except LeaseLost:
        print("lost", flush=True)
asyncio.run(main())
"""


@asynccontextmanager
async def holder(mongodb: str, database: str, term: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds a slot, and says when it has lost it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, mongodb, database, str(term), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


async def test_a_holder_that_is_killed_gives_its_slot_free_at_once(store: Store, mongodb: str, database: str) -> None:
    async with holder(mongodb, database, 3600) as process:
        waiting = asyncio.create_task(Floor().work(store, "b", "b/y", total=1, limit=1))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        process.kill()
        await process.wait()
        await asyncio.wait_for(waiting, 10)


async def test_a_holder_elsewhere_is_forgotten_when_its_lease_has_run_out(store: Store) -> None:
    async with slot(store, "leaves", key="a/x", group="a", total=1, limit=1):
        pass
    stranger = {
        "id": "s", "key": "a/x", "group": "a", "owner": "another-machine 1 1 x", "limit": 1, "counts": True,
        "held": True,
    }  # fmt: skip
    await store.collection(SlotTable).update_one(
        {"_id": "leaves"},
        [{"$set": {"slots": [{**stranger, "since": "$$NOW", "until": {"$add": ["$$NOW", 1500]}}]}}],
    )
    began = time.monotonic()
    await Floor().work(store, "b", "b/y", total=1, limit=1)
    assert time.monotonic() - began > 1


async def test_who_lost_its_slot_is_stopped(store: Store) -> None:
    with pytest.raises(LeaseLost):
        async with slot(store, "leaves", key="a/x", group="a", total=1, limit=1):
            await store.collection(SlotTable).update_one({"_id": "leaves"}, {"$set": {"slots": []}})
            await asyncio.wait_for(asyncio.sleep(30), 5)


async def test_a_wait_ends_with_what_patience_raises(store: Store, other_store: Store) -> None:
    async def no_more() -> None:
        raise Interrupted("Paused.")

    async with slot(store, "leaves", key="a/x", group="a", total=1, limit=1):
        with pytest.raises(Interrupted):
            async with slot(other_store, "leaves", key="b", group="b", total=1, limit=1, patience=no_more):
                pass
    assert await live_slots(store, "leaves") == []
