"""GitHub changed by hand: noticed by the run itself, at its steps and stages, and by reconcile."""

from __future__ import annotations

import logging
from collections.abc import Collection

from ledger.interrupts import heed
from ledger.issues import get_issue, read_tree
from ledger.models import Issue
from ledger.rules.reconcile import Act, Seen, Verdict, judge
from ledger.rules.tree import Tree, is_open
from shipline.errors import Interrupted, ShiplineError
from tasks.context import context
from tasks.reconcile.facts import Listing, list_repository, read_journal, see_all, see_node
from tasks.reconcile.mending import mend
from tasks.reconcile.noticed import Noticed, Undecided
from tasks.state import Here, here

log = logging.getLogger(__name__)

ALL_ACTS = frozenset(Act)


async def attend(run_id: str, key: str) -> bool:
    """Before a step of a node: take in what a person did with it on GitHub. True when they merged it.

    Raises Undecided, with a sentence, when a person must decide, and Interrupted when that pauses the run.
    """
    await _look(run_id, key)
    return (await get_issue((await context()).store, run_id, key)).merged_sha is not None


async def explain(run_id: str, key: str, sentence: str) -> str | None:
    """After a step of a node failed: the sentence that says why, which may be what a person did by hand.

    None when what they did could be mended: then the step is to be tried again.
    """
    try:
        return None if await _look(run_id, key) else sentence
    except Undecided as asked:
        return str(asked)
    except Interrupted:
        raise
    except ShiplineError as error:
        log.warning("Nobody could look at GitHub: %s", error, extra={"runId": run_id, "nodeId": key})
        return sentence


async def _look(run_id: str, key: str) -> list[Verdict]:
    """What was mended, in the epic's issue and in the node."""
    at = await here(run_id)
    tree = await read_tree(at.ctx.store, run_id)
    mended: list[Verdict] = []
    for issue in dict.fromkeys((tree.root.key, key)):
        mended += await _attend(at, tree, tree[issue], only_issue=issue != key)
    await heed(at.ctx.store, run_id)
    return mended


async def _attend(at: Here, tree: Tree, issue: Issue, *, only_issue: bool) -> list[Verdict]:
    if issue.number is None:
        return []
    seen = await see_node(at, issue.model_copy(update={"branch": None, "pr_number": None}) if only_issue else issue)
    journal = await read_journal(at, issue.key)
    looked = issue.model_copy(update={"branch": None}) if only_issue else issue
    verdicts = judge(looked, seen, journal.ours(issue, seen.branch), open_below=_open_below(tree, issue))
    for verdict in verdicts:
        await mend(at, issue, seen, verdict)
    return verdicts


async def attend_all(run_id: str) -> list[Noticed]:
    """At the start of a stage, while no step runs: the same for every node of the run."""
    at = await here(run_id)
    tree = await read_tree(at.ctx.store, run_id)
    if not tree.issues:
        return []
    found = await look_over(at, tree, await list_repository(at), may=ALL_ACTS)
    await heed(at.ctx.store, run_id)
    return found


async def look_over(at: Here, tree: Tree, listing: Listing, *, may: Collection[Act]) -> list[Noticed]:
    """What is not as the ledger left it in any node of the run; of it, what ``may`` allows is mended."""
    seen = await see_all(at, tree.issues, listing)
    journal = await read_journal(at)
    found: list[Noticed] = []
    for issue in tree.issues:
        if issue.key not in seen:
            continue
        each = seen[issue.key]
        verdicts = judge(issue, each, journal.ours(issue, each.branch), open_below=_open_below(tree, issue))
        found += [await _handle(at, issue, each, verdict, may) for verdict in verdicts]
    return found


async def _handle(at: Here, issue: Issue, seen: Seen, verdict: Verdict, may: Collection[Act]) -> Noticed:
    noticed = Noticed(run_id=at.run.id, node=issue.key, what=verdict.what, decide=verdict.decide)
    if verdict.act not in may:
        return noticed
    try:
        return noticed.model_copy(update={"did": await mend(at, issue, seen, verdict)})
    except Undecided as asked:
        if verdict.decide:
            return noticed.model_copy(update={"did": verdict.act.value})
        return noticed.model_copy(update={"decide": str(asked)})
    except Interrupted:
        return noticed
    except ShiplineError as error:
        log.warning("%s: %s", verdict.what, error, extra={"runId": at.run.id, "nodeId": issue.key})
        return noticed.model_copy(update={"decide": f"it could not be mended: {error}"})


def _open_below(tree: Tree, issue: Issue) -> bool:
    return any(is_open(each) for each in tree.descendants(issue.key))
