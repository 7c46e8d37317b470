"""Projects: a repository that is connected, its long-lived branches, its files, and what people did to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from gateway.access import Deployer, Looker, Starter
from gateway.paging import LINKED, Paged
from gateway.routes.issues import of_project
from gateway.shapes import Branch, NodeId, ProjectId, RepoName
from ledger.models import Act, Model, Project
from tasks import code, projects

router = APIRouter(prefix="/api/projects", tags=["Projects"])
Path = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9._@+ -][A-Za-z0-9._@+ /-]*$")]


class ProjectIn(Model):
    """A repository to connect, and what it is called here (its own name unless given)."""

    repo: RepoName
    name: str | None = Field(default=None, min_length=1, max_length=100, pattern=r"\S")


class ProjectOut(Model):
    """A connected repository."""

    id: str
    repo: str
    name: str
    default_branch: str
    created_at: datetime


class FileIn(Model):
    """A file as it is to be. ``sha`` is the blob that it replaces: where another one is there, nothing is done."""

    path: Path
    branch: Branch
    text: str = Field(max_length=500_000)
    message: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    sha: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")


class ActOut(Model):
    """What somebody did to the code through Shipline."""

    by: str
    what: str
    run_id: str | None
    node_id: str | None
    created_at: datetime


@router.get("", responses=LINKED)
async def listed(request: Request, _: Looker, paging: Paged) -> list[ProjectOut]:
    """All of them, the newest first."""
    found = await paging.found(request.app.state.store, Project, {}, [("created_at", -1), ("_id", 1)])
    return [_out(each) for each in found]


@router.post("", status_code=201)
async def connect(body: ProjectIn, who: Starter) -> ProjectOut:
    """Connect a repository, which must be there and open to Shipline. Connected already is fine."""
    return _out(await projects.connect(body.repo, body.name, by=who.name))


@router.post("/{id}/prepare")
async def prepare(id: ProjectId, who: Starter) -> list[code.BranchSeen]:
    """Make ``integration`` and ``regression`` where they are missing."""
    return await projects.prepare(id, by=who.name)


@router.post("/{id}/regression")
async def regression(id: ProjectId, who: Deployer) -> projects.Regression:
    """Bring ``regression`` up to ``integration``."""
    return await projects.to_regression(id, by=who.name)


@router.get("/{id}/files")
async def read(id: ProjectId, _: Looker, path: Annotated[Path, Query()], ref: Annotated[Branch | None, Query()] = None
) -> projects.FileSeen:  # fmt: skip
    """A text file, at a branch, tag or commit (the default branch unless named)."""
    return await projects.read_file(id, path, ref)


@router.put("/{id}/files")
async def write(id: ProjectId, body: FileIn, who: Deployer) -> projects.FileWritten:
    """Make or change a text file on a branch, in one commit. Long-lived branches change by pull requests alone."""
    return await projects.write_file(id, body.path, body.branch, body.text, body.message, body.sha, by=who.name)


@router.post("/{id}/issues/{issueId}/branch", status_code=201)
async def branch(request: Request, id: ProjectId, issueId: NodeId, who: Starter) -> code.BranchSeen:
    """An issue's branch, from that of its nearest open ancestor. There already is fine."""
    return await projects.issue_branch(await of_project(request.app.state.store, id, issueId), by=who.name)


@router.post("/{id}/issues/{issueId}/pr", status_code=201)
async def pull(request: Request, id: ProjectId, issueId: NodeId, who: Starter) -> code.PullSeen:
    """An issue's draft pull request to its base, with its branch. Open already is fine."""
    return await projects.issue_pull(await of_project(request.app.state.store, id, issueId), by=who.name)


@router.get("/{id}/acts", responses=LINKED)
async def acts(request: Request, id: ProjectId, _: Looker, paging: Paged) -> list[ActOut]:
    """Who did what to the code through Shipline, the newest first."""
    store = request.app.state.store
    await store.get(Project, id)
    found = await paging.found(store, Act, {"projectId": id}, [("created_at", -1), ("_id", -1)])
    return [ActOut(**{name: getattr(each, name) for name in ActOut.model_fields}) for each in found]


def _out(project: Project) -> ProjectOut:
    return ProjectOut(**{name: getattr(project, name) for name in ProjectOut.model_fields})
