"""Plans that were shown to a person: the one that was approved, and the one that was not taken."""

from __future__ import annotations

from ledger.issues import read_tree
from ledger.models import Approval, Outcome, Plan, Run
from ledger.rules.plan import plan_of
from ledger.store import Store


async def approved_plan(store: Store, run_id: str) -> Plan | None:
    """The plan of a run as a person approved it."""
    found = await store.find_one(Approval, {"_id": run_id})
    return found.plan if found else None


async def earlier_plan(store: Store, run: Run) -> tuple[str, Plan] | None:
    """The newest plan of the repository before this run's that nobody approved: the id of its run, and the plan."""
    older = {
        "repo": run.repo, "created_at": {"$lt": run.created_at}, "approvedBy": None, "dryRun": True,
        "outcome": {"$in": [Outcome.PLANNED, Outcome.CANCELLED]},
    }  # fmt: skip
    found = await store.find_one(Run, older, newest=True)
    tree = await read_tree(store, found.id) if found else None
    return (found.id, plan_of(tree)) if found and tree and tree.issues else None
