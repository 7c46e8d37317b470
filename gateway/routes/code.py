"""Branches and pull requests of a project (the notes, §7.1)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.access import Looker, Merger, Starter
from gateway.paging import LINKED, Paged
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


@router.get("/branches", responses=LINKED)
async def branches(id: ProjectId, _: Looker, paging: Paged) -> list[code.BranchSeen]:
    """Branches by name, each with the issue that is worked on there."""
    return paging.given(await code.branches(id, code.Part(page=paging.page, size=paging.size)))


@router.post("/branches", status_code=201)
async def create_branch(id: ProjectId, body: BranchIn, who: Starter) -> code.BranchSeen:
    """Make a branch at the head of another. There already, at the same commit, is fine."""
    return await code.create_branch(id, body.branch_name, body.base_branch, by=who.name)


@router.get("/prs", responses=LINKED)
async def pulls(
    id: ProjectId, _: Looker, paging: Paged, state: Annotated[Literal["open", "closed", "all"], Query()] = "open"
) -> list[code.PullSeen]:
    """Pull requests, the newest first."""
    return paging.given(await code.pulls(id, state, code.Part(page=paging.page, size=paging.size)))


@router.post("/prs", status_code=201)
async def create_pull(id: ProjectId, body: PullIn, who: Starter) -> code.PullSeen:
    """Open a pull request; one that is open already is returned."""
    return await code.create_pull(id, body.branch, body.base, body.title, body.body, by=who.name)


@router.get("/prs/{prNumber}")
async def pull(id: ProjectId, prNumber: PullNumber, _: Looker) -> code.PullSeen:
    """One pull request."""
    return await code.pull(id, prNumber)


@router.post("/prs/{prNumber}/merge")
async def merge(id: ProjectId, prNumber: PullNumber, who: Merger) -> code.Merged:
    """Merge one that is not Shipline's own; a run merges its own when their gates are open."""
    return await code.merge_pull(id, prNumber, by=who.name)
