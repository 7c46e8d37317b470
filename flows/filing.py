"""Defects on their way in, and parents on their way to done."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import Finding, IssueStatus
from ledger.rules.tree import Tree
from shipline.errors import ShiplineError
from tasks.defects import another_round, file_defect, is_defect
from tasks.issues import close_issue, link_issue, reopen_issue, sync_issue, untold
from tasks.pulls import open_pull_request
from tasks.reconcile.nodes import attend_all
from tasks.state import get_tree, settle_tree


async def file_under(run_id: str, key: str, findings: Sequence[Finding]) -> None:
    """File what QA found in a node as defects under it; a defect itself goes into another round."""
    tree = await get_tree(run_id)
    if is_defect(tree[key]):
        stopped = await another_round(run_id, key, findings[0])
        if stopped:
            raise ShiplineError(stopped, findings[0].evidence[-300:])
        return
    for finding in findings:
        await _file(run_id, key, finding)


async def file_found(run_id: str, found: Sequence[tuple[str, Finding]]) -> None:
    """File findings about the whole, each under the node that owns it."""
    for owner, finding in found:
        await _file(run_id, owner, finding)


async def catch_up(run_id: str) -> None:
    """What an interrupted loop had not told any more: defects that GitHub does not know yet, parents that moved.

    Before that, what a person did on GitHub meanwhile.
    """
    await attend_all(run_id)
    tree = await get_tree(run_id)
    for defect in (each for each in tree.issues if is_defect(each)):
        await _announce(run_id, str(defect.parent), defect.key)
    await tell(run_id)
    done, reopened = await untold(run_id)
    for key in reopened:
        await reopen_issue(run_id, key)
    for key in done:
        await close_issue(run_id, key)


async def _file(run_id: str, owner: str, finding: Finding) -> None:
    defect = await file_defect(run_id, owner, finding)
    await _announce(run_id, owner, defect)
    await tell(run_id)


async def _announce(run_id: str, owner: str, defect: str) -> None:
    await sync_issue(run_id, defect)
    await link_issue(run_id, owner)


async def settle(run_id: str, key: str) -> None:
    """After a node merged: close its issue, let its parents move on, and open the parent's pull request."""
    await close_issue(run_id, key)
    await tell(run_id)
    tree = await get_tree(run_id)
    parent = _target(tree, key)
    if parent is not None and tree[parent].pr_number is None:
        await open_pull_request(run_id, parent)


async def tell(run_id: str) -> None:
    """Let parents follow their children, here and on GitHub."""
    done, reopened = await settle_tree(run_id)
    for key in reopened:
        await reopen_issue(run_id, key)
    for key in done:
        await close_issue(run_id, key)


def _target(tree: Tree, key: str) -> str | None:
    """The node whose branch ``key`` was merged into."""
    base = tree[key].base
    ancestors = tree.ancestors(key)
    return next((each.key for each in ancestors if each.branch == base and each.status is not IssueStatus.DONE), None)
