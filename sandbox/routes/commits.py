"""Commits of a branch, and comparisons of two."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from sandbox.answers import Json, Refused, not_found, page_of
from sandbox.context import At, RepoCall
from sandbox.plumbing import history, objects, refs
from sandbox.shapes.commits import commit, file_change
from sandbox.shapes.repos import html_url, repo_url

router = APIRouter(prefix="/repos/{owner}/{repo}")
_MOST_FILES = 300


async def _tip(at: RepoCall, name: str | None) -> str:
    sha = await refs.commit_of(at.git, name or at.repo["default_branch"])
    if sha is None:
        if not await refs.heads(at.git):
            raise Refused(409, "Git Repository is empty.")
        raise not_found()
    return sha


@router.get("/commits")
async def list_all(at: At) -> Json:
    """The commits that lead to ``sha`` (a branch, tag or commit; the default branch), newest first."""
    tip, path, page = await _tip(at, at.query.get("sha")), at.query.get("path", ""), page_of(at.request)
    extra = tuple(f"--{key}={at.query[key]}" for key in ("since", "until", "author") if at.query.get(key))
    found = await history.log(at.git, tip, path=path, skip=page.offset, limit=page.size, extra=extra)
    total = await history.count(at.git, tip, path=path, extra=extra)
    return at.listed([commit(at.hub, at.repo, one) for one in found], total)


async def _changes(at: RepoCall, old: str, new: str, ref: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    changes = await history.files(at.git, old, new)
    added, deleted = sum(one.additions for one in changes), sum(one.deletions for one in changes)
    stats = {"total": added + deleted, "additions": added, "deletions": deleted}
    return [file_change(at.hub, at.repo, one, ref) for one in changes], stats


@router.get("/commits/{ref:path}")
async def get(at: At, ref: str) -> Json:
    """One commit, with its files."""
    sha = await refs.commit_of(at.git, ref)
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {ref}")
    one = await objects.read_commit(at.git, sha)
    before = one.parents[0] if one.parents else await history.empty_tree(at.git)
    files, stats = await _changes(at, before, sha, sha)
    return Json(commit(at.hub, at.repo, one) | {"stats": stats, "files": files[:_MOST_FILES]})


@router.get("/compare/{basehead:path}")
async def compare(at: At, basehead: str) -> Json:
    """How ``head`` differs from ``base`` since they parted, oldest commit first."""
    names = [name.rpartition(":")[2] for name in basehead.split("...", 1)]
    if len(names) != 2:
        raise not_found()
    base, head = [await refs.commit_of(at.git, name) for name in names]
    if base is None or head is None:
        raise not_found()
    fork = await history.merge_base(at.git, base, head)
    if fork is None:
        raise not_found(f"No common ancestor between {names[0]} and {names[1]}.")
    ahead, behind = await history.ahead_behind(at.git, base, head)
    page = page_of(at.request)
    size = page.size if {"page", "per_page"} & at.query.keys() else 250
    commits = await history.log(
        at.git, f"{base}..{head}", skip=max(0, ahead - page.number * size),
        limit=min(size, max(0, ahead - (page.number - 1) * size)),
    )  # fmt: skip
    files = (await _changes(at, fork, head, head))[0] if page.number == 1 else []
    url, html = f"{repo_url(at.hub, at.repo)}/compare/{basehead}", f"{html_url(at.hub, at.repo)}/compare/{basehead}"
    return Json({
        "url": url,
        "html_url": html,
        "permalink_url": f"{html_url(at.hub, at.repo)}/compare/{base}...{head}",
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": commit(at.hub, at.repo, await objects.read_commit(at.git, base)),
        "merge_base_commit": commit(at.hub, at.repo, await objects.read_commit(at.git, fork)),
        "status": _status(ahead, behind),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [commit(at.hub, at.repo, one) for one in reversed(commits)],
        "files": files[:_MOST_FILES],
    })  # fmt: skip


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    if ahead:
        return "ahead"
    return "behind" if behind else "identical"
