"""What a cancelled run may have left running on this machine or elsewhere, how it is found, and how it is ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Collection

import psutil

from ledger.lease import MACHINE
from ledger.models import AgentRun, AgentRunStatus, Carrier, Deployment, Effect, EffectKind, EffectStatus, Run
from shipline.errors import ShiplineError
from shipline.ids import digest
from tasks.agents.ports import AgentRef
from tasks.agents.registry import coder
from tasks.context import Context
from tasks.deploy import process
from tasks.deploy.targets import target_of
from tasks.state import get_settings

PATIENCE = 2.0  # seconds between asking a process to end and making it
LOOK = 0.05  # seconds between two looks at it


async def cancel_agents(ctx: Context, run_id: str) -> list[str]:
    """Cancel every agent of the run that has not ended, through its port; which ones could not be, and why."""
    left: list[str] = []
    for asked in await running_agents(ctx, run_id):
        try:
            if asked.ref is not None:
                await coder(ctx.settings).cancel(AgentRef(id=asked.ref))
        except ShiplineError as error:
            left.append(f"{asked.agent_id} for {asked.node_key}: {error}")
            continue
        await ctx.store.change(
            AgentRun, asked.id, {"status": AgentRunStatus.FAILED, "error": "Cancelled with its run."},
            expect={"status": AgentRunStatus.RUNNING},
        )  # fmt: skip
    return left


async def running_agents(ctx: Context, run_id: str) -> list[AgentRun]:
    """The agents of the run that were asked and have not answered."""
    return await ctx.store.find(AgentRun, {"runId": run_id, "status": AgentRunStatus.RUNNING})


async def end_processes(ctx: Context, run_id: str) -> None:
    """End what works in the run's folder: test runs, agents and their children. A person's shell is left alone."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for each in _endable(ctx, run_id):
            with contextlib.suppress(psutil.Error):
                ask(each)
        until = time.monotonic() + PATIENCE
        # Looked at, not waited for: waiting would take the exit codes of this process's own children.
        while _endable(ctx, run_id):
            if time.monotonic() > until:
                break
            await asyncio.sleep(LOOK)


def _endable(ctx: Context, run_id: str) -> list[psutil.Process]:
    return [each for each in processes_of(ctx, run_id) if not _on_terminal(each)]


def processes_of(ctx: Context, run_id: str) -> list[psutil.Process]:
    """The processes of this machine whose working folder is the run's."""
    folder = str(ctx.settings.home / "work" / run_id)
    return [each for each in psutil.process_iter() if each.pid != os.getpid() and _works_in(each, folder)]


async def end_half_deployed(ctx: Context, run: Run) -> str | None:
    """End a release that was started and never said to be deployed; what ran, or nothing when nothing did."""
    found = await half_deployed(ctx, run)
    if found is not None and run.release is not None:
        settings = await get_settings(run)
        label = digest(run.id, run.release.tag, settings.deployment_env)
        with contextlib.suppress(psutil.Error, ShiplineError):
            await target_of(settings.deployment_target).clear(label)
    return found


async def half_deployed(ctx: Context, run: Run) -> str | None:
    """The process or container of a deployment of this run that the ledger does not call healthy."""
    begun = await ctx.store.find_one(Effect, {"runId": run.id, "kind": EffectKind.DEPLOY})
    if begun is None or run.release is None:
        return None
    settings = await get_settings(run)
    label = digest(run.id, run.release.tag, settings.deployment_env)
    done = begun.status is EffectStatus.SUCCEEDED and await ctx.store.find_one(Deployment, {"_id": label}) is not None
    if done:
        return None
    try:
        return await target_of(settings.deployment_target).find(label)
    except ShiplineError as error:
        return f"nobody knows: {error}"


def is_dead(carrier: Carrier | None) -> bool:
    """Whether the process that carried a run is certainly gone; one of another machine never is."""
    return carrier is not None and carrier.machine == MACHINE and not process.alive(carrier.pid, carrier.started)


def this_process() -> Carrier:
    """This process, as the ledger remembers it."""
    return Carrier(machine=MACHINE, pid=os.getpid(), started=psutil.Process().create_time())


def carriers(run: Run, without: Collection[str] = ()) -> list[str]:
    """The processes of this machine that carry the run and live, but for this one and those of some flow runs."""
    return [
        f"pid {each.pid} of flow run {flow_run}"
        for flow_run, each in run.carriers.items()
        if flow_run not in without and each.machine == MACHINE and each.pid != os.getpid() and not is_dead(each)
    ]


def _works_in(found: psutil.Process, folder: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        where = found.cwd().removesuffix(" (deleted)")
        inside = where == folder or where.startswith(folder + os.sep)
        return inside and found.status() != psutil.STATUS_ZOMBIE
    return False


def _on_terminal(found: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return found.terminal() is not None
    return False
