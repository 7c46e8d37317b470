"""Commits, files of a diff, and the objects of the git database."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sandbox.hub import Hub
from sandbox.plumbing.history import FileChange
from sandbox.plumbing.objects import Commit, Entry, Person
from sandbox.shapes.ids import node_id
from sandbox.shapes.repos import html_url, repo_url
from sandbox.shapes.users import user
from sandbox.store import Row

NOREPLY = "@users.noreply.localhost"
UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def person(who: Person) -> dict[str, str]:
    """Who wrote a commit, in git's words."""
    return {"name": who.name, "email": who.email, "date": who.date}


def _account(hub: Hub, who: Person) -> dict[str, Any] | None:
    """The account behind an author's address, if it is one of ours."""
    login, mark, _ = who.email.partition(NOREPLY)
    if mark:
        try:
            return user(hub, login)
        except KeyError:
            return None
    return None


def commit(hub: Hub, repo: Row, one: Commit) -> dict[str, Any]:
    """A commit of a branch's history."""
    url, page = repo_url(hub, repo), html_url(hub, repo)
    return {
        "sha": one.sha,
        "node_id": node_id("C", one.sha),
        "url": f"{url}/commits/{one.sha}",
        "html_url": f"{page}/commit/{one.sha}",
        "comments_url": f"{url}/commits/{one.sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{one.sha}",
            "author": person(one.author),
            "committer": person(one.committer),
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{url}/git/trees/{one.tree}"},
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "author": _account(hub, one.author),
        "committer": _account(hub, one.committer),
        "parents": [
            {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in one.parents
        ],
    }


def git_commit(hub: Hub, repo: Row, one: Commit) -> dict[str, Any]:
    """A commit of the git database."""
    url, page = repo_url(hub, repo), html_url(hub, repo)
    return {
        "sha": one.sha,
        "node_id": node_id("C", one.sha),
        "url": f"{url}/git/commits/{one.sha}",
        "html_url": f"{page}/commit/{one.sha}",
        "author": person(one.author),
        "committer": person(one.committer),
        "message": one.message,
        "tree": {"sha": one.tree, "url": f"{url}/git/trees/{one.tree}"},
        "parents": [
            {"sha": sha, "url": f"{url}/git/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in one.parents
        ],
        "verification": UNSIGNED,
    }


def file_change(hub: Hub, repo: Row, change: FileChange, ref: str) -> dict[str, Any]:
    """One file of a commit, a comparison or a pull request."""
    path = quote(change.path)
    about: dict[str, Any] = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{html_url(hub, repo)}/blob/{ref}/{path}",
        "raw_url": f"{html_url(hub, repo)}/raw/{ref}/{path}",
        "contents_url": f"{repo_url(hub, repo)}/contents/{path}?ref={ref}",
    }
    if change.patch is not None:
        about["patch"] = change.patch
    if change.old_path is not None:
        about["previous_filename"] = change.old_path
    return about


def git_ref(hub: Hub, repo: Row, name: str, sha: str, kind: str) -> dict[str, Any]:
    """A ref and what it points at."""
    url = repo_url(hub, repo)
    return {
        "ref": name,
        "node_id": node_id("REF", f"{repo['id']}:{name}"),
        "url": f"{url}/git/{quote(name)}",
        "object": {"sha": sha, "type": kind, "url": f"{url}/git/{kind}s/{sha}"},
    }


def tree_entry(hub: Hub, repo: Row, entry: Entry) -> dict[str, Any]:
    """One line of a tree."""
    about: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
    if entry.size is not None:
        about["size"] = entry.size
    if entry.kind != "commit":
        about["url"] = f"{repo_url(hub, repo)}/git/{entry.kind}s/{entry.sha}"
    return about
