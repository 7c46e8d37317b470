"""Which issue waits for which."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.routes.issue_rows import find_issue, issue_by_id, touch
from sandbox.shapes.issues import ISSUE_COLUMNS, issue
from sandbox.store import Row

router = APIRouter(prefix="/repos/{owner}/{repo}/issues/{number:int}/dependencies")


class Blocker(BaseModel):
    """``issue_id`` is the blocking issue's id, not its number."""

    issue_id: int


def _listed(at: RepoCall, link: str, issue_id: int) -> Json:
    rows, total = at.rows(ISSUE_COLUMNS, f"issues WHERE id IN ({link}) ORDER BY id", issue_id)
    return at.listed([issue(at.hub, at.store.get("repos", row["repo_id"]), row) for row in rows], total)


def _waiting(at: RepoCall, number: int) -> Row:
    row = find_issue(at, number)
    if row["is_pull"]:
        raise not_found()
    return row


@router.get("/blocked_by")
async def blocked_by(at: At, number: int) -> Json:
    """The issues that this one waits for."""
    return _listed(at, "SELECT blocker_id FROM blockers WHERE issue_id = ?", _waiting(at, number)["id"])


@router.get("/blocking")
async def blocking(at: At, number: int) -> Json:
    """The issues that wait for this one."""
    return _listed(at, "SELECT issue_id FROM blockers WHERE blocker_id = ?", _waiting(at, number)["id"])


@router.post("/blocked_by")
async def add(at: At, number: int, body: Blocker) -> Json:
    """This issue waits for another one from now on; the answer is this issue."""
    waiting, blocker = _waiting(at, number), issue_by_id(at, body.issue_id)
    if blocker is None:
        raise not_found()
    if blocker["is_pull"]:
        raise Refused(422, "Target issue may only be an issue")
    if blocker["id"] == waiting["id"]:
        raise Refused(422, "Issue cannot be blocked by itself")
    with at.store.write():
        sql = "INSERT OR IGNORE INTO blockers (issue_id, blocker_id) VALUES (?, ?)"
        if not at.store.run(sql, waiting["id"], blocker["id"]):
            raise Refused(422, "Target issue has already been taken")
        touch(at, waiting)
    return Json(issue(at.hub, at.repo, find_issue(at, number)), 201)


@router.delete("/blocked_by/{issue_id:int}")
async def remove(at: At, number: int, issue_id: int) -> Json:
    """This issue no longer waits for that one."""
    waiting = _waiting(at, number)
    if not at.store.run("DELETE FROM blockers WHERE issue_id = ? AND blocker_id = ?", waiting["id"], issue_id):
        raise not_found()
    touch(at, waiting)
    return Json(issue(at.hub, at.repo, find_issue(at, number)))
