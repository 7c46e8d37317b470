"""A person's word to a run, or to all of them: set its budget, pause and resume everything."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from gateway.access import Looker, Starter, Treasurer
from gateway.shapes import BudgetIn, RepoName, RunId, Said
from ledger.interrupts import words
from ledger.models import Budget, Model, Run, Spent
from tasks import control
from tasks.budget import spent_by

router = APIRouter(prefix="/api", tags=["Control"])


class BudgetOut(Model):
    """What a run may use, what it has used, and what came of a change."""

    run_id: str
    budget: Budget
    spent: Spent
    paused: bool
    said: str = ""


class AllIn(Model):
    """Which runs: those of a repository, or every one."""

    repo: RepoName | None = None
    reason: str = Field(default="", max_length=1000)


@router.get("/runs/{runId}/budget")
async def budget(request: Request, runId: RunId, _: Looker) -> BudgetOut:
    """What a run may use, and what it has used."""
    store = request.app.state.store
    run = await store.get(Run, runId)
    return BudgetOut(
        run_id=runId, budget=run.budget, spent=await spent_by(store, run), paused=run.interrupt.paused
    )  # fmt: skip


@router.put("/runs/{runId}/budget")
async def set_budget(runId: RunId, body: BudgetIn, who: Treasurer) -> BudgetOut:
    """Set limits. A run that paused because one was used up goes on when the new one is large enough."""
    done = await control.set_budget(runId, by=who.name, **body.model_dump())
    return BudgetOut(
        run_id=runId, budget=done.run.budget, spent=done.spent, paused=done.run.interrupt.paused, said=done.said
    )  # fmt: skip


@router.post("/pause-all")
async def pause_all(body: AllIn, who: Starter) -> list[Said]:
    """Pause every run that has not ended; those that are started later wait, too."""
    found = await control.pause_all(by=who.name, reason=body.reason, repo=body.repo)
    return [Said(run_id=each.id, said=f"{words(each)}.") for each in found]


@router.post("/resume-all")
async def resume_all(body: AllIn, who: Starter) -> list[Said]:
    """Let runs start again, and go on with every one that is paused."""
    done = await control.resume_all(by=who.name, repo=body.repo)
    return [Said(run_id=each.run.id, said=each.said) for each in done]
