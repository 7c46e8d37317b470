"""(b) The pipeline with instant agents against the same calls in a plain asyncio script."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from typing import Any

from benchmarks import plain, plain_leaf
from benchmarks.measure import Figure, compared
from benchmarks.trace import differences, traced
from benchmarks.world import World
from console.demo import demo_recording, new_repository
from flows.deliver import deliver
from ledger.models import Outcome, Run, Size
from tasks.agents.recorded import RecordedCoder, RecordedPlanner
from tasks.agents.registry import folder
from tasks.context import close_context, context
from tasks.deploy import process
from tasks.deploy.retire import stop_deployment
from tasks.github.repo import Repo
from tasks.submit import submit

SAMPLES, QUICK = 5, 1
BOUND = 1.5
Sample = tuple[float, Counter[str]]


async def measure(world: World) -> list[Figure]:
    """The same small idea, delivered by the product and by the script in turns."""
    await world.stack()
    await close_context()
    # Neither is to pay for the first import, the first connection, or the target's environment.
    await ours(world), await script(world)
    product: list[Sample] = []
    scripts: list[Sample] = []
    for number in world.track("(b) pipeline", SAMPLES, quick=QUICK):
        for sample, kept in [(ours, product), (script, scripts)][:: 1 if number % 2 else -1]:
            kept.append(await sample(world))
    return [figure(product, scripts)]


def figure(product: list[Sample], scripts: list[Sample]) -> Figure:
    """The two side by side, and whether they made the same calls."""
    calls = [sum(trace.values()) for _, trace in product], [sum(trace.values()) for _, trace in scripts]
    other = differences(product[-1][1], scripts[-1][1])
    notes = [
        f"calls to GitHub, git and QA: {sorted(set(calls[0]))} in the product, {sorted(set(calls[1]))} in the script",
        f"calls that differ (product, script): {'; '.join(other) or 'none'}",
    ]
    return compared(
        "b", "an idea to a release, small", "s", [seconds for seconds, _ in product],
        "the same calls in a plain asyncio script", [seconds for seconds, _ in scripts], BOUND,
        stubbed="agents are recorded and answer at once; git, QA, the sandbox and the deployment are real",
        notes=notes, details={"calls": dict(sorted(product[-1][1].items()))},
    )  # fmt: skip


async def ours(world: World) -> Sample:
    """One delivery by the product, in this process."""
    stack = await world.stack()
    repo, idea = await new_repository(stack), demo_recording().header.idea
    await context()
    with traced(stack.addresses.github_api_url) as calls:
        began = time.perf_counter()
        run = await submit(idea, repo, size=Size.SMALL)
        outcome = await deliver(run.id)
        seconds = time.perf_counter() - began
    await stop_deployment(run.id)
    if outcome is not Outcome.SUCCEEDED:
        raise AssertionError(f"the run ended as {outcome}")
    return seconds, calls


async def script(world: World) -> Sample:
    """One delivery by the plain script."""
    stack = await world.stack()
    name, idea = await new_repository(stack), demo_recording().header.idea
    known = await plain_world(name, idea)
    with traced(stack.addresses.github_api_url) as calls:
        began = time.perf_counter()
        await known.repo.about()
        running = await plain.deliver(known, (await context()).settings.max_parallel)
        seconds = time.perf_counter() - began
    if running is not None:
        await process.stop(running.pid, running.started)
    return seconds, calls


async def plain_world(name: str, idea: str) -> plain_leaf.World:
    """What the script begins with: the same connection and the same agents."""
    at = await context()
    run: dict[str, Any] = {"id": f"plain-{name.partition('/')[2]}", "ideaId": "", "projectId": "", "repo": name}
    recordings = folder(at.settings)
    return plain_leaf.World(
        repo=Repo(at.github, name),
        run=Run.model_validate({"_id": run.pop("id"), **run, "size": Size.SMALL, "correlationId": ""}),
        idea=idea, home=at.settings.home, planner=RecordedPlanner(recordings), coder=RecordedCoder(recordings),
        test_timeout=at.settings.test_timeout, slots=asyncio.Semaphore(max(2, os.cpu_count() or 2)),
    )  # fmt: skip
