"""What is done with one node: built, checked, landed. Each step gives a verdict to the ledger instead of raising."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from flows.filing import file_under, settle, tell
from ledger.interrupts import words
from ledger.models import IssueStatus
from shipline.errors import Interrupted, ShiplineError
from tasks.branches import prepare_branch, update_branch
from tasks.checks import check
from tasks.gate import await_required
from tasks.gates import GatesShut
from tasks.implementing import implement, resolve_conflict
from tasks.pulls import merge_begun, merge_pull_request, open_pull_request, review
from tasks.reconcile.nodes import attend, explain
from tasks.state import get_run, get_tree, mark_failed
from tasks.step import step

MOVES = 5  # how often head or base may move under a merge before a person should look


@step(name="leaf", task_run_name="leaf {key}")
async def build(run_id: str, key: str) -> None:
    """One leaf: branch, agent, guards, commit, pull request, review, QA."""
    await _verdict(run_id, key, _build)


@step(name="land", task_run_name="land {key}")
async def land(run_id: str, key: str) -> None:
    """Bring a node up to its base, check that very head, merge it, close its issue."""
    await _verdict(run_id, key, _land)


STEPS: dict[str, Callable[[str, str], Coroutine[Any, Any, None]]] = {"build": build, "land": land}


async def _build(run_id: str, key: str) -> None:
    tree = await get_tree(run_id)
    issue = tree[key]
    if issue.branch is not None and await attend(run_id, key):
        return await settle(run_id, key)
    if issue.status in (IssueStatus.NEW, IssueStatus.IN_PROGRESS):
        for node in [*reversed(tree.ancestors(key)), issue]:
            await prepare_branch(run_id, node.key)
            if node.branch and node.status is IssueStatus.NEW:  # a dry run made it, before its predecessors were done
                await bring_up(run_id, node.key)
        await implement(run_id, key)
        await open_pull_request(run_id, key)
    if issue.status in (IssueStatus.NEW, IssueStatus.IN_PROGRESS, IssueStatus.REVIEW):
        finding = await review(run_id, key)
        if finding is not None:
            return await file_under(run_id, key, [finding])
    findings = await check(run_id, key)
    if findings:
        await file_under(run_id, key, findings)
    return None


async def _land(run_id: str, key: str) -> None:
    if await attend(run_id, key):
        return await settle(run_id, key)  # a person merged it by hand
    if await merge_begun(run_id, key) and await merge_pull_request(run_id, key):
        return await settle(run_id, key)  # a process died in the merge, or between it and what follows
    for _ in range(MOVES):
        await bring_up(run_id, key)
        findings = await check(run_id, key)
        if findings:
            return await file_under(run_id, key, findings)
        await open_pull_request(run_id, key)
        red = await await_required(run_id, key)
        if red:
            return await file_under(run_id, key, red)
        if await merge_pull_request(run_id, key):
            return await settle(run_id, key)
    raise ShiplineError(f"The branches of {key} moved {MOVES} times while it was to merge.", "Retry when they rest.")


async def bring_up(run_id: str, key: str) -> None:
    """Merge the base into the node's branch where it lacks something, with an agent's help where they conflict."""
    if (await update_branch(run_id, key)).conflict:
        await resolve_conflict(run_id, key)


async def _verdict(run_id: str, key: str, work: Callable[[str, str], Coroutine[Any, Any, None]]) -> None:
    # One failing leaf must not take its siblings with it: its error goes to the ledger, and the loop reads it there.
    try:
        await work(run_id, key)
    except Interrupted:
        raise
    except GatesShut as shut:
        if shut.heals:
            return await tell(run_id)  # the loop comes again when what is open below it is done
        await _fail(run_id, key, str(shut))
    except ShiplineError as error:
        await _fail(run_id, key, str(error), look=True)
    except Exception as error:  # noqa: BLE001 (a defect of ours, or of a library: the sentence is better than a dead run)
        await _fail(run_id, key, f"{type(error).__name__}: {error}")
    return None


async def _fail(run_id: str, key: str, sentence: str, *, look: bool = False) -> None:
    run = await get_run(run_id)
    if run.interrupt.cancelled:  # its agents and processes were ended under it
        raise Interrupted(f"{words(run)}.")
    why = await explain(run_id, key, sentence) if look else sentence
    if why is not None:
        await mark_failed(run_id, key, why)
