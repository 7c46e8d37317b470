"""ISSUE_TREE: a spec becomes an ordered tree of issues, on GitHub too."""

from __future__ import annotations

from flows.heeding import stage
from ledger.models import Outcome, RunState
from ledger.rules.tree import Tree
from tasks.branches import commit_plan, commit_spec, prepare_branch
from tasks.issues import link_issue, prepare_labels, sync_issue
from tasks.planning import write_plan
from tasks.pulls import open_pull_request
from tasks.report import show_plan
from tasks.slots import by_one_worker
from tasks.state import enter, finish, get_run, get_tree


@stage("plan")
@by_one_worker
async def plan(run_id: str) -> None:
    """Have the tree drawn and checked, create its issues, and give the epic its branch with the spec.

    A dry run goes on to give every node a branch with its plan and a draft pull request, and ends here.
    """
    if not await enter(run_id, RunState.ISSUE_TREE, "Planning the issue tree"):
        return
    await write_plan(run_id)
    await prepare_labels(run_id)
    tree = await get_tree(run_id)
    for key in from_the_top(tree):
        await sync_issue(run_id, key)
    for key in from_the_top(tree):
        await link_issue(run_id, key)
    root = tree.root.key
    await prepare_branch(run_id, root)
    await commit_spec(run_id, root)
    await open_pull_request(run_id, root)
    await show_plan(run_id)
    if (await get_run(run_id)).dry_run:
        await draft(run_id, tree)
        await finish(run_id, Outcome.PLANNED)


async def draft(run_id: str, tree: Tree) -> None:
    """Branches and draft pull requests that hold plans and no code."""
    for key in from_the_top(tree):
        await prepare_branch(run_id, key)
        await commit_plan(run_id, key)
        await open_pull_request(run_id, key)


def from_the_top(tree: Tree) -> list[str]:
    """Every key of the plan, parents before their children, siblings in order; defects come later by themselves."""
    keys, waiting = [], [tree.root.key]
    while waiting:
        key = waiting.pop(0)
        keys.append(key)
        defects = {defect.key for defect in tree.defects(key)}
        waiting += [child.key for child in tree.children(key) if child.key not in defects]
    return keys
