"""Limits that hold for every worker: how many leaves are worked on at once, and what only one may do at a time."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from ledger.interrupts import heed
from ledger.issues import get_issue
from ledger.rules.slots import still_due
from ledger.rules.steps import Step
from ledger.slots import live_slots, slot
from shipline.errors import LeaseLost
from tasks.context import context

T = TypeVar("T")

LEAVES = "leaves"


@asynccontextmanager
async def working_on(run_id: str, step: Step) -> AsyncIterator[bool]:
    """Wait for the node, and for a slot where the step is a build, and hold both while the body works on it.

    Gives False when another worker has done the step meanwhile. Raises Interrupted when the run is paused or cancelled
    during the wait, LeaseLost when this process stood still so long that another took the node over.
    """
    ctx = await context()
    async with slot(
        ctx.store, LEAVES, key=f"{run_id}/{step.key}", group=run_id, total=ctx.settings.max_parallel_total,
        limit=ctx.settings.max_parallel, counts=step.kind == "build", patience=lambda: heed(ctx.store, run_id),
    ):  # fmt: skip
        yield still_due(await get_issue(ctx.store, run_id, step.key), step.kind)


async def somebody_works_on(run_id: str, key: str) -> bool:
    """Whether a live process, here or elsewhere, holds the node or waits for it."""
    ctx = await context()
    return any(each.key == f"{run_id}/{key}" for each in await live_slots(ctx.store, LEAVES))


@asynccontextmanager
async def only_one(run_id: str, what: str) -> AsyncIterator[None]:
    """Wait until nobody else does ``what`` (a name), then keep others waiting as long as the body lasts."""
    ctx = await context()
    async with slot(
        ctx.store, what, key=what, group=run_id, total=1, limit=1, patience=lambda: heed(ctx.store, run_id)
    ):
        yield


def by_one_worker(work: Callable[[str], Coroutine[Any, Any, T]]) -> Callable[[str], Coroutine[Any, Any, T]]:
    """Make ``work`` on a run something that one worker does at a time: a second waits, and then finds it done."""

    @functools.wraps(work)
    async def alone(run_id: str) -> T:
        while True:
            try:
                async with only_one(run_id, f"stage of {run_id}"):
                    return await work(run_id)
            except LeaseLost:
                continue  # this process stood still; another has gone on, and the ledger says what is left

    return alone
