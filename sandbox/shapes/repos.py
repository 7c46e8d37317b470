"""Repositories."""

from __future__ import annotations

from typing import Any

from sandbox.hub import Hub
from sandbox.shapes.ids import node_id
from sandbox.shapes.users import user
from sandbox.store import Row

_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_PERMISSIONS = {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True}


def full_name(repo: Row) -> str:
    """``owner/name``."""
    return f"{repo['owner']}/{repo['name']}"


def repo_url(hub: Hub, repo: Row) -> str:
    """The repository's address in the REST API."""
    return f"{hub.url}/repos/{full_name(repo)}"


def html_url(hub: Hub, repo: Row) -> str:
    """The address a person would open."""
    return f"{hub.url}/{full_name(repo)}"


def repository(hub: Hub, repo: Row) -> dict[str, Any]:
    """A repository inside a list or another answer."""
    url, page = repo_url(hub, repo), html_url(hub, repo)
    open_issues = hub.store.count("SELECT count(*) FROM issues WHERE repo_id = ? AND state = 'open'", repo["id"])
    return {
        "id": repo["id"],
        "node_id": node_id("R", repo["id"]),
        "name": repo["name"],
        "full_name": full_name(repo),
        "owner": user(hub, repo["owner"]),
        "private": bool(repo["private"]),
        "visibility": "private" if repo["private"] else "public",
        "html_url": page,
        "description": repo["description"],
        "fork": False,
        "url": url,
        **{key: url + rest for key, rest in _LINKS.items()},
        "clone_url": f"{page}.git",
        "git_url": f"{page}.git",
        "ssh_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": repo["homepage"],
        "language": None,
        "license": None,
        "topics": [],
        "size": 0,
        "default_branch": repo["default_branch"],
        "is_template": bool(repo["is_template"]),
        "archived": bool(repo["archived"]),
        "disabled": False,
        "has_issues": bool(repo["has_issues"]),
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "has_downloads": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "forks": 0,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "open_issues": open_issues,
        "open_issues_count": open_issues,
        "permissions": _PERMISSIONS,
        "pushed_at": repo["pushed_at"],
        "created_at": repo["created_at"],
        "updated_at": repo["updated_at"],
    }


def full_repository(hub: Hub, repo: Row) -> dict[str, Any]:
    """A repository asked for by name."""
    about = repository(hub, repo) | {
        "subscribers_count": 0,
        "network_count": 0,
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": True,
        "allow_auto_merge": False,
        "allow_update_branch": True,
        "delete_branch_on_merge": bool(repo["delete_branch_on_merge"]),
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "merge_commit_title": "MERGE_MESSAGE",
        "merge_commit_message": "PR_TITLE",
    }
    if hub.account(repo["owner"])["type"] == "Organization":
        about["organization"] = user(hub, repo["owner"])
    if repo["template_id"] and (template := hub.store.one("SELECT * FROM repos WHERE id = ?", repo["template_id"])):
        about["template_repository"] = repository(hub, template)
    return about
