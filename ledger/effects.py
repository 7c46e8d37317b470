"""Exactly once: every outside effect goes through ``perform``.

Intent, look, act, outcome. The intent is written before anything happens; a later call that finds an intent without
an outcome looks at the outside world first, and acts only when nothing is there. A stored outcome is final.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

from ledger.models import Effect, EffectStatus, EventType, Lease, Level, Model, PendingEvent, Run, now
from ledger.store import Store
from ledger.timeline import drain, event
from shipline.errors import EffectFailed, Interrupted

T = TypeVar("T", bound=Model)

OWNER = f"{socket.gethostname()}:{os.getpid()}"
LEASE = timedelta(minutes=2)

_keys: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True)
class Key:
    """What makes an effect the same effect: ``run/node/round/kind[/digest]``."""

    run_id: str
    node: str
    round: str
    kind: str
    digest: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.run_id, self.node, self.round, self.kind, self.digest) if part)


async def nothing_to_find() -> None:
    """The look of an effect that leaves no trace outside this machine: acting again is harmless."""
    return


async def perform(
    store: Store,
    key: Key,
    outcome_type: type[T],
    *,
    act: Callable[[], Awaitable[T]],
    look: Callable[[], Awaitable[T | None]],
    say: Callable[[T], str],
    phase: str,
    about: str | None = None,
) -> T:
    """Do it once and return its outcome; a second call returns the stored outcome and touches nothing.

    ``look`` finds what an interrupted attempt may have left behind. ``say`` puts the outcome into a line of the
    timeline, under the node ``about`` (the key's own, unless given). Raises what ``act`` raises, once the failure is in
    the journal; a failed effect may be tried again.
    """
    async with _lock(str(key)):
        effect, fresh = await _intend(store, key)
        if effect.status is EffectStatus.SUCCEEDED:
            await drain(store, effect)
            return outcome_type.model_validate(effect.outcome)
        await _check_interrupt(store, key.run_id)
        try:
            found = None if fresh else await look()
            outcome = await act() if found is None else found
        except Exception as error:  # whatever it is, the journal names it before the caller decides
            await _fail(store, key, effect, error, phase, about or key.node)
            raise
        told = event(
            EventType.STEP_COMPLETED, phase, say(outcome), node=about or key.node,
            data={"effect": effect.id, "found": found is not None},
        )  # fmt: skip
        await _settle(store, key, effect, outcome, told)
        return outcome


def _lock(key: str) -> asyncio.Lock:
    # Two tasks of one process (two leaves that both need their feature's branch) wait for each other here.
    # Between processes the lease does it.
    slot = (id(asyncio.get_running_loop()), key)
    lock = _keys.get(slot)
    if lock is None:
        lock = _keys[slot] = asyncio.Lock()
    return lock


async def _intend(store: Store, key: Key) -> tuple[Effect, bool]:
    fresh = Effect(
        id=str(key),
        run_id=key.run_id,
        node_key=key.node,
        kind=key.kind,
        lease=Lease(owner=OWNER, until=now() + LEASE),
    )
    if await store.insert(fresh):
        return fresh, True
    taken = await store.change(
        Effect,
        fresh.id,
        {"status": EffectStatus.INTENDED, "lease.owner": OWNER, "lease.until": now() + LEASE},
        expect={"status": {"$ne": EffectStatus.SUCCEEDED}},
        add={"attempts": 1, "lease.fence": 1},
    )
    return taken or await store.get(Effect, fresh.id), False


async def _check_interrupt(store: Store, run_id: str) -> None:
    run = await store.get(Run, run_id)
    if run.interrupt.paused or run.interrupt.cancelled:
        word = "cancelled" if run.interrupt.cancelled else "paused"
        raise Interrupted(f"Run {run_id} is {word}.", run.interrupt.reason or "")


async def _settle(store: Store, key: Key, effect: Effect, outcome: Model, told: PendingEvent) -> None:
    settled = await store.change(
        Effect,
        effect.id,
        {
            "status": EffectStatus.SUCCEEDED,
            "outcome": outcome.model_dump(mode="json"),
            "found": told.data["found"],
            "error": None,
        },
        expect={"lease.fence": effect.lease.fence},
        event=told,
    )
    if settled is None:
        raise EffectFailed(
            f"{key.kind} of {key.node} was taken over by another worker.", "Nothing is lost; it goes on there."
        )
    await drain(store, settled)


async def _fail(store: Store, key: Key, effect: Effect, error: Exception, phase: str, node: str) -> None:
    text = f"{type(error).__name__}: {error}"
    failed = await store.change(
        Effect,
        effect.id,
        {"status": EffectStatus.FAILED, "error": text},
        expect={"lease.fence": effect.lease.fence},
        event=event(
            EventType.STEP_FAILED, phase, f"{key.kind} failed: {text}", node=node, level=Level.ERROR,
            data={"effect": effect.id, "attempt": effect.attempts},
        ),
    )  # fmt: skip
    if failed is not None:
        await drain(store, failed)
