"""The fault table: every way in which GitHub or the line can fail, at every kind of effect, must end in the same world.

A delivery meets one fault, once at each kind of effect. When it ends in another world, halves of the kinds are tried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.models import Effect, EffectKind
from tests.crash.grid import References
from tests.crash.scenario import Ground
from tests.crash.world import Difference, compare, look

Rule = dict[str, Any]
_REPO = "/repos/[^/]+/[^/]+"
_PUSH = ".*/git-receive-pack"
_CLONE = ".*/git-upload-pack"

# The request by which each kind acts. What asks an agent or runs a test reaches GitHub only to clone.
REQUESTS: Mapping[EffectKind, Rule] = {
    EffectKind.LABELS: {"method": "POST", "path": f"{_REPO}/labels"},
    EffectKind.ISSUE_CREATE: {"method": "POST", "path": f"{_REPO}/issues"},
    EffectKind.ISSUE_BLOCK: {"method": "POST", "path": f"{_REPO}/issues/[0-9]+/dependencies/blocked_by"},
    EffectKind.ISSUE_CLOSE: {"method": "PATCH", "path": f"{_REPO}/issues/[0-9]+", "body": ".*closed.*"},
    EffectKind.ISSUE_REOPEN: {"method": "PATCH", "path": f"{_REPO}/issues/[0-9]+", "body": ".*reopened.*"},
    EffectKind.BRANCH_CREATE: {"method": "POST", "path": f"{_REPO}/git/refs"},
    EffectKind.BRANCH_UPDATE: {"method": "POST", "path": f"{_REPO}/merges"},
    EffectKind.COMMIT_SPEC: {"method": "PUT", "path": f"{_REPO}/contents/.*"},
    EffectKind.COMMIT_PLAN: {"method": "PATCH", "path": f"{_REPO}/git/refs/.*"},
    EffectKind.COMMIT_RELEASE: {"method": "POST", "path": _PUSH, "body": ".*refs/heads/integration.*"},
    EffectKind.PUSH: {"method": "POST", "path": _PUSH, "body": ".*refs/heads/task/.*"},
    EffectKind.PULL_OPEN: {"method": "POST", "path": f"{_REPO}/pulls"},
    EffectKind.PULL_READY: {"method": "POST", "path": "/graphql", "body": ".*markPullRequestReadyForReview.*"},
    EffectKind.PULL_MERGE: {"method": "PUT", "path": f"{_REPO}/pulls/[0-9]+/merge"},
    EffectKind.REVIEW: {"method": "POST", "path": f"{_REPO}/pulls/[0-9]+/reviews"},
    EffectKind.COMMENT_QA: {"method": "POST", "path": f"{_REPO}/issues/[0-9]+/comments"},
    EffectKind.CHECK_RUN: {"method": "POST", "path": f"{_REPO}/check-runs"},
    EffectKind.RELEASE: {"method": "POST", "path": f"{_REPO}/releases"},
    EffectKind.RELEASE_FILE: {"method": "POST", "path": f"{_REPO}/releases/[0-9]+/assets"},
    EffectKind.DEPLOYMENT_CREATE: {"method": "POST", "path": f"{_REPO}/deployments"},
    EffectKind.DEPLOYMENT_STATUS: {"method": "POST", "path": f"{_REPO}/deployments/[0-9]+/statuses"},
    # In the order in which the road comes by them.
    EffectKind.AGENT_INFRA_DEPLOY_ENGINEER: {"method": "POST", "path": _CLONE},
    EffectKind.AGENT_CODE_REVIEWER: {"method": "POST", "path": _CLONE, "skip": 6},
    EffectKind.QA: {"method": "POST", "path": _CLONE, "skip": 9},
    EffectKind.AGENT_CONFLICT: {"method": "POST", "path": _CLONE, "skip": 16},
    EffectKind.AGENT_TEST_AUTHOR: {"method": "POST", "path": _CLONE, "skip": 22},
    EffectKind.QA_WHOLE: {"method": "POST", "path": _CLONE, "skip": 27},
    EffectKind.DEPLOY: {"method": "POST", "path": _CLONE, "skip": 33},
}
DRY = (EffectKind.COMMIT_PLAN,)
HIDDEN = {"fault": "stale", "path": f"{_REPO}/.*", "seconds": 3}


@dataclass(frozen=True)
class Fault:
    """One way to fail. ``told``: how long the answer says to wait, in seconds. ``beside`` holds all the while."""

    name: str
    rule: Mapping[str, Any]
    told: float = 0.0
    beside: tuple[Mapping[str, Any], ...] = ()


FAULTS = (
    Fault("lost answer", {"fault": "lost-answer", "seconds": 0.3}),
    Fault("reset before", {"fault": "reset-before"}),
    Fault("reset after", {"fault": "reset-after"}),
    Fault("429", {"fault": "refuse", "status": 429, "headers": {"retry-after": "2"}}, told=2),
    Fault("403 secondary", {"fault": "refuse", "status": 403, "headers": {"retry-after": "2"}}, told=2),
    Fault(
        "403 primary",
        {"fault": "refuse", "status": 403, "headers": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+2"}},
        told=1,  # the reset is told in whole seconds
    ),
    Fault("500", {"fault": "refuse", "status": 500}),
    Fault("500 after", {"fault": "refuse", "status": 500, "after": True}),
    Fault("502", {"fault": "refuse", "status": 502}),
    Fault("502 after", {"fault": "refuse", "status": 502, "after": True}),
    Fault("truncated", {"fault": "truncated"}),
    Fault("lost and stale", {"fault": "reset-after"}, beside=(HIDDEN,)),
)


@dataclass(frozen=True)
class Cell:
    """What came of one fault at one kind. ``retries`` is how often its delivery needed a person's `retry`."""

    fault: str
    kind: EffectKind
    fired: bool
    difference: Difference
    retries: int
    waited: bool

    @property
    def good(self) -> bool:
        """It happened, was waited out, and left no trace."""
        return self.fired and self.waited and self.difference.equal

    @property
    def word(self) -> str:
        """The verdict in a word."""
        if not self.difference.equal:
            return "DIFFERS"
        return "equal" if self.good else "HASTY" if self.fired else "NOT HIT"


async def try_fault(
    at: Ground, references: References, fault: Fault, kinds: Sequence[EffectKind], *, dry_run: bool = False
) -> list[Cell]:
    """One delivery that meets ``fault`` once at each of ``kinds``; when something is amiss, ever fewer in one."""
    reference = await references.world(dry_run=dry_run)
    run = await at.new_run(dry_run=dry_run)
    rules: list[Rule] = [*({**REQUESTS[kind], **fault.rule} for kind in kinds), *(dict(each) for each in fault.beside)]
    fired, retries = await _under(at, run.id, rules, dry_run=dry_run)
    if dry_run:
        await at.deliver(run.id)
    difference = compare(await look(at, run.id), reference)
    waits = await _longest(at, run.id)
    cells = [
        Cell(fault.name, kind, fired[number] > 0, difference, retries, _waited(fault, kind, waits))
        for number, kind in enumerate(kinds)
    ]
    if len(kinds) == 1 or all(each.good for each in cells):
        return cells
    if difference.equal:  # the world is as it should be: only what did not happen is tried alone
        again = [[cell.kind] for cell in cells if not cell.good]
    else:
        again = [list(kinds[: len(kinds) // 2]), list(kinds[len(kinds) // 2 :])]
    found = {cell.kind: cell for cell in cells}
    for part in again:
        found |= {cell.kind: cell for cell in await try_fault(at, references, fault, part, dry_run=dry_run)}
    return [found[kind] for kind in kinds]


async def try_faults(at: Ground, faults: Sequence[Fault] = FAULTS) -> AsyncIterator[Cell]:
    """The table, cell by cell. One delivery at a time: the faults are the sandbox's, not a run's."""
    references = References(at)
    ordinary = [kind for kind in REQUESTS if kind not in DRY]
    for fault in faults:
        for cell in await try_fault(at, references, fault, ordinary):
            yield cell
        for cell in await try_fault(at, references, fault, DRY, dry_run=True):
            yield cell


async def _under(at: Ground, run_id: str, rules: list[Rule], *, dry_run: bool) -> tuple[list[int], int]:
    """Deliver under these rules; how often each fired, and how often the run had to be started again."""
    words = ["--dry-run"] if dry_run else []
    async with at.github() as client:
        (await client.delete("/_sandbox/faults")).raise_for_status()
        (await client.post("/_sandbox/faults", json=rules)).raise_for_status()
        retries = 0
        while await at.deliver(run_id, *words) != 0 and retries < 3:
            retries += 1
        told = (await client.get("/_sandbox/faults")).raise_for_status().json()
        (await client.delete("/_sandbox/faults")).raise_for_status()
    return [int(each["fired"]) for each in told], retries


async def _longest(at: Ground, run_id: str) -> dict[str, float]:
    """For each kind the longest that one of its effects took, from the intent to its outcome, in seconds."""
    longest: dict[str, float] = {}
    for each in await (await at.store()).find(Effect, {"runId": run_id}):
        took = (each.updated_at - each.created_at).total_seconds()
        longest[each.kind] = max(took, longest.get(each.kind, 0.0))
    return longest


def _waited(fault: Fault, kind: EffectKind, waits: Mapping[str, float]) -> bool:
    # git tells nobody what a refusal's headers said; a clone or a push is tried again after pauses of its own.
    by_git = REQUESTS[kind]["path"] in (_PUSH, _CLONE)
    return by_git or waits.get(kind, 0.0) >= fault.told


async def main(at: Ground, say: Any, only: Collection[str] = ()) -> bool:
    """Print the table (of the faults named ``only``); whether all of it is good."""
    cells: list[Cell] = []
    async for cell in try_faults(at, [each for each in FAULTS if not only or each.name in only]):
        cells.append(cell)
        say(
            f"{cell.fault:<15} {cell.kind:<34} {cell.word}" + (f" after {cell.retries} retries" if cell.retries else "")
        )
        for sign, facts in (("+", cell.difference.duplicates), ("-", cell.difference.lost)):
            for fact in facts:
                say(f"         {sign} {' '.join(fact.split())[:300]}")
    good = sum(each.good for each in cells)
    healed = sum(each.retries > 0 for each in cells)
    say(f"{len(cells)} cells, {good} equal, {healed} of them after a retry")
    return good == len(cells)
