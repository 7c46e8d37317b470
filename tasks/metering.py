"""What agents use, counted as it is told: whoever dies after that has lost nothing, and nothing is counted twice."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ledger.models import AgentResult, AgentRun, Usage
from ledger.store import Store
from shipline.ids import digest

NOTING = 10.0  # seconds that a note may take of whoever is told to stop
log = logging.getLogger(__name__)


@dataclass
class Meter:
    """What one agent run has cost so far: ``before`` in attempts that came to nothing, ``now`` in this one.

    ``counted`` is what of each account was counted in attempts before.
    """

    store: Store
    agent_run: str
    before: Usage
    counted: dict[str, Usage] = field(default_factory=dict)
    now: Usage = field(default_factory=Usage)

    @property
    def total(self) -> Usage:
        """All of it."""
        return self.before + self.now

    async def keep(self, **more: Any) -> None:
        """Write it down as lost; it is found again when something comes of it."""
        cost = self.total.model_dump(by_alias=True)
        await self.store.change(AgentRun, self.agent_run, {"usage": cost, "wasted": cost, "asking": None, **more})

    def share(self, usage: Usage, account: str | None) -> Usage:
        """What of a told usage was not counted in attempts before."""
        return usage - self.counted.get(digest(account), Usage()) if account else usage

    async def told(self, usage: Usage, account: str | None) -> None:
        """An agent told what it used: all of its account, where it names one."""
        self.now = self.share(usage, account)
        more = {f"counted.{digest(account)}": usage.model_dump(by_alias=True)} if account else {}
        await self.keep(**more)


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


async def metered(result: AgentResult) -> AgentResult:
    """Note what an answer cost as soon as it is there: it counts even when nothing can be done with it."""
    meter = _meter.get()
    if meter is not None:
        await meter.told(result.usage, result.account)
    return result


async def asking(usage: Usage) -> None:
    """Note, before a request goes out, about what it takes: whoever finds the note knows of a request that was lost."""
    meter = _meter.get()
    if meter is not None:
        await meter.store.change(AgentRun, meter.agent_run, {"asking": usage.model_dump(by_alias=True)})


async def spent(usage: Usage) -> None:
    """Note what one response of a service cost, when there may be more before there is an answer."""
    meter = _meter.get()
    if meter is not None:
        meter.now = meter.now + usage
        await meter.keep()


async def lost(usage: Usage, what: str) -> None:
    """Note what a request took whose answer never came: an estimate, and the agent run says so."""
    meter = _meter.get()
    if meter is None:
        return
    meter.before = meter.before + usage
    known = await meter.store.get(AgentRun, meter.agent_run)
    said = {"what": f"{what}; what it took is estimated", "inputTokens": usage.input_tokens}
    await meter.keep(steps=[*known.steps, said])


@asynccontextmanager
async def metering(store: Store, agent_run: str) -> AsyncIterator[Meter]:
    """Count what the answers within the body cost, each as it arrives."""
    known = await store.get(AgentRun, agent_run)
    meter = Meter(store, agent_run, known.wasted, known.counted)
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


async def seen_through(note: Coroutine[Any, Any, None], *, leaving: bool = False) -> None:
    """Write a note to its end, however often we are told to stop meanwhile; CancelledError is raised after it.

    Of who is ``leaving``, or was told to, a note that fails or takes longer than ``NOTING`` is logged and no more: it
    must not stand in the way.
    """
    writing = asyncio.ensure_future(note)
    stopped: asyncio.CancelledError | None = None
    until = time.monotonic() + NOTING if leaving else None
    while not writing.done() and (until is None or time.monotonic() < until):
        try:
            await asyncio.wait({writing}, timeout=None if until is None else max(0.0, until - time.monotonic()))
        except asyncio.CancelledError as error:
            stopped, until = error, until or time.monotonic() + NOTING
    if until is None:
        writing.result()
    elif not writing.done():
        writing.cancel()
        log.warning("what an agent used was not noted within %.0f s", NOTING)
    elif not writing.cancelled() and (why := writing.exception()) is not None:
        log.warning("what an agent used could not be noted: %s", why)
    if stopped is not None:
        raise stopped
