"""Users and organizations."""

from __future__ import annotations

from typing import Any

from sandbox.hub import Hub
from sandbox.shapes.ids import node_id


def user(hub: Hub, login: str) -> dict[str, Any]:
    """An account as it appears inside other answers."""
    account = hub.account(login)
    url = f"{hub.url}/users/{account['login']}"
    return {
        "login": account["login"],
        "id": account["id"],
        "node_id": node_id("O" if account["type"] == "Organization" else "U", account["id"]),
        "avatar_url": f"{hub.url}/avatars/{account['id']}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.url}/{account['login']}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": account["type"],
        "user_view_type": "public",
        "site_admin": False,
    }


def profile(hub: Hub, login: str, private: bool = False) -> dict[str, Any]:
    """A user asked for by name; ``private`` adds what only the user sees."""
    account = hub.account(login)
    repos = hub.store.count("SELECT count(*) FROM repos WHERE owner = ? AND NOT private", login)
    hidden = hub.store.count("SELECT count(*) FROM repos WHERE owner = ? AND private", login)
    about = user(hub, login) | {
        "name": account["login"],
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": repos,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": account["created_at"],
        "updated_at": account["created_at"],
    }
    if private:
        about |= {
            "user_view_type": "private",
            "private_gists": 0,
            "total_private_repos": hidden,
            "owned_private_repos": hidden,
            "disk_usage": 0,
            "collaborators": 0,
            "two_factor_authentication": True,
        }
    return about


def organization(hub: Hub, login: str) -> dict[str, Any]:
    """An organization asked for by name."""
    account = hub.account(login)
    url = f"{hub.url}/orgs/{account['login']}"
    return {
        "login": account["login"],
        "id": account["id"],
        "node_id": node_id("O", account["id"]),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{hub.url}/avatars/{account['id']}",
        "description": None,
        "has_organization_projects": False,
        "has_repository_projects": False,
        "public_repos": hub.store.count("SELECT count(*) FROM repos WHERE owner = ? AND NOT private", login),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": f"{hub.url}/{account['login']}",
        "type": "Organization",
        "created_at": account["created_at"],
        "updated_at": account["created_at"],
        "archived_at": None,
    }
