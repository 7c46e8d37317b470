"""Our coding agent for others (the notes, §2.1): ``POST /adapters/cursor/execute``, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from pydantic import Field

from gateway.access import Looker, Starter
from gateway.shapes import Branch, RepoName
from ledger import errands
from ledger.models import Errand, Model
from shipline.ids import uuid7
from tasks.agents.execution import PATH, Execution
from tasks.context import context
from tasks.errands import accept

router = APIRouter(tags=["Coding agent"])
ErrandId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._~-]{1,200}$", examples=["e-3f2a9c0d1b4e"])]
Once = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
           description="The same key again begins nothing new, unless what it began has failed."),
]  # fmt: skip


class ExecuteIn(Model):
    """What is to be done, on a branch that is there. ``context`` is all that the agent is told, else the task."""

    repo: RepoName
    branch: Branch
    task: Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
    context: Annotated[str, Field(max_length=1_000_000)] = ""


@router.post(PATH, status_code=202)
async def execute(body: ExecuteIn, who: Starter, once: Once = None) -> Execution:
    """Let the coding agent work on a branch. Its work is a commit there; ask for its end with the ``id``."""
    ctx = await context()
    return _out(await accept(ctx, who.name, once or uuid7(), body.repo, body.branch, body.task, body.context))


@router.get(PATH + "/{id}")
async def show(request: Request, id: ErrandId, _: Looker) -> Execution:
    """What became of it."""
    return _out(await request.app.state.store.get(Errand, id))


@router.post(PATH + "/{id}/cancel")
async def cancel(request: Request, id: ErrandId, _: Starter) -> Execution:
    """Stop it. What has ended stays as it is."""
    return _out(await errands.cancel(request.app.state.store, id))


def _out(errand: Errand) -> Execution:
    output = errand.result.output if errand.result else None
    return Execution(
        id=errand.id, status=errand.status.value, head=errand.head, error=errand.error, log=errand.log,
        summary=output.changeset_summary if output else "", notes=output.notes if output else "",
        answer=output.answer if output else None, artifacts=output.artifacts_out if output else [],
        usage=errand.used, warnings=errand.result.warnings if errand.result else [],
    )  # fmt: skip
