"""Reviews of pull requests, as people write them on GitHub."""

from __future__ import annotations

from ledger.models import Delivery, Issue, Run
from tasks.context import Context
from tasks.hooks.payloads import Reviewed, read


async def reviewed(ctx: Context, delivery: Delivery) -> str:
    """``pull_request_review``: told in words, with the run whose pull request it is."""
    told = read(Reviewed, delivery.payload)
    number, who = told.pull_request.number, told.review.user.login if told.review.user else "somebody"
    issue = await ctx.store.find_one(Issue, {"repo": told.repo, "prNumber": number}, newest=True)
    run = issue and await ctx.store.get(Run, issue.run_id)
    whose = f"of {run.id}, which goes on" if run and run.outcome is None else "which no open run has opened"
    return f"{who} reviewed #{number} ({told.review.state}), {whose}"
