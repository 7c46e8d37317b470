"""What GitHub shows of a run's nodes, and what the journal says that we did with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ledger.models import Effect, EffectKind, EffectStatus, Issue, IssueStatus
from ledger.rules.reconcile import Ours, PullSeen, Seen
from shipline.errors import NotFound
from tasks.github.repo import Repo
from tasks.pulls import merge_key
from tasks.reconcile import github
from tasks.state import Here

_MOVING = (
    EffectKind.PUSH, EffectKind.BRANCH_UPDATE, EffectKind.BRANCH_CREATE, EffectKind.COMMIT_SPEC,
    EffectKind.COMMIT_PLAN, EffectKind.PULL_MERGE,
)  # fmt: skip


@dataclass
class Journal:
    """The effects of a run (or of one node), by what matters here."""

    effects: list[dict[str, Any]]
    made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.made = {str(each["outcome"]["sha"]) for each in self.effects if (each.get("outcome") or {}).get("sha")}

    def ours(self, issue: Issue, branch: str | None) -> Ours:
        """What we did with the node."""
        mine = [each for each in self.effects if each["nodeKey"] == issue.key and "/surplus-" not in each["_id"]]
        states = (EffectKind.ISSUE_CLOSE, EffectKind.ISSUE_REOPEN)
        spoken = [each for each in mine if each["kind"] in states and each["status"] == EffectStatus.SUCCEEDED]
        spoken.sort(key=lambda each: each["updated_at"])
        under_way = any(each["kind"] in _MOVING and each["status"] == EffectStatus.INTENDED for each in self.effects)
        return Ours(
            closed=bool(spoken) and spoken[-1]["kind"] == EffectKind.ISSUE_CLOSE,
            merging=any(each["_id"] == str(merge_key(issue)) for each in mine),
            moving=under_way or (branch is not None and branch in self.made),
        )


async def read_journal(at: Here, key: str | None = None) -> Journal:
    """The effects of the run, or of one of its nodes."""
    query: dict[str, Any] = {"runId": at.run.id}
    if key is not None:  # by the range of its ids, which needs no index of its own
        query = {"_id": {"$gte": f"{at.run.id}/{key}/", "$lt": f"{at.run.id}/{key}0"}}
    wanted = {"nodeKey": 1, "kind": 1, "status": 1, "updated_at": 1, "outcome.sha": 1, "outcome.id": 1}
    return Journal([each async for each in at.ctx.store.collection(Effect).find(query, wanted)])


async def see_node(at: Here, issue: Issue) -> Seen:
    """One node, asked for by itself."""
    state = await see_issue(at.repo, issue)
    if issue.status is IssueStatus.DONE:
        return Seen(issue_open=state[0], issue_by=state[1])
    branch = await at.repo.branch_sha(issue.branch) if issue.branch else None
    pull = await see_pull(at.repo, issue.pr_number) if issue.pr_number else None
    return await _seen(at, issue, state, branch, pull, {branch} if branch else set())


@dataclass(frozen=True)
class Listing:
    """The repository's issues with our label by number, its branches, and the numbers of its open pull requests."""

    issues: dict[int, Any]
    branches: dict[str, str]
    open_pulls: set[int]


async def list_repository(at: Here) -> Listing:
    """Three listings, however large the tree is (a hundred a request)."""
    found = await asyncio.gather(
        github.list_issues(at.repo, at.run.created_at), github.list_branches(at.repo), github.list_open_pulls(at.repo)
    )
    return Listing({each.number: each for each in found[0]}, found[1], found[2])


async def see_all(at: Here, issues: Iterable[Issue], listing: Listing) -> dict[str, Seen]:
    """Every node that is on GitHub, from listings; only what was closed or moved is asked for by itself."""
    found: dict[str, Seen] = {}
    for issue in issues:
        if issue.number is None:
            continue
        listed = listing.issues.get(issue.number)
        state = (listed.state == "open", "") if listed is not None else (None, "")
        if state[0] is not (issue.status is not IssueStatus.DONE):
            state = await see_issue(at.repo, issue)
        if issue.status is IssueStatus.DONE:
            found[issue.key] = Seen(issue_open=state[0], issue_by=state[1])
            continue
        branch = listing.branches.get(issue.branch or "")
        pull = None
        if issue.pr_number in listing.open_pulls:
            pull = PullSeen(int(issue.pr_number or 0), True, branch or "")
        elif issue.pr_number is not None:
            pull = await see_pull(at.repo, issue.pr_number)
        found[issue.key] = await _seen(at, issue, state, branch, pull, set(listing.branches))
    return found


async def see_issue(repo: Repo, issue: Issue) -> tuple[bool | None, str]:
    """Whether its issue is open, and who closed it; None when there is no such issue any more."""
    found = await github.get_issue(repo, int(issue.number or 0))
    return (None, "") if found is None else (found.state == "open", github.login(found.closed_by))


async def see_pull(repo: Repo, number: int) -> PullSeen:
    """A pull request, and who merged or closed it."""
    found, by = await github.get_pull(repo, number)
    if not found.open and not by:
        as_issue = await github.get_issue(repo, number)
        by = github.login(as_issue.closed_by if as_issue else None)
    return PullSeen(number, found.open, found.head, found.merged_sha, by)


async def _seen(
    at: Here, issue: Issue, state: tuple[bool | None, str], branch: str | None, pull: PullSeen | None, there: set[str]
) -> Seen:
    holds, base_there = True, True
    if pull is not None and pull.merged_sha:
        holds = await _holds(at.repo, pull.head, issue.head)
    elif branch is not None:
        holds = await _holds(at.repo, branch, issue.head)
    if pull is not None and not pull.open and not pull.merged_sha and issue.base:
        base_there = issue.base in there or await at.repo.branch_sha(issue.base) is not None
    return Seen(state[0], state[1], pull, branch, base_there, holds)


async def _holds(repo: Repo, head: str, ours: str | None) -> bool:
    if ours is None or head == ours:
        return True
    try:
        return await repo.contains(head, ours)
    except NotFound:  # the commit is gone from GitHub
        return False
