"""Releases."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sandbox.hub import Hub
from sandbox.shapes.ids import node_id
from sandbox.shapes.repos import html_url, repo_url
from sandbox.shapes.users import user
from sandbox.store import Row

_FILES = "SELECT * FROM release_assets WHERE release_id = ? ORDER BY id"


def release(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """A release; a draft has no tag of its own in its address."""
    url, page, tag = f"{repo_url(hub, repo)}/releases", html_url(hub, repo), quote(row["tag_name"])
    shown = f"untagged-{row['id']}" if row["draft"] else tag
    return {
        "id": row["id"],
        "node_id": node_id("RE", row["id"]),
        "url": f"{url}/{row['id']}",
        "html_url": f"{page}/releases/tag/{shown}",
        "assets_url": f"{url}/{row['id']}/assets",
        "upload_url": f"{url}/{row['id']}/assets{{?name,label}}",
        "tarball_url": None if row["draft"] else f"{page}/archive/refs/tags/{tag}.tar.gz",
        "zipball_url": None if row["draft"] else f"{page}/archive/refs/tags/{tag}.zip",
        "tag_name": row["tag_name"],
        "target_commitish": row["target"],
        "name": row["name"],
        "body": row["body"],
        "draft": bool(row["draft"]),
        "prerelease": bool(row["prerelease"]),
        "immutable": False,
        "created_at": row["created_at"],
        "published_at": row["published_at"],
        "author": user(hub, row["login"]),
        "assets": [asset(hub, repo, row, each) for each in hub.store.all(_FILES, row["id"])],
    }


def asset(hub: Hub, repo: Row, of: Row, row: Row) -> dict[str, Any]:
    """A file of the release ``of``."""
    page = html_url(hub, repo)
    return {
        "id": row["id"], "node_id": node_id("RA", row["id"]), "name": row["name"], "label": row["label"],
        "url": f"{repo_url(hub, repo)}/releases/assets/{row['id']}", "state": "uploaded", "size": row["size"],
        "browser_download_url": f"{page}/releases/download/{quote(of['tag_name'])}/{quote(row['name'])}",
        "content_type": row["content_type"], "digest": f"sha256:{row['digest']}", "download_count": 0,
        "created_at": row["created_at"], "updated_at": row["created_at"], "uploader": user(hub, row["login"]),
    }  # fmt: skip
