"""Working errands off, in the gateway itself: what was stored is worked on, and again when whoever had it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from ledger import errands
from ledger.models import AgentResult, Errand, ErrandStatus
from ledger.store import Store
from shipline.config import load_settings
from shipline.errors import ShiplineError
from tasks.agents.ports import AgentFailed, AgentRef
from tasks.agents.registry import coder
from tasks.context import context
from tasks.errands import carry_out

LOOK = 1.0  # seconds between two looks, and between two signs of life
PAUSE = 5.0  # seconds before the ledger is asked again when it is away
LAST = 5.0  # seconds that an agent's last words, and its end, are waited for
log = logging.getLogger("shipline.errands")


class Errands:
    """The workers; ``async with`` it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Errands:
        self._workers = [asyncio.create_task(self._work()) for _ in range(load_settings().max_parallel)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                errand = await errands.claim(self._store)
                if errand is not None:
                    await work_on(self._store, errand)
                    continue
            except ShiplineError as error:
                log.warning("errands wait: %s", error)
                await asyncio.sleep(PAUSE)
            await asyncio.sleep(LOOK)


async def work_on(store: Store, errand: Errand) -> None:
    """One errand, to its end, or until nobody wants it any more."""
    work = asyncio.create_task(carry_out(await context(), errand))
    telling = asyncio.create_task(_tell(store, errand, work))
    try:
        await asyncio.wait({work})
    except asyncio.CancelledError:  # this gateway ends: the next one goes on
        telling.cancel()
        work.cancel()
        await asyncio.wait({work, telling}, timeout=LAST)
        await errands.let_go(store, errand)
        raise
    await telling
    if work.cancelled():
        return
    error = work.exception()
    if error is None:
        await errands.count(store, errand, work.result().usage)
        await errands.end(store, errand, ErrandStatus.COMPLETED, result=work.result())
        return
    if isinstance(error, AgentFailed):
        await errands.count(store, errand, error.usage)
    if not isinstance(error, ShiplineError):
        log.error("errand %s", errand.id, exc_info=error)
    why = str(error) if isinstance(error, ShiplineError) else f"{type(error).__name__}: {error}"
    await errands.end(store, errand, ErrandStatus.FAILED, error=why)


async def _tell(store: Store, errand: Errand, work: asyncio.Task[AgentResult]) -> None:
    """Keep it ours while it is worked on, with what the agent says; stop the agent when nobody wants it."""
    said: list[str] = []
    over = asyncio.Event()
    work.add_done_callback(lambda _: over.set())
    following: asyncio.Task[None] | None = None
    try:
        while not over.is_set():
            await _until(over)
            with contextlib.suppress(ShiplineError):  # the ledger is away for a moment
                known = await store.get(Errand, errand.id)
                if following is None and known.ref is not None:
                    following = asyncio.create_task(_follow(AgentRef(id=known.ref), said, over))
                if not over.is_set() and not await errands.beat(store, errand, _taken(said)):
                    await _stop(known, work)
                    return
        if following is not None:
            await asyncio.wait({following}, timeout=LAST)
        with contextlib.suppress(ShiplineError):
            await errands.beat(store, errand, _taken(said))
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _taken(said: list[str]) -> list[str]:
    """All of it, which is then said no more."""
    told, said[:] = list(said), []
    return told


async def _stop(errand: Errand, work: asyncio.Task[AgentResult]) -> None:
    """The agent is told to; whoever waits for it hears what it used."""
    if errand.ref is not None:
        await coder((await context()).settings).cancel(AgentRef(id=errand.ref))
        await asyncio.wait({work}, timeout=LAST)
    work.cancel()


async def _follow(ref: AgentRef, said: list[str], over: asyncio.Event) -> None:
    """Note what the agent says, and once more when it has ended."""
    agent, after, told, last = coder((await context()).settings), None, 0, False
    while not last:
        last = over.is_set()
        async for each in agent.events(ref, after):
            after, told = each.id, told + 1
            if told > errands.MOST_LINES:
                return
            said.append(each.text)
        await _until(over)


async def _until(over: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), LOOK)
