"""What a plain script does with one node: the same calls as the product's steps, remembered in a dictionary."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.models import (
    AgentInput,
    AgentJob,
    AgentResult,
    AgentType,
    CheckReport,
    Finding,
    Issue,
    IssueStatus,
    Run,
    Severity,
)
from ledger.rules.branches import base_branch, branch_name
from ledger.rules.tree import Tree
from shipline.errors import GuardBlocked
from shipline.ids import digest
from tasks import git
from tasks.agents.recorded import RecordedCoder, RecordedPlanner
from tasks.answers import Review
from tasks.checks import group
from tasks.github.client import GitHubError
from tasks.github.repo import Repo
from tasks.guards import GuardContext, check_guards, read_change
from tasks.quality import TargetEnvironment, check_change, read_target_settings, target_environment
from tasks.texts import check_comment, commit_message, marker, pull_body, pull_title, trailers

Suite = Callable[..., Awaitable[list[CheckReport]]]


@dataclass
class World:
    """All that the script knows: no ledger, only this."""

    repo: Repo
    run: Run
    idea: str
    home: Path
    planner: RecordedPlanner
    coder: RecordedCoder
    test_timeout: float
    slots: asyncio.Semaphore
    issues: dict[str, Issue] = field(default_factory=dict)
    reports: dict[tuple[str, int], list[CheckReport]] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def tree(self) -> Tree:
        """The issues as they stand."""
        return Tree.of(self.issues.values())

    def set(self, key: str, **values: Any) -> Issue:
        """Change what is known of a node."""
        self.issues[key] = self.issues[key].model_copy(update=values)
        return self.issues[key]

    async def clone(self, ref: str, name: str) -> git.Clone:
        """A clone to work in."""
        url = str((await self.repo.about()).clone_url)
        remote = git.Remote(url, await self.repo.host.git_token(self.repo.full_name))
        return await git.clone(remote, ref, self.home / "work" / self.run.id / name)

    def job(self, who: AgentType, objective: str, key: str = "run", round_: str = "1") -> AgentJob:
        """A request to an agent."""
        asked = AgentInput(repo=self.run.repo, objective=objective)
        return AgentJob(
            type=who, idea=self.idea, size=self.run.size, node_key=key, round=round_, input=asked, context=objective
        )

    async def code(self, job: AgentJob, workspace: Path) -> AgentResult:
        """Let a coding agent work."""
        key = f"{self.run.id}/{job.node_key}/{job.round}/{job.type}"
        return await self.coder.result(await self.coder.start(job, key, workspace))


async def branch(world: World, key: str) -> None:
    """Make the node's branch where it is missing."""
    async with world.locks[key]:
        issue = world.issues[key]
        if issue.branch:
            return
        base, name = base_branch(world.tree, key), branch_name(issue)
        sha = str(await world.repo.branch_sha(base))
        await world.repo.create_branch(name, sha)
        world.set(key, branch=name, base=base, head=sha)


async def implement(world: World, key: str) -> None:
    """Agent, commit, guards, push."""
    issue = world.set(key, status=IssueStatus.IN_PROGRESS)
    job = world.job(AgentType(issue.agent), f"Implement: {issue.title}", key, str(issue.round))
    made = await world.clone(str(issue.branch), f"{key}-agent")
    base = await made.head()
    result = await world.code(job, made.path)
    patch = await made.patch()
    await git.discard(made)
    await push(world, issue, patch, base, result, job.round)


async def push(
    world: World, issue: Issue, patch: str, base: str, result: AgentResult, round_: str, merged: str | None = None
) -> None:
    """One commit of what an agent made."""
    made = await world.clone(base, f"{issue.key}-push")
    message = commit_message(issue, world.run.id, round_, result.output.changeset_summary)
    commit = await made.commit(patch, message, merged)
    if merged is None:
        change = await read_change(made.path, base, commit)
        about_tests = issue.agent == AgentType.TEST_AUTHOR
        violations = check_guards(change, GuardContext(files=tuple(issue.files), about_tests=about_tests))
        if violations:
            raise GuardBlocked(f"A guard stopped {issue.key}: {violations[0].detail}")
    await made.push(commit, str(issue.branch))
    await git.discard(made)
    world.set(issue.key, head=commit)


async def open_pull(world: World, key: str) -> None:
    """The node's pull request."""
    issue = world.issues[key]
    if issue.pr_number is None:
        body = pull_body(issue, world.run)
        made = await world.repo.open_pull(str(issue.branch), str(issue.base), pull_title(issue), body)
        world.set(key, pr_number=made.number)


async def review(world: World, key: str) -> Finding | None:
    """Hear the reviewer and post what it says."""
    issue = world.set(key, status=IssueStatus.REVIEW)
    job = world.job(AgentType.CODE_REVIEWER, f"Review: {issue.title}", key, str(issue.round))
    made = await world.clone(str(issue.branch), f"{key}-review")
    result = await world.code(job, made.path)
    await made.head()
    await git.discard(made)
    opinion = Review.model_validate(result.output.answer)
    mark = marker(world.run.id, key, "review", job.round)
    await world.repo.review(int(issue.pr_number or 0), str(issue.head), f"{opinion.summary}\n{mark}", [])
    if opinion.verdict == "approve":
        world.set(key, status=IssueStatus.QA)
        return None
    return Finding(
        check="review", severity=Severity.CRITICAL, title="The review asks for changes", evidence=opinion.summary,
        fingerprint=digest("review", key, job.round),
    )  # fmt: skip


async def check(world: World, key: str, suite: Suite = check_change) -> list[Finding]:
    """QA of the node's head, once a tree; the findings of a change, one a check."""
    issue = world.issues[key]
    if issue.tested_head is not None and issue.tested_head == issue.head:
        return []
    head = str(issue.head)
    tree = await world.repo.tree_of(head)
    whole = suite is not check_change
    slot = f"{suite.__name__}/{tree}", issue.round
    async with world.locks[f"{slot}"]:
        if slot not in world.reports:
            world.reports[slot] = await _run_suite(world, key, head, suite)
    reports = world.reports[slot]
    findings = [each for report in reports for each in report.critical] if whole else group(reports, key)
    if whole and not findings:
        await opinions(world)
    if issue.pr_number is not None:
        mark = marker(world.run.id, key, "comment.qa", head[:12])
        await world.repo.comment(issue.pr_number, f"{check_comment(reports, head)}\n{mark}")
    if not findings:
        changed = await world.repo.changed_files(str(issue.base), head)
        own = [test for report in reports for test in report.tests if test.split("::")[0] in changed]
        world.set(key, tested_head=head, status=IssueStatus.QA, **({"tests": own} if own else {}))
    return findings


async def _run_suite(world: World, key: str, head: str, suite: Suite) -> list[CheckReport]:
    async with world.slots:
        made = await world.clone(head, f"{key}-qa")
        minimum = read_target_settings(made.path).coverage_percent or 80
        environment: TargetEnvironment = await target_environment(made.path, world.home / "environments")
        reports = await suite(made.path, environment, minimum_coverage=minimum, timeout=world.test_timeout)
        await git.discard(made)
    return reports


async def opinions(world: World) -> None:
    """QA tester and auditor about the whole."""
    from tasks.answers import AuditOpinion, QaOpinion

    await world.planner.ask(world.job(AgentType.QA_TESTER, "Judge the whole change"), QaOpinion)
    await world.planner.ask(world.job(AgentType.SECURITY_AUDITOR, "Audit the whole change"), AuditOpinion)


async def bring_up(world: World, key: str) -> None:
    """Merge the base into the node's branch where it lacks something, with an agent's help where they conflict."""
    issue, repo = world.issues[key], world.repo
    tip, head = await repo.branch_sha(str(issue.base)), str(await repo.branch_sha(str(issue.branch)))
    if await repo.contains(head, str(tip)):
        world.set(key, head=head)
        return
    message = f"Merge {issue.base} into {issue.branch}\n\n{trailers(world.run.id, key, 'update')}\n"
    try:
        world.set(key, head=await repo.merge_branch(str(issue.branch), str(tip), message) or head)
    except GitHubError as error:
        if error.status != 409:
            raise
        await _resolve(world, issue)


async def _resolve(world: World, issue: Issue) -> None:
    tip = str(await world.repo.branch_sha(str(issue.base)))
    job = world.job(AgentType.DEVELOPER_IMPLEMENTER, f"Resolve the conflict of {issue.title}", issue.key, "conflict-1")
    made = await world.clone(str(issue.branch), f"{issue.key}-conflict")
    head = await made.head()
    await made.merge(tip)
    result = await world.code(job, made.path)
    patch = await made.patch()
    await git.discard(made)
    await push(world, issue, patch, head, result, job.round, tip)


async def merge(world: World, key: str) -> bool:
    """Merge the node's pull request at the head that was tested; False when head or base has moved."""
    issue, repo = world.issues[key], world.repo
    number, tested = int(issue.pr_number or 0), issue.tested_head
    pull, tip = await repo.pull(number), await repo.branch_sha(str(issue.base))
    if tested is None or pull.head != tested or not await repo.contains(tested, str(tip)):
        return False
    pull = await repo.pull(number)
    if pull.draft:
        await repo.mark_ready(pull.node_id)
    title = f"Merge {issue.branch} into {issue.base} (#{number})"
    message = f"{issue.title}\n\n{trailers(world.run.id, key, str(issue.round))}\n"
    sha = await repo.merge_pull(number, tested, title, message)
    world.set(key, merged_sha=sha, status=IssueStatus.DONE)
    for ancestor in world.tree.ancestors(key):
        if ancestor.branch == issue.base:
            world.set(ancestor.key, head=sha, tested_head=None)
    return True
