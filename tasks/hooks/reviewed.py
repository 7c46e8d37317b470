"""A review on GitHub lets a merge pass: when GitHub itself says that a person who may write gave it, on this head."""

from __future__ import annotations

from typing import Any

from ledger.approvals import record_approval
from ledger.models import Approval, Delivery, Issue, Model, Outcome, Run
from shipline.errors import NotFound, ShiplineError, Unavailable
from tasks.approving import approve
from tasks.context import Context
from tasks.github.repo import Repo
from tasks.hooks.asked import MAY
from tasks.hooks.payloads import Reviewed, read

BY_US = "Shipline-Run: "  # a trailer of every commit that we make of an agent's work


class ReviewSeen(Model):
    """A review as GitHub has it now."""

    login: str
    person: bool
    state: str
    commit: str


async def reviewed(ctx: Context, delivery: Delivery) -> str:
    """``pull_request_review``: an approval lets its head merge; one that is dismissed does so no more."""
    told = read(Reviewed, delivery.payload)
    number = told.pull_request.number
    issue = await ctx.store.find_one(Issue, {"repo": told.repo, "prNumber": number}, newest=True)
    run = issue and await ctx.store.get(Run, issue.run_id)
    if issue is None or not run or run.outcome not in (None, Outcome.FAILED):
        return "no open run knows it"
    repo = Repo(ctx.github, told.repo)
    seen = await _look(repo, number, told.review.id)
    if seen is None:
        return "the review is gone"
    via = f"GitHub review {told.review.id}"
    if seen.state == "DISMISSED":
        return await _withdraw(ctx, issue, via)
    if seen.state != "APPROVED":
        return "no approval"
    why_not = await _no_approver(ctx, repo, issue, seen)
    if why_not:
        return f"{seen.login} cannot approve #{number}: {why_not}"
    try:
        done = await approve(run.id, by=f"@{seen.login}", via=via, node=issue.key, head=seen.commit)
    except Unavailable:
        raise
    except ShiplineError as error:
        return f"refused: {error}"
    return done.said


async def _no_approver(ctx: Context, repo: Repo, issue: Issue, seen: ReviewSeen) -> str:
    """Why this account's word lets nothing merge; nothing when it does."""
    if not seen.person or seen.login.endswith("[bot]"):
        return "it is a program's account"
    if seen.login.lower() == (await ctx.github.login()).lower():
        return "it is the account that Shipline works as"
    if await repo.permission(seen.login) not in MAY:
        return f"it may not write to {repo.full_name}"
    commits = await repo.commits_since(str(issue.base), seen.commit)
    wrote = {_login(each.author) for each in commits if BY_US in each.commit.message}
    return "an agent's commit in it is under this account's name" if seen.login.lower() in wrote else ""


async def _withdraw(ctx: Context, issue: Issue, via: str) -> str:
    given = await ctx.store.find_one(Approval, {"runId": issue.run_id, "node": issue.key, "via": via})
    if given is None:
        return "it had approved nothing"
    await record_approval(
        ctx.store, issue.run_id, issue.key, str(given.head), by=given.by, via=via, withdrawn=True
    )  # fmt: skip
    return f"the approval of {str(given.head)[:7]} by {given.by} no longer counts"


async def _look(repo: Repo, number: int, review_id: int) -> ReviewSeen | None:
    rest: Any = repo.host.client.rest
    at = {"owner": repo.owner, "repo": repo.name, "pull_number": number, "review_id": review_id}
    try:
        found = (await repo.host.ask(lambda: rest.pulls.async_get_review(**at))).json()
    except NotFound:
        return None
    user = found["user"] or {"login": "ghost", "type": "User"}  # the account is gone
    return ReviewSeen(
        login=user["login"], person=user["type"] == "User", state=found["state"], commit=found["commit_id"] or ""
    )


def _login(user: Any) -> str:
    return str(getattr(user, "login", "") or "").lower()
