"""The files beside a release. GitHub takes them at a host of their own, that ``upload_url`` names; here it is this."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from sandbox.answers import Json, Refused, invalid, not_found
from sandbox.context import At, RepoCall
from sandbox.shapes.releases import asset
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}/releases")


@router.post("/{release_id:int}/assets")
async def upload(at: At, release_id: int) -> Json:
    """A new file; its name is in the query, and may be there once."""
    release = at.store.one("SELECT * FROM releases WHERE id = ? AND repo_id = ?", release_id, at.repo["id"])
    if release is None:
        raise not_found()
    name, content = at.query.get("name", ""), await at.request.body()
    if not name:
        raise invalid("ReleaseAsset", "name", "missing_field")
    if not content:
        raise Refused(400, "Bad Content-Length")
    if at.store.one("SELECT 1 FROM release_assets WHERE release_id = ? AND name = ?", release_id, name):
        raise invalid("ReleaseAsset", "name", "already_exists")
    moment = now()
    row = at.store.insert(
        "release_assets", repo_id=at.repo["id"], release_id=release_id, name=name, label=at.query.get("label"),
        content_type=at.request.headers.get("content-type", "application/octet-stream"), size=len(content),
        digest=hashlib.sha256(content).hexdigest(), login=at.login, created_at=moment,
    )  # fmt: skip
    await asyncio.to_thread(_write, _place(at, row), content)
    return Json(asset(at.hub, at.repo, release, row), 201)


@router.get("/{release_id:int}/assets")
async def listed(at: At, release_id: int) -> Json:
    """The files of a release, oldest first."""
    release = at.store.one("SELECT * FROM releases WHERE id = ? AND repo_id = ?", release_id, at.repo["id"])
    if release is None:
        raise not_found()
    rows, total = at.rows("*", "release_assets WHERE release_id = ? ORDER BY id", release_id)
    return at.listed([asset(at.hub, at.repo, release, row) for row in rows], total)


@router.get("/assets/{asset_id:int}")
async def one(at: At, asset_id: int) -> Response:
    """About a file; the file itself for who accepts ``application/octet-stream``."""
    row = _find(at, asset_id)
    if "octet-stream" in at.request.headers.get("accept", ""):
        content = await asyncio.to_thread(_place(at, row).read_bytes)
        return Response(content, media_type="application/octet-stream")
    return Json(asset(at.hub, at.repo, at.store.get("releases", row["release_id"]), row))


@router.delete("/assets/{asset_id:int}")
async def delete(at: At, asset_id: int) -> Json:
    """Remove a file."""
    row = _find(at, asset_id)
    at.store.run("DELETE FROM release_assets WHERE id = ?", asset_id)
    await asyncio.to_thread(_place(at, row).unlink, missing_ok=True)
    return Json(None, 204)


def _find(at: RepoCall, asset_id: int) -> Row:
    row = at.store.one("SELECT * FROM release_assets WHERE id = ? AND repo_id = ?", asset_id, at.repo["id"])
    if row is None:
        raise not_found()
    return row


def _place(at: RepoCall, row: Row) -> Path:
    return at.hub.root / "release-files" / str(row["id"])


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
