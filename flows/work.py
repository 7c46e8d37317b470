"""One step of the loop, wherever it runs: here, or in a process of its own that a work pool starts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from flows.leaf import STEPS
from ledger.rules.steps import Step
from shipline.errors import LeaseLost
from tasks.handing import goes_to_a_pool, hand_out
from tasks.slots import working_on

Work = Callable[[str, Step], Coroutine[Any, Any, None]]


async def how_to_work() -> Work:
    """What the loop does with a step: work on it here, or hand it to the work pool, as the configuration says."""
    return hand_out if await goes_to_a_pool() else work


async def work(run_id: str, step: Step) -> None:
    """Wait for the node and a slot, then do the step, unless another worker has done it meanwhile."""
    try:
        async with working_on(run_id, step) as due:
            if due:
                await STEPS[step.kind](run_id, step.key)
    except LeaseLost:
        return  # this process stood still; whoever took the node over goes on, and the loop reads what is left
