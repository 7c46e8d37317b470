"""EXECUTION_LOOP: every leaf that may run does, side by side; what is done merges upwards, in order."""

from __future__ import annotations

import asyncio

from prefect import flow

from flows.filing import catch_up
from flows.leaf import STEPS
from ledger.models import RunState
from ledger.rules.steps import Step, next_steps, stuck
from ledger.rules.tree import Tree
from shipline.errors import ShiplineError
from tasks.report import show_progress
from tasks.state import enter, get_tree
from tasks.submit import parallel_limit


class ExecutionStopped(ShiplineError):
    """Nothing more can be done without a person; the message names each node and what it needs."""


@flow(name="execute", flow_run_name="execute {run_id}", persist_result=False)
async def execute(run_id: str) -> None:
    """Work until every node below the epic is done. Raises ExecutionStopped when some cannot be."""
    if not await enter(run_id, RunState.EXECUTION_LOOP, "Working on the leaves"):
        return
    await catch_up(run_id)
    limit = await parallel_limit()
    running: dict[asyncio.Task[None], Step] = {}
    try:
        while True:
            tree = await get_tree(run_id)
            await show_progress(run_id, tree)
            for todo in next_steps(tree, list(running.values()), limit):
                running[asyncio.create_task(STEPS[todo.kind](run_id, todo.key))] = todo
            if not running:
                break
            # A TaskGroup would cancel the siblings of a step that raises; here they go on to their own end.
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                del running[task]
                task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    _require_done(tree)


def _require_done(tree: Tree) -> None:
    problems = stuck(tree)
    if problems:
        raise ExecutionStopped("The execution loop cannot go on: " + " ".join(problems), "Mend it, then run again.")
