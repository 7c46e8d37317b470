"""Issues, labels and comments."""

from __future__ import annotations

import json
from typing import Any

from sandbox.hub import Hub
from sandbox.shapes.ids import node_id
from sandbox.shapes.repos import html_url, repo_url
from sandbox.shapes.users import user
from sandbox.store import Row

# What an issue's answer needs beside its own row, counted in the same query.
ISSUE_COLUMNS = """issues.*,
 (SELECT count(*) FROM comments c WHERE c.issue_id = issues.id) AS comment_count,
 (SELECT count(*) FROM issues s WHERE s.parent_id = issues.id) AS sub_total,
 (SELECT count(*) FROM issues s WHERE s.parent_id = issues.id AND s.state = 'closed') AS sub_done,
 (SELECT count(*) FROM blockers b WHERE b.issue_id = issues.id) AS blocked_total,
 (SELECT count(*) FROM blockers b JOIN issues o ON o.id = b.blocker_id
   WHERE b.issue_id = issues.id AND o.state = 'open') AS blocked_open,
 (SELECT count(*) FROM blockers b WHERE b.blocker_id = issues.id) AS blocking_total,
 (SELECT count(*) FROM blockers b JOIN issues o ON o.id = b.issue_id
   WHERE b.blocker_id = issues.id AND o.state = 'open') AS blocking_open,
 (SELECT p.repo_id || '/' || p.number FROM issues p WHERE p.id = issues.parent_id) AS parent_at"""


def label(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """A label."""
    return {
        "id": row["id"],
        "node_id": node_id("LA", row["id"]),
        "url": f"{repo_url(hub, repo)}/labels/{row['name'].replace(' ', '%20')}",
        "name": row["name"],
        "color": row["color"],
        "default": False,
        "description": row["description"],
        "archived_at": None,
        "archived_by": None,
    }


def labels_of(hub: Hub, repo: Row, issue_id: int) -> list[dict[str, Any]]:
    """The labels of one issue, by name."""
    rows = hub.store.all(
        "SELECT l.* FROM labels l JOIN issue_labels i ON i.label_id = l.id WHERE i.issue_id = ? ORDER BY l.name",
        issue_id,
    )
    return [label(hub, repo, row) for row in rows]


def association(hub: Hub, repo: Row, login: str) -> str:
    """How an author stands to the repository."""
    if login.lower() == repo["owner"].lower():
        return "OWNER"
    return "MEMBER" if hub.account(repo["owner"])["type"] == "Organization" else "COLLABORATOR"


def reactions(url: str) -> dict[str, Any]:
    """Nobody reacts here."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}


def assigned(hub: Hub, row: Row) -> dict[str, Any]:
    """The assignees; the single ``assignee`` only the older API version shows."""
    people = [user(hub, login) for login in json.loads(row["assignees"])]
    return {"assignees": people, "assignee": people[0] if people else None}


def _pull_links(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    pull = hub.store.one("SELECT draft, merged_at FROM pulls WHERE issue_id = ?", row["id"]) or {}
    page = f"{html_url(hub, repo)}/pull/{row['number']}"
    return {
        "draft": bool(pull.get("draft")),
        "pull_request": {
            "url": f"{repo_url(hub, repo)}/pulls/{row['number']}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": pull.get("merged_at"),
        },
    }


def _issue_only(hub: Hub, row: Row) -> dict[str, Any]:
    total, done = row["sub_total"], row["sub_done"]
    about: dict[str, Any] = {}
    if "sub-issues" not in hub.without:
        about["sub_issues_summary"] = {
            "total": total, "completed": done, "percent_completed": done * 100 // total if total else 0,
        }  # fmt: skip
    if "dependencies" not in hub.without:
        about["issue_dependencies_summary"] = {
            "blocked_by": row["blocked_open"],
            "total_blocked_by": row["blocked_total"],
            "blocking": row["blocking_open"],
            "total_blocking": row["blocking_total"],
        }
    if row["parent_at"]:
        repo_id, number = row["parent_at"].split("/")
        about["parent_issue_url"] = f"{repo_url(hub, hub.store.get('repos', int(repo_id)))}/issues/{number}"
    return about


def issue(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """An issue (or a pull request seen as one) from a row with ISSUE_COLUMNS."""
    url = f"{repo_url(hub, repo)}/issues/{row['number']}"
    kind = "pull" if row["is_pull"] else "issues"
    return {
        "id": row["id"],
        "node_id": node_id("I", row["id"]),
        "url": url,
        "repository_url": repo_url(hub, repo),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": f"{html_url(hub, repo)}/{kind}/{row['number']}",
        "number": row["number"],
        "state": row["state"],
        "state_reason": row["state_reason"],
        "title": row["title"],
        "body": row["body"],
        "user": user(hub, row["login"]),
        "author_association": association(hub, repo, row["login"]),
        "labels": labels_of(hub, repo, row["id"]),
        **assigned(hub, row),
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": row["comment_count"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "closed_by": user(hub, row["closed_by"]) if row["closed_by"] else None,
        "type": issue_type(row["type"]),
        "reactions": reactions(url),
        "performed_via_github_app": None,
        **(_pull_links(hub, repo, row) if row["is_pull"] else _issue_only(hub, row)),
    }


# The three types that every organization starts with.
ISSUE_TYPES = {"Task": (1, "A specific piece of work", "yellow"), "Bug": (2, "An unexpected problem", "red"),
               "Feature": (3, "A request, idea, or new functionality", "blue")}  # fmt: skip


def issue_type(name: str | None) -> dict[str, Any] | None:
    """An issue's type, where it has one."""
    if name is None:
        return None
    number, description, color = ISSUE_TYPES[name]
    return {
        "id": number, "node_id": node_id("IT", number), "name": name, "description": description, "color": color,
        "is_enabled": True,
    }  # fmt: skip


def comment(hub: Hub, repo: Row, row: Row, number: int, is_pull: bool) -> dict[str, Any]:
    """A comment on an issue or pull request."""
    url = f"{repo_url(hub, repo)}/issues/comments/{row['id']}"
    page = f"{html_url(hub, repo)}/{'pull' if is_pull else 'issues'}/{number}"
    return {
        "id": row["id"],
        "node_id": node_id("IC", row["id"]),
        "url": url,
        "html_url": f"{page}#issuecomment-{row['id']}",
        "issue_url": f"{repo_url(hub, repo)}/issues/{number}",
        "user": user(hub, row["login"]),
        "author_association": association(hub, repo, row["login"]),
        "body": row["body"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "reactions": reactions(url),
        "performed_via_github_app": None,
    }
