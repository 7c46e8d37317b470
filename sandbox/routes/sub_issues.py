"""Sub-issues: one parent each, ordered, at most 100 a parent and eight levels deep."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.routes.issue_rows import find_issue, issue_by_id, touch
from sandbox.shapes.issues import ISSUE_COLUMNS, issue
from sandbox.store import Row

router = APIRouter(prefix="/repos/{owner}/{repo}/issues/{number:int}")
MOST_CHILDREN, MOST_LEVELS = 100, 8


class NewSubIssue(BaseModel):
    """``sub_issue_id`` is the issue's id, not its number."""

    sub_issue_id: int
    replace_parent: bool = False


class SubIssue(BaseModel):
    """Which sub-issue to let go."""

    sub_issue_id: int


class Priority(BaseModel):
    """Where in the order a sub-issue goes."""

    sub_issue_id: int
    after_id: int | None = None
    before_id: int | None = None


def _refuse(message: str) -> Refused:
    return Refused(422, f"An error occurred while adding the sub-issue to the parent issue. {message}")


def _ancestors(at: RepoCall, row: Row) -> list[int]:
    found: list[int] = []
    current: Row | None = row
    while current is not None and current["parent_id"] is not None:
        found.append(current["parent_id"])
        current = at.store.one("SELECT id, parent_id FROM issues WHERE id = ?", current["parent_id"])
    return found


def _height(at: RepoCall, issue_id: int) -> int:
    sql = """WITH RECURSIVE below (id, depth) AS (
               SELECT ?, 1 UNION ALL SELECT i.id, depth + 1 FROM issues i JOIN below ON i.parent_id = below.id)
             SELECT max(depth) FROM below"""
    return at.store.count(sql, issue_id)


def adopt(at: RepoCall, parent: Row, child: Row, replace: bool = False) -> None:
    """Make ``child`` the last sub-issue of ``parent``; refused where the tree would not be one."""
    if child["parent_id"] is not None and not replace:
        raise _refuse("Issue may not contain duplicate sub-issues and Sub issue may only have one parent")
    above = [parent["id"], *_ancestors(at, parent)]
    if child["id"] in above:
        raise _refuse("Sub issue cannot be the parent issue or one of its ancestors")
    if len(above) + _height(at, child["id"]) > MOST_LEVELS:
        raise _refuse(f"Sub-issues may be nested {MOST_LEVELS} levels deep")
    count = at.store.count("SELECT count(*) FROM issues WHERE parent_id = ?", parent["id"])
    if count >= MOST_CHILDREN:
        raise _refuse(f"Parent cannot have more than {MOST_CHILDREN} sub-issues")
    last = at.store.count("SELECT ifnull(max(place), 0) FROM issues WHERE parent_id = ?", parent["id"])
    at.store.update("issues", child["id"], parent_id=parent["id"], place=last + 1)
    touch(at, parent)


def _children(at: RepoCall, parent_id: int) -> tuple[list[Row], int]:
    return at.rows(ISSUE_COLUMNS, "issues WHERE parent_id = ? ORDER BY place, id", parent_id)


def _shape(at: RepoCall, row: Row) -> dict[str, object]:
    return issue(at.hub, at.store.get("repos", row["repo_id"]), row)


def _plain_issue(at: RepoCall, number: int) -> Row:
    row = find_issue(at, number)
    if row["is_pull"]:
        raise not_found()
    return row


def _named(at: RepoCall, issue_id: int) -> Row:
    row = issue_by_id(at, issue_id)
    if row is None or row["is_pull"]:
        raise Refused(404, "The provided sub-issue does not exist")
    return row


@router.get("/sub_issues")
async def list_children(at: At, number: int) -> Json:
    """The sub-issues, in their order."""
    rows, total = _children(at, _plain_issue(at, number)["id"])
    return at.listed([_shape(at, row) for row in rows], total)


@router.post("/sub_issues")
async def add(at: At, number: int, body: NewSubIssue) -> Json:
    """Add a sub-issue; the answer is the sub-issue."""
    parent, child = _plain_issue(at, number), _named(at, body.sub_issue_id)
    with at.store.write():
        adopt(at, parent, child, body.replace_parent)
    return Json(_shape(at, _named(at, child["id"])), 201)


@router.delete("/sub_issue")
async def remove(at: At, number: int, body: SubIssue) -> Json:
    """Let a sub-issue go."""
    parent, child = _plain_issue(at, number), _named(at, body.sub_issue_id)
    if child["parent_id"] != parent["id"]:
        raise Refused(404, "The provided sub-issue does not exist")
    with at.store.write():
        at.store.update("issues", child["id"], parent_id=None, place=0)
        touch(at, parent)
    return Json(_shape(at, find_issue(at, number)))


@router.patch("/sub_issues/priority")
async def reorder(at: At, number: int, body: Priority) -> Json:
    """Put a sub-issue after or before another one; the answer is the parent."""
    parent = _plain_issue(at, number)
    rows = at.store.all("SELECT id FROM issues WHERE parent_id = ? ORDER BY place, id", parent["id"])
    order = [row["id"] for row in rows]
    anchor = body.after_id if body.after_id is not None else body.before_id
    if (body.after_id is None) == (body.before_id is None) or anchor == body.sub_issue_id:
        raise Refused(422, "Please specify either after_id or before_id")
    if body.sub_issue_id not in order or anchor not in order:
        raise Refused(404, "The provided sub-issue does not exist")
    order.remove(body.sub_issue_id)
    order.insert(order.index(anchor) + (body.after_id is not None), body.sub_issue_id)
    with at.store.write():
        for place, issue_id in enumerate(order, start=1):
            at.store.update("issues", issue_id, place=place)
    return Json(_shape(at, find_issue(at, number)))


@router.get("/parent")
async def get_parent(at: At, number: int) -> Json:
    """The parent; 404 when the issue has none."""
    parent_id = _plain_issue(at, number)["parent_id"]
    if parent_id is None:
        raise not_found()
    return Json(_shape(at, _named(at, parent_id)))
