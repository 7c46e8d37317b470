"""Issues in the store: the tree of a run, and changes to one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.models import EventType, Issue, IssueStatus, Level, Plan, PlanNode, Run, issue_id
from ledger.rules.tree import Tree
from ledger.store import Store
from ledger.timeline import drain, event


async def read_tree(store: Store, run_id: str) -> Tree:
    """The run's tree as it stands."""
    return Tree.of(await store.find(Issue, {"runId": run_id}))


async def get_issue(store: Store, run_id: str, key: str) -> Issue:
    """One node of a run."""
    return await store.get(Issue, issue_id(run_id, key))


async def line_of(store: Store, run_id: str, key: str) -> list[Issue]:
    """The node and its ancestors, from itself up to the root."""
    line = [await get_issue(store, run_id, key)]
    while (parent := line[-1].parent) is not None:
        line.append(await get_issue(store, run_id, parent))
    return line


async def store_plan(store: Store, run: Run, plan: Plan) -> None:
    """Write the plan's nodes; a node that is there already is left as it is."""
    for node in plan.nodes:
        await store.insert(_issue(run, node))


async def add_issue(store: Store, issue: Issue, msg: str) -> bool:
    """Write a node that was not in the plan (a defect); False when it is there already."""
    told = event(EventType.ISSUE_UPDATED, "EXECUTION_LOOP", msg, node=issue.key, level=Level.WARNING)
    added = await store.insert(issue.model_copy(update={"outbox": [told]}))
    await drain(store, await store.get(Issue, issue.id))
    return added


async def change_issue(
    store: Store,
    run_id: str,
    key: str,
    values: Mapping[str, Any],
    *,
    expect: Mapping[str, Any] | None = None,
    msg: str = "",
    phase: str = "EXECUTION_LOOP",
    level: Level = Level.INFO,
    add: Mapping[str, int] | None = None,
) -> Issue | None:
    """Set fields of a node (Mongo names); with ``msg`` the timeline tells of it. None when ``expect`` did not hold."""
    told = (
        event(EventType.ISSUE_UPDATED, phase, msg, node=key, level=level, data={"set": dict(values)}) if msg else None
    )
    changed = await store.change(Issue, issue_id(run_id, key), values, expect=expect, event=told, add=add)
    if changed is not None and told is not None:
        await drain(store, changed)
    return changed


async def set_status(store: Store, run_id: str, key: str, status: IssueStatus) -> None:
    """Move a node to ``status``, told once; already there changes nothing."""
    await change_issue(
        store, run_id, key, {"status": status}, expect={"status": {"$ne": status}}, msg=f"{key} is {status}"
    )


def _issue(run: Run, node: PlanNode) -> Issue:
    shared = node.model_dump(exclude={"estimate_usd"})
    labels = ["shipline", f"type:{node.type.value}"]
    return Issue(
        id=issue_id(run.id, node.key), run_id=run.id, project_id=run.project_id, repo=run.repo, labels=labels, **shared
    )
