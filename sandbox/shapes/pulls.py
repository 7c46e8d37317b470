"""Pull requests, reviews and review comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.hub import Hub
from sandbox.shapes.ids import node_id
from sandbox.shapes.issues import assigned, association, labels_of, reactions
from sandbox.shapes.repos import html_url, repo_url, repository
from sandbox.shapes.users import user
from sandbox.store import Row

PULLS = """SELECT issues.*, p.id AS pull_id, p.head_ref, p.head_sha, p.base_ref, p.base_sha, p.draft, p.merged_at,
 p.merged_by, p.merge_sha FROM issues JOIN pulls p ON p.issue_id = issues.id"""


@dataclass(frozen=True)
class Facts:
    """What only git can say of a pull request; ``mergeable`` is None once that is no question any more."""

    mergeable: bool | None
    commits: int
    changed_files: int
    additions: int
    deletions: int


def _side(hub: Hub, repo: Row, about: dict[str, Any], ref: str, sha: str) -> dict[str, Any]:
    owner = user(hub, repo["owner"])
    return {"label": f"{repo['owner']}:{ref}", "ref": ref, "sha": sha, "user": owner, "repo": about}


def pull(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """A pull request in a list, from a row of PULLS."""
    api, number = repo_url(hub, repo), row["number"]
    url, issue_url, page = f"{api}/pulls/{number}", f"{api}/issues/{number}", f"{html_url(hub, repo)}/pull/{number}"
    links = {
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{api}/pulls/comments{{/number}}",
        "comments_url": f"{issue_url}/comments",
        "statuses_url": f"{api}/statuses/{row['head_sha']}",
        "issue_url": issue_url,
    }
    about = repository(hub, repo)
    return {
        "id": row["pull_id"],
        "node_id": node_id("PR", row["pull_id"]),
        "url": url,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        **links,
        "number": number,
        "state": row["state"],
        "locked": False,
        "active_lock_reason": None,
        "title": row["title"],
        "body": row["body"],
        "user": user(hub, row["login"]),
        "author_association": association(hub, repo, row["login"]),
        "labels": labels_of(hub, repo, row["id"]),
        **assigned(hub, row),
        "requested_reviewers": [],
        "requested_teams": [],
        "milestone": None,
        "draft": bool(row["draft"]),
        "head": _side(hub, repo, about, row["head_ref"], row["head_sha"]),
        "base": _side(hub, repo, about, row["base_ref"], row["base_sha"]),
        "_links": {
            "self": {"href": url},
            "html": {"href": page},
            **{name.removesuffix("_url"): {"href": href} for name, href in links.items()},
        },
        "auto_merge": None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "merged_at": row["merged_at"],
        "merge_commit_sha": row["merge_sha"],
    }


def full_pull(hub: Hub, repo: Row, row: Row, facts: Facts) -> dict[str, Any]:
    """A pull request asked for by number."""
    comments = hub.store.count("SELECT count(*) FROM comments WHERE issue_id = ?", row["id"])
    remarks = hub.store.count("SELECT count(*) FROM review_comments WHERE pull_id = ?", row["pull_id"])
    return pull(hub, repo, row) | {
        "merged": row["merged_at"] is not None,
        "merged_by": user(hub, row["merged_by"]) if row["merged_by"] else None,
        "mergeable": facts.mergeable,
        "rebaseable": facts.mergeable,
        "mergeable_state": _mergeable_state(row, facts),
        "comments": comments,
        "review_comments": remarks,
        "maintainer_can_modify": False,
        "commits": facts.commits,
        "additions": facts.additions,
        "deletions": facts.deletions,
        "changed_files": facts.changed_files,
    }


def _mergeable_state(row: Row, facts: Facts) -> str:
    if facts.mergeable is None:
        return "unknown"
    if not facts.mergeable:
        return "dirty"
    return "draft" if row["draft"] else "clean"


def review(hub: Hub, repo: Row, number: int, row: Row) -> dict[str, Any]:
    """A review of a pull request."""
    page = f"{html_url(hub, repo)}/pull/{number}#pullrequestreview-{row['id']}"
    url = f"{repo_url(hub, repo)}/pulls/{number}"
    about = {
        "id": row["id"],
        "node_id": node_id("PRR", row["id"]),
        "user": user(hub, row["login"]),
        "body": row["body"],
        "state": row["state"],
        "html_url": page,
        "pull_request_url": url,
        "author_association": association(hub, repo, row["login"]),
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "commit_id": row["commit_id"],
    }
    return about | ({"submitted_at": row["submitted_at"]} if row["submitted_at"] else {})


def review_comment(hub: Hub, repo: Row, number: int, row: Row) -> dict[str, Any]:
    """A remark on a line of a pull request's diff."""
    url = f"{repo_url(hub, repo)}/pulls/comments/{row['id']}"
    page = f"{html_url(hub, repo)}/pull/{number}#discussion_r{row['id']}"
    pull_url = f"{repo_url(hub, repo)}/pulls/{number}"
    about = {
        "id": row["id"],
        "node_id": node_id("PRRC", row["id"]),
        "url": url,
        "html_url": page,
        "pull_request_url": pull_url,
        "pull_request_review_id": row["review_id"],
        "user": user(hub, row["login"]),
        "author_association": association(hub, repo, row["login"]),
        "body": row["body"],
        "path": row["path"],
        "diff_hunk": row["diff_hunk"],
        "commit_id": row["commit_id"],
        "original_commit_id": row["commit_id"],
        "position": row["position"],
        "original_position": row["position"],
        "line": row["line"],
        "original_line": row["line"],
        "side": row["side"],
        "start_line": row["start_line"],
        "original_start_line": row["start_line"],
        "start_side": row["start_side"],
        "subject_type": row["subject_type"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "reactions": reactions(url),
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url}},
    }
    return about | ({"in_reply_to_id": row["in_reply_to"]} if row["in_reply_to"] else {})
