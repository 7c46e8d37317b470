"""Merging a pull request, and bringing one up to its base."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import history, merging, refs
from sandbox.pull_facts import can_merge, close_as_merged, follow_refs
from sandbox.routes.pulls import find_pull
from sandbox.shapes.repos import html_url
from sandbox.store import Row

router = APIRouter(prefix="/repos/{owner}/{repo}/pulls/{number:int}")


class MergePull(BaseModel):
    """How to merge; ``sha`` is the head that the caller saw."""

    commit_title: str | None = None
    commit_message: str | None = None
    sha: str | None = None
    merge_method: Literal["merge", "squash", "rebase"] = "merge"


class UpdateBranch(BaseModel):
    """The head that the caller saw."""

    expected_head_sha: str | None = None


@router.get("/merge")
async def is_merged(at: At, number: int) -> Json:
    """204 when it is merged, else 404."""
    if find_pull(at, number)["merged_at"] is None:
        raise not_found()
    return Json(None, 204)


async def _message(at: RepoCall, pull: Row, body: MergePull) -> str:
    """GitHub's default texts, where the caller gives none."""
    if body.merge_method == "merge":
        title = f"Merge pull request #{pull['number']} from {at.repo['owner']}/{pull['head_ref']}"
        message = pull["title"]
    else:
        commits = await history.log(
            at.git, f"{pull['base_sha']}..{pull['head_sha']}", limit=250, extra=("--reverse", "--no-merges")
        )
        title = f"{pull['title']} (#{pull['number']})"
        message = "\n\n".join(f"* {one.message}" for one in commits)
        if len(commits) == 1:
            title = f"{commits[0].message.splitlines()[0]} (#{pull['number']})"
            message = commits[0].message.partition("\n")[2].strip()
    title = title if body.commit_title is None else body.commit_title
    message = message if body.commit_message is None else body.commit_message
    return f"{title}\n\n{message}".strip()


async def _merged(at: RepoCall, pull: Row, body: MergePull) -> str:
    base, head = pull["base_sha"], pull["head_sha"]
    if body.merge_method == "rebase":
        return await merging.rebased(at.git, base, head)
    join = merging.merge_commit if body.merge_method == "merge" else merging.squash_commit
    return await join(at.git, base, head, await _message(at, pull, body), at.author)


async def _check(at: RepoCall, pull: Row, seen: str | None) -> None:
    if pull["state"] != "open":
        raise Refused(405, "Pull Request is not mergeable")
    if pull["draft"]:
        raise Refused(405, "Pull Request is still a draft")
    if seen is not None and seen != pull["head_sha"]:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    if not await can_merge(at.hub, at.git, pull["base_sha"], pull["head_sha"]):
        raise Refused(405, "Pull Request is not mergeable")


@router.put("/merge")
async def merge(at: At, number: int, body: MergePull | None = None) -> Json:
    """Merge, once, only what the caller saw."""
    asked = body or MergePull()
    async with at.lock:
        pull = find_pull(at, number)
        await _check(at, pull, asked.sha)
        try:
            sha = await _merged(at, pull, asked)
            await refs.move(at.git, f"refs/heads/{pull['base_ref']}", sha, pull["base_sha"])
        except merging.Conflict:
            raise Refused(405, "This branch can't be rebased") from None
        except refs.RefMoved:
            raise Refused(405, "Base branch was modified. Review and try the merge again.") from None
        close_as_merged(at.hub, pull, at.login, sha)
        if at.repo["delete_branch_on_merge"]:
            await refs.delete(at.git, f"refs/heads/{pull['head_ref']}")
        await follow_refs(at.hub, at.repo)
    return Json({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@router.put("/update-branch")
async def update_branch(at: At, number: int, body: UpdateBranch | None = None) -> Json:
    """Merge the base into the head."""
    async with at.lock:
        pull = find_pull(at, number)
        seen = body.expected_head_sha if body else None
        if seen is not None and seen != pull["head_sha"]:
            raise Refused(422, "expected head sha didn’t match current head ref.")
        base, head = pull["base_sha"], pull["head_sha"]
        if pull["state"] != "open":
            raise Refused(422, "Pull request is closed")
        if await refs.contains(at.git, head, base):
            raise Refused(422, "There are no new commits on the base branch.")
        message = f"Merge branch '{pull['base_ref']}' into {pull['head_ref']}"
        try:
            sha = await merging.merge_commit(at.git, head, base, message, at.author)
            await refs.move(at.git, f"refs/heads/{pull['head_ref']}", sha, head)
        except merging.Conflict:
            raise Refused(422, "merge conflict between base and head") from None
        except refs.RefMoved:
            raise Refused(422, "expected head sha didn’t match current head ref.") from None
        await follow_refs(at.hub, at.repo)
    url = f"{html_url(at.hub, at.repo)}/pull/{number}"
    return Json({"message": "Updating pull request branch.", "url": url}, 202)
