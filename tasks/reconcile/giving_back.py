"""GitHub gets back what a person's hand took from a node: its branch, its pull request, the state of its issue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ledger.effects import Key, nothing_to_find, perform
from ledger.issues import change_issue
from ledger.models import Effect, EffectKind, EffectStatus, Issue, IssueType
from ledger.rules.reconcile import Asked, Seen, Verdict
from tasks.github.client import GitHubError
from tasks.github.shapes import Sha
from tasks.issues import Told
from tasks.reconcile import github
from tasks.reconcile.noticed import Undecided
from tasks.state import Here
from tasks.texts import marker

REFUSED = 422


async def restore(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
    branch, head = str(issue.branch), issue.head

    async def look() -> Sha | None:
        found = await at.repo.branch_sha(branch)
        return Sha(sha=found) if found else None

    async def act() -> Sha:
        lost = Undecided(
            f"{verdict.what}, and its last commit is gone from GitHub.", f"Push {branch} again, or cancel."
        )
        if head is None:
            raise lost
        try:
            return Sha(sha=await at.repo.create_branch(branch, head))
        except GitHubError as error:
            if error.status != REFUSED:
                raise
            raise lost from error

    made = await perform(
        at.ctx.store, await _by_hand(at, issue.key, EffectKind.BRANCH_CREATE), Sha, act=act, look=look,
        say=lambda done: f"{verdict.what}; restored at {done.sha[:7]}", phase=at.run.state,
    )  # fmt: skip
    if issue.pr_number is None:  # there may be one that was closed with it
        await change_issue(at.ctx.store, at.run.id, issue.key, {"asked": Asked.PULL_CLOSED})
    return f"restored at {made.sha[:7]}"


async def reopen_pull(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
    number = int(issue.pr_number or 0)

    async def act() -> Told:
        try:
            await github.reopen_pull(at.repo, number)
        except GitHubError as error:
            if error.status != REFUSED:
                raise
            return Told(what=f"#{number} cannot be reopened; another pull request follows")
        return Told(what=f"#{number} is reopened")

    done = await _tell(at, issue, EffectKind.PULL_OPEN, act, verdict)
    values: dict[str, object] = {"asked": None, "failure": None}
    if "cannot" in done.what:
        values |= without_pull(issue)
    await change_issue(at.ctx.store, at.run.id, issue.key, values)
    return done.what


async def reopen_issue(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
    done = await _set_state(at, issue, EffectKind.ISSUE_REOPEN, "open", "reopened", verdict, _why_open(issue, verdict))
    await change_issue(at.ctx.store, at.run.id, issue.key, {"asked": None})
    return done.what


async def close_issue(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
    why = f"This is done: it was merged as {issue.merged_sha}." if not verdict.quiet else ""
    done = await _set_state(at, issue, EffectKind.ISSUE_CLOSE, "closed", "completed", verdict, why)
    await change_issue(at.ctx.store, at.run.id, issue.key, {"asked": None})
    return done.what


def _why_open(issue: Issue, verdict: Verdict) -> str:
    if verdict.quiet:
        return ""
    if issue.type is IssueType.DEFECT:
        return (
            "This defect is not fixed yet, so it is open again: a defect ends when its fix has passed QA and is "
            "merged, and until then nothing above it merges. To give it up, cancel the run."
        )
    return (
        "The work on this is not done, so it is open again. To stop all of it, pause or cancel the run (closing the "
        "epic pauses it)."
    )


async def _set_state(
    at: Here, issue: Issue, kind: EffectKind, state: str, reason: str, verdict: Verdict, why: str
) -> Told:
    number = int(issue.number or 0)
    # What the run itself still owes has the key that the run gives it: whoever does it, it is done once.
    own = Key(at.run.id, issue.key, str(issue.round), kind)
    key = own if verdict.quiet else await _by_hand(at, issue.key, kind)
    mark = marker(at.run.id, issue.key, "by-hand", key.digest)

    async def act() -> Told:
        if why and await at.repo.find_comment(number, mark) is None:
            await at.repo.comment(number, f"{why}\n{mark}")
        await at.repo.set_issue_state(number, state, reason)
        return Told(what=f"Issue #{number} is {state}")

    return await _tell(at, issue, kind, act, verdict, key)


async def _tell(
    at: Here, issue: Issue, kind: EffectKind, act: Callable[[], Awaitable[Told]], verdict: Verdict,
    key: Key | None = None,
) -> Told:  # fmt: skip
    return await perform(
        at.ctx.store, key or await _by_hand(at, issue.key, kind), Told, act=act, look=nothing_to_find,
        say=lambda done: done.what if verdict.quiet else f"{verdict.what}: {done.what}", phase=at.run.state,
    )  # fmt: skip


async def _by_hand(at: Here, node: str, kind: EffectKind) -> Key:
    """The key of the next answer to somebody's hand: the same until it is done, another when they do it again."""
    start = f"{at.run.id}/{node}/1/{kind}/by-hand-"
    done = await at.ctx.store.collection(Effect).count_documents(
        {"_id": {"$gte": start, "$lt": f"{start}~"}, "status": EffectStatus.SUCCEEDED}
    )
    return Key(at.run.id, node, "1", kind, f"by-hand-{done + 1}")


def without_pull(issue: Issue) -> dict[str, object]:
    return {"prNumber": None, "earlierPrs": [*issue.earlier_prs, issue.pr_number]}
