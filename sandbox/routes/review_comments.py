"""Remarks on the lines of a pull request's diff."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, failed, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import history, objects, refs
from sandbox.plumbing.hunks import hunk_up_to
from sandbox.routes.pulls import find_pull
from sandbox.shapes.pulls import review_comment
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}/pulls")
Side = Literal["LEFT", "RIGHT"]


class Remark(BaseModel):
    """A remark inside a review."""

    path: str
    body: str
    position: int | None = None
    line: int | None = None
    side: Side = "RIGHT"
    start_line: int | None = None
    start_side: Side | None = None


class NewRemark(Remark):
    """The body of a remark that stands alone, or answers another one."""

    commit_id: str
    path: str = ""
    subject_type: Literal["line", "file"] = "line"
    in_reply_to: int | None = None


class RemarkText(BaseModel):
    """The text of a remark."""

    body: str


async def patches(at: RepoCall, pull: Row, commit: str) -> dict[str, str]:
    """The pull request's diff as of ``commit``: path → patch."""
    fork = await history.merge_base(at.git, pull["base_sha"], commit) or pull["base_sha"]
    return {one.path: one.patch or "" for one in await history.files(at.git, fork, commit)}


async def require_commit(at: RepoCall, sha: str) -> None:
    """Refuse a commit that is not there."""
    found = await objects.kind_of(at.git, sha) if refs.SHA.fullmatch(sha) else None
    if found is None or found[0] != "commit":
        raise Refused(422, "Unprocessable Entity", ["The commit does not exist in this repository."])


def hunk_of(remark: Remark, diff: dict[str, str]) -> str | None:
    """The part of the diff that a remark stands on; None when it stands beside the diff."""
    if remark.path not in diff:
        return None
    return hunk_up_to(diff[remark.path], remark.side, remark.line, remark.position)


def add_remark(at: RepoCall, pull: Row, remark: Remark, commit: str, review_id: int, **more: Any) -> Row:
    """Write a remark down; ``more`` is the hunk it stands on, what it answers, and whether it is on the whole file."""
    moment = now()
    return at.store.insert(
        "review_comments", repo_id=at.repo["id"], pull_id=pull["pull_id"], review_id=review_id, login=at.login,
        body=remark.body, path=remark.path, commit_id=commit, line=remark.line, side=remark.side,
        start_line=remark.start_line, start_side=remark.start_side, position=remark.position,
        created_at=moment, updated_at=moment, **({"subject_type": "line"} | more),
    )  # fmt: skip


def _find(at: RepoCall, remark_id: int) -> tuple[Row, int]:
    sql = """SELECT c.*, i.number FROM review_comments c JOIN pulls p ON p.id = c.pull_id
             JOIN issues i ON i.id = p.issue_id WHERE c.id = ? AND c.repo_id = ?"""
    row = at.store.one(sql, remark_id, at.repo["id"])
    if row is None:
        raise not_found()
    return row, row["number"]


def _listed(at: RepoCall, number: int, where: str, value: int) -> Json:
    rows, total = at.rows("*", f"review_comments WHERE {where} ORDER BY id", value)
    return at.listed([review_comment(at.hub, at.repo, number, row) for row in rows], total)


def list_of_review(at: RepoCall, number: int, review_id: int) -> Json:
    """The remarks of one review."""
    return _listed(at, number, "review_id = ?", review_id)


@router.get("/{number:int}/comments")
async def list_all(at: At, number: int) -> Json:
    """All remarks on the pull request, oldest first."""
    return _listed(at, number, "pull_id = ?", find_pull(at, number)["pull_id"])


def _alone(at: RepoCall, pull: Row, remark: Remark, commit: str, **more: Any) -> Json:
    """A remark without a review is, on GitHub too, a review of its own."""
    with at.store.write():
        review = at.store.insert(
            "reviews", pull_id=pull["pull_id"], login=at.login, body="", commit_id=commit, state="COMMENTED",
            submitted_at=now(),
        )  # fmt: skip
        row = add_remark(at, pull, remark, commit, review["id"], **more)
    return Json(review_comment(at.hub, at.repo, pull["number"], row), 201)


@router.post("/{number:int}/comments")
async def create(at: At, number: int, body: NewRemark) -> Json:
    """A remark on a line or a file."""
    pull = find_pull(at, number)
    if body.in_reply_to is not None:
        return _reply(at, pull, body.in_reply_to, body.body)
    await require_commit(at, body.commit_id)
    diff = await patches(at, pull, body.commit_id)
    hunk = diff.get(body.path) if body.subject_type == "file" else hunk_of(body, diff)
    if hunk is None:
        field = f"pull_request_review_thread.{'line' if body.path in diff else 'path'}"
        raise failed("PullRequestReviewComment", f"{field} must be part of the diff", field=field)
    return _alone(at, pull, body, body.commit_id, diff_hunk=hunk, subject_type=body.subject_type)


def _reply(at: RepoCall, pull: Row, remark_id: int, text: str) -> Json:
    first, number = _find(at, remark_id)
    if number != pull["number"]:
        raise not_found()
    remark = Remark(
        path=first["path"], body=text, position=first["position"], line=first["line"], side=first["side"],
        start_line=first["start_line"], start_side=first["start_side"],
    )  # fmt: skip
    thread = {"diff_hunk": first["diff_hunk"], "in_reply_to": first["in_reply_to"] or first["id"]}
    return _alone(at, pull, remark, first["commit_id"], **thread)


@router.post("/{number:int}/comments/{remark_id:int}/replies")
async def reply(at: At, number: int, remark_id: int, body: RemarkText) -> Json:
    """An answer to a remark."""
    return _reply(at, find_pull(at, number), remark_id, body.body)


@router.get("/comments/{remark_id:int}")
async def get(at: At, remark_id: int) -> Json:
    """One remark."""
    row, number = _find(at, remark_id)
    return Json(review_comment(at.hub, at.repo, number, row))


@router.patch("/comments/{remark_id:int}")
async def change(at: At, remark_id: int, body: RemarkText) -> Json:
    """Change a remark's text."""
    _find(at, remark_id)
    at.store.update("review_comments", remark_id, body=body.body, updated_at=now())
    row, number = _find(at, remark_id)
    return Json(review_comment(at.hub, at.repo, number, row))


@router.delete("/comments/{remark_id:int}")
async def delete(at: At, remark_id: int) -> Json:
    """Delete a remark."""
    row, _ = _find(at, remark_id)
    at.store.run("DELETE FROM review_comments WHERE id = ?", row["id"])
    return Json(None, 204)
