"""Repositories: listed, created, generated from a template, changed, deleted."""

from __future__ import annotations

import shutil
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, invalid, not_found
from sandbox.context import At, Call, Here
from sandbox.founding import check_name, found, from_template, with_readme
from sandbox.plumbing import refs
from sandbox.shapes.repos import full_repository, repository
from sandbox.store import now

router = APIRouter()


class NewRepo(BaseModel):
    """The body of a repository's creation."""

    name: str
    description: str | None = None
    homepage: str | None = None
    private: bool = False
    visibility: str | None = None
    has_issues: bool = True
    auto_init: bool = False
    is_template: bool = False
    delete_branch_on_merge: bool = False


class FromTemplate(BaseModel):
    """The body of ``generate``."""

    name: str
    owner: str | None = None
    description: str | None = None
    private: bool = False


class RepoChange(BaseModel):
    """The body of a repository's update; what is not sent stays."""

    name: str | None = None
    description: str | None = None
    homepage: str | None = None
    private: bool | None = None
    visibility: str | None = None
    has_issues: bool | None = None
    is_template: bool | None = None
    archived: bool | None = None
    default_branch: str | None = None
    delete_branch_on_merge: bool | None = None


async def _create(call: Call, owner: str, body: NewRepo) -> Json:
    repo = await found(
        call.hub, owner, body.name, description=body.description, homepage=body.homepage,
        private=body.private or body.visibility == "private", has_issues=body.has_issues,
        is_template=body.is_template, delete_branch_on_merge=body.delete_branch_on_merge,
    )  # fmt: skip
    if body.auto_init:
        await with_readme(call.hub, repo, call.author)
    return Json(full_repository(call.hub, repo), 201)


@router.post("/user/repos")
async def create_own(call: Here, body: NewRepo) -> Json:
    """A repository of the token's user."""
    return await _create(call, call.login, body)


@router.post("/orgs/{org}/repos")
async def create_in_organization(call: Here, org: str, body: NewRepo) -> Json:
    """A repository of an organization."""
    return await _create(call, _organization(call, org), body)


def _organization(call: Call, login: str) -> str:
    try:
        account = call.hub.account(login)
    except KeyError:
        raise not_found() from None
    if account["type"] != "Organization":
        raise not_found()
    return str(account["login"])


def _listed(call: Call, where: str, *values: Any) -> Json:
    sort = {"created": "created_at", "updated": "updated_at", "pushed": "pushed_at"}
    column = sort.get(call.query.get("sort", ""), "full_name")
    default = "asc" if column == "full_name" else "desc"
    direction = "ASC" if call.query.get("direction", default) == "asc" else "DESC"
    order = f"owner {direction}, name {direction}" if column == "full_name" else f"{column} {direction}, id {direction}"
    rows, total = call.rows("*", f"repos WHERE {where} ORDER BY {order}", *values)
    return call.listed([repository(call.hub, row) for row in rows], total)


@router.get("/user/repos")
async def list_mine(call: Here) -> Json:
    """Every repository: whoever has a token may see all."""
    return _listed(call, "1")


@router.get("/users/{login}/repos")
async def list_of_user(call: Here, login: str) -> Json:
    """A user's repositories."""
    return _listed(call, "owner = ?", login)


@router.get("/orgs/{org}/repos")
async def list_of_organization(call: Here, org: str) -> Json:
    """An organization's repositories."""
    return _listed(call, "owner = ?", _organization(call, org))


@router.get("/repos/{owner}/{repo}")
async def get(at: At) -> Json:
    """One repository."""
    return Json(full_repository(at.hub, at.repo))


@router.patch("/repos/{owner}/{repo}")
async def change(at: At, body: RepoChange) -> Json:
    """Change what was sent."""
    sent = body.model_dump(exclude_unset=True)
    if (visibility := sent.pop("visibility", None)) is not None:
        sent["private"] = visibility == "private"
    async with at.lock:
        if (branch := sent.get("default_branch")) is not None:
            if await refs.resolve(at.git, f"refs/heads/{branch}") is None:
                raise invalid("Repository", "default_branch", "invalid")
            await at.git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        if (name := sent.get("name")) is not None and name.lower() != at.repo["name"].lower():
            check_name(name)
            if at.hub.find(at.repo["owner"], name) is not None:
                raise invalid("Repository", "name", "already_exists")
            shutil.move(at.git.path, at.hub.path(at.repo["owner"], name))
        at.store.update("repos", at.repo["id"], **sent, updated_at=now())
    return Json(full_repository(at.hub, at.store.get("repos", at.repo["id"])))


@router.delete("/repos/{owner}/{repo}")
async def delete(at: At) -> Json:
    """Delete a repository for good."""
    async with at.lock:
        at.hub.forget(at.repo)
    return Json(None, 204)


@router.post("/repos/{owner}/{repo}/generate")
async def generate(at: At, body: FromTemplate) -> Json:
    """A new repository from this template."""
    owner = body.owner or at.login
    try:
        at.hub.account(owner)
    except KeyError:
        raise invalid("Repository", "owner", "invalid") from None
    made = await from_template(
        at.hub, at.repo, owner, body.name, at.author, description=body.description, private=body.private
    )
    return Json(full_repository(at.hub, made), 201)
