"""Finding an issue, and what several routes do to one."""

from __future__ import annotations

from sandbox.answers import not_found
from sandbox.context import RepoCall
from sandbox.shapes.issues import ISSUE_COLUMNS
from sandbox.store import Row, now


def find_issue(at: RepoCall, number: int) -> Row:
    """The issue or pull request of that number; 404 when there is none."""
    sql = f"SELECT {ISSUE_COLUMNS} FROM issues WHERE repo_id = ? AND number = ?"  # noqa: S608 (columns of ours)
    row = at.store.one(sql, at.repo["id"], number)
    if row is None:
        raise not_found()
    return row


def issue_by_id(at: RepoCall, issue_id: int) -> Row | None:
    """The issue of that id, in whatever repository."""
    sql = f"SELECT {ISSUE_COLUMNS} FROM issues WHERE id = ?"  # noqa: S608 (columns of ours)
    return at.store.one(sql, issue_id)


def touch(at: RepoCall, issue: Row) -> None:
    """The issue was changed now."""
    at.store.update("issues", issue["id"], updated_at=now())
