"""Branches, and merging one into another."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At
from sandbox.plumbing import merging, objects, refs
from sandbox.pull_facts import follow_refs
from sandbox.shapes.commits import commit
from sandbox.shapes.repos import html_url, repo_url

router = APIRouter(prefix="/repos/{owner}/{repo}")
_OPEN: dict[str, Any] = {
    "enabled": False,
    "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
}


class Merge(BaseModel):
    """The body of a merge of branches."""

    base: str
    head: str
    commit_message: str | None = None


@router.get("/branches")
async def list_all(at: At) -> Json:
    """The branches, by name; none is protected."""
    if at.query.get("protected") == "true":
        return at.listed([])
    url = repo_url(at.hub, at.repo)
    heads = await refs.heads(at.git)
    return at.listed([
        {
            "name": name, "commit": {"sha": sha, "url": f"{url}/commits/{sha}"}, "protected": False,
            "protection": _OPEN, "protection_url": f"{url}/branches/{name}/protection",
        }
        for name, sha in heads.items()
    ])  # fmt: skip


@router.get("/branches/{branch:path}")
async def get(at: At, branch: str) -> Json:
    """One branch and its head commit."""
    sha = await refs.resolve(at.git, f"refs/heads/{branch}")
    if sha is None:
        raise not_found("Branch not found")
    url = f"{repo_url(at.hub, at.repo)}/branches/{branch}"
    return Json({
        "name": branch,
        "commit": commit(at.hub, at.repo, await objects.read_commit(at.git, sha)),
        "_links": {"self": url, "html": f"{html_url(at.hub, at.repo)}/tree/{branch}"},
        "protected": False,
        "protection": _OPEN,
        "protection_url": f"{url}/protection",
    })  # fmt: skip


@router.post("/merges")
async def merge(at: At, body: Merge) -> Json:
    """Merge a branch or commit into a branch: 201, 204 when there is nothing to do, 409 on conflict."""
    async with at.lock:
        base = await refs.resolve(at.git, f"refs/heads/{body.base}")
        if base is None:
            raise not_found("Base does not exist")
        head = await refs.commit_of(at.git, body.head)
        if head is None:
            raise not_found("Head does not exist")
        if await refs.contains(at.git, base, head):
            return Json(None, 204)
        message = body.commit_message or f"Merge {body.head} into {body.base}"
        try:
            sha = await merging.merge_commit(at.git, base, head, message, at.author)
            await refs.move(at.git, f"refs/heads/{body.base}", sha, base)
        except merging.Conflict:
            raise Refused(409, "Merge conflict") from None
        except refs.RefMoved:
            raise Refused(409, "Base branch was modified. Review and try the merge again.") from None
        await follow_refs(at.hub, at.repo)
    return Json(commit(at.hub, at.repo, await objects.read_commit(at.git, sha)), 201)
