"""The demo: one idea to one release on this machine. Thinking is replayed; everything else is real."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
from rich.live import Live
from rich.text import Text

from console.out import err, out, say_json
from console.views import event_line, live, tree_table
from deployments.attached import Stack
from deployments.process import Child
from ledger import queries
from ledger.models import Event, EventType, Level, Outcome, Size
from ledger.store import Store
from shipline.errors import ShiplineError
from tasks.agents.recording import Recording, read_recordings
from tasks.agents.registry import folder
from tasks.context import close_context, context
from tasks.deploy.retire import stop_deployment
from tasks.submit import submit

TEMPLATE = "demo/tally"
TICK = 0.4  # seconds between two looks at the ledger


async def run_demo(stack: Stack, size: Size, started: float) -> int:
    """Deliver the recorded idea on a running stack; prints the story and, last, one line of JSON."""
    try:
        recording = demo_recording()
        repo = await new_repository(stack)
        run = await submit(recording.header.idea, repo, size=size)
        out.print(Text.assemble(("Idea: ", "bold"), f"{run.repo}: {recording.header.idea}\n"), soft_wrap=True)
        store = (await context()).store
        child = await stack.start_child("deliver", [sys.executable, "-m", "flows", run.id], {})
        await watch(store, run.id, child, started)
        await stop_deployment(run.id)
        return await _conclude(stack, store, run.id, started)
    finally:
        await close_context()


def demo_recording() -> Recording:
    """The recording that the demo replays: the first one for the template repository."""
    from shipline.config import load_settings

    found = [each for each in read_recordings(folder(load_settings())) if each.header.repository == TEMPLATE]
    if not found:
        raise ShiplineError("There is no recording of the demo.", "Is SHIPLINE_RECORDINGS set to another folder?")
    return found[0]


async def new_repository(stack: Stack) -> str:
    """A fresh copy of the template on the sandbox, as GitHub's own `generate` makes one; returns owner/name."""
    owner, _, name = TEMPLATE.partition("/")
    headers = {"Authorization": f"Bearer {stack.addresses.github_token}"}
    async with httpx.AsyncClient(base_url=stack.addresses.github_api_url, headers=headers, timeout=30) as client:
        for number in count(1):
            answer = await client.post(f"/repos/{TEMPLATE}/generate", json={"owner": owner, "name": f"{name}-{number}"})
            if answer.status_code == 201:
                return str(answer.json()["full_name"])
            if answer.status_code != 422:  # 422: the name is taken by an earlier demo
                raise ShiplineError(f"The sandbox made no copy of {TEMPLATE}: {answer.status_code} {answer.text[:200]}")
    raise AssertionError("count() never ends")


async def watch(store: Store, run_id: str, child: Child, started: float) -> None:
    """Show the run until the process that delivers it has ended."""
    ended = asyncio.create_task(child.wait())
    show = _screen(store, run_id, started) if out.is_terminal else _lines(store, run_id)
    async with show as look:
        while not ended.done():
            await look()
            await asyncio.wait([ended], timeout=TICK)
        await look()
    if ended.result() not in (0, 1):
        err.print(f"The delivering process ended with {ended.result()}; its log is in the home folder's logs/.")


@asynccontextmanager
async def _screen(store: Store, run_id: str, started: float) -> AsyncIterator[Any]:
    recent: list[Event] = []

    with Live(console=out, refresh_per_second=4, transient=True) as screen:

        async def look() -> None:
            after = recent[-1].seq if recent else 0
            recent.extend(await queries.events(store, run_id, after=after))
            told = [event for event in recent if event.level is not Level.DEBUG][-6:]
            screen.update(live(await queries.snapshot(store, run_id), told, time.monotonic() - started))

        yield look
    out.print(tree_table(await queries.snapshot(store, run_id)))


@asynccontextmanager
async def _lines(store: Store, run_id: str) -> AsyncIterator[Any]:
    seen = 0

    async def look() -> None:
        nonlocal seen
        for event in await queries.events(store, run_id, after=seen):
            seen = event.seq
            if event.type is not EventType.ISSUE_UPDATED or event.level is not Level.INFO:
                out.print(event_line(event), soft_wrap=True)

    yield look
    out.print(tree_table(await queries.snapshot(store, run_id)))


async def _conclude(stack: Stack, store: Store, run_id: str, started: float) -> int:
    shot = await queries.snapshot(store, run_id)
    run, counts = shot.run, queries.totals(shot.tree)
    bare = stack.home / "sandbox" / "repos" / f"{run.repo}.git"
    out.print()
    if run.error:
        out.print(Text(run.error, "red"), soft_wrap=True)
    if run.release:
        out.print(f"Released [bold]{run.release.tag}[/bold]; it ran, was healthy, and is stopped again.")
        out.print(f"  The code:    git clone -b {run.release.tag} {bare}", soft_wrap=True)
    out.print(f"  The story:   shipline show {run.id}    shipline logs {run.id}", soft_wrap=True)
    out.print(f"  The proof:   shipline audit verify {run.id}")
    out.print("  Look around: shipline up")
    say_json(
        {
            "run": run.id,
            "outcome": run.outcome.value if run.outcome else None,
            "state": run.state.value,
            "issues": counts.issues,
            "leaves": counts.leaves,
            "merged_pull_requests": counts.merged_pull_requests,
            "defects": counts.defects,
            "release": run.release.tag if run.release else None,
            "repository": str(bare),
            "seconds": round(time.monotonic() - started, 1),
        }
    )
    return 0 if run.outcome is Outcome.SUCCEEDED else 1
