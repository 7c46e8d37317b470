"""Replaying a recording on the running stack, and saying in what the replay differs from what was recorded."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from console.demo import watch
from console.out import out
from deployments.attached import Stack, running
from deployments.process import where
from ledger.models import Run
from shipline.config import load_settings
from shipline.errors import NotFound, Unavailable
from tasks.agents.recorder import record
from tasks.agents.recording import HEADER, Recording, read_recording
from tasks.agents.registry import RECORDED
from tasks.context import close_context, context
from tasks.deploy.retire import stop_deployment
from tasks.ending import Difference, Ending, differences, ending_of
from tasks.history import history_of
from tasks.replaying import begin_replay, recorded_ending


@dataclass(frozen=True)
class Compared:
    """A replay beside its recording. ``trees`` counts those that were compared, the release's among them."""

    recording: str
    run: Run
    trees: int
    differences: list[Difference]
    seconds: float


async def replay(home: Path, what: str, *, strict: bool, quiet: bool) -> Compared:
    """Replay a run (by id) or a recording (by folder) to its end, and compare."""
    started = time.monotonic()
    async with running(home) as stack:
        _only_recorded(stack, strict)
        try:
            async with _recording(what) as recording:
                before = recorded_ending(recording)
                run = await _deliver(stack, recording, quiet)
                after = await _ending(run)
        finally:
            await close_context()
    trees = [each.merged for each in before.nodes.values()] + [before.released]
    found = differences(before, after)
    return Compared(recording.header.name, run, sum(map(bool, trees)), found, time.monotonic() - started)


def _only_recorded(stack: Stack, strict: bool) -> None:
    """Turn the thinking agents off in this process and in those that it starts; the stack's sandbox is the GitHub."""
    where = stack.addresses
    os.environ.update(
        stack.environment(),
        SHIPLINE_MONGODB_URI=where.mongodb_uri,
        SHIPLINE_GITHUB_API_URL=where.github_api_url,
        SHIPLINE_GITHUB_TOKEN=where.github_token,
        PREFECT_API_URL=where.prefect_api_url,
        SHIPLINE_PLANNER=RECORDED,
        SHIPLINE_CODER=RECORDED,
        SHIPLINE_STRICT_REPLAY=str(strict).lower(),
        SHIPLINE_LEAVES="in-process",  # the processes of a work pool have their own agents
    )


@asynccontextmanager
async def _recording(what: str) -> AsyncIterator[Recording]:
    """The recording alone in a folder of its own, which is the one that is configured; a run is recorded for it."""
    settings = load_settings()
    work = settings.home / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="replay-", dir=work) as folder:
        given = Path(what)
        if (given / HEADER).is_file():
            alone = shutil.copytree(given, Path(folder) / "recording")
            found = read_recording(alone)
        elif given.is_dir():
            raise NotFound(f"{what} holds no {HEADER}.", "Give a run's id, or the folder of one recording.")
        else:
            found = await record((await context()).store, settings, what, Path(folder) / what, bundle_limit=None)
        os.environ["SHIPLINE_RECORDINGS"] = folder
        yield found


async def _deliver(stack: Stack, recording: Recording, quiet: bool) -> Run:
    ctx = await context()
    run = await begin_replay(ctx, recording)
    argv = [sys.executable, "-m", "flows", run.id, *(["--dry-run"] if recording.header.dry_run else [])]
    if not quiet:
        told = f"{recording.header.name}, in {run.repo}: {recording.header.idea}\n"
        out.print(Text.assemble(("Replays ", "bold"), told), soft_wrap=True)
    child = await stack.start_child("replay", argv, {})
    if quiet:
        await child.wait()
    else:
        await watch(ctx.store, run.id, child, time.monotonic())
    await stop_deployment(run.id)
    ended = await ctx.store.get(Run, run.id)
    if ended.outcome is None:
        raise Unavailable(f"The replay {run.id} stopped at {ended.state} without an end.", where(child))
    return ended


async def _ending(run: Run) -> Ending:
    ctx = await context()
    async with AsyncExitStack() as stack:
        known = run.base_sha
        history = await stack.enter_async_context(history_of(ctx.settings, run.repo, known)) if known else None
        return await ending_of(ctx.store, run, history)
