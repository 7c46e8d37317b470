"""After the merge: the checks of what ``integration`` is now, and the way back when they fail.

A red merge is reverted by a pull request of its own, and its node is opened again with all its work: on its branch
the revert is reverted, so that what is missing there is the fix alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ledger.effects import Key, perform
from ledger.issues import change_issue, get_issue
from ledger.models import EffectKind, EventType, Finding, Issue, Level, Model
from ledger.rules.causes import one_each
from ledger.timeline import append, event
from shipline.errors import NotFound, ShiplineError
from shipline.ids import digest
from tasks.checks import reports_of
from tasks.gate import through
from tasks.git import Clone, GitError, clone, discard
from tasks.github.required import required_checks
from tasks.github.shapes import PullRef, Sha
from tasks.implementing import workplace
from tasks.issues import Told
from tasks.scratch import remote
from tasks.slots import only_one
from tasks.state import Here, get_settings, here
from tasks.step import step
from tasks.texts import marker, trailers

M = TypeVar("M", bound=Model)


@step(name="check-merged", task_run_name="what {key} was merged into")
async def check_merged(run_id: str, key: str) -> list[Finding]:
    """The findings that block in what the base has become by the node's merge; none when it is well.

    The very tree that QA passed is not checked again, unless the settings ask for it: the timeline says so.
    """
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    merged, tested = str(issue.merged_sha), issue.tested_head
    tree = await at.repo.tree_of(merged)
    same = tested is not None and await at.repo.tree_of(tested) == tree
    if same and not (await get_settings(at.run)).recheck_integration:
        said = f"{issue.base} at {merged[:7]} is the very tree that QA passed ({tree[:7]}): nothing is run again"
        await append(at.ctx.store, run_id, event(
            EventType.STEP_COMPLETED, at.run.state, said, node=key, data={"tree": tree, "tested": tested},
            event_id=f"merged-{digest(issue.id, merged)}",
        ))  # fmt: skip
        return []
    # A round of its own, where the same tree is wanted once more: QA is kept by tree.
    round_ = f"{issue.round}-merged" if same else ""
    checked = await reports_of(at, issue.model_copy(update={"head": merged}), EffectKind.QA_WHOLE, round_)
    return one_each([finding for report in checked.reports for finding in report.critical])


@step(name="revert-merge", task_run_name="revert {key}")
async def revert_merge(run_id: str, key: str, why: str) -> str:
    """Take the node's merge back by a pull request of its own, which merges at once; returns the reverting commit."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch = _revert_branch(issue)
    commit = await _once(
        at, issue, EffectKind.PUSH, Sha, act=lambda: _push_revert(at, issue, branch, why),
        look=lambda: _head(at, branch), say=lambda _: f"{branch} takes the merge of #{issue.pr_number} back",
    )  # fmt: skip
    pull = await _once(
        at, issue, EffectKind.PULL_OPEN, PullRef,
        act=lambda: at.repo.open_pull(branch, str(issue.base), *_text(at, issue, why)),
        look=lambda: at.repo.find_pull(branch, str(issue.base)),
        say=lambda done: f"Pull request #{done.number}: {branch} to {issue.base}",
    )  # fmt: skip
    await _make_ready(at, issue, pull)
    await _await_checks(at, issue, pull, commit.sha)
    async with only_one(run_id, f"merge into {issue.base} of {at.run.repo}"):
        await _once(
            at, issue, EffectKind.PULL_MERGE, Sha, act=lambda: _merge_revert(at, issue, pull, commit.sha),
            look=lambda: _merged(at, pull), say=lambda done: f"Merged #{pull.number}, the revert, as {done.sha[:7]}",
        )  # fmt: skip
    return commit.sha


@step(name="restore-work", task_run_name="restore {key}")
async def restore_work(run_id: str, key: str, revert: str) -> str:
    """Bring the node's branch up to its base without losing its work: the revert is merged in, and reverted there."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch, base = str(issue.branch), str(issue.base)
    trailer = trailers(run_id, key, f"restore-{str(issue.merged_sha)[:7]}")

    async def look() -> Sha | None:
        if await at.repo.branch_sha(branch) is None:
            return None
        commits = await at.repo.commits_since(base, branch)
        return next((Sha(sha=each.sha) for each in reversed(commits) if trailer in each.commit.message), None)

    async def act() -> Sha:
        made = await clone(await remote(at), str(issue.head), workplace(at, key, "restore"))
        try:
            tip = (await made.git("rev-parse", f"origin/{base}")).strip()
            conflicts = await made.merge(tip)
            if conflicts:
                told = f"{base} and {branch} conflict in {', '.join(conflicts)}."
                raise ShiplineError(told, "Merge them by hand, then run again.")
            await _stand_on(made, await made.commit("", f"Merge {base} into {branch}\n\n{trailer}\n", tip))
            await _reverted(made, revert)
            commit = await made.commit("", f"Bring back what {revert[:7]} took\n\n{trailer}\n")
            await made.push(commit, branch)
        finally:
            await discard(made)
        return Sha(sha=commit)

    key_ = Key(run_id, key, "1", EffectKind.PUSH, f"restore-{str(issue.merged_sha)[:7]}")
    done = await perform(
        at.ctx.store, key_, Sha, act=act, look=look, phase=at.run.state,
        say=lambda made: f"{branch} has its work again on top of {base} ({made.sha[:7]})",
    )  # fmt: skip
    return done.sha


@step(name="reopen-node", task_run_name="open {key} again")
async def reopen_node(run_id: str, key: str, head: str) -> None:
    """The node's merge no longer counts; its next pull request is a new one. Raises when that happened too often."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    if issue.merged_sha is None:
        return
    earlier = [*issue.earlier_prs, *([issue.pr_number] if issue.pr_number else [])]
    values = {
        "mergedSha": None, "testedHead": None, "prNumber": None, "earlierPrs": earlier, "head": head, "facts": None,
        "awaits": None,
    }  # fmt: skip
    said = f"{key} is open again: its merge as {issue.merged_sha[:7]} was reverted"
    await change_issue(
        at.ctx.store, run_id, key, values, expect={"mergedSha": issue.merged_sha}, msg=said, level=Level.WARNING
    )
    most = (await get_settings(at.run)).max_rounds
    if len(earlier) > most:
        raise ShiplineError(f"{said}, for the {len(earlier)}th time.", f"See what is wrong in {issue.base} itself.")


async def _push_revert(at: Here, issue: Issue, branch: str, why: str) -> Sha:
    merged = str(issue.merged_sha)
    made = await clone(await remote(at), str(issue.base), workplace(at, issue.key, "revert"))
    try:
        await _reverted(made, merged, *(["-m", "1"] if await _is_merge(made, merged) else []))
        title, _ = _text(at, issue, why)
        message = f"{title}\n\nThis reverts commit {merged}.\n{why}\n\n{trailers(at.run.id, issue.key, 'revert')}\n"
        commit = await made.commit("", message)
        await made.push(commit, branch)
    finally:
        await discard(made)
    return Sha(sha=commit)


async def _is_merge(made: Clone, commit: str) -> bool:
    return len((await made.git("rev-list", "--parents", "-n", "1", commit)).split()) == 3


async def _reverted(made: Clone, commit: str, *how: str) -> None:
    try:
        await made.git("revert", "--no-commit", *how, commit)
    except GitError as error:
        raise ShiplineError(
            f"{commit[:7]} cannot be reverted: {error.message}",
            "Something was built on it: revert it by hand, or fix it.",
        ) from error


async def _stand_on(made: Clone, commit: str) -> None:
    await made.git("reset", "--quiet", "--hard")
    await made.git("checkout", "--quiet", "--detach", commit)


async def _make_ready(at: Here, issue: Issue, pull: PullRef) -> None:
    ready = Told(what=f"#{pull.number} is ready to merge")

    async def act() -> Told:
        if pull.draft:
            await at.repo.mark_ready(pull.node_id)
        return ready

    async def look() -> Told | None:
        return None if (await at.repo.pull(pull.number)).draft else ready

    await _once(at, issue, EffectKind.PULL_READY, Told, act=act, look=look, say=lambda done: done.what)


async def _await_checks(at: Here, issue: Issue, pull: PullRef, head: str) -> None:
    names = await required_checks(at.repo, str(issue.base))
    as_issue = issue.model_copy(update={"pr_number": pull.number})
    red = await through(at, as_issue, head, names) if names else []
    if red:
        raise ShiplineError(f"The revert #{pull.number} does not merge: {red[0].title}.", "Merge it by hand.")


async def _merge_revert(at: Here, issue: Issue, pull: PullRef, head: str) -> Sha:
    title = f"Merge {_revert_branch(issue)} into {issue.base} (#{pull.number})"
    message = trailers(at.run.id, issue.key, "revert")
    return Sha(sha=await at.repo.merge_pull(pull.number, head, title, message))


async def _merged(at: Here, pull: PullRef) -> Sha | None:
    sha = (await at.repo.pull(pull.number)).merged_sha
    return Sha(sha=sha) if sha else None


async def _head(at: Here, branch: str) -> Sha | None:
    sha = await at.repo.branch_sha(branch)
    return Sha(sha=sha) if sha else None


async def _once(
    at: Here,
    issue: Issue,
    kind: EffectKind,
    outcome: type[M],
    *,
    act: Callable[[], Awaitable[M]],
    look: Callable[[], Awaitable[M | None]],
    say: Callable[[M], str],
) -> M:
    """One effect of taking this very merge back."""
    key = Key(at.run.id, issue.key, "1", kind, f"revert-{str(issue.merged_sha)[:7]}")
    return await perform(at.ctx.store, key, outcome, act=act, look=look, say=say, phase=at.run.state)


def _revert_branch(issue: Issue) -> str:
    if issue.merged_sha is None or issue.branch is None:
        raise NotFound(f"{issue.key} is not merged.", "There is nothing to revert.")
    return f"revert/{issue.branch.partition('/')[2]}-{issue.merged_sha[:7]}"


def _text(at: Here, issue: Issue, why: str) -> tuple[str, str]:
    """Title and body of the revert's pull request."""
    title = f"Revert: {issue.title} (#{issue.pr_number})"
    body = (
        f"The merge of #{issue.pr_number} as {str(issue.merged_sha)[:7]} left {issue.base} with failing checks, and is "
        f"taken back. The work goes on in #{issue.number}.\n\n{why}\n\n{marker(at.run.id, issue.key, 'revert')}"
    )
    return title, body
