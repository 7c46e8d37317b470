"""(e) What a restarted worker does before its first step, and the ready set of a large tree."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from pymongo import AsyncMongoClient

from benchmarks.measure import Figure, Spread, limited
from benchmarks.trees import AT, issues_of, regular
from benchmarks.world import World
from ledger.issues import read_tree, store_plan
from ledger.models import (
    ChainHead,
    Effect,
    EffectKind,
    EffectStatus,
    Event,
    EventType,
    Issue,
    IssueStatus,
    Lease,
    PendingEvent,
    Run,
)
from ledger.rules.chain import genesis, seal
from ledger.rules.ready import startable
from ledger.rules.steps import next_steps
from ledger.rules.tree import Tree
from ledger.runs import create_run
from ledger.store import Store
from ledger.timeline import drain_all

T = TypeVar("T")
P = ParamSpec("P")
EVENTS, ISSUES, LEAVES, LEFT = 1_000, 10_000, 40, 5
WORKERS = 4
SAMPLES, READY_SAMPLES, QUICK = 40, 40, 3
SECONDS, MILLISECONDS = 1.0, 100.0
DATABASE = "benchmark-recovery"


async def measure(world: World) -> list[Figure]:
    """Both figures."""
    return [await recovery(world), ready(world)]


async def recovery(world: World) -> Figure:
    """Open the ledger, carry over what a crash left, read the tree, and know the next steps."""
    uri = await world.mongodb()
    store = await world.store(uri, DATABASE)
    run = await long_run(store)
    mine: list[float] = []
    theirs: list[float] = []
    for number in world.track("(e) recovery", SAMPLES, quick=QUICK):
        await leave_behind(store, run.id, number)
        began = time.perf_counter()
        steps = await recover(uri, run.id)
        mine.append(time.perf_counter() - began)
        if not steps:
            raise AssertionError("a run in the middle of its work had no next step")
        began = time.perf_counter()
        await read_raw(uri, run.id)
        theirs.append(time.perf_counter() - began)
    return limited(
        "e.recovery", f"recovery of a run with {EVENTS:,} events", "s", mine,
        "a raw read of the run's documents, connection included", theirs, SECONDS,
        stubbed="the run was written in bulk, its chain sealed by the real rule",
        notes=[f"{LEAVES} leaves, {EVENTS // 2} effects, {LEFT} events left in outboxes before each sample"],
    )  # fmt: skip


async def recover(uri: str, run_id: str) -> list[Any]:
    """What a new process does on the ledger before its first step."""
    store = await Store.open(uri, DATABASE)
    try:
        await drain_all(store, run_id)
        await store.get(Run, run_id)
        return next_steps(await read_tree(store, run_id), [], WORKERS)
    finally:
        await store.close()


async def read_raw(uri: str, run_id: str) -> None:
    """The same documents as the driver gives them."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        database = client[DATABASE]
        await database[Run.COLLECTION].find_one({"_id": run_id})
        for model in (Issue, Event, Effect):
            await database[model.COLLECTION].find({"runId": run_id}).to_list()


async def long_run(store: Store) -> Run:
    """A run in the middle of its work, with so many events and half as many effects."""
    run = await create_run(store, "An idea to measure", "demo/tally", "main")
    plan = regular(LEAVES)
    await store_plan(store, run, plan)
    done = {"status": IssueStatus.DONE, "mergedSha": "0" * 40, "head": "0" * 40, "testedHead": "0" * 40}
    for node in plan.nodes[-LEAVES // 2 :]:
        await store.collection(Issue).update_one({"runId": run.id, "key": node.key}, {"$set": done})
    await store.collection(Event).delete_many({"runId": run.id})
    previous, sealed = genesis(run.id), []
    for seq in range(1, EVENTS + 1):
        sealed.append(seal(_told(f"{run.id}:{seq}", seq), run.id, seq, previous))
        previous = sealed[-1].hash
    await store.collection(Event).insert_many([each.to_mongo() for each in sealed])
    head = ChainHead(seq=EVENTS, hash=previous)
    await store.change(Run, run.id, {"chain": head.model_dump(), "state": "EXECUTION_LOOP"})
    effects = [_effect(run.id, number) for number in range(EVENTS // 2)]
    await store.collection(Effect).insert_many([each.to_mongo() for each in effects])
    return await store.get(Run, run.id)


async def leave_behind(store: Store, run_id: str, number: int) -> None:
    """What workers that were killed leave: events in outboxes that the timeline has not."""
    for each in range(LEFT):
        waiting = _told(f"{run_id}:left:{number}:{each}", EVENTS).model_dump(by_alias=True)
        effect = _effect(run_id, each).id
        await store.collection(Effect).update_one({"_id": effect}, {"$push": {"outbox": waiting}})


def _effect(run_id: str, number: int) -> Effect:
    key = f"t{number % LEAVES:05}"
    return Effect(
        id=f"{run_id}/{key}/1/push/{number}", run_id=run_id, node_key=key, kind=EffectKind.PUSH,
        status=EffectStatus.SUCCEEDED, lease=Lease(owner="worker", until=AT), outcome={"sha": f"{number:040x}"},
        created_at=AT, updated_at=AT,
    )  # fmt: skip


def _told(event_id: str, number: int) -> PendingEvent:
    return PendingEvent(
        id=event_id, type=EventType.STEP_COMPLETED, phase="EXECUTION_LOOP", node_id=f"t{number % LEAVES:05}",
        msg=f"Pushed {number:07x} to task/{number}-a-branch-of-some-length", ts=AT + timedelta(seconds=number),
        data={"effect": f"t{number % LEAVES:05}/1/push", "found": False},
    )  # fmt: skip


def ready(world: World) -> Figure:
    """Which leaves of 10,000 issues to start: those that nothing holds, the longest remaining path first."""
    features = ISSUES // 101  # of a hundred leaves each, GitHub's limit of sub-issues
    issues = issues_of(regular(ISSUES - features - 1, branches=100).nodes)
    trees: list[float] = []
    steps: list[float] = []
    sets: list[float] = []
    processor: list[float] = []
    for _ in world.track("(e) ready set", READY_SAMPLES, quick=QUICK):
        tree = _timed(trees, Tree.of, issues)
        used = time.process_time()
        found = _timed(steps, next_steps, tree, [], WORKERS)
        processor.append(1000 * (time.process_time() - used))
        again = Tree.of(issues)  # a tree remembers its leaves
        if len(found) != WORKERS or not _timed(sets, startable, again):
            raise AssertionError("a tree nobody has begun has steps to start")
    return limited(
        "e.ready", f"ready set of {len(issues):,} issues, ranked", "ms", steps, "building the tree's index", trees,
        MILLISECONDS,
        notes=[
            f"the ready set alone, not ranked, takes {Spread.of(sets).median:.1f} ms (median)",
            f"processor time of the ranked one: {Spread.of(processor).median:.1f} ms (median)",
        ],
    )  # fmt: skip


def _timed(kept: list[float], work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    began = time.perf_counter()
    made = work(*args, **more)
    kept.append(1000 * (time.perf_counter() - began))
    return made
