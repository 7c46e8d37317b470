"""(c) How long a tree takes with so many workers, over what no schedule can beat; on a virtual clock, without I/O."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from benchmarks.measure import Figure, Spread
from benchmarks.trees import issues_of, layered
from benchmarks.world import World
from ledger.models import Issue, IssueStatus, IssueType, Plan
from ledger.rules.precedence import before, minutes_left
from ledger.rules.ready import startable
from ledger.rules.status import settled
from ledger.rules.steps import Step, next_steps
from ledger.rules.tree import Tree

SEED = 20261123
TREES = 200
WORKERS = (2, 8)
MEDIAN, GRAHAM = 1.10, 1.0
STUBBED = "everything: the clock is virtual, a leaf takes its estimate, a merge takes nothing"
Steps = Callable[[Tree, Sequence[Step], int], list[Step]]


@dataclass(frozen=True)
class Played:
    """One tree with so many workers; times in minutes of its virtual clock."""

    workers: int
    least: float  # no schedule is shorter: the critical path, or all the work shared out
    path_bound: bool  # whether it is the critical path
    ours: float
    fifo: float

    @property
    def graham(self) -> float:
        """2 - 1/m: what any schedule that leaves no worker idle beside ready work keeps."""
        return 2 - 1 / self.workers


async def measure(world: World) -> list[Figure]:
    """Both figures: the median over the least, and the worst against Graham's bound."""
    dice = random.Random(SEED)  # noqa: S311 (it deals out trees)
    played = [one(layered(dice), dice.randint(*WORKERS)) for _ in world.track("(c) makespan", TREES, quick=20)]
    ours = [each.ours / each.least for each in played]
    fifo = [each.fifo / each.least for each in played]
    shares = [each.ours / each.least / each.graham for each in played]
    theirs = [each.fifo / each.least / each.graham for each in played]
    bound_by_path = sum(each.path_bound for each in played)
    notes = [
        f"{sum(a < b for a, b in zip(ours, fifo, strict=True))} of {len(played)} trees end earlier than in FIFO, "
        f"{sum(a > b for a, b in zip(ours, fifo, strict=True))} later; worst {max(ours):.3f}, FIFO's {max(fifo):.3f}",
        f"the least is the critical path in {bound_by_path} trees, the work shared out in the others",
    ]
    return [
        judged("c.median", "makespan, median", ours, fifo, "x least", MEDIAN, notes),
        judged("c.graham", "makespan, worst", shares, theirs, "x (2 - 1/m) least", GRAHAM, [], worst=True),
    ]


def judged(
    key: str, what: str, ours: list[float], fifo: list[float], unit: str, bound: float, notes: list[str],
    *, worst: bool = False,
) -> Figure:  # fmt: skip
    """A figure of the virtual clock, held by its median or by its worst tree."""
    mine, theirs = Spread.of(ours), Spread.of(fifo)
    return Figure(
        key, what, unit, mine, "first in, first out", theirs, mine.median / theirs.median, bound,
        max(ours) if worst else mine.median, absolute=True, stubbed=STUBBED, notes=notes,
    )  # fmt: skip


def one(plan: Plan, workers: int) -> Played:
    """Play one plan through with the product's rules, and with a queue."""
    minutes = {node.key: node.estimate_minutes for node in plan.nodes if node.type is IssueType.TASK}
    path, share = max(minutes_left(before(plan.nodes), minutes)), sum(minutes.values()) / workers
    ours, fifo = play(plan, workers, next_steps), play(plan, workers, queue())
    return Played(workers, max(path, share), path > share, ours, fifo)


def queue() -> Steps:
    """The steps of a loop that starts leaves in the order in which they became ready, ties by key."""
    arrived: dict[str, int] = {}
    numbers = count()

    def steps(tree: Tree, running: Sequence[Step], limit: int) -> list[Step]:
        landing = next_steps(tree, running, 0)  # what lands, and when, is the same
        for leaf in sorted(startable(settled(tree)), key=lambda each: each.key):
            arrived.setdefault(leaf.key, next(numbers))
        waiting = [leaf.key for leaf in startable(settled(tree))]
        waiting.sort(key=arrived.__getitem__)
        return [*landing, *(Step("build", key) for key in waiting[: max(0, limit - len(running))])]

    return steps


def play(plan: Plan, workers: int, steps: Steps) -> float:
    """The minute at which the last leaf below the epic has landed."""
    issues: dict[str, Issue] = {issue.key: issue for issue in issues_of(plan.nodes)}
    running: list[tuple[float, str]] = []
    clock = 0.0
    while True:
        todo = steps(Tree.of(issues.values()), [Step("build", key) for _, key in running], workers)
        landing = [step.key for step in todo if step.kind == "land"]
        for key in landing:
            issues[key] = issues[key].model_copy(update={"status": IssueStatus.DONE, "merged_sha": "merged"})
        if landing:
            continue
        for step in todo:
            issues[step.key] = issues[step.key].model_copy(update={"status": IssueStatus.IN_PROGRESS})
            heapq.heappush(running, (clock + issues[step.key].estimate_minutes, step.key))
        if not running:
            return _ended(issues, clock)
        clock = running[0][0]
        while running and running[0][0] == clock:
            key = heapq.heappop(running)[1]
            done = {"status": IssueStatus.QA, "head": "head", "tested_head": "head"}
            issues[key] = issues[key].model_copy(update=done)


def _ended(issues: dict[str, Issue], clock: float) -> float:
    left = [issue.key for issue in issues.values() if issue.parent and issue.status is not IssueStatus.DONE]
    if left:
        raise AssertionError(f"the loop stopped with {len(left)} nodes open, {left[0]} among them")
    return clock
