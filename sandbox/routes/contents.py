"""Files of a branch: read, written and deleted, one commit each."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import objects, refs
from sandbox.plumbing.git import ZERO
from sandbox.plumbing.objects import Entry
from sandbox.pull_facts import follow_refs
from sandbox.routes.git_objects import Who, check_path, decoded
from sandbox.shapes.commits import git_commit
from sandbox.shapes.repos import html_url, repo_url

router = APIRouter(prefix="/repos/{owner}/{repo}")
_KINDS = {"tree": "dir", "commit": "submodule"}
_MOST_SHOWN = 1_048_576


class FileWrite(BaseModel):
    """The body of a file's creation or update; ``sha`` is the blob that is replaced."""

    message: str
    content: str
    sha: str | None = None
    branch: str | None = None
    author: Who | None = None
    committer: Who | None = None


class FileRemoval(BaseModel):
    """The body of a file's removal."""

    message: str
    sha: str
    branch: str | None = None
    author: Who | None = None
    committer: Who | None = None


def _item(at: RepoCall, entry: Entry, ref: str) -> dict[str, Any]:
    path, api, html = quote(entry.path), repo_url(at.hub, at.repo), html_url(at.hub, at.repo)
    kind = "symlink" if entry.mode == "120000" else _KINDS.get(entry.kind, "file")
    url = f"{api}/contents/{path}?ref={quote(ref)}"
    git_url = f"{api}/git/{entry.kind}s/{entry.sha}"
    page = f"{html}/{'tree' if kind == 'dir' else 'blob'}/{quote(ref)}/{path}"
    return {
        "type": kind,
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": page,
        "git_url": git_url,
        "download_url": f"{html}/raw/{quote(ref)}/{path}" if kind == "file" else None,
        "_links": {"self": url, "git": git_url, "html": page},
    }


async def _with_content(at: RepoCall, entry: Entry, ref: str) -> dict[str, Any]:
    content = await objects.read_blob(at.git, str(entry.sha))
    shown = len(content) <= _MOST_SHOWN
    text = base64.encodebytes(content).decode() if shown else ""
    return _item(at, entry, ref) | {"encoding": "base64" if shown else "none", "content": text}


async def _commit(at: RepoCall, ref: str) -> str:
    sha = await refs.commit_of(at.git, ref)
    if sha is None:
        if not await refs.heads(at.git):
            raise not_found("This repository is empty.")
        raise not_found(f"No commit found for the ref {ref}")
    return sha


@router.get("/contents")
@router.get("/contents/{path:path}")
async def get(at: At, path: str = "") -> Json:
    """A file with its content, or what a folder holds."""
    ref, path = at.query.get("ref") or at.repo["default_branch"], path.strip("/")
    commit = await _commit(at, ref)
    if path:
        found = await objects.entries(at.git, commit, path)
        if not found:
            raise not_found()
        if found[0].kind == "blob":
            return Json(await _with_content(at, found[0], ref))
    inside = await objects.entries(at.git, commit, f"{path}/" if path else "")
    return Json([_item(at, entry, ref) for entry in inside])


async def _write(at: RepoCall, body: FileWrite | FileRemoval, path: str, blob: str | None) -> Json:
    """Put ``blob`` (or nothing) at ``path`` in a commit of its own. The lock is held."""
    check_path(path, "path")
    branch = body.branch or at.repo["default_branch"]
    tip = await refs.resolve(at.git, f"refs/heads/{branch}")
    if tip is None and await refs.heads(at.git):
        raise not_found(f"Branch {branch} not found")
    before = await objects.entries(at.git, tip, path) if tip else []
    _check_replaced(path, before[0] if before else None, body)
    change = Entry(path, before[0].mode if before else "100644", "blob", blob)
    tree = await objects.write_tree(at.git, tip, [change])
    author = body.author.person() if body.author else at.author
    committer = body.committer.person() if body.committer else None
    sha = await objects.write_commit(at.git, tree, [tip] if tip else [], body.message, author, committer)
    try:
        await refs.move(at.git, f"refs/heads/{branch}", sha, tip or ZERO)
    except refs.RefMoved:
        raise Refused(409, f"{branch} was modified. Try again.") from None
    await follow_refs(at.hub, at.repo)
    item = _item(at, (await objects.entries(at.git, sha, path))[0], branch) if blob else None
    made = git_commit(at.hub, at.repo, await objects.read_commit(at.git, sha))
    return Json({"content": item, "commit": made}, 200 if before else 201)


def _check_replaced(path: str, before: Entry | None, body: FileWrite | FileRemoval) -> None:
    if before is None:
        if isinstance(body, FileRemoval):
            raise not_found()
        if body.sha is not None:
            raise Refused(409, f"{path} does not match {body.sha}")
        return
    if before.kind != "blob":
        raise Refused(422, f"{path} is a directory")
    if not body.sha:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if body.sha != before.sha:
        raise Refused(409, f"{path} does not match {body.sha}")


@router.put("/contents/{path:path}")
async def put(at: At, path: str, body: FileWrite) -> Json:
    """Create a file (201), or update the one whose blob is ``sha`` (200)."""
    async with at.lock:
        blob = await objects.write_blob(at.git, decoded(body.content))
        return await _write(at, body, path.strip("/"), blob)


@router.delete("/contents/{path:path}")
async def delete(at: At, path: str, body: FileRemoval) -> Json:
    """Delete the file whose blob is ``sha``."""
    async with at.lock:
        return await _write(at, body, path.strip("/"), None)
