"""The plan that a person is asked to approve: its leaves, what they will take, and how it differs from another."""

from __future__ import annotations

from console.view.words import lasting, money
from ledger.models import IssueType, Plan, Run
from ledger.rules.plan import plan_diff, plan_of
from ledger.rules.tree import Tree

NAMED = 6  # nodes of the critical path that are named


def forecast(run: Run) -> dict[str, str]:
    """What the plan will take, by name; empty when nothing was forecast."""
    found = run.forecast
    if found is None:
        return {}
    return {
        "Leaves": str(found.leaves),
        "Work": lasting(60 * found.minutes_of_work),
        "Time to the end": lasting(60 * found.minutes_to_finish),
        "Cost": money(found.usd),
        "Budget": money(run.budget.usd) if run.budget.usd is not None else "no limit",
    }


def critical_path(run: Run, tree: Tree) -> str:
    """The nodes that decide when it ends, in order, by title."""
    keys = run.forecast.critical_path if run.forecast else []
    named = [tree[key].title if key in tree else key for key in keys[:NAMED]]
    more = f" → … ({len(keys) - NAMED} more)" if len(keys) > NAMED else ""
    return " → ".join(named) + more


def rows(tree: Tree) -> list[dict[str, str]]:
    """The plan's nodes, parents before children."""
    if not tree.issues:
        return []
    planned = {each.key: each for each in plan_of(tree).nodes}
    found: list[dict[str, str]] = []

    def visit(key: str, depth: int) -> None:
        if key in planned:
            node = planned[key]
            leaf = node.type is IssueType.TASK
            found.append(
                {
                    "Issue": "\u2003" * depth + node.title,
                    "Kind": node.type.value,
                    "After": ", ".join(node.dependencies),
                    "Files": ", ".join(node.files),
                    "Criteria": "; ".join(node.acceptance_criteria),
                    "Agent": node.agent if leaf else "",
                    "Estimate": lasting(60 * node.estimate_minutes) if leaf else "",
                }
            )
        for child in tree.children(key):
            visit(child.key, depth + 1)

    visit(tree.root.key, 0)
    return found


def changes(before: Plan | None, tree: Tree) -> list[str]:
    """What is different from another plan, a line each; nothing when there is none, or no difference."""
    if before is None or not tree.issues:
        return []
    silent = {node.key: node.estimate_usd for node in before.nodes}  # money is not kept with the issues
    after = plan_of(tree)
    nodes = [each.model_copy(update={"estimate_usd": silent.get(each.key, 0)}) for each in after.nodes]
    return plan_diff(before, after.model_copy(update={"nodes": nodes}))
