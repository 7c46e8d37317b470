"""Cancel's second half: end what a run has going, and look until nothing of it runs. Imports no Prefect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from ledger.issues import read_tree
from ledger.models import EventType, Executor, Issue, Level, Proof, ProofLine, Run
from ledger.runs import note_run
from ledger.timeline import event
from shipline.errors import ShiplineError
from tasks import leftovers
from tasks.actions.interrupting import steps_there, tell_workflows
from tasks.agents.registry import coder
from tasks.context import Context
from tasks.deploy.process import named as name_process
from tasks.github.repo import Repo
from tasks.prefect_api import FlowRun, prefect
from tasks.scratch import remove_scratch, works_elsewhere

GRACE = 5.0  # seconds in which a flow may end by itself, so that a write that is under way is seen through
LOOK = 0.5  # seconds between two looks


async def end_all(ctx: Context, run: Run, *, within: float, but: Collection[str] = ()) -> Proof:
    """End what the cancelled run has going and prove it; what is left after ``within`` seconds is in the proof.

    ``but`` are flow runs that end by themselves afterwards: the one that asks.
    """
    began = time.monotonic()
    kept: str | None = None
    untold = await tell_workflows(run, "orchestrator.cancel")
    while True:
        failed = await leftovers.cancel_agents(ctx, run.id)
        flow_runs = await _end_flow_runs(ctx, run, but, forced=time.monotonic() - began > GRACE)
        run = await ctx.store.get(Run, run.id)
        carriers = leftovers.carriers(run, but)
        if not carriers:  # whoever carries the run ends its own children; only orphans are ended from here
            await leftovers.end_processes(ctx, run.id)
            kept = await leftovers.end_half_deployed(ctx, run) or kept
        lines = [await _agents(ctx, run, failed), await _processes(ctx, run, carriers), flow_runs]
        if run.executor is Executor.ACTIONS:
            lines.append(await _workflows(ctx, run, untold))
        if all(line.clear for line in lines) or time.monotonic() - began > within:
            break
        await asyncio.sleep(LOOK)
    stopped = f"{kept} had been started and was ended" if kept else ""
    half = await leftovers.half_deployed(ctx, run)
    named = [half] if half else []
    lines.append(ProofLine(what="half-made deployments", clear=half is None, found=named, note=stopped))
    if works_elsewhere(coder(ctx.settings)):
        lines.append(await _scratch(ctx, run))
    proof = Proof(run_id=run.id, lines=[*lines, *await _left_on_github(ctx, run)])
    await _tell(ctx, run, proof)
    return proof


async def _end_flow_runs(ctx: Context, run: Run, but: Collection[str], *, forced: bool) -> ProofLine:
    try:
        async with prefect(ctx.settings) as server:
            live = [each for each in await server.live(run.id) if each.id not in but]
            for each in live:
                if each.nested:
                    continue  # ends with the one around it
                if leftovers.is_dead(run.carriers.get(each.id)):
                    await server.bury(each.id, "CANCELLED", "Its run was cancelled, and its process is gone.")
                elif each.state_type != "CANCELLING" and (forced or each.state_type != "RUNNING"):
                    await server.cancel(each.id)
            if all(each.nested for each in live) and not leftovers.carriers(run, but):
                for each in live:  # stages of a flow run that ended without telling of them
                    await server.bury(each.id, "CANCELLED", "The flow run around it has ended.")
            live = [each for each in await server.live(run.id) if each.id not in but and not _inside(each, but)]
    except ShiplineError as error:
        return ProofLine(what="flow runs", clear=False, found=["unknown"], note=str(error))
    return ProofLine(what="flow runs", clear=not live, found=[str(each) for each in live])


def _inside(each: FlowRun, but: Collection[str]) -> bool:
    return each.nested and bool(but)


async def _agents(ctx: Context, run: Run, failed: list[str]) -> ProofLine:
    running = [f"{each.agent_id} for {each.node_key}" for each in await leftovers.running_agents(ctx, run.id)]
    return ProofLine(what="agents", clear=not running, found=running, note="; ".join(failed))


async def _workflows(ctx: Context, run: Run, untold: str) -> ProofLine:
    going = [f"{each.event_type} ({each.id})" for each in await steps_there(ctx, run.id)]
    return ProofLine(what="workflows", clear=not going, found=going, note=untold)


async def _processes(ctx: Context, run: Run, carriers: list[str]) -> ProofLine:
    found = [name_process(each) for each in leftovers.processes_of(ctx, run.id)]
    return ProofLine(what="processes", clear=not (found or carriers), found=[*carriers, *found])


async def _scratch(ctx: Context, run: Run) -> ProofLine:
    """What no guard has looked at is no work that is kept."""
    what = "scratch branches of agents"
    try:
        left = await remove_scratch(Repo(ctx.github, run.repo), run.id)
    except ShiplineError as error:
        return ProofLine(what=what, clear=False, found=["unknown"], note=str(error))
    return ProofLine(what=what, clear=not left, found=left)


async def _left_on_github(ctx: Context, run: Run) -> list[ProofLine]:
    """Work is never deleted: what stays on GitHub is named."""
    begun = [each for each in (await read_tree(ctx.store, run.id)).issues if each.branch and not each.merged_sha]
    repo = Repo(ctx.github, run.repo)
    try:
        bare = [str(each.branch) for each in begun if each.pr_number is None]
        bare = [each for each in bare if await repo.branch_sha(each)]
        drafts = [_pull(each) for each in begun if each.pr_number and not (await repo.pull(each.pr_number)).merged_sha]
        note = ""
    except ShiplineError as error:
        bare = [str(each.branch) for each in begun if each.pr_number is None]
        drafts = [_pull(each) for each in begun if each.pr_number]
        note = f"as the ledger has it: {error}"
    return [
        ProofLine(what="branches with no pull request", clear=True, found=bare, note=note or _kept(bare)),
        ProofLine(what="open pull requests", clear=True, found=drafts, note=note or _kept(drafts)),
    ]


def _pull(issue: Issue) -> str:
    return f"#{issue.pr_number} {issue.title}"


def _kept(found: list[str]) -> str:
    return "kept: they hold work" if found else ""


async def _tell(ctx: Context, run: Run, proof: Proof) -> None:
    said = "Nothing is left running" if proof.clear else "Something is left running"
    level = Level.INFO if proof.clear else Level.ERROR
    lines = "; ".join(str(line) for line in proof.lines)
    data = {"proof": proof.model_dump(by_alias=True, mode="json")}
    await note_run(
        ctx.store, run.id, {},
        event(EventType.STEP_COMPLETED, run.state, f"{said}. {lines}", level=level, data=data),
    )  # fmt: skip
