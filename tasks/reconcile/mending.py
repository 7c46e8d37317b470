"""Each verdict carried out: the ledger takes over what a person did, or GitHub gets back what a node needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ledger.interrupts import pause_run
from ledger.issues import change_issue, read_tree, set_status
from ledger.models import Issue, IssueStatus, Level
from ledger.rules.reconcile import Act, Seen, Verdict
from tasks.reconcile import giving_back
from tasks.reconcile.noticed import question
from tasks.state import Here


async def mend(at: Here, issue: Issue, seen: Seen, verdict: Verdict) -> str:
    """Do what the verdict says; what was done, in words. Raises Undecided where a person must decide."""
    done = await _ACTS[verdict.act](at, issue, seen, verdict)
    return verdict.act.value if done is None else done


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
    await _note(
        at, issue, {**giving_back.without_pull(issue), "asked": None, "failure": None}, f"{verdict.what}; {verdict.act}"
    )


async def _follow(at: Here, issue: Issue, seen: Seen, verdict: Verdict) -> None:
    values = {"head": seen.branch, "testedHead": None, "asked": None}
    await _note(at, issue, values, verdict.what, expect={"head": issue.head})


async def _clear(at: Here, issue: Issue, _: Seen, verdict: Verdict) -> None:
    await _note(at, issue, {"asked": None, "failure": None}, verdict.what, level=Level.INFO)


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
    Act.RESTORE: giving_back.restore,
    Act.REOPEN_PULL: giving_back.reopen_pull,
    Act.REOPEN_ISSUE: giving_back.reopen_issue,
    Act.CLOSE_ISSUE: giving_back.close_issue,
}
