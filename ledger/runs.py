"""Runs: how one begins, moves from state to state, and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.interrupts import heed_switch
from ledger.issues import read_tree
from ledger.models import (
    Approval,
    EventType,
    Executor,
    Idea,
    Level,
    Outcome,
    PendingEvent,
    Project,
    Run,
    RunState,
    Size,
    UserSettings,
)
from ledger.rules.plan import plan_of
from ledger.rules.states import check_transition, may_end
from ledger.store import Store
from ledger.timeline import drain, event
from shipline.errors import IllegalTransition
from shipline.ids import digest, new_run_id, uuid7


async def create_run(
    store: Store,
    idea: str,
    repo: str,
    default_branch: str,
    *,
    size: Size = Size.MEDIUM,
    dry_run: bool = False,
    executor: Executor = Executor.WORKER,
    run_id: str | None = None,
) -> Run:
    """Store an idea and the run that will deliver it. ``repo`` is ``owner/name``.

    With a ``run_id`` chosen before, a second call finds the run of the first one.
    """
    project = await ensure_project(store, repo, default_branch)
    options = {"size": size.value, "dryRun": dry_run}
    stored = Idea(id=f"idea-{run_id}" if run_id else uuid7(), text=idea, repo=repo, options=options)
    await store.insert(stored)
    run = Run(
        id=run_id or new_run_id(),
        idea_id=stored.id,
        project_id=project.id,
        repo=repo,
        size=size,
        dry_run=dry_run,
        executor=executor,
        correlation_id=uuid7(),
        outbox=[event(EventType.WORKFLOW_STARTED, RunState.IDEA_SUBMITTED, f"Idea for {repo}: {idea}")],
    )
    while not await store.insert(run):
        if run_id is not None:
            break
        run = run.model_copy(update={"id": new_run_id()})  # six random letters may repeat within a day
    await drain(store, await store.get(Run, run.id))
    # Asked after the run is there: a pause of everything sees either the run, or is seen here.
    return await heed_switch(store, await store.get(Run, run.id))


def project_id(repo: str) -> str:
    """The ledger's id of a repository's project, whether it is there yet or not."""
    return digest("project", repo)


async def ensure_project(store: Store, repo: str, default_branch: str) -> Project:
    """The project of a repository, made with default settings when it is not there yet."""
    project = Project(id=project_id(repo), repo=repo, name=repo.partition("/")[2], default_branch=default_branch)
    await store.insert(project)
    await store.insert(UserSettings(id=project.id, project_id=project.id))
    return await store.get(Project, project.id)


async def transition(store: Store, run_id: str, new: RunState, msg: str) -> Run:
    """Move the run to ``new``; already there is fine. An illegal move raises IllegalTransition and changes nothing."""
    while True:
        run = await store.get(Run, run_id)
        if run.state is new and run.outcome is None:
            return run
        check_transition(run.state, new, run.outcome)
        moved = await _change(
            store,
            run,
            {"state": new, "outcome": None},
            event(EventType.STEP_STARTED, new, msg, data={"from": run.state}),
        )
        if moved is not None:
            return moved


async def end_run(store: Store, run_id: str, outcome: Outcome, *, error: str | None = None) -> Run:
    """Write how the run ended, once; a run that has this outcome already is returned as it is."""
    run = await store.get(Run, run_id)
    if run.outcome is outcome:
        return run
    if run.outcome is not None or not may_end(run.state, outcome):
        raise IllegalTransition(f"Run {run_id} is at {run.state} and cannot end as {outcome}.")
    good = outcome in (Outcome.SUCCEEDED, Outcome.PLANNED)
    ended = await _change(
        store,
        run,
        {"outcome": outcome, "error": error},
        event(
            EventType.WORKFLOW_COMPLETED if good else EventType.WORKFLOW_FAILED,
            run.state,
            f"Run {outcome}" + (f": {error}" if error else ""),
            level=Level.INFO if good else Level.ERROR,
        ),
    )
    return ended or await store.get(Run, run_id)


async def reopen_run(store: Store, run_id: str) -> Run:
    """Take the outcome of a failed or a planned run back, so that it goes on from where it stopped, for real."""
    run = await store.get(Run, run_id)
    if run.outcome not in (Outcome.FAILED, Outcome.PLANNED):
        return run
    told = "Run again" if run.outcome is Outcome.FAILED else "The plan is carried out"
    again = event(EventType.WORKFLOW_STARTED, run.state, told)
    dry_run = run.dry_run and run.outcome is Outcome.FAILED
    values = {"outcome": None, "error": None, "dryRun": dry_run}
    reopened = await _change(store, run, values, again) or await store.get(Run, run_id)
    return await heed_switch(store, reopened)


async def approve_plan(store: Store, run_id: str, by: str, via: str = "") -> Run:
    """Write down that ``by`` lets the plan be carried out, with the plan as it is now, and where they said so.

    IllegalTransition when no plan of the run waits for that, and then nothing was changed.
    """
    run = await store.get(Run, run_id)
    require_planned(run)
    approval = Approval(id=run_id, by=by, via=via, run_id=run_id, plan=plan_of(await read_tree(store, run_id)))
    if not await store.insert(approval):  # an earlier attempt came so far
        await store.change(Approval, run_id, approval.model_dump(by_alias=True, exclude={"id", "created_at"}))
    told = event(EventType.STEP_COMPLETED, run.state, f"The plan is approved by {by}", data={"by": by, "via": via})
    changed = await store.change(Run, run_id, {"approvedBy": by}, expect={"outcome": Outcome.PLANNED}, event=told)
    if changed is None:
        require_planned(await store.get(Run, run_id))
        return await approve_plan(store, run_id, by, via)
    await drain(store, changed)
    return changed


def require_planned(run: Run) -> None:
    """Raise IllegalTransition unless a plan of the run waits for a person."""
    if run.outcome is not Outcome.PLANNED:
        raise IllegalTransition(f"No plan of run {run.id} waits for approval.", "Nothing was changed.")


async def note_run(store: Store, run_id: str, values: Mapping[str, Any], pending: PendingEvent | None = None) -> Run:
    """Set fields of a run (Mongo names) that are no state, with the event that tells of it."""
    changed = await store.change(Run, run_id, values, event=pending)
    if changed is None:
        return await store.get(Run, run_id)
    await drain(store, changed)
    return changed


async def _change(store: Store, run: Run, values: Mapping[str, Any], pending: PendingEvent) -> Run | None:
    expected = {"state": run.state, "outcome": run.outcome}
    changed = await store.change(Run, run.id, values, expect=expected, event=pending)
    if changed is not None:
        await drain(store, changed)
    return changed
