"""Issues and their tree (the notes, §7.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from gateway.access import Looker, Starter
from gateway.shapes import DefectIn, IssueOut, NodeId, ProjectId, ReorderIn, RunId, TreeOut, issue_out
from ledger.models import CiStatus, Issue, Project
from ledger.queries import ci_of, snapshot
from ledger.rules.tree import Tree
from ledger.store import Store
from shipline.errors import NotFound
from tasks import code

router = APIRouter(tags=["Issues"])
IssueId = Annotated[
    str, Path(pattern=r"^r-[0-9]{8}-[a-z0-9]{6}/[A-Za-z0-9._-]{1,80}$", examples=["r-20261123-7k3f9q/words"],
              description="The ledger's id: the run's and the node's.")
]  # fmt: skip


@router.get("/api/runs/{runId}/issues")
async def tree(request: Request, runId: RunId, _: Looker) -> TreeOut:
    """All issues of a run, each below its parent."""
    store = request.app.state.store
    seen = await snapshot(store, runId)
    ci = await _ci(store, seen.tree)
    roots = [seen.tree.root] if seen.tree.issues else []
    return TreeOut(run_id=runId, issues=[issue_out(seen.tree, each, seen.waits, ci) for each in roots])


@router.get("/api/issues/{id:issue}")
async def show(request: Request, id: IssueId, _: Looker) -> IssueOut:
    """An issue with all that is below it."""
    return await _shown(request.app.state.store, id)


@router.post("/api/issues/{id:issue}/reorder")
async def reorder(request: Request, id: IssueId, body: ReorderIn, who: Starter) -> IssueOut:
    """Give the children another order. Refused when something would begin before what it waits for."""
    await code.reorder(id, body.order, by=who.name)
    return await _shown(request.app.state.store, id)


@router.post("/api/projects/{id}/issues/{issueId}/defects", status_code=201, tags=["Code"])
async def file_defect(request: Request, id: ProjectId, issueId: NodeId, body: DefectIn, who: Starter) -> IssueOut:
    """File a defect against an issue's work: it blocks every merge above. The same one twice is filed once."""
    store = request.app.state.store
    issue = await of_project(store, id, issueId)
    defect = await code.file_defect(issue.run_id, issue.key, body.title, body.body, body.path, by=who.name)
    return await _shown(store, defect.id)


@router.get("/api/projects/{id}/issues/{issueId}/hierarchy", tags=["Code"])
async def hierarchy(request: Request, id: ProjectId, issueId: NodeId, _: Looker) -> IssueOut:
    """The whole tree that an issue stands in, from its root."""
    store = request.app.state.store
    issue = await of_project(store, id, issueId)
    seen = await snapshot(store, issue.run_id)
    return issue_out(seen.tree, seen.tree.root, seen.waits, await _ci(store, seen.tree))


async def of_project(store: Store, project_id: str, named: str) -> Issue:
    """The issue by its GitHub number (``145`` or ``issue-145``), or the newest with that key."""
    await store.get(Project, project_id)
    number = named.removeprefix("issue-")
    which = {"number": int(number)} if number.isascii() and number.isdigit() and len(number) < 10 else {"key": named}
    found = await store.find_one(Issue, {"projectId": project_id, **which}, newest=True)
    if found is None:
        raise NotFound(f"The project has no issue {named}.")
    return found


async def _shown(store: Store, issue_id: str) -> IssueOut:
    issue = await store.get(Issue, issue_id)
    seen = await snapshot(store, issue.run_id)
    return issue_out(seen.tree, seen.tree[issue.key], seen.waits, await _ci(store, seen.tree))


async def _ci(store: Store, tree: Tree) -> dict[str, list[CiStatus]]:
    """What GitHub's checks say of the heads of a tree."""
    return await ci_of(store, tree.issues[0].repo, [each.head for each in tree.issues]) if tree.issues else {}
