"""``repository_dispatch`` and commit statuses: what workflows are started by, and how they report."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, failed, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing.refs import commit_of
from sandbox.shapes.repos import repository
from sandbox.shapes.users import user
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}")
MOST_KEYS = 10


class Dispatch(BaseModel):
    """The body of a dispatch."""

    event_type: str = Field(min_length=1, max_length=100)
    client_payload: dict[str, Any] = Field(default_factory=dict)


class StatusText(BaseModel):
    """The body of a new status."""

    state: Literal["error", "failure", "pending", "success"]
    context: str = "default"
    description: str | None = None
    target_url: str | None = None


@router.post("/dispatches")
async def dispatch(at: At, body: Dispatch) -> Json:
    """Taken, with no answer; the webhook tells it, and the workflows that wait for it begin."""
    if len(body.client_payload) > MOST_KEYS:
        given = len(body.client_payload)
        raise failed("Dispatch", f"No more than {MOST_KEYS} properties are allowed; {given} were supplied.")
    if (actions := at.request.app.state.actions) is not None:
        payload = {
            "action": body.event_type, "branch": at.repo["default_branch"], "client_payload": body.client_payload,
            "repository": repository(at.hub, at.repo), "sender": user(at.hub, at.login),
        }  # fmt: skip
        await actions.begin(at.repo, "repository_dispatch", payload)
    return Json(None, 204)


@router.post("/statuses/{sha}")
async def create_status(at: At, sha: str, body: StatusText) -> Json:
    """A new status of a commit."""
    if await commit_of(at.git, sha) != sha:
        raise failed("Status", f"No commit found for SHA: {sha}")
    moment = now()
    row = at.store.insert(
        "statuses", repo_id=at.repo["id"], sha=sha, login=at.login, created_at=moment, updated_at=moment,
        **body.model_dump(),
    )  # fmt: skip
    return Json(status_shape(at, row), 201)


@router.get("/commits/{ref:path}/statuses")
async def statuses(at: At, ref: str) -> Json:
    """All statuses of a commit, newest first."""
    sha = await commit_of(at.git, ref)
    if sha is None:
        raise not_found()
    found, total = at.rows("*", "statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC", at.repo["id"], sha)
    return at.listed([status_shape(at, row) for row in found], total)


def status_shape(at: RepoCall, row: Row) -> dict[str, Any]:
    """A commit status."""
    return {
        "url": f"{at.hub.url}/repos/{at.repo['owner']}/{at.repo['name']}/statuses/{row['sha']}", "avatar_url": None,
        "id": row["id"], "node_id": f"SC_{row['id']}", "state": row["state"], "description": row["description"],
        "target_url": row["target_url"], "context": row["context"], "created_at": row["created_at"],
        "updated_at": row["updated_at"], "creator": user(at.hub, row["login"]),
    }  # fmt: skip
