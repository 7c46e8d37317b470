"""Releases and tags."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, invalid, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import refs
from sandbox.pull_facts import follow_refs
from sandbox.shapes.ids import node_id
from sandbox.shapes.releases import release
from sandbox.shapes.repos import html_url, repo_url
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}")
# The newest full release that did not ask to be left out.
_LATEST = """SELECT * FROM releases WHERE repo_id = ? AND NOT draft AND NOT prerelease AND make_latest != 'false'
 ORDER BY published_at DESC, id DESC LIMIT 1"""


class NewRelease(BaseModel):
    """The body of a release's creation."""

    tag_name: str
    target_commitish: str | None = None
    name: str | None = None
    body: str | None = None
    draft: bool = False
    prerelease: bool = False
    make_latest: Literal["true", "false", "legacy"] = "true"


class ReleaseChange(BaseModel):
    """The body of a release's update; what is not sent stays."""

    tag_name: str | None = None
    target_commitish: str | None = None
    name: str | None = None
    body: str | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    make_latest: Literal["true", "false", "legacy"] | None = None


def _find(at: RepoCall, release_id: int) -> Row:
    row = at.store.one("SELECT * FROM releases WHERE id = ? AND repo_id = ?", release_id, at.repo["id"])
    if row is None:
        raise not_found()
    return row


def _published(at: RepoCall, tag: str) -> Row | None:
    sql = "SELECT * FROM releases WHERE repo_id = ? AND tag_name = ? AND NOT draft"
    return at.store.one(sql, at.repo["id"], tag)


async def _tag(at: RepoCall, tag: str, target: str) -> None:
    """Make the tag at ``target`` where it is missing. The lock is held."""
    if not await refs.well_formed(at.git, f"refs/tags/{tag}"):
        raise invalid("Release", "tag_name", "custom", message="tag_name is not a valid tag")
    if await refs.resolve(at.git, f"refs/tags/{tag}") is not None:
        return
    sha = await refs.commit_of(at.git, target)
    if sha is None:
        raise invalid("Release", "target_commitish", "invalid")
    await refs.create(at.git, f"refs/tags/{tag}", sha)
    await follow_refs(at.hub, at.repo)


@router.get("/releases")
async def list_all(at: At) -> Json:
    """The releases, newest first, drafts too."""
    rows, total = at.rows("*", "releases WHERE repo_id = ? ORDER BY id DESC", at.repo["id"])
    return at.listed([release(at.hub, at.repo, row) for row in rows], total)


@router.post("/releases")
async def create(at: At, body: NewRelease) -> Json:
    """A release; its tag is made where it is missing, unless it is a draft."""
    target = body.target_commitish or at.repo["default_branch"]
    async with at.lock:
        if not body.draft:
            if _published(at, body.tag_name):
                raise invalid("Release", "tag_name", "already_exists")
            await _tag(at, body.tag_name, target)
        moment = now()
        row = at.store.insert(
            "releases", repo_id=at.repo["id"], tag_name=body.tag_name, target=target, name=body.name,
            body=body.body, draft=body.draft, prerelease=body.prerelease, make_latest=body.make_latest,
            login=at.login, created_at=moment, published_at=None if body.draft else moment,
        )  # fmt: skip
    return Json(release(at.hub, at.repo, row), 201)


@router.get("/releases/latest")
async def latest(at: At) -> Json:
    """The newest release that is neither a draft nor a prerelease."""
    row = at.store.one(_LATEST, at.repo["id"])
    if row is None:
        raise not_found()
    return Json(release(at.hub, at.repo, row))


@router.get("/releases/tags/{tag:path}")
async def by_tag(at: At, tag: str) -> Json:
    """The release of a tag; drafts have none yet."""
    row = _published(at, tag)
    if row is None:
        raise not_found()
    return Json(release(at.hub, at.repo, row))


@router.get("/releases/{release_id:int}")
async def get(at: At, release_id: int) -> Json:
    """One release."""
    return Json(release(at.hub, at.repo, _find(at, release_id)))


@router.patch("/releases/{release_id:int}")
async def change(at: At, release_id: int, body: ReleaseChange) -> Json:
    """Change what was sent; taking ``draft`` away publishes it."""
    sent: dict[str, Any] = body.model_dump(exclude_unset=True)
    sent = {key: value for key, value in sent.items() if value is not None or key in ("name", "body")}
    if "target_commitish" in sent:
        sent["target"] = sent.pop("target_commitish")
    async with at.lock:
        row = _find(at, release_id)
        after = row | sent
        if not after["draft"]:
            other = _published(at, after["tag_name"])
            if other is not None and other["id"] != release_id:
                raise invalid("Release", "tag_name", "already_exists")
            await _tag(at, after["tag_name"], after["target"])
            sent["published_at"] = row["published_at"] or now()
        at.store.update("releases", release_id, **sent)
    return Json(release(at.hub, at.repo, _find(at, release_id)))


@router.delete("/releases/{release_id:int}")
async def delete(at: At, release_id: int) -> Json:
    """Delete a release; its tag stays."""
    at.store.run("DELETE FROM releases WHERE id = ?", _find(at, release_id)["id"])
    return Json(None, 204)


@router.get("/tags")
async def tags(at: At) -> Json:
    """The tags and the commits behind them, newest name first."""
    format_ = "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) %(refname:strip=2)"
    lines = (await at.git.text("for-each-ref", "--sort=-version:refname", format_, "refs/tags/")).splitlines()
    url, page = repo_url(at.hub, at.repo), html_url(at.hub, at.repo)
    return at.listed([
        {
            "name": name, "node_id": node_id("REF", f"{at.repo['id']}:refs/tags/{name}"),
            "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
            "zipball_url": f"{page}/archive/refs/tags/{name}.zip",
            "tarball_url": f"{page}/archive/refs/tags/{name}.tar.gz",
        }
        for sha, name in (line.split(" ", 1) for line in lines)
    ])  # fmt: skip
