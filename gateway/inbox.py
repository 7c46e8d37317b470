"""Working the inbox off, in the gateway itself: what was stored is worked on at once, and again when it failed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque

from ledger.inbox import CLAIM, claim, put_off, renew, settle
from ledger.models import Delivery
from ledger.store import Store
from shipline.errors import InvalidInput, NotFound, ShiplineError
from tasks.context import context
from tasks.hooks.work import work

WORKERS = 4
BUSY = 50  # deliveries within a second, above which taking them in comes before working on them
BREATH = 0.5  # seconds that a worker then waits between two: GitHub waits for the receiver, nobody for the worker
LOOK = 1.0  # seconds between two looks at the inbox when nobody wakes us: another gateway may have stored something
log = logging.getLogger("shipline.inbox")


class Inbox:
    """The workers; ``async with`` it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._received: deque[float] = deque(maxlen=BUSY)
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Inbox:
        self._workers = [asyncio.create_task(self._work()) for _ in range(WORKERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def wake(self) -> None:
        """Something was stored."""
        self._received.append(time.monotonic())
        self._wake.set()

    def _is_busy(self) -> bool:
        return len(self._received) == BUSY and time.monotonic() - self._received[0] < 1

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            if self._is_busy():
                await asyncio.sleep(BREATH)
            try:
                delivery = await claim(self._store)
                if delivery is not None:
                    await work_on(self._store, delivery)
                    continue
            except ShiplineError as error:  # the ledger is away: what is stored waits
                log.warning("the inbox waits: %s", error)
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK)
            except TimeoutError:
                continue


async def work_on(store: Store, delivery: Delivery) -> None:
    """One delivery, to its result. What cannot be right later is settled; what can is put off."""
    renewing = asyncio.create_task(_renew(store, delivery))
    try:
        result = await work(await context(), delivery)
    except (InvalidInput, NotFound) as error:
        await settle(store, delivery, f"nothing was done: {error}")
    except ShiplineError as error:
        await put_off(store, delivery, str(error))
    except Exception as error:  # a boundary: one delivery must not end the worker
        log.exception("delivery %s (%s)", delivery.id, delivery.event)
        await put_off(store, delivery, f"{type(error).__name__}: {error}")
    else:
        await settle(store, delivery, result)
    finally:
        renewing.cancel()


async def _renew(store: Store, delivery: Delivery) -> None:
    while True:
        await asyncio.sleep(CLAIM.total_seconds() / 3)
        with contextlib.suppress(ShiplineError):  # the ledger is away: should it stay so, another worker may try
            await renew(store, delivery)
