"""Pull requests: opened as drafts, reviewed, merged by the head that was tested."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.issues import change_issue, get_issue, read_tree
from ledger.models import AgentType, Effect, EffectKind, Finding, Issue, IssueStatus, Severity
from ledger.rules.criteria import unproven
from shipline.errors import LeaseLost, NotFound
from shipline.ids import digest
from tasks.agents.ask import compose, journal, parse
from tasks.agents.material import Section
from tasks.agents.registry import only_replays
from tasks.agents.untrusted import shown
from tasks.answers import Produced, Review
from tasks.gates import pass_gates
from tasks.github.client import GitHubError
from tasks.github.look import files_of
from tasks.github.shapes import PullRef, Sha
from tasks.implementing import produce
from tasks.issues import Told
from tasks.opening import open_pull
from tasks.reviewing import post_review
from tasks.slots import only_one
from tasks.state import Here, here
from tasks.step import step
from tasks.texts import trailers


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
    opinion, replayed = await _ask_reviewer(at, issue)
    await post_review(at, issue, opinion)
    open_ones = await _judge_criteria(at, issue, opinion, replayed)
    if opinion.verdict == "approve" and open_ones:
        return Finding(
            check="review", severity=Severity.CRITICAL, evidence="\n".join(f"- {each}" for each in open_ones),
            title=f"The review of #{issue.pr_number} leaves {len(open_ones)} acceptance criteria without evidence",
            fingerprint=digest("criteria", key, *open_ones),
        )  # fmt: skip
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


async def _judge_criteria(at: Here, issue: Issue, opinion: Review, replayed: bool) -> list[str]:
    """The criteria without evidence. Reviewers whose words are replayed were not always asked about them."""
    told = [each.model_dump(by_alias=True) for each in opinion.criteria]
    await change_issue(at.ctx.store, at.run.id, issue.key, {"criteria": told}, expect={"round": issue.round})
    asked = opinion.criteria or not replayed
    return unproven(issue.acceptance_criteria, opinion.criteria) if asked else []


async def _ask_reviewer(at: Here, issue: Issue) -> tuple[Review, bool]:
    """What it says, and whether that is replayed."""
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
    return parse(produced.result, Review, job), produced.result.replayed


async def _diff(at: Here, issue: Issue) -> list[Section]:
    if only_replays(at.ctx.settings):
        return []
    files = await files_of(at.run.repo, _number(issue))
    parts = [f"{each.status} {each.path}\n{each.patch or '(no text)'}" for each in files]
    return [Section("The diff", *shown("\n\n".join(parts)))]


async def merge_begun(run_id: str, key: str) -> bool:
    """Whether a merge of the node was begun before: then GitHub may have merged it, whatever the ledger says."""
    at = await here(run_id)
    begun = merge_key(await get_issue(at.ctx.store, run_id, key))
    return await at.ctx.store.find_one(Effect, {"_id": str(begun)}) is not None


def merge_key(issue: Issue) -> Key:
    """The effect of merging the node's pull request; another pull request's is another one."""
    return Key(issue.run_id, issue.key, "1", EffectKind.PULL_MERGE, "-".join(map(str, issue.earlier_prs)))


@step(name="merge", task_run_name="merge {key}")
async def merge_pull_request(run_id: str, key: str) -> bool:
    """Merge the node's pull request at the head that QA passed. False when head or base has moved since.

    Raises GatesShut, which names every gate in the way, and Interrupted where a person must speak first.
    """
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
    if tested is None:
        return False
    pull = await at.repo.pull(number)
    if not pull.merged_sha:
        await mark_ready(at, issue, pull)
        if not await pass_gates(at, issue, pull):
            return False

    async def look() -> Sha | None:
        merged = (await at.repo.pull(number)).merged_sha
        return Sha(sha=merged) if merged else None

    async def act() -> Sha:
        title = f"Merge {issue.branch} into {issue.base} (#{number})"
        message = f"{issue.title}\n\n{trailers(run_id, key, str(issue.round))}\n"
        return Sha(sha=await at.repo.merge_pull(number, tested, title, message))

    try:
        merged = await perform(
            at.ctx.store, merge_key(issue), Sha, act=act, look=look,
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
