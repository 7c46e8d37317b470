"""Who did what to a project's code through us: kept by project, and told in the run whose issue is meant."""

from __future__ import annotations

from ledger.models import Act, EventType, Issue, Run
from ledger.store import Store
from ledger.timeline import append, event
from shipline.ids import uuid7


async def keep_act(store: Store, project_id: str, by: str, what: str, issue: Issue | None = None) -> None:
    """Note what was done, once it is."""
    where = {"run_id": issue.run_id, "node_id": issue.key} if issue else {}
    made = Act(id=uuid7(), project_id=project_id, by=by, what=what, **where)
    await store.insert(made)
    if issue is not None:
        run = await store.get(Run, issue.run_id)
        told = event(
            EventType.ISSUE_UPDATED, run.state, f"{by}: {what}", node=issue.key, data={"by": by},
            event_id=f"act-{made.id}",
        )  # fmt: skip
        await append(store, run.id, told)
