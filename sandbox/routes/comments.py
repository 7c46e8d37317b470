"""Comments on issues and pull requests."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, invalid, not_found
from sandbox.context import At, RepoCall
from sandbox.routes.issue_rows import find_issue, touch
from sandbox.shapes.issues import comment
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}")


class CommentText(BaseModel):
    """The body of a comment's creation or update."""

    body: str


def _checked(text: str) -> str:
    if not text.strip():
        raise invalid("IssueComment", "body", "missing_field")
    if len(text) > 65_536:
        message = "body is too long (maximum is 65536 characters)"
        raise invalid("IssueComment", "body", "custom", message=message)
    return text


def _shape(at: RepoCall, row: Row) -> dict[str, Any]:
    issue = at.store.get("issues", row["issue_id"])
    return comment(at.hub, at.repo, row, issue["number"], bool(issue["is_pull"]))


def _find(at: RepoCall, comment_id: int) -> Row:
    row = at.store.one("SELECT * FROM comments WHERE id = ? AND repo_id = ?", comment_id, at.repo["id"])
    if row is None:
        raise not_found()
    return row


def _listed(at: RepoCall, where: str, order: str, *values: Any) -> Json:
    if since := at.query.get("since"):
        where, values = f"{where} AND updated_at >= ?", (*values, since)
    rows, total = at.rows("*", f"comments WHERE {where} ORDER BY {order}", *values)
    return at.listed([_shape(at, row) for row in rows], total)


@router.get("/issues/comments")
async def list_in_repo(at: At) -> Json:
    """All comments of the repository, oldest first unless ``sort`` and ``direction`` say otherwise."""
    column = "updated_at" if at.query.get("sort") == "updated" else "id"
    direction = "DESC" if "sort" in at.query and at.query.get("direction", "desc") == "desc" else "ASC"
    return _listed(at, "repo_id = ?", f"{column} {direction}", at.repo["id"])


@router.get("/issues/{number:int}/comments")
async def list_on_issue(at: At, number: int) -> Json:
    """An issue's comments, oldest first."""
    return _listed(at, "issue_id = ?", "id", find_issue(at, number)["id"])


@router.post("/issues/{number:int}/comments")
async def create(at: At, number: int, body: CommentText) -> Json:
    """A new comment."""
    issue, moment = find_issue(at, number), now()
    text = _checked(body.body)
    with at.store.write():
        row = at.store.insert(
            "comments", repo_id=at.repo["id"], issue_id=issue["id"], login=at.login, body=text,
            created_at=moment, updated_at=moment,
        )  # fmt: skip
        touch(at, issue)
    return Json(_shape(at, row), 201)


@router.get("/issues/comments/{comment_id:int}")
async def get(at: At, comment_id: int) -> Json:
    """One comment."""
    return Json(_shape(at, _find(at, comment_id)))


@router.patch("/issues/comments/{comment_id:int}")
async def change(at: At, comment_id: int, body: CommentText) -> Json:
    """Change a comment's text."""
    _find(at, comment_id)
    at.store.update("comments", comment_id, body=_checked(body.body), updated_at=now())
    return Json(_shape(at, _find(at, comment_id)))


@router.delete("/issues/comments/{comment_id:int}")
async def delete(at: At, comment_id: int) -> Json:
    """Delete a comment."""
    at.store.run("DELETE FROM comments WHERE id = ?", _find(at, comment_id)["id"])
    return Json(None, 204)
