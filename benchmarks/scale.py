"""(d) What a leaf costs in small and in large trees: what grows with the tree shows here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass

import psutil
from rich.progress import TaskID

from benchmarks.measure import Figure, Spread, compared
from benchmarks.stubs import STUBBED, git_and_qa_stubbed
from benchmarks.trees import regular
from benchmarks.world import World
from console.demo import new_repository
from flows.execute import execute
from flows.plan import plan
from flows.spec import spec
from ledger.issues import store_plan
from ledger.models import Forecast, Issue, IssueStatus, IssueType, Requirement, Run, Spec
from ledger.runs import create_run, note_run
from tasks.context import close_context, context
from tasks.state import get_tree

SIZES, FEW = ((10, 5), (100, 2), (1_000, 1)), ((10, 1), (20, 1))
BOUND = 1.2
LOOK = 2.0  # seconds between two looks at how far a tree is
SPEC = Spec(
    title="Notes", problem="There are none.", goals=["Have some."], requirements=[Requirement(id="R1", text="Notes.")],
    acceptance_criteria=["Every note is there."],
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Milliseconds a leaf: on the clock, and of processor time."""

    wall: float
    cpu: float


async def measure(world: World) -> list[Figure]:
    """Whole trees of several sizes: issues created and linked, every leaf built, reviewed, checked and merged."""
    await world.stack()
    os.environ["SHIPLINE_CODER"] = "benchmarks.stubs:InstantCoder"
    await close_context()
    found: dict[int, list[Cost]] = {}
    try:
        await one(world, SIZES[0][0], "(d) warming up")
        for size, times in FEW if world.quick else SIZES:
            found[size] = [await one(world, size, f"(d) {size:,} leaves") for _ in range(times)]
    finally:
        del os.environ["SHIPLINE_CODER"]
        await close_context()
    return [figure(found)]


def figure(found: dict[int, list[Cost]]) -> Figure:
    """The largest tree against the smallest; the ones between are told in a note."""
    smallest, *_, largest = sorted(found)
    walls = {size: [each.wall for each in costs] for size, costs in found.items()}
    used = {size: [each.cpu for each in costs] for size, costs in found.items()}
    notes = [
        f"{size:,} leaves: {Spread.of(walls[size]).median:.0f} ms a leaf (n {len(walls[size])}), "
        f"{Spread.of(used[size]).median:.0f} ms of processor time in all processes"
        for size in sorted(found)
    ]
    return compared(
        "d", f"a leaf among {largest:,}", "ms", walls[largest], f"a leaf among {smallest:,}", walls[smallest], BOUND,
        stubbed=STUBBED, notes=notes,
        details={"ms_a_leaf": {str(size): values for size, values in walls.items()},
                 "processor_ms_a_leaf": {str(size): values for size, values in used.items()}},
    )  # fmt: skip


async def one(world: World, leaves: int, label: str) -> Cost:
    """What a leaf costs in one run, planned and worked off."""
    run = await planned(world, leaves)
    bar = world.progress.add_task(label, total=leaves)
    async with git_and_qa_stubbed(), asyncio.TaskGroup() as group:
        await spec(run.id)
        watcher = group.create_task(_show(world, bar, run.id))
        began, used = time.perf_counter(), processor_seconds()
        await plan(run.id)
        await execute(run.id)
        cost = Cost(
            1000 * (time.perf_counter() - began) / leaves, 1000 * (processor_seconds() - used) / leaves
        )  # fmt: skip
        watcher.cancel()
    world.progress.update(bar, completed=leaves)
    await _require_done(run.id, leaves)
    return cost


async def _show(world: World, bar: TaskID, run_id: str) -> None:
    """Move the bar by the leaves that are done, looked up now and then."""
    issues = (await context()).store.collection(Issue)
    while True:
        done = await issues.count_documents({"runId": run_id, "type": IssueType.TASK, "status": IssueStatus.DONE})
        world.progress.update(bar, completed=done)
        await asyncio.sleep(LOOK)


def processor_seconds() -> float:
    """What this process and all below it (MongoDB, Prefect, the sandbox and its git) have used so far."""
    total = 0.0
    for each in [me := psutil.Process(), *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # ended meanwhile: its parent counts it
            used = each.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


async def planned(world: World, leaves: int) -> Run:
    """A run whose spec and plan are in the ledger already, so that no planner is asked."""
    store = (await context()).store
    run = await create_run(store, "Write notes", await new_repository(await world.stack()), "main")
    cast = Forecast(leaves=leaves, minutes_of_work=leaves, minutes_to_finish=leaves, usd=0, critical_path=[])
    known = {"spec": SPEC.model_dump(by_alias=True), "forecast": cast.model_dump(by_alias=True)}
    run = await note_run(store, run.id, known)
    await store_plan(store, run, regular(leaves))
    return run


async def _require_done(run_id: str, leaves: int) -> None:
    tree = await get_tree(run_id)
    done = sum(issue.status is IssueStatus.DONE for issue in tree.issues)
    if done < leaves:
        raise AssertionError(f"only {done} of {len(tree.issues)} nodes are done")
