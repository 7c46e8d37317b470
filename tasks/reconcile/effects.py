"""Effects whose worker has vanished: the intent is written, the outcome is not, and nobody holds the lease."""

from __future__ import annotations

from typing import Any

from ledger.lease import gone
from ledger.models import Effect, EffectKind, EffectStatus, Issue
from ledger.rules.tree import Tree
from tasks.reconcile.facts import Listing
from tasks.reconcile.noticed import Noticed
from tasks.state import Here
from tasks.texts import marker


async def abandoned(at: Here) -> list[Effect]:
    """The run's effects that were begun and that nobody carries out any more, oldest first."""
    begun = await at.ctx.store.find(Effect, {"runId": at.run.id, "status": EffectStatus.INTENDED}, [("created_at", 1)])
    held = await _held(at)
    return [each for each in begun if each.id not in held]


async def is_held(at: Here) -> bool:
    """Whether somebody carries out an effect of the run right now."""
    return bool(await _held(at))


async def tell_abandoned(at: Here, tree: Tree, listing: Listing | None) -> list[Noticed]:
    """One line each. While the run can go on they heal by themselves; of an ended run, what they left is looked for."""
    return [
        Noticed(run_id=at.run.id, node=each.node_key, what=_words(each), **await _hope(at, tree, listing, each))
        for each in await abandoned(at)
    ]


def _words(effect: Effect) -> str:
    since = f"{effect.updated_at:%Y-%m-%d %H:%M:%S}"
    return f"{effect.kind} of {effect.node_key} was begun at {since} UTC and not ended, and its worker is gone"


async def _hope(at: Here, tree: Tree, listing: Listing | None, effect: Effect) -> dict[str, str]:
    if at.run.outcome is None:
        return {"did": "nothing; when the run goes on it looks first and then ends it"}
    left = await _look(at, tree, listing, effect)
    if left:
        return {"decide": f"the run has ended ({at.run.outcome}) and {left} is on GitHub: keep it or close it"}
    return {"did": f"nothing; the run has ended ({at.run.outcome}) and nothing of it was found on GitHub"}


async def _look(at: Here, tree: Tree, listing: Listing | None, effect: Effect) -> str:
    """What an effect of an ended run may have left on GitHub; nothing where there is nothing to find or to keep."""
    if listing is None or effect.node_key not in tree:
        return ""
    issue = tree[effect.node_key]
    if effect.kind == EffectKind.ISSUE_CREATE:
        mark = marker(at.run.id, issue.key)
        found = [each.number for each in listing.issues.values() if mark in str(each.body or "")]
        return f"issue #{found[0]}" if found else ""
    if effect.kind == EffectKind.PULL_OPEN:
        return await _pull(at, issue)
    if effect.kind == EffectKind.BRANCH_CREATE and issue.branch in listing.branches:
        return f"branch {issue.branch}"
    return ""


async def _pull(at: Here, issue: Issue) -> str:
    if not issue.branch or not issue.base:
        return ""
    found = await at.repo.find_pull(issue.branch, issue.base)
    return f"pull request #{found.number}" if found else ""


async def _held(at: Here) -> set[str]:
    """The effects under a lease that has not run out, by the database's clock, of a holder that may be alive."""
    query: dict[str, Any] = {
        "runId": at.run.id, "status": EffectStatus.INTENDED, "$expr": {"$gt": ["$lease.until", "$$NOW"]},
    }  # fmt: skip
    leased = await at.ctx.store.find(Effect, query)
    return {each.id for each in leased if not gone(each.lease.owner)}
