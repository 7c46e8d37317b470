"""EXECUTION_LOOP: every leaf that may run does, side by side; what is done merges upwards, in order."""

from __future__ import annotations

import asyncio

from prefect.exceptions import Pause

from flows.filing import catch_up
from flows.heeding import stage
from flows.work import how_to_work
from ledger.models import RunState
from ledger.rules.replay import steps_in_order
from ledger.rules.steps import Step, stuck
from ledger.rules.tree import Tree
from shipline.errors import Interrupted, ShiplineError
from tasks.budget import spend_time
from tasks.gates import go_on_approved
from tasks.report import show_progress
from tasks.state import enter, get_run, get_tree
from tasks.submit import parallel_limit

TICK = 5.0  # seconds between two looks at what other workers have done, and at the clock
GRACE = 10.0  # seconds in which steps may stop by themselves when the run is interrupted


class ExecutionStopped(ShiplineError):
    """Nothing more can be done without a person; the message names each node and what it needs."""


@stage("execute")
async def execute(run_id: str) -> None:
    """Work until every node below the epic is done. Raises ExecutionStopped when some cannot be."""
    if not await enter(run_id, RunState.EXECUTION_LOOP, "Working on the leaves"):
        return
    await catch_up(run_id)
    limit, replay, work = await parallel_limit(), (await get_run(run_id)).replay, await how_to_work()
    running: dict[asyncio.Task[None], Step] = {}
    try:
        while True:
            await spend_time(run_id)
            tree = await get_tree(run_id)
            await show_progress(run_id, tree)
            for todo in steps_in_order(tree, list(running.values()), limit, replay.moves if replay else ()):
                running[asyncio.create_task(work(run_id, todo))] = todo
            if not running:
                if await go_on_approved(run_id, tree):
                    continue
                break
            # A TaskGroup would cancel the siblings of a step that raises; here they go on to their own end.
            finished, _ = await asyncio.wait(running, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                del running[task]
                task.result()
    except (Interrupted, Pause):
        # The others stop at their next effect by themselves; a write that is under way is seen through.
        if running:
            await asyncio.wait(running, timeout=GRACE)
        raise
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    _require_done(tree)


def _require_done(tree: Tree) -> None:
    problems = stuck(tree)
    if problems:
        raise ExecutionStopped("The execution loop cannot go on: " + " ".join(problems), "Mend it, then run again.")
