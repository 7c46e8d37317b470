"""A reviewer's words on the pull request: on the lines that they are about, where the diff shows those."""

from __future__ import annotations

from typing import Any

from ledger.effects import Key, perform
from ledger.models import EffectKind, Issue
from ledger.rules.remarks import lines_in
from shipline.errors import NotFound
from tasks.answers import Review, ReviewComment
from tasks.github.client import GitHubError
from tasks.github.look import files_of
from tasks.github.shapes import Comment
from tasks.state import Here
from tasks.texts import marker


async def post_review(at: Here, issue: Issue, opinion: Review) -> None:
    """Post what the reviewer says, once a round; remarks beside the diff stand in the review's text."""
    if issue.pr_number is None:
        raise NotFound(f"{issue.key} has no pull request yet.", "Open it first.")
    number, mark = issue.pr_number, marker(at.run.id, issue.key, "review", str(issue.round))

    async def look() -> Comment | None:
        return await at.repo.find_review(number, mark)

    async def act() -> Comment:
        beside, inline = await _placed(at, number, opinion.comments)
        try:
            return await at.repo.review(number, str(issue.head), _body(opinion, beside, mark), inline)
        except GitHubError as error:
            if error.status != 422 or not inline:
                raise
        # The diff is another one by now: all remarks into the text, rather than none at all.
        return await at.repo.review(number, str(issue.head), _body(opinion, opinion.comments, mark), [])

    async def undo(second: Comment) -> None:
        await at.repo.reword_review(number, second.id, "Posted twice by mistake; the other review counts.")

    await perform(
        at.ctx.store, Key(at.run.id, issue.key, str(issue.round), EffectKind.REVIEW), Comment, act=act, look=look,
        undo=undo,
        say=lambda _: f"Review of #{number}: {opinion.verdict.replace('_', ' ')}", phase=at.run.state,
    )  # fmt: skip


async def _placed(
    at: Here, number: int, remarks: list[ReviewComment]
) -> tuple[list[ReviewComment], list[dict[str, Any]]]:
    """The remarks that stand beside the diff, and those on its lines as GitHub takes them."""
    if not any(each.line for each in remarks):
        return remarks, []
    shown = {each.path: lines_in(each.patch or "") for each in await files_of(at.run.repo, number)}
    on_a_line = [each for each in remarks if each.line in shown.get(each.path, ())]
    inline = [{"path": each.path, "line": each.line, "side": "RIGHT", "body": each.body} for each in on_a_line]
    return [each for each in remarks if each not in on_a_line], inline


def _body(opinion: Review, remarks: list[ReviewComment], mark: str) -> str:
    lines = [f"Review: {opinion.verdict.replace('_', ' ')}. {opinion.summary}"]
    lines += [f"- `{each.path}{f':{each.line}' if each.line else ''}`: {each.body}" for each in remarks]
    if opinion.criteria:
        marks = {True: "x", False: " "}
        lines += ["", "Acceptance criteria:"]
        lines += [
            f"- [{marks[each.met]}] {each.criterion}: {each.evidence or 'no evidence'}" for each in opinion.criteria
        ]
    return "\n".join([*lines, mark])
