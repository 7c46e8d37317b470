"""Pull requests: opened as drafts, reviewed, merged by the head that was tested."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.issues import change_issue, get_issue, read_tree
from ledger.models import AgentType, Effect, EffectKind, Finding, Issue, IssueStatus, Severity
from shipline.errors import LeaseLost, NotFound
from shipline.ids import digest
from tasks.agents.ask import compose, journal, parse
from tasks.agents.material import Section
from tasks.agents.registry import only_replays
from tasks.agents.untrusted import shown
from tasks.answers import Produced, Review
from tasks.github.client import GitHubError
from tasks.github.look import files_of
from tasks.github.repo import Comment, PullRef, Sha
from tasks.implementing import produce
from tasks.issues import Told
from tasks.opening import open_pull
from tasks.slots import only_one
from tasks.state import Here, here
from tasks.step import step
from tasks.texts import marker, trailers


@step(name="open-pull-request", task_run_name="pull request of {key}")
async def open_pull_request(run_id: str, key: str) -> int:
    """Open the node's draft pull request to its base; returns its number."""
    at = await here(run_id)
    return await open_pull(at, await get_issue(at.ctx.store, run_id, key))


@step(name="review", task_run_name="review {key}")
async def review(run_id: str, key: str) -> Finding | None:
    """Ask the reviewer about the node's pull request and post what it says; a finding when it asks for changes."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    await change_issue(
        at.ctx.store, run_id, key, {"status": IssueStatus.REVIEW},
        expect={"status": IssueStatus.IN_PROGRESS, "round": issue.round},
    )  # fmt: skip
    opinion = await _ask_reviewer(at, issue)
    await _post(at, issue, opinion)
    if opinion.verdict == "approve":
        await change_issue(
            at.ctx.store, run_id, key, {"status": IssueStatus.QA},
            expect={"status": IssueStatus.REVIEW, "round": issue.round}, msg=f"{key} is {IssueStatus.QA}",
        )  # fmt: skip
        return None
    evidence = "\n".join([opinion.summary, *(f"{each.path}: {each.body}" for each in opinion.comments)])
    return Finding(
        check="review", severity=Severity.CRITICAL, title=f"The review of #{issue.pr_number} asks for changes",
        evidence=evidence, path=opinion.comments[0].path if opinion.comments else None,
        fingerprint=digest("review", key, str(issue.round)),
    )  # fmt: skip


async def _ask_reviewer(at: Here, issue: Issue) -> Review:
    objective = f"Review pull request #{issue.pr_number}: {issue.title}"
    job = await compose(
        at.ctx, at.run, AgentType.CODE_REVIEWER, objective, issue=issue, round_=str(issue.round),
        material=await _diff(at, issue),
    )  # fmt: skip
    key = Key(at.run.id, issue.key, job.round, EffectKind.AGENT_CODE_REVIEWER)

    async def work() -> Produced:
        produced = await produce(at, job, key, str(issue.branch))
        parse(produced.result, Review, job)
        return produced.model_copy(update={"patch": ""})  # a reviewer changes nothing

    produced = await journal(at.ctx, at.run, key, job, work, Produced, lambda done: done.result)
    return parse(produced.result, Review, job)


async def _diff(at: Here, issue: Issue) -> list[Section]:
    if only_replays(at.ctx.settings):
        return []
    files = await files_of(at.run.repo, _number(issue))
    parts = [f"{each.status} {each.path}\n{each.patch or '(no text)'}" for each in files]
    return [Section("The diff", *shown("\n\n".join(parts)))]


async def _post(at: Here, issue: Issue, opinion: Review) -> None:
    number, mark = _number(issue), marker(at.run.id, issue.key, "review", str(issue.round))
    remarks = [f"- `{each.path}`: {each.body}" for each in opinion.comments]
    body = "\n".join([f"Review: {opinion.verdict.replace('_', ' ')}. {opinion.summary}", *remarks, mark])

    async def look() -> Comment | None:
        return await at.repo.find_review(number, mark)

    async def act() -> Comment:
        return await at.repo.review(number, str(issue.head), body, [])

    async def undo(second: Comment) -> None:
        await at.repo.reword_review(number, second.id, "Posted twice by mistake; the other review counts.")

    await perform(
        at.ctx.store, Key(at.run.id, issue.key, str(issue.round), EffectKind.REVIEW), Comment, act=act, look=look,
        undo=undo,
        say=lambda _: f"Review of #{number}: {opinion.verdict.replace('_', ' ')}", phase=at.run.state,
    )  # fmt: skip


async def merge_begun(run_id: str, key: str) -> bool:
    """Whether a merge of the node was begun before: then GitHub may have merged it, whatever the ledger says."""
    at = await here(run_id)
    return await at.ctx.store.find_one(Effect, {"_id": str(_merge_key(run_id, key))}) is not None


def _merge_key(run_id: str, key: str) -> Key:
    return Key(run_id, key, "1", EffectKind.PULL_MERGE)


@step(name="merge", task_run_name="merge {key}")
async def merge_pull_request(run_id: str, key: str) -> bool:
    """Merge the node's pull request at the head that QA passed. False when head or base has moved since."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    if issue.merged_sha:
        return True
    try:
        # The base must not move between the look and the merge: not by us, whichever run or worker.
        async with only_one(run_id, f"merge into {issue.base} of {at.run.repo}"):
            return await _merge(at, issue)
    except LeaseLost:
        return False  # this process stood still meanwhile: look anew


async def _merge(at: Here, issue: Issue) -> bool:
    number, tested, run_id, key = _number(issue), issue.tested_head, at.run.id, issue.key
    parent = await _merged_into(at, issue)
    if tested is None or not await _fit_to_merge(at, issue, tested):
        return False
    await mark_ready(at, issue, await at.repo.pull(number))

    async def look() -> Sha | None:
        merged = (await at.repo.pull(number)).merged_sha
        return Sha(sha=merged) if merged else None

    async def act() -> Sha:
        title = f"Merge {issue.branch} into {issue.base} (#{number})"
        message = f"{issue.title}\n\n{trailers(run_id, key, str(issue.round))}\n"
        return Sha(sha=await at.repo.merge_pull(number, tested, title, message))

    try:
        merged = await perform(
            at.ctx.store, _merge_key(run_id, key), Sha, act=act, look=look,
            say=lambda done: f"Merged #{number} ({issue.branch}) into {issue.base} as {done.sha[:7]}",
            phase=at.run.state,
        )  # fmt: skip
    except GitHubError as error:
        if error.status == 409:  # somebody pushed to the head between our look and the merge
            return False
        raise
    if parent is not None:  # it has a new head, which nobody has tested yet
        values = {"head": merged.sha, "testedHead": None}
        await change_issue(at.ctx.store, run_id, parent.key, values, expect={"head": parent.head})
    # One write: a process that dies before it comes here again, and one that dies after it has nothing left to do.
    values = {"mergedSha": merged.sha, "status": IssueStatus.DONE}
    await change_issue(at.ctx.store, run_id, key, values, expect={"mergedSha": None}, msg=f"{key} is DONE")
    return True


async def _merged_into(at: Here, issue: Issue) -> Issue | None:
    """The node whose branch this one's is merged into; None for a long-lived branch."""
    ancestors = (await read_tree(at.ctx.store, at.run.id)).ancestors(issue.key)
    return next((each for each in ancestors if each.branch == issue.base), None)


async def _fit_to_merge(at: Here, issue: Issue, tested: str) -> bool:
    """The tested head is still the branch's head and contains the base's tip: nothing untested slips in."""
    pull = await at.repo.pull(_number(issue))
    if pull.merged_sha:
        return True
    tip = await at.repo.branch_sha(str(issue.base))
    return pull.head == tested and tip is not None and await at.repo.contains(tested, tip)


async def mark_ready(at: Here, issue: Issue, pull: PullRef) -> None:
    """Make a draft a pull request that may merge, once."""

    async def act() -> Told:
        if pull.draft:  # a person may have marked it, or a process of ours that died before it could say so
            await at.repo.mark_ready(pull.node_id)
        return Told(what=f"#{pull.number} is ready to merge")

    async def look() -> Told | None:
        return None if (await at.repo.pull(pull.number)).draft else Told(what=f"#{pull.number} is ready to merge")

    await perform(
        at.ctx.store, Key(at.run.id, issue.key, "1", EffectKind.PULL_READY, "-".join(map(str, issue.earlier_prs))),
        Told, act=act, look=look,
        say=lambda done: done.what, phase=at.run.state,
    )  # fmt: skip


def _number(issue: Issue) -> int:
    if issue.pr_number is None:
        raise NotFound(f"{issue.key} has no pull request yet.", "Open it first.")
    return issue.pr_number
