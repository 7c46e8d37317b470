"""Deployments, what became of them, and the environments that they are to."""

from __future__ import annotations

import json
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing.refs import commit_of
from sandbox.shapes.ids import node_id
from sandbox.shapes.repos import html_url, repo_url
from sandbox.shapes.users import user
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}")
STATES = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
# Those before one that still are what was deployed: its success makes them inactive, unless that is not wanted.
_BEFORE = """SELECT * FROM deployments WHERE repo_id = ? AND environment = ? AND id < ? AND (SELECT state
 FROM deployment_statuses WHERE deployment_id = deployments.id ORDER BY id DESC LIMIT 1) = 'success'"""


class DeploymentText(BaseModel):
    """The body of a new deployment. Where contexts are required GitHub refuses one whose checks are not green."""

    ref: str = Field(min_length=1)
    task: str = "deploy"
    auto_merge: bool = True
    required_contexts: list[str] | None = None
    payload: Any = ""
    environment: str = "production"
    description: str | None = ""


class StatusText(BaseModel):
    """The body of a new status of a deployment."""

    state: STATES
    log_url: str = ""
    environment_url: str = ""
    description: str = Field(default="", max_length=140)
    auto_inactive: bool = True


@router.post("/deployments")
async def create(at: At, body: DeploymentText) -> Json:
    """A new deployment; its environment comes to be with it."""
    sha = await commit_of(at.git, body.ref)
    if sha is None:
        raise Refused(422, f"No ref found for: {body.ref}")
    if body.required_contexts is None:  # all of them, which nothing here has
        statuses = at.store.all("SELECT * FROM statuses WHERE repo_id = ? AND sha = ?", at.repo["id"], sha)
        if any(each["state"] != "success" for each in statuses):
            raise Refused(409, "Conflict: Commit status checks failed for the deployment's ref.")
    _environment(at, body.environment)
    row = at.store.insert(
        "deployments", repo_id=at.repo["id"], sha=sha, ref=body.ref, task=body.task, environment=body.environment,
        description=body.description or "", payload=json.dumps(body.payload), login=at.login, created_at=now(),
        updated_at=now(),
    )  # fmt: skip
    return Json(_shape(at, row), 201)


@router.get("/deployments")
async def listed(at: At) -> Json:
    """The newest first; ``environment`` and ``sha`` narrow them."""
    where, values = "deployments WHERE repo_id = ?", [at.repo["id"]]
    for name in ("environment", "sha", "ref"):
        if wanted := at.query.get(name):
            where, values = f"{where} AND {name} = ?", [*values, wanted]
    rows, total = at.rows("*", f"{where} ORDER BY id DESC", *values)
    return at.listed([_shape(at, each) for each in rows], total)


@router.get("/deployments/{number:int}")
async def one(at: At, number: int) -> Json:
    """One of them."""
    return Json(_shape(at, _row(at, number)))


@router.delete("/deployments/{number:int}")
async def delete(at: At, number: int) -> Json:
    """Remove one that is not what runs."""
    row = _row(at, number)
    last = at.store.one("SELECT state FROM deployment_statuses WHERE deployment_id = ? ORDER BY id DESC", row["id"])
    if last is not None and last["state"] != "inactive":
        raise Refused(422, "An active deployment cannot be deleted.")
    at.store.run("DELETE FROM deployments WHERE id = ?", row["id"])
    return Json(None, 204)


@router.post("/deployments/{number:int}/statuses")
async def tell(at: At, number: int, body: StatusText) -> Json:
    """What became of it."""
    row = _row(at, number)
    if body.state == "success" and body.auto_inactive and row["environment"] != "production":
        for each in at.store.all(_BEFORE, at.repo["id"], row["environment"], row["id"]):
            _say(at, each, StatusText(state="inactive"))
    made = _say(at, row, body)
    return Json(_status(at, row, made), 201)


def _say(at: RepoCall, row: Row, body: StatusText) -> Row:
    moment = now()
    return at.store.insert(
        "deployment_statuses", deployment_id=row["id"], login=at.login, created_at=moment, updated_at=moment,
        **body.model_dump(exclude={"auto_inactive"}),
    )  # fmt: skip


@router.get("/deployments/{number:int}/statuses")
async def told(at: At, number: int) -> Json:
    """All that became of it, the newest first."""
    row = _row(at, number)
    rows, total = at.rows("*", "deployment_statuses WHERE deployment_id = ? ORDER BY id DESC", row["id"])
    return at.listed([_status(at, row, each) for each in rows], total)


@router.put("/environments/{name:path}")
async def put_environment(at: At, name: str) -> Json:
    """An environment, made where it is missing. Rules that protect it are not kept here."""
    return Json(_environment_shape(at, _environment(at, name)))


@router.get("/environments")
async def environments(at: At) -> Json:
    """All of them."""
    rows, total = at.rows("*", "environments WHERE repo_id = ? ORDER BY id", at.repo["id"])
    return Json({"total_count": total, "environments": [_environment_shape(at, each) for each in rows]})


def _row(at: RepoCall, number: int) -> Row:
    row = at.store.one("SELECT * FROM deployments WHERE id = ? AND repo_id = ?", number, at.repo["id"])
    if row is None:
        raise not_found()
    return row


def _environment(at: RepoCall, name: str) -> Row:
    found = at.store.one("SELECT * FROM environments WHERE repo_id = ? AND name = ?", at.repo["id"], name)
    return found or at.store.insert(
        "environments", repo_id=at.repo["id"], name=name, created_at=now(), updated_at=now()
    )


def _shape(at: RepoCall, row: Row) -> dict[str, Any]:
    here = f"{repo_url(at.hub, at.repo)}/deployments/{row['id']}"
    return {
        "url": here, "id": row["id"], "node_id": node_id("DE", row["id"]), "task": row["task"],
        "original_environment": row["environment"], "environment": row["environment"],
        "description": row["description"], "created_at": row["created_at"], "updated_at": row["updated_at"],
        "statuses_url": f"{here}/statuses", "repository_url": repo_url(at.hub, at.repo),
        "creator": user(at.hub, row["login"]), "sha": row["sha"], "ref": row["ref"],
        "payload": json.loads(row["payload"]), "transient_environment": False,
        "production_environment": row["environment"] == "production", "performed_via_github_app": None,
    }  # fmt: skip


def _status(at: RepoCall, row: Row, status: Row) -> dict[str, Any]:
    here = f"{repo_url(at.hub, at.repo)}/deployments/{row['id']}"
    return {
        "url": f"{here}/statuses/{status['id']}", "id": status["id"], "node_id": node_id("DES", status["id"]),
        "state": status["state"], "creator": user(at.hub, status["login"]), "description": status["description"],
        "environment": row["environment"], "target_url": status["log_url"], "log_url": status["log_url"],
        "environment_url": status["environment_url"], "created_at": status["created_at"],
        "updated_at": status["updated_at"], "deployment_url": here,
        "repository_url": repo_url(at.hub, at.repo), "performed_via_github_app": None,
    }  # fmt: skip


def _environment_shape(at: RepoCall, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"], "node_id": node_id("EN", row["id"]), "name": row["name"],
        "url": f"{repo_url(at.hub, at.repo)}/environments/{row['name']}",
        "html_url": f"{html_url(at.hub, at.repo)}/deployments/activity_log?environments_filter={row['name']}",
        "created_at": row["created_at"], "updated_at": row["updated_at"], "protection_rules": [],
        "deployment_branch_policy": None,
    }  # fmt: skip
