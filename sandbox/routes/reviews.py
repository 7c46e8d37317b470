"""Reviews of a pull request."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.routes.issue_rows import touch
from sandbox.routes.pulls import find_pull
from sandbox.routes.review_comments import Remark, add_remark, hunk_of, list_of_review, patches, require_commit
from sandbox.shapes.pulls import review
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}/pulls/{number:int}/reviews")
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
Event = Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"]


class NewReview(BaseModel):
    """The body of a review's creation; without an event it stays pending."""

    commit_id: str | None = None
    body: str = ""
    event: Event | None = None
    comments: list[Remark] = Field(default_factory=list)


class Submission(BaseModel):
    """The body of a pending review's submission."""

    body: str | None = None
    event: Event


class Text(BaseModel):
    """The body of a review's update."""

    body: str


class Dismissal(BaseModel):
    """Why a review no longer counts."""

    message: str


def _find(at: RepoCall, pull: Row, review_id: int) -> Row:
    row = at.store.one("SELECT * FROM reviews WHERE id = ? AND pull_id = ?", review_id, pull["pull_id"])
    if row is None:
        raise not_found()
    return row


def _check_event(at: RepoCall, pull: Row, event: str | None, text: str, remarks: int) -> None:
    if event in ("APPROVE", "REQUEST_CHANGES") and pull["login"] == at.login:
        what = "approve" if event == "APPROVE" else "request changes on"
        raise Refused(422, "Unprocessable Entity", [f"Can not {what} your own pull request"])
    if event in ("REQUEST_CHANGES", "COMMENT") and not text.strip() and not remarks:
        raise Refused(422, "Unprocessable Entity", [f"Could not {event.lower()} pull request review."])


async def _hunks(at: RepoCall, pull: Row, commit: str, remarks: list[Remark]) -> list[tuple[Remark, str]]:
    diff = await patches(at, pull, commit) if remarks else {}
    found = []
    for remark in remarks:
        hunk = hunk_of(remark, diff)
        if hunk is None:
            what = "Line" if remark.path in diff else "Path"
            raise Refused(422, "Unprocessable Entity", [f"{what} could not be resolved"])
        found.append((remark, hunk))
    return found


@router.get("")
async def list_all(at: At, number: int) -> Json:
    """The reviews, oldest first."""
    pull = find_pull(at, number)
    rows, total = at.rows("*", "reviews WHERE pull_id = ? ORDER BY id", pull["pull_id"], born="submitted_at")
    return at.listed([review(at.hub, at.repo, number, row) for row in rows], total)


@router.post("")
async def create(at: At, number: int, body: NewReview) -> Json:
    """A review with its remarks on lines; nobody approves a pull request of their own."""
    pull = find_pull(at, number)
    commit = body.commit_id or pull["head_sha"]
    await require_commit(at, commit)
    _check_event(at, pull, body.event, body.body, len(body.comments))
    hunks = await _hunks(at, pull, commit, body.comments)
    with at.store.write():
        row = at.store.insert(
            "reviews", pull_id=pull["pull_id"], login=at.login, body=body.body, commit_id=commit,
            state=_STATES[body.event] if body.event else "PENDING", submitted_at=now() if body.event else None,
        )  # fmt: skip
        for remark, hunk in hunks:
            add_remark(at, pull, remark, commit, row["id"], diff_hunk=hunk)
        touch(at, pull)
    return Json(review(at.hub, at.repo, number, row))


@router.get("/{review_id:int}")
async def get(at: At, number: int, review_id: int) -> Json:
    """One review."""
    return Json(review(at.hub, at.repo, number, _find(at, find_pull(at, number), review_id)))


@router.put("/{review_id:int}")
async def reword(at: At, number: int, review_id: int, body: Text) -> Json:
    """Give a review another text; only its author may."""
    row = _find(at, find_pull(at, number), review_id)
    if row["login"] != at.login:
        raise Refused(403, "Resource not accessible by integration")
    at.store.update("reviews", row["id"], body=body.body)
    return Json(review(at.hub, at.repo, number, _find(at, find_pull(at, number), review_id)))


@router.get("/{review_id:int}/comments")
async def remarks(at: At, number: int, review_id: int) -> Json:
    """The remarks that came with a review."""
    row = _find(at, find_pull(at, number), review_id)
    return list_of_review(at, number, row["id"])


@router.post("/{review_id:int}/events")
async def submit(at: At, number: int, review_id: int, body: Submission) -> Json:
    """Submit a pending review."""
    pull = find_pull(at, number)
    row = _find(at, pull, review_id)
    if row["state"] != "PENDING":
        raise Refused(422, "Unprocessable Entity", ["Review has already been submitted."])
    text = row["body"] if body.body is None else body.body
    count = at.store.count("SELECT count(*) FROM review_comments WHERE review_id = ?", row["id"])
    _check_event(at, pull, body.event, text, count)
    at.store.update("reviews", row["id"], body=text, state=_STATES[body.event], submitted_at=now())
    return Json(review(at.hub, at.repo, number, _find(at, pull, review_id)))


@router.put("/{review_id:int}/dismissals")
async def dismiss(at: At, number: int, review_id: int, _: Dismissal) -> Json:
    """Let an approval or a request for changes no longer count."""
    pull = find_pull(at, number)
    row = _find(at, pull, review_id)
    if row["state"] not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refused(422, "Unprocessable Entity", ["Can not dismiss a commented pull request review"])
    at.store.update("reviews", row["id"], state="DISMISSED")
    return Json(review(at.hub, at.repo, number, _find(at, pull, review_id)))
