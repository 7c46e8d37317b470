"""What flows ask the ledger: where the run stands, and may it go on."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.interrupts import heed
from ledger.issues import change_issue, get_issue, read_tree
from ledger.models import EffectiveSettings, Idea, Issue, IssueStatus, Level, Outcome, Run, RunState
from ledger.rules.states import check_transition
from ledger.rules.status import propagate
from ledger.rules.tree import Tree
from ledger.runs import end_run, reopen_run, transition
from ledger.settings import settings_of
from ledger.timeline import drain_all
from tasks.context import Context, context
from tasks.github.repo import Repo
from tasks.workplaces import sweep_workplaces

ORDER = list(RunState)


@dataclass(frozen=True)
class Here:
    """A run with what is needed to act on it."""

    ctx: Context
    run: Run
    repo: Repo


async def here(run_id: str) -> Here:
    """The run, and the repository it works on."""
    ctx = await context()
    run = await ctx.store.get(Run, run_id)
    return Here(ctx, run, Repo(ctx.github, run.repo))


async def get_run(run_id: str) -> Run:
    """The run as it stands."""
    ctx = await context()
    return await ctx.store.get(Run, run_id)


async def get_tree(run_id: str) -> Tree:
    """The run's issues as they stand."""
    ctx = await context()
    return await read_tree(ctx.store, run_id)


async def get_node(run_id: str, key: str) -> Issue:
    """One of the run's issues as it stands."""
    ctx = await context()
    return await get_issue(ctx.store, run_id, key)


async def get_settings(run: Run) -> EffectiveSettings:
    """What holds for the run's project: its own settings, else the user's, else the defaults."""
    ctx = await context()
    return await settings_of(ctx.store, run.project_id)


async def enter(run_id: str, stage: RunState, msg: str) -> bool:
    """Begin (or go on with) a stage. False when the run is past it: there is nothing left to do.

    Raises IllegalTransition when the run has not come so far yet, or has ended; Interrupted when a person stopped it.
    """
    ctx = await context()
    await drain_all(ctx.store, run_id)
    await sweep_workplaces(ctx.settings.home, run_id)
    run = await heed(ctx.store, run_id)
    if ORDER.index(run.state) > ORDER.index(stage):
        return False
    if run.state is stage:
        return run.outcome in (None, Outcome.PLANNED)
    check_transition(run.state, stage, run.outcome)
    await transition(ctx.store, run_id, stage, msg)
    return True


async def back_to(run_id: str, stage: RunState, msg: str) -> None:
    """Send the run back to an earlier stage (defects, conflicts)."""
    ctx = await context()
    await transition(ctx.store, run_id, stage, msg)


async def finish(run_id: str, outcome: Outcome, error: str | None = None) -> Run:
    """Write how the run ended."""
    ctx = await context()
    await sweep_workplaces(ctx.settings.home, run_id)
    return await end_run(ctx.store, run_id, outcome, error=error)


async def revive(run_id: str, *, dry_run: bool) -> Run:
    """Make a run that failed able to go on; a planned one too, unless only a plan is asked for."""
    ctx = await context()
    run = await ctx.store.get(Run, run_id)
    if not (dry_run and run.outcome is Outcome.PLANNED):
        run = await reopen_run(ctx.store, run_id)
    failed = [issue for issue in (await read_tree(ctx.store, run_id)).issues if issue.failure]
    for issue in failed:
        await change_issue(
            ctx.store, run_id, issue.key, {"failure": None}, expect={"failure": issue.failure},
            msg=f"{issue.key} is tried again",
        )  # fmt: skip
    return run


async def settle_tree(run_id: str) -> tuple[list[str], list[str]]:
    """Let parents tell the truth about their children. Returns the keys that became DONE, and those reopened."""
    ctx = await context()
    tree = await read_tree(ctx.store, run_id)
    done, reopened = [], []
    for key, status in propagate(tree).items():
        before = tree[key]
        reopens = before.status is IssueStatus.DONE
        changed = await change_issue(
            ctx.store, run_id, key, {"status": status}, expect={"status": before.status}, msg=f"{key} is {status}",
            add={"round": 1} if reopens else None,
        )  # fmt: skip
        if changed is None:
            continue
        if status is IssueStatus.DONE:
            done.append(key)
        elif reopens:
            reopened.append(key)
    return done, reopened


async def mark_failed(run_id: str, key: str, error: str) -> None:
    """Say that a node cannot go on without a person."""
    ctx = await context()
    await change_issue(
        ctx.store, run_id, key, {"failure": error}, expect={"failure": None}, msg=f"{key} stopped: {error}",
        level=Level.ERROR,
    )  # fmt: skip


async def idea_text(run: Run) -> str:
    """What the person wrote."""
    ctx = await context()
    return (await ctx.store.get(Idea, run.idea_id)).text
