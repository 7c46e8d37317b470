"""Exactly once: every outside effect goes through ``perform``.

Intent, look, act, outcome. The intent is written before anything happens; a later call that finds an intent without
an outcome looks at the outside world first, and acts only when nothing is there. A stored outcome is final.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from ledger.failpoints import Moment, reached
from ledger.lease import Hold, current, declare, take_over
from ledger.models import (
    Effect,
    EffectKind,
    EffectStatus,
    EventType,
    Interrupt,
    Lease,
    Level,
    Model,
    PendingEvent,
    Run,
    now,
)
from ledger.store import Store
from ledger.timeline import append, drain, event
from shipline.backoff import TRIES, pause
from shipline.errors import Interrupted, LeaseLost, OutcomeUnknown

T = TypeVar("T", bound=Model)

TICK = 1.0  # seconds between two looks at what a person asked for, while something long is going on
WAIT = 0.2  # seconds between two looks at an effect that another worker carries out
# GitHub's lists may lag behind its writes: what was done a moment ago is not believed to be missing before that.
LAG = 5.0
GRACE = 10.0  # seconds in which a short act may still end when its task is cancelled

_keys: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True)
class Key:
    """What makes an effect the same effect: ``run/node/round/kind[/digest]``."""

    run_id: str
    node: str
    round: str
    kind: EffectKind
    digest: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.run_id, self.node, self.round, self.kind, self.digest) if part)


@dataclass(frozen=True)
class Doing(Generic[T]):
    """One effect as its caller describes it; see ``perform``."""

    key: Key
    outcome_type: type[T]
    act: Callable[[], Awaitable[T]]
    look: Callable[[], Awaitable[T | None]]
    undo: Callable[[T], Awaitable[None]] | None
    long: bool
    phase: str
    about: str
    say: Callable[[T], str]


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
    undo: Callable[[T], Awaitable[None]] | None = None,
    long: bool = False,
) -> T:
    """Do it once and return its outcome; a second call returns the stored outcome and touches nothing.

    ``look`` finds what an interrupted attempt may have left behind, the oldest when there are several. ``undo`` takes
    back what was done once too often; leave it out where the other side itself refuses the second time. A ``long`` act
    (an agent, a test run) is left when a person pauses or cancels the run, others are seen through. ``say`` puts the
    outcome into a line of the timeline, under the node ``about`` (the key's own, unless given).

    While another worker carries the same effect out, this one waits. Raises Interrupted when the run is paused or
    cancelled, and what ``act`` raises, once the failure is in the journal; a failed effect may be tried again.
    """
    doing = Doing(key, outcome_type, act, look, undo, long, phase, about or key.node, say)
    async with _lock(str(key)):
        taken = await _take(store, key)
        if isinstance(taken, Effect):
            await drain(store, taken)
            return outcome_type.model_validate(taken.outcome)
        return await _seen_through(_until_settled(store, taken, doing), doing)


async def _until_settled(store: Store, taken: Hold | Effect, doing: Doing[T]) -> T:
    surplus: list[T] = []
    while isinstance(taken, Hold):
        try:
            outcome, found = await _carry_out(taken, doing)
            told = event(
                EventType.STEP_COMPLETED, doing.phase, doing.say(outcome), node=doing.about,
                data={"effect": str(doing.key), "found": found},
            )  # fmt: skip
            await _settle(taken, outcome, told)
            return outcome
        except _TooLate as late:
            surplus.append(late.outcome)
        except LeaseLost:
            pass  # whoever has it now goes on; wait for what comes of it
        except Interrupted:
            raise
        except Exception as error:  # whatever it is, the journal names it before the caller decides
            if await _fail(taken, doing, error):
                raise
            # Somebody took it over meanwhile: this failure (merged already, say) is of no interest any more.
        finally:
            taken.let_go()
        taken = await _take(store, doing.key)
    stored = doing.outcome_type.model_validate(taken.outcome)
    await drain(store, taken)
    for each in surplus:
        if each != stored:
            await _take_back(store, doing, each)
    return stored


async def _seen_through(work: Coroutine[Any, Any, T], doing: Doing[T]) -> T:
    """Await ``work``. When this task is cancelled meanwhile, a short act may still end: half a write is a riddle."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not doing.long:
            await asyncio.wait({task}, timeout=GRACE)
        await _stopped(task)
        raise


async def _stopped(task: asyncio.Future[Any]) -> None:
    while not task.done():  # a driver under a time limit of its own may take the first cancellation for its own
        task.cancel()
        await asyncio.wait({task}, timeout=TICK)
    if not task.cancelled():
        task.exception()  # taken note of: the caller was cancelled, and the journal has it


class _TooLate(Exception):
    """The outcome came when somebody else had taken the effect over."""

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self.outcome = outcome


def _lock(key: str) -> asyncio.Lock:
    # Two tasks of one process (two leaves that both need their feature's branch) wait for each other here.
    # Between processes the lease does it.
    slot = (id(asyncio.get_running_loop()), key)
    lock = _keys.get(slot)
    if lock is None:
        lock = _keys[slot] = asyncio.Lock()
    return lock


async def _take(store: Store, key: Key) -> Hold | Effect:
    """The lease on the effect, or its outcome: mine to do, or done."""
    fresh = Effect(id=str(key), run_id=key.run_id, node_key=key.node, kind=key.kind, lease=Lease(owner="", until=now()))
    found = await declare(store, fresh)
    while isinstance(found, Effect) and found.status is not EffectStatus.SUCCEEDED:
        taken = await take_over(store, found)
        if taken is not None:
            found = taken
            break
        await check_interrupt(store, key.run_id)
        await asyncio.sleep(WAIT)
        found = await store.get(Effect, found.id)
    if isinstance(found, Hold):
        reached(key.kind, Moment.INTENT)
    return found


async def check_interrupt(store: Store, run_id: str) -> None:
    """Raise Interrupted when a person has paused or cancelled the run."""
    found = await store.collection(Run).find_one({"_id": run_id}, {"interrupt": 1})  # a run's spec is long
    interrupt = Interrupt.model_validate(found["interrupt"] if found else {})
    if interrupt.paused or interrupt.cancelled:
        word = "cancelled" if interrupt.cancelled else "paused"
        raise Interrupted(f"Run {run_id} is {word}.", interrupt.reason or "")


async def _carry_out(hold: Hold, doing: Doing[T]) -> tuple[T, bool]:
    """The outcome, and whether it was found rather than made. Keeps the lease as long as it takes."""
    try:
        await check_interrupt(hold.store, doing.key.run_id)
        return await _watched(hold, doing, _attempts(hold, doing))
    except (Interrupted, asyncio.CancelledError):
        await asyncio.shield(hold.release())
        raise


async def _watched(hold: Hold, doing: Doing[T], work: Coroutine[Any, Any, tuple[T, bool]]) -> tuple[T, bool]:
    token = current.set(hold)
    task = asyncio.ensure_future(work)
    current.reset(token)
    renewal = hold.store.lease.total_seconds() / 3
    due = time.monotonic() + renewal
    try:
        while not (await asyncio.wait({task}, timeout=min(TICK, renewal)))[0]:
            if time.monotonic() >= due:
                if not await _renewed(hold, doing, task):
                    break
                due = time.monotonic() + renewal
            if doing.long:
                await check_interrupt(hold.store, doing.key.run_id)
        return task.result()
    finally:
        await _stopped(task)


async def _renewed(hold: Hold, doing: Doing[T], task: asyncio.Future[tuple[T, bool]]) -> bool:
    """Whether the lease holds on. When a short act outlives it, its end is heard first: what it has sent already
    cannot be called back, but taken back. Raises LeaseLost when there is no end to hear.
    """
    try:
        await hold.renew()
    except LeaseLost:
        if not doing.long:
            await asyncio.wait({task}, timeout=GRACE)
        if not task.done():
            raise
        return False
    return True


async def _attempts(hold: Hold, doing: Doing[T]) -> tuple[T, bool]:
    unsure, since = hold.before is not None, _last_heard(hold.before)
    for attempt in range(1, TRIES + 1):
        try:
            found = await _find(doing, since) if unsure else None
            if found is not None:
                return found, True
            outcome = await doing.act()
            reached(doing.key.kind, Moment.ACT)
            return (await _only_one(hold.store, doing, outcome) if unsure else outcome), False
        except OutcomeUnknown:
            if attempt == TRIES:
                raise
            unsure, since = True, time.monotonic()
            await asyncio.sleep(pause(attempt))
    raise AssertionError("the last attempt returns or raises")


async def _find(doing: Doing[T], since: float) -> T | None:
    found = await doing.look()
    rest = since + LAG - time.monotonic()
    if found is not None or doing.look is nothing_to_find or rest <= 0:
        return found
    await asyncio.sleep(min(rest, LAG))
    return await doing.look()


async def _only_one(store: Store, doing: Doing[T], outcome: T) -> T:
    """After acting where an earlier attempt may have acted too, ever so late: the oldest is kept."""
    if doing.undo is None:
        return outcome
    kept = await doing.look()
    if kept is None or kept == outcome:
        return outcome
    await _take_back(store, doing, outcome)
    return kept


async def _take_back(store: Store, doing: Doing[T], second: T) -> None:
    if doing.undo is None:
        return
    await doing.undo(second)
    what = ", ".join(f"{name} {value}" for name, value in second.model_dump(mode="json").items())
    told = event(
        EventType.STEP_COMPLETED, doing.phase, f"Took back a second {doing.key.kind} ({what})", node=doing.key.node,
        level=Level.WARNING,
    )  # fmt: skip
    await append(store, doing.key.run_id, told)


def _last_heard(before: Effect | None) -> float:
    """When an attempt that was cut off may have acted at the latest, on this process's monotonic clock: just now.

    When it took the lease says little of when it acted, and its clock may have been wrong.
    """
    cut_off = before is not None and before.status is not EffectStatus.FAILED
    return time.monotonic() if cut_off else -LAG


async def _settle(hold: Hold, outcome: Model, told: PendingEvent) -> None:
    settled = await hold.store.change(
        Effect,
        hold.effect.id,
        {
            "status": EffectStatus.SUCCEEDED,
            "outcome": outcome.model_dump(mode="json"),
            "found": told.data["found"],
            "error": None,
        },
        expect=hold.mine,
        event=told,
    )
    if settled is None:
        raise _TooLate(outcome)
    reached(settled.kind, Moment.OUTCOME)
    await drain(hold.store, settled)


async def _fail(hold: Hold, doing: Doing[Any], error: Exception) -> bool:
    """Write the failure down; False when the effect was taken over by another worker."""
    text = f"{type(error).__name__}: {error}"
    failed = await hold.store.change(
        Effect,
        hold.effect.id,
        {"status": EffectStatus.FAILED, "error": text},
        expect=hold.mine,
        event=event(
            EventType.STEP_FAILED, doing.phase, f"{doing.key.kind} failed: {text}", node=doing.about,
            level=Level.ERROR, data={"effect": hold.effect.id, "attempt": hold.effect.attempts},
        ),
    )  # fmt: skip
    if failed is not None:
        await drain(hold.store, failed)
    return failed is not None
