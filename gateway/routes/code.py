"""Branches and pull requests of a project (the notes, §7.1)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.access import Looker, Merger, Starter
from gateway.shapes import Branch, ProjectId, PullNumber
from ledger.models import Model
from tasks import code

router = APIRouter(prefix="/api/projects/{id}", tags=["Code"])


class BranchIn(Model):
    """A branch to make."""

    branch_name: Branch
    base_branch: Branch


class PullIn(Model):
    """A pull request to open."""

    branch: Branch
    base: Branch
    title: str = Field(min_length=1, max_length=250)
    body: str = Field(default="", max_length=60_000)


@router.get("/branches")
async def branches(id: ProjectId, _: Looker) -> list[code.BranchSeen]:
    """All branches, each with the issue that is worked on there."""
    return await code.branches(id)


@router.post("/branches", status_code=201)
async def create_branch(id: ProjectId, body: BranchIn, _: Starter) -> code.BranchSeen:
    """Make a branch at the head of another. There already, at the same commit, is fine."""
    return await code.create_branch(id, body.branch_name, body.base_branch)


@router.get("/prs")
async def pulls(
    id: ProjectId, _: Looker, state: Annotated[Literal["open", "closed", "all"], Query()] = "open"
) -> list[code.PullSeen]:
    """Pull requests."""
    return await code.pulls(id, state)


@router.post("/prs", status_code=201)
async def create_pull(id: ProjectId, body: PullIn, _: Starter) -> code.PullSeen:
    """Open a pull request; one that is open already is returned."""
    return await code.create_pull(id, body.branch, body.base, body.title, body.body)


@router.get("/prs/{prNumber}")
async def pull(id: ProjectId, prNumber: PullNumber, _: Looker) -> code.PullSeen:
    """One pull request."""
    return await code.pull(id, prNumber)


@router.post("/prs/{prNumber}/merge")
async def merge(id: ProjectId, prNumber: PullNumber, who: Merger) -> code.Merged:
    """Merge one that is not Shipline's own; a run merges its own when their gates are open."""
    return await code.merge_pull(id, prNumber, by=who.name)
