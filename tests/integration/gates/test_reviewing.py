"""A reviewer's remarks stand on their lines where the diff shows those, and in the review's text where it does not."""

from __future__ import annotations

import pytest

from ledger.models import CriterionSeen
from tasks import reviewing
from tasks.answers import Review, ReviewComment
from tasks.reviewing import post_review
from tasks.state import here
from tests.integration.reconcile.conftest import Made

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
OPINION = Review(
    verdict="approve", summary="Small and clear.",
    comments=[
        ReviewComment(path="hello.txt", line=1, body="A friendly word."),
        ReviewComment(path="hello.txt", line=40, body="Nothing is here."),
        ReviewComment(path="other.txt", body="Not touched."),
    ],
    criteria=[CriterionSeen(criterion="A", met=True, evidence="hello.txt:1")],
)  # fmt: skip


async def _posted(made: Made, number: int) -> tuple[str, list[tuple[str, int, str]]]:
    """The review's text, and each remark with its place."""
    (review,) = await made.ann.say("GET", f"pulls/{number}/reviews")
    remarks = await made.ann.say("GET", f"pulls/{number}/comments")
    return review["body"], [(each["path"], each["line"], each["body"]) for each in remarks]


async def test_remarks_stand_where_the_diff_shows_them_and_once(made: Made) -> None:
    at, issue = await here(made.run.id), await made.node("hello")
    await post_review(at, issue, OPINION)
    await post_review(at, issue, OPINION)
    text, remarks = await _posted(made, int(issue.pr_number or 0))
    assert remarks == [("hello.txt", 1, "A friendly word.")]
    assert "- `hello.txt:40`: Nothing is here.\n- `other.txt`: Not touched." in text
    assert "- [x] A: hello.txt:1" in text


async def test_what_github_refuses_stands_in_the_text(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    at, issue = await here(made.run.id), await made.node("hello")
    monkeypatch.setattr(reviewing, "lines_in", lambda _: {1, 40})  # as if the diff had been another one a moment ago
    await post_review(at, issue, OPINION)
    text, remarks = await _posted(made, int(issue.pr_number or 0))
    assert remarks == []
    assert all(each.body in text for each in OPINION.comments)
