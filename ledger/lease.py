"""Who is acting: a lease in the effect's document, and a fence that rises with every taker.

The lease is judged by the database's clock, so a worker whose own clock jumps harms nobody. A worker of this machine
that is dead is followed at once, one elsewhere when its lease has run out. GitHub checks no fence; so whoever holds a
lease asks ``still_ours`` right before each write goes out.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import psutil
from pymongo import ReturnDocument

from ledger.failpoints import Moment, reached
from ledger.models import Effect, EffectStatus
from ledger.store import Store
from shipline.errors import LeaseLost
from shipline.ids import uuid7

Raw = dict[str, Any]


def _machine() -> str:
    # Containers may share a host's name, and after a reboot a pid means another process.
    namespace, boot = Path("/proc/self/ns/pid"), Path("/proc/sys/kernel/random/boot_id")
    if not namespace.is_symlink():
        return socket.gethostname()
    return f"{socket.gethostname()}/{namespace.readlink()}/{boot.read_text().strip()}"


MACHINE = _machine()
_acting: set[str] = set()

current: ContextVar[Hold | None] = ContextVar("current", default=None)


class Hold:
    """A lease that this process holds on one effect. ``before`` is the effect as the last one who tried it left it."""

    def __init__(self, store: Store, effect: Effect, token: str, asked: float, *, before: Effect | None) -> None:
        self.store, self.effect, self.before = store, effect, before
        self._token = token
        self._until = asked + store.lease.total_seconds()

    @property
    def mine(self) -> Raw:
        """The condition of every write under this lease: no one has taken the effect over."""
        return {"lease.fence": self.effect.lease.fence, "status": {"$ne": EffectStatus.SUCCEEDED}}

    def still_ours(self) -> None:
        """Raise LeaseLost when the lease may have run out; the monotonic clock goes on while a process is stopped."""
        if time.monotonic() >= self._until:
            raise LeaseLost(f"The lease on {self.effect.id} ran out.", "Whoever holds it now goes on with it.")

    async def renew(self) -> None:
        """Hold it for another term. Raises LeaseLost when somebody has taken it."""
        asked = time.monotonic()
        kept = await self.store.collection(Effect).update_one(
            {"_id": self.effect.id, **self.mine}, [{"$set": {"lease.until": _until(self.store)}}]
        )
        if not kept.matched_count:
            raise LeaseLost(f"{self.effect.id} was taken over.", "Whoever holds it now goes on with it.")
        self._until = asked + self.store.lease.total_seconds()

    async def release(self) -> None:
        """Let anybody follow at once: the effect was not carried out, or only half."""
        await self.store.collection(Effect).update_one(
            {"_id": self.effect.id, **self.mine}, [{"$set": {"lease.until": "$$NOW"}}]
        )

    def let_go(self) -> None:
        """This call is over, whatever came of it."""
        _acting.discard(self._token)


def still_ours() -> None:
    """Ask before a write goes out: LeaseLost when the effect that runs here may be another worker's by now."""
    hold = current.get()
    if hold is not None:
        hold.still_ours()
        reached(hold.effect.kind, Moment.SEND)


async def declare(store: Store, fresh: Effect) -> Hold | Effect:
    """Write the intent and its lease in one step; the effect as it stands when it was there already."""
    asked = time.monotonic()
    with _claim() as (token, keep):
        before = await _declared(store, fresh, token)
        if before is not None:
            return Effect.from_mongo(before)
        keep()
    lease = fresh.lease.model_copy(update={"owner": _owner(token)})
    return Hold(store, fresh.model_copy(update={"lease": lease}), token, asked, before=None)


async def _declared(store: Store, fresh: Effect, token: str) -> Raw | None:
    born = fresh.to_mongo()
    born["lease"] = {"owner": _owner(token), "fence": 1}
    update = {"$mergeObjects": [{"$literal": born}, {"lease": {"$mergeObjects": [{"$literal": born["lease"]}, {
        "until": _until(store)}]}}]}  # fmt: skip
    found: Raw | None = await store.collection(Effect).find_one_and_update(
        {"_id": fresh.id},
        [{"$replaceWith": {"$cond": [{"$eq": [{"$type": "$kind"}, "missing"]}, update, "$$ROOT"]}}],
        upsert=True,
        return_document=ReturnDocument.BEFORE,
    )
    return found


async def take_over(store: Store, seen: Effect) -> Hold | None:
    """Follow whoever held ``seen``: when its attempt failed, its process is gone, or its lease has run out."""
    asked = time.monotonic()
    free: Raw = {"_id": seen.id, "status": {"$ne": EffectStatus.SUCCEEDED}, "lease.fence": seen.lease.fence}
    if seen.status is not EffectStatus.FAILED and not gone(seen.lease.owner):
        free["$expr"] = {"$lte": ["$lease.until", "$$NOW"]}
    with _claim() as (token, keep):
        lease = {"owner": {"$literal": _owner(token)}, "fence": {"$add": ["$lease.fence", 1]}, "until": _until(store)}
        values = {"status": EffectStatus.INTENDED.value, "lease": lease, "attempts": {"$add": ["$attempts", 1]}}
        taken = await store.collection(Effect).find_one_and_update(
            free, [{"$set": {**values, "updated_at": "$$NOW"}}], return_document=ReturnDocument.AFTER
        )
        if taken is None:
            return None
        keep()
    return Hold(store, Effect.from_mongo(taken), token, asked, before=seen)


@contextmanager
def _claim() -> Iterator[tuple[str, Callable[[], None]]]:
    """A call's name, known as living before the ledger hears it; forgotten at the end unless it is kept."""
    token, kept = uuid7(), []
    _acting.add(token)
    try:
        yield token, lambda: kept.append(True)
    finally:
        if not kept:
            _acting.discard(token)


def gone(owner: str) -> bool:
    """Whether the holder is certainly dead: a process of this machine that is no more, or a call that has ended."""
    machine, pid, born, token = ([*owner.split(" "), "", "", ""])[:4]
    if machine != MACHINE or not pid.isdecimal():
        return False
    if int(pid) == os.getpid() and born == str(_birth(os.getpid())):
        return token not in _acting
    return born != str(_birth(int(pid)))


@contextmanager
def acting() -> Iterator[str]:
    """The name of one call of this process, for a lease; ``gone`` knows when the call has ended."""
    token = uuid7()
    _acting.add(token)
    try:
        yield _owner(token)
    finally:
        _acting.discard(token)


def _owner(token: str) -> str:
    return f"{MACHINE} {os.getpid()} {_birth(os.getpid())} {token}"


def _birth(pid: int) -> int | None:
    """When a process began; with its pid it names it. None when there is none, or only what its parent must bury."""
    try:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():  # ticks since the boot: psutil's time moves when somebody sets the clock
            fields = stat.read_text().rpartition(")")[2].split()
            return None if fields[0] == "Z" else int(fields[19])
        return int(psutil.Process(pid).create_time())
    except (OSError, psutil.Error):
        return None


def _until(store: Store) -> Raw:
    return {"$add": ["$$NOW", int(store.lease.total_seconds() * 1000)]}
