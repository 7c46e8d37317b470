"""Each verdict carried out: the ledger takes over what a person did, or GitHub gets back what a node needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ledger.effects import Key, nothing_to_find, perform
from ledger.interrupts import pause_run
from ledger.issues import change_issue, read_tree, set_status
from ledger.models import Effect, EffectKind, EffectStatus, Issue, IssueStatus, IssueType, Level
from ledger.rules.reconcile import Act, Asked, Seen, Verdict
from shipline.errors import ShiplineError
from tasks.github.client import GitHubError
from tasks.github.repo import Sha
from tasks.issues import Told
from tasks.reconcile import github
from tasks.state import Here
from tasks.texts import marker

REFUSED = 422


class Undecided(ShiplineError):
    """Somebody changed GitHub by hand in a way that only a person can answer."""


async def mend(at: Here, issue: Issue, seen: Seen, verdict: Verdict) -> str:
    """Do what the verdict says; what was done, in words. Raises Undecided where a person must decide."""
    done = await _ACTS[verdict.act](at, issue, seen, verdict)
    return verdict.act.value if done is None else done


def question(verdict: Verdict) -> Undecided:
    """The verdict as a sentence that asks a person."""
    decide = verdict.decide[:1].upper() + verdict.decide[1:]
    return Undecided(f"{verdict.what}.", f"{decide}.")


async def _ask(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
    asked = question(verdict)
    if issue.asked != verdict.asked or issue.failure is None:
        values = {"asked": verdict.asked, "failure": str(asked)}
        msg = f"{issue.key} stopped: {asked}"
        await change_issue(at.ctx.store, at.run.id, issue.key, values, msg=msg, phase=at.run.state, level=Level.ERROR)
    raise asked


async def _pause(at: Here, issue: Issue, seen: Seen, verdict: Verdict) -> None:
    await change_issue(at.ctx.store, at.run.id, issue.key, {"asked": verdict.asked})
    by = f"{seen.issue_by} on GitHub" if seen.issue_by else "somebody on GitHub"
    await pause_run(at.ctx.store, at.run.id, by, f"{verdict.what}; {verdict.decide}")


async def _take_over(at: Here, issue: Issue, seen: Seen, verdict: Verdict) -> str:
    assert seen.pull is not None
    merged = seen.pull.merged_sha
    await _forget_tests_above(at, issue, str(merged))
    values = {"mergedSha": merged, "failure": None, "asked": None}
    await _note(at, issue, values, f"{verdict.what}, and counts as merged", expect={"mergedSha": None})
    await set_status(at.ctx.store, at.run.id, issue.key, IssueStatus.DONE)
    return f"taken over as merged; QA of what lies above is due anew ({issue.base})"


async def _forget_tests_above(at: Here, issue: Issue, merged: str) -> None:
    """The branch that was merged into has a head which nobody has tested."""
    for ancestor in (await read_tree(at.ctx.store, at.run.id)).ancestors(issue.key):
        if ancestor.branch == issue.base:
            head = await at.repo.branch_sha(str(ancestor.branch)) or merged
            await change_issue(at.ctx.store, at.run.id, ancestor.key, {"head": head, "testedHead": None})
            return


async def _new_pull(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> None:
    await _note(at, issue, {**_without_pull(issue), "asked": None, "failure": None}, f"{verdict.what}; {verdict.act}")


def _without_pull(issue: Issue) -> dict[str, object]:
    return {"prNumber": None, "earlierPrs": [*issue.earlier_prs, issue.pr_number]}


async def _follow(at: Here, issue: Issue, seen: Seen, verdict: Verdict) -> None:
    values = {"head": seen.branch, "testedHead": None, "asked": None}
    await _note(at, issue, values, verdict.what, expect={"head": issue.head})


async def _clear(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> None:
    await _note(at, issue, {"asked": None, "failure": None}, verdict.what, level=Level.INFO)


async def _restore(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
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


async def _reopen_pull(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
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
        values |= _without_pull(issue)
    await change_issue(at.ctx.store, at.run.id, issue.key, values)
    return done.what


async def _reopen_issue(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
    done = await _set_state(at, issue, EffectKind.ISSUE_REOPEN, "open", "reopened", verdict, _why_open(issue, verdict))
    await change_issue(at.ctx.store, at.run.id, issue.key, {"asked": None})
    return done.what


async def _close_issue(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> str:
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
    # The close that the run itself still owes has the key of that close: whoever does it, it is done once.
    own = verdict.quiet and kind is EffectKind.ISSUE_CLOSE
    key = Key(at.run.id, issue.key, str(issue.round), kind) if own else await _by_hand(at, issue.key, kind)
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


async def _note(
    at: Here, issue: Issue, values: Mapping[str, object], msg: str, *, expect: Mapping[str, object] | None = None,
    level: Level = Level.WARNING,
) -> None:  # fmt: skip
    await change_issue(
        at.ctx.store, at.run.id, issue.key, values, expect=expect, msg=msg, phase=at.run.state, level=level
    )


_ACTS: dict[Act, Callable[[Here, Issue, Seen, Verdict], Awaitable[str | None]]] = {
    Act.ASK: _ask,
    Act.PAUSE: _pause,
    Act.TAKE_OVER: _take_over,
    Act.NEW_PULL: _new_pull,
    Act.FOLLOW: _follow,
    Act.CLEAR: _clear,
    Act.RESTORE: _restore,
    Act.REOPEN_PULL: _reopen_pull,
    Act.REOPEN_ISSUE: _reopen_issue,
    Act.CLOSE_ISSUE: _close_issue,
}
