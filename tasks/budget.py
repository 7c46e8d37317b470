"""A run's budget: counted over its whole tree, checked before an agent is asked, raised by a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ledger.interrupts import heed, pause_run
from ledger.models import AgentResult, AgentRun, Budget, EventType, Level, Run, Spent, Usage
from ledger.rules.budget import BY as BY  # noqa: PLC0414 (handed on)
from ledger.rules.budget import KINDS, amount, nearly_used_up, stop_words, used_up, warning
from ledger.rules.budget import paused_by_budget as paused_by_budget  # noqa: PLC0414 (handed on)
from ledger.store import Store
from ledger.timeline import drain, event
from shipline.errors import IllegalTransition, Interrupted, InvalidInput
from tasks.context import context

TICK = 5.0  # seconds between two looks at the clock while something works
# A longer silence was a pause, or nobody worked: it does not count as time of the run.
LONGEST = 3 * TICK


async def require_budget(store: Store, run_id: str) -> None:
    """Ask before an agent is: warns once at 80 %, pauses the run at 100 % and raises Interrupted."""
    await tick(store, run_id)
    run = await store.get(Run, run_id)
    spent = await spent_by(store, run)
    for line in nearly_used_up(run.budget, spent):
        await _warn(store, run_id, line.mark, warning(line))
    reached = used_up(run.budget, spent)
    if reached is not None:
        await pause_run(store, run_id, BY, stop_words(run_id, reached, spent))
        raise Interrupted(f"Run {run_id} is paused: {stop_words(run_id, reached, spent)}.")


async def spend_time(run_id: str) -> None:
    """Let the run's clock go on. Raises Interrupted when a person stopped it, or its minutes are used up: it pauses."""
    store = (await context()).store
    await tick(store, run_id)
    run = await heed(store, run_id)
    if run.budget.minutes is not None:
        await require_budget(store, run_id)


async def spent_by(store: Store, run: Run) -> Spent:
    """What a run has used, summed over every agent run of its tree, failed attempts too."""
    total = {"usd": "$usage.usd", "tokens": {"$add": ["$usage.inputTokens", "$usage.outputTokens"]}}
    group: dict[str, Any] = {"_id": None, **{name: {"$sum": value} for name, value in total.items()}}
    group["replayed"] = {"$max": "$replayed"}
    found = await (
        await store.collection(AgentRun).aggregate([{"$match": {"runId": run.id}}, {"$group": group}])
    ).to_list()
    sums = {name: value for name, value in (found[0] if found else {}).items() if name != "_id"}
    return Spent(**{**sums, "replayed": bool(sums.get("replayed"))}, minutes=run.clock.seconds / 60)


async def tick(store: Store, run_id: str) -> None:
    """Count the time since the last tick, unless the run is paused."""
    gap = {"$divide": [{"$subtract": ["$$NOW", {"$ifNull": ["$clock.at", "$$NOW"]}]}, 1000]}
    counted = {"$cond": [{"$lte": [gap, LONGEST]}, gap, LONGEST]}
    clock = {"seconds": {"$add": [{"$ifNull": ["$clock.seconds", 0]}, counted]}, "at": "$$NOW"}
    await store.collection(Run).update_one({"_id": run_id, "interrupt.paused": False}, [{"$set": {"clock": clock}}])


@asynccontextmanager
async def counting(store: Store, run_id: str) -> AsyncIterator[None]:
    """Let the run's clock go on while something long works, whoever runs it."""

    over = asyncio.Event()  # told, not cancelled: the database's driver may not heed a cancellation

    async def count() -> None:
        while not over.is_set():
            await tick(store, run_id)
            await asyncio.wait([ended], timeout=TICK)

    ended = asyncio.create_task(over.wait())
    counter = asyncio.create_task(count())
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(ended, counter)


@dataclass
class Meter:
    """What one agent run has cost so far: ``before`` in attempts that came to nothing, ``now`` in this one."""

    store: Store
    agent_run: str
    before: Usage
    now: Usage = field(default_factory=Usage)

    async def keep(self) -> None:
        """Write it down as lost; it is found again when something comes of it."""
        cost = (self.before + self.now).model_dump(by_alias=True)
        await self.store.change(AgentRun, self.agent_run, {"usage": cost, "wasted": cost})


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


async def metered(result: AgentResult) -> AgentResult:
    """Note what an answer cost as soon as it is there: it counts even when nothing can be done with it."""
    meter = _meter.get()
    if meter is not None and meter.now != result.usage:
        meter.now = result.usage
        await meter.keep()
    return result


async def spent(usage: Usage) -> None:
    """Note what one response of a service cost, when there may be more before there is an answer."""
    meter = _meter.get()
    if meter is not None:
        meter.now = meter.now + usage
        await meter.keep()


async def lost(usage: Usage) -> None:
    """Note what a request took whose answer nobody waits for: an estimate, and the agent run says so."""
    meter = _meter.get()
    if meter is None:
        return
    await spent(usage)
    known = await meter.store.get(AgentRun, meter.agent_run)
    said = {"what": "left before it answered; what it took is estimated", "inputTokens": usage.input_tokens}
    await meter.store.change(AgentRun, meter.agent_run, {"steps": [*known.steps, said]})


@asynccontextmanager
async def metering(store: Store, agent_run: str) -> AsyncIterator[Meter]:
    """Count what the answers within the body cost, each as it arrives: whoever dies after that has lost nothing."""
    meter = Meter(store, agent_run, (await store.get(AgentRun, agent_run)).wasted)
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


async def raise_budget(run_id: str, *, by: str, usd: float | None, tokens: int | None, minutes: float | None) -> Run:
    """Set limits of a run (None leaves one as it is), with an event. InvalidInput for one below nothing,
    IllegalTransition when the run has ended.
    """
    store = (await context()).store
    given = {"usd": usd, "tokens": tokens, "minutes": minutes}
    new = {kind: given[kind] for kind in KINDS if given[kind] is not None}
    if any(value < 0 for value in new.values() if value is not None):
        raise InvalidInput("A budget cannot be less than nothing.", "Give 0 or more.")
    run = await store.get(Run, run_id)
    if not new:
        return run
    words = ", ".join(amount(kind, new[kind] or 0) for kind in KINDS if kind in new)
    told = event(EventType.STEP_COMPLETED, run.state, f"The budget is now {words}, by {by}", data={"budget": new})
    values = {f"budget.{kind}": value for kind, value in new.items()}
    changed = await store.change(Run, run_id, values, expect={"outcome": run.outcome}, event=told)
    if changed is None:
        raise IllegalTransition(f"Run {run_id} has ended meanwhile.", "Look at it with `shipline show`.")
    await drain(store, changed)
    return changed


def effective(given: Budget, settings: Budget) -> Budget:
    """What a new run may use: what was asked for, else the project's settings."""
    return settings.model_copy(update=given.model_dump(exclude_none=True))


async def _warn(store: Store, run_id: str, mark: str, text: str) -> None:
    run = await store.get(Run, run_id)
    if mark in run.budget_warned:
        return
    changed = await store.change(
        Run, run_id, {"budgetWarned": [*run.budget_warned, mark]}, expect={"budgetWarned": run.budget_warned},
        event=event(EventType.STEP_COMPLETED, run.state, text, level=Level.WARNING, data={"budget": mark}),
    )  # fmt: skip
    if changed is not None:
        await drain(store, changed)
