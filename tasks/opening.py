"""A node's branch and its pull request, each opened once, whoever asks: a run's flow, or a person through the API."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.issues import change_issue, line_of
from ledger.models import EffectKind, Issue
from ledger.rules.branches import INTEGRATION, base_branch, branch_name
from ledger.rules.tree import Tree
from shipline.errors import NotFound
from tasks.github.shapes import PullRef, Sha
from tasks.state import Here
from tasks.texts import pull_body, pull_title


async def make_branch(at: Here, issue: Issue) -> str:
    """Its branch, made where it is missing from that of the nearest ancestor that is open, which must be there."""
    if issue.branch:
        return issue.branch
    line = Tree.of(await line_of(at.ctx.store, at.run.id, issue.key))
    base, name = base_branch(line, issue.key, INTEGRATION), branch_name(issue)

    async def look() -> Sha | None:
        sha = await at.repo.branch_sha(name)
        return Sha(sha=sha) if sha else None

    async def act() -> Sha:
        sha = await at.repo.branch_sha(base)
        if sha is None:
            raise NotFound(f"Branch {base} of {at.run.repo} is gone.", "Restore it, then retry.")
        return Sha(sha=await at.repo.create_branch(name, sha))

    made = await perform(
        at.ctx.store, Key(at.run.id, issue.key, "1", EffectKind.BRANCH_CREATE), Sha, act=act, look=look,
        say=lambda done: f"Branch {name} from {base} at {done.sha[:7]}", phase=at.run.state,
    )  # fmt: skip
    values = {"branch": name, "base": base, "head": made.sha}
    await change_issue(at.ctx.store, at.run.id, issue.key, values, expect={"branch": None})
    return name


async def open_pull(at: Here, issue: Issue) -> int:
    """Its draft pull request to its base; the number."""
    if issue.pr_number is not None:
        return issue.pr_number
    branch, base = str(issue.branch), str(issue.base)

    async def look() -> PullRef | None:
        return await at.repo.find_pull(branch, base, but=issue.earlier_prs)

    async def act() -> PullRef:
        return await at.repo.open_pull(branch, base, pull_title(issue), pull_body(issue, at.run))

    opened = await perform(
        at.ctx.store, Key(at.run.id, issue.key, "1", EffectKind.PULL_OPEN, "-".join(map(str, issue.earlier_prs))),
        PullRef, act=act, look=look,
        say=lambda done: f"Pull request #{done.number}: {branch} to {base}", phase=at.run.state,
    )  # fmt: skip
    await change_issue(at.ctx.store, at.run.id, issue.key, {"prNumber": opened.number})
    return opened.number
