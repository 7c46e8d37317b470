"""Merge gates: the facts are gathered from GitHub and the ledger, kept on the issue, and judged by one rule."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.approvals import approvals_of
from ledger.interrupts import lift_pause, pause_run
from ledger.issues import change_issue, get_issue, read_tree
from ledger.models import EffectiveSettings, EventType, Gate, GateFacts, Issue, Level, now
from ledger.rules.budget import lines, stop_words, used_up
from ledger.rules.gates import (
    APPROVAL,
    BELOW,
    BUDGET,
    CURRENT,
    DEFECTS,
    QA,
    REQUIRED,
    approval_words,
    gates,
    in_the_way,
    refusal,
    waits_for_approval,
)
from ledger.rules.tree import Tree, is_open
from ledger.timeline import append, event
from shipline.errors import Interrupted, ShiplineError
from shipline.ids import digest
from tasks.budget import require_budget, spent_by
from tasks.context import context
from tasks.github.required import required_checks, seen_checks
from tasks.github.shapes import PullRef
from tasks.state import Here, get_settings

BY = "its merge gate"
MOVED = {QA, REQUIRED, CURRENT}  # what another look, and another test run, may heal
BELOW_IT = {BELOW, DEFECTS}  # what the loop heals by itself


class GatesShut(ShiplineError):
    """A merge was refused; ``gates`` are those in its way."""

    def __init__(self, message: str, shut: Sequence[Gate] = (), hint: str = "") -> None:
        super().__init__(message, hint)
        self.gates = list(shut)

    @property
    def heals(self) -> bool:
        """Whether work that is open below it is in the way: the loop does that, and comes again."""
        return any(each.name in BELOW_IT for each in self.gates)


async def pass_gates(at: Here, issue: Issue, pull: PullRef) -> bool:
    """Whether every gate of the merge holds; False when the node must be brought up and tested anew.

    Raises GatesShut with the list where that would heal nothing, Interrupted where the run pauses for a person.
    """
    await see_gates(at, issue, pull)
    tree = await read_tree(at.ctx.store, at.run.id)
    known = tree[issue.key]
    shut = in_the_way(gates(tree, known))
    names = {each.name for each in shut}
    if names & BELOW_IT:
        raise GatesShut(refusal(issue, shut), shut)
    if names & MOVED:
        return False
    if BUDGET in names:
        await require_budget(at.ctx.store, at.run.id)
    if names == {APPROVAL}:
        return await _ask(at, known)
    if shut:
        raise GatesShut(refusal(issue, shut), shut, f"See `shipline gates {at.run.id} {issue.key}`.")
    return True


async def see_gates(at: Here, issue: Issue, pull: PullRef) -> None:
    """Gather what the gates are judged by, and keep it where everybody who shows them finds it."""
    base, tested = str(issue.base), issue.tested_head
    tip = await at.repo.branch_sha(base)
    names = await required_checks(at.repo, base)
    seen = await seen_checks(at.repo, tested) if names and tested else {}
    spent, budget = await spent_by(at.ctx.store, at.run), at.run.budget
    reached = used_up(budget, spent)
    facts = GateFacts(
        at=now(), head=pull.head, base=base, tip=tip,
        holds_tip=tip is not None and await at.repo.contains(pull.head, tip),
        required={name: seen[name].state if name in seen else "pending" for name in names},
        approval_needed=needs_approval(issue, await get_settings(at.run)),
        approvals=await approvals_of(at.ctx.store, at.run.id, issue.key),
        limited=bool(lines(budget, spent)), budget=stop_words(at.run.id, reached, spent) if reached else "",
    )  # fmt: skip
    await change_issue(at.ctx.store, at.run.id, issue.key, {"facts": facts.model_dump(by_alias=True)})


def needs_approval(issue: Issue, settings: EffectiveSettings) -> bool:
    """Whether the project's settings ask a person before this node merges."""
    return settings.approve_every_merge or (issue.parent is None and settings.require_approval)


async def _ask(at: Here, issue: Issue) -> bool:
    """The epic's merge pauses its run until a person has spoken; another node's only stops the node."""
    store, run_id, head = at.ctx.store, at.run.id, str(issue.tested_head)
    words = approval_words(issue)
    await change_issue(store, run_id, issue.key, {"awaits": head}, expect={"awaits": {"$ne": head}})
    await append(store, run_id, event(
        EventType.STEP_STARTED, at.run.state, f"{words[0].upper()}{words[1:]}", node=issue.key, level=Level.WARNING,
        data={"head": head, "pull": issue.pr_number}, event_id=f"approval-{digest(issue.id, head)}",
    ))  # fmt: skip
    if issue.parent is not None:
        raise GatesShut(f"It {words}.", hint=f"shipline approve {run_id} {issue.key}")
    why = f"{words}; let it pass with `shipline approve {run_id}`"
    await pause_run(store, run_id, BY, why)
    if await _approved(run_id, issue.key, head):  # in between
        await lift_pause(store, run_id, BY)
        return False
    raise Interrupted(f"Run {run_id} is paused: {why}.")


async def go_on_approved(run_id: str, tree: Tree) -> bool:
    """Take up again what a person approved while it was being stopped; False when there is nothing of the kind.

    When all that is left waits for approval, the run pauses: Interrupted.
    """
    store = (await context()).store
    stopped = [each for each in tree.issues if is_open(each) and each.failure is not None]
    waiting = [each for each in stopped if waits_for_approval(each)]
    approved = [each for each in waiting if await _approved(run_id, each.key, str(each.awaits))]
    for each in approved:
        await take_up(run_id, each.key)
    if approved or not waiting or len(waiting) < len(stopped):
        return bool(approved)
    named = ", ".join(f"#{each.pr_number} at head {str(each.awaits)[:7]} (`{each.key}`)" for each in waiting)
    why = f"waits for approval of {named}; let one pass with `shipline approve {run_id} NODE`"
    await pause_run(store, run_id, BY, why)
    raise Interrupted(f"Run {run_id} is paused: {why}.")


async def take_up(run_id: str, key: str) -> None:
    """Let a node that waited for approval go on."""
    store = (await context()).store
    issue = await get_issue(store, run_id, key)
    await change_issue(
        store, run_id, key, {"failure": None, "awaits": None}, expect={"failure": issue.failure},
        msg=f"{key} goes on: its merge is approved",
    )  # fmt: skip


async def _approved(run_id: str, key: str, head: str) -> bool:
    store = (await context()).store
    return any(each.head == head for each in await approvals_of(store, run_id, key))
