"""Workflow runs and their artifacts; what the stand-ins for artifacts use lies under ``/_sandbox``."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.actions.runner import Actions
from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, Here, RepoCall
from sandbox.shapes.workflows import artifact, workflow_run
from sandbox.store import Row, now

router = APIRouter()
REPO = "/repos/{owner}/{repo}/actions"
STAND_INS = "/_sandbox/runs/{run_id:int}/artifacts/{name}"


@router.get(f"{REPO}/runs")
async def runs(at: At) -> Json:
    """The newest first; ``event`` and ``status`` narrow them."""
    where, values = "workflow_runs WHERE repo_id = ?", [at.repo["id"]]
    if event := at.query.get("event"):
        where, values = f"{where} AND event = ?", [*values, event]
    if status := at.query.get("status"):
        where, values = f"{where} AND (status = ? OR conclusion = ?)", [*values, status, status]
    rows, total = at.rows("*", f"{where} ORDER BY id DESC", *values)
    return Json({"total_count": total, "workflow_runs": [workflow_run(at.hub, at.repo, each) for each in rows]})


@router.get(f"{REPO}/runs/{{run_id:int}}")
async def run(at: At, run_id: int) -> Json:
    """One of them."""
    return Json(workflow_run(at.hub, at.repo, _run(at, run_id)))


@router.post(f"{REPO}/runs/{{run_id:int}}/cancel")
async def cancel(at: At, run_id: int) -> Json:
    """End one that goes on."""
    row = _run(at, run_id)
    if row["status"] == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    await _actions(at.request).cancel(row)
    return Json({}, 202)


class Variable(BaseModel):
    """The body of a new variable."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    value: str


@router.post(f"{REPO}/variables")
async def create_variable(at: At, body: Variable) -> Json:
    """A variable of the repository."""
    name = body.name.upper()
    if at.store.one("SELECT * FROM variables WHERE repo_id = ? AND name = ?", at.repo["id"], name):
        raise Refused(409, "Already exists - Variable already exists")
    at.store.insert("variables", repo_id=at.repo["id"], name=name, value=body.value)
    return Json({}, 201)


@router.delete(f"{REPO}/variables/{{name}}")
async def remove_variable(at: At, name: str) -> Json:
    """Forget one."""
    found = at.store.one("SELECT * FROM variables WHERE repo_id = ? AND name = ?", at.repo["id"], name.upper())
    if found is None:
        raise not_found()
    at.store.run("DELETE FROM variables WHERE id = ?", found["id"])
    return Json(None, 204)


@router.get(f"{REPO}/artifacts")
async def artifacts(at: At) -> Json:
    """The newest first; ``name`` narrows them."""
    where, values = "artifacts WHERE repo_id = ?", [at.repo["id"]]
    if name := at.query.get("name"):
        where, values = f"{where} AND name = ?", [*values, name]
    rows, total = at.rows("*", f"{where} ORDER BY id DESC", *values)
    return Json({"total_count": total, "artifacts": [artifact(at.hub, at.repo, each) for each in rows]})


@router.get(f"{REPO}/artifacts/{{artifact_id:int}}/zip")
async def download(at: At, artifact_id: int) -> Response:
    """Where it can be had, for a minute on GitHub."""
    row = _artifact(at, artifact_id)
    return RedirectResponse(f"{at.hub.url}/_sandbox/runs/{row['run_id']}/artifacts/{row['name']}", 302)


@router.delete(f"{REPO}/artifacts/{{artifact_id:int}}")
async def remove(at: At, artifact_id: int) -> Json:
    """Forget one."""
    row = _artifact(at, artifact_id)
    at.store.run("DELETE FROM artifacts WHERE id = ?", row["id"])
    return Json(None, 204)


@router.put(STAND_INS)
async def keep(call: Here, run_id: int, name: str, request: Request) -> Json:
    """A stand-in brings an artifact."""
    found = call.store.one("SELECT * FROM workflow_runs WHERE id = ?", run_id)
    if found is None:
        raise not_found()
    packed = await request.body()
    folder = _actions(request).folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(name.encode()).hexdigest()).write_bytes(packed)
    days = timedelta(days=int(call.query.get("days", "90")))
    call.store.insert(
        "artifacts", repo_id=found["repo_id"], run_id=run_id, name=name, size=len(packed),
        digest=hashlib.sha256(packed).hexdigest(), created_at=now(),
        expires_at=(datetime.now(UTC) + days).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )  # fmt: skip
    return Json({}, 201)


@router.get(STAND_INS)
async def bring(_: Here, run_id: int, name: str, request: Request) -> Response:
    """And fetches it."""
    file = _actions(request).folder(run_id) / hashlib.sha256(name.encode()).hexdigest()
    if not file.is_file():
        raise not_found()
    return Response(file.read_bytes(), media_type="application/zip")


def _actions(request: Request) -> Actions:
    found: Actions | None = request.app.state.actions
    if found is None:
        raise not_found()
    return found


def _run(at: RepoCall, run_id: int) -> Row:
    row = at.store.one("SELECT * FROM workflow_runs WHERE id = ? AND repo_id = ?", run_id, at.repo["id"])
    if row is None:
        raise not_found()
    return row


def _artifact(at: RepoCall, artifact_id: int) -> Row:
    row = at.store.one("SELECT * FROM artifacts WHERE id = ? AND repo_id = ?", artifact_id, at.repo["id"])
    if row is None:
        raise not_found()
    return row
