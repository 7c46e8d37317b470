"""The crash grid: the same delivery, killed at each point and started again, must end in the same world.

To be done in an hour, a delivery is killed at a few points, one in each of its processes. When it ends in another
world, or did not come by one of them, each of its points is tried again in a delivery of its own.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from ledger.failpoints import SIGNAL, VARIABLE, Moment
from ledger.models import Effect, EffectKind
from tests.crash.scenario import Ground
from tests.crash.world import Difference, World, compare, look

MOMENTS = (Moment.INTENT, Moment.ACT, Moment.OUTCOME)
SEED = 20261123
TOGETHER = 3
RESTARTS = 3


@dataclass(frozen=True)
class Point:
    """Where a process is killed: at a fail point, or ``after`` so many seconds."""

    name: str
    failpoint: str = ""
    after: float = 0.0
    dry_run: bool = False


@dataclass(frozen=True)
class Verdict:
    """What came of one point. ``hit``: the process was really killed there."""

    point: Point
    hit: bool
    difference: Difference
    run_id: str

    @property
    def good(self) -> bool:
        """Killed, and nothing of it is to be seen."""
        return self.hit and self.difference.equal


@dataclass
class Tally:
    """The sum of a grid."""

    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def line(self) -> str:
        """``N points, N equal, D duplicates, L lost``, and what was never hit."""
        equal = sum(each.good for each in self.verdicts)
        duplicates = sum(len(each.difference.duplicates) for each in self.verdicts)
        lost = sum(len(each.difference.lost) for each in self.verdicts)
        missed = [each.point.name for each in self.verdicts if not each.hit]
        never = f"; never hit: {', '.join(missed)}" if missed else ""
        return f"{len(self.verdicts)} points, {equal} equal, {duplicates} duplicates, {lost} lost{never}"

    @property
    def good(self) -> bool:
        """Whether every point was hit and left no trace."""
        return all(each.good for each in self.verdicts)


def every_point(kinds: Iterable[EffectKind] = EffectKind) -> list[Point]:
    """Every registered kind of effect at every moment. Plans are only committed in a dry run."""
    return [
        Point(f"{kind}:{moment}", f"{kind}:{moment}", dry_run=kind is EffectKind.COMMIT_PLAN)
        for kind in kinds
        for moment in MOMENTS
    ]


def random_points(kills: int, seconds: float, seed: int = SEED) -> list[Point]:
    """``kills`` kills at seeded random times of a delivery that takes ``seconds`` (a process needs two to begin)."""
    chance = random.Random(seed)
    moments = [round(chance.uniform(2.0, max(3.0, 0.8 * seconds)), 2) for _ in range(kills)]
    return [Point(f"kill {number} after {each} s", after=each) for number, each in enumerate(moments, 1)]


def in_groups(points: Sequence[Point], order: Sequence[str]) -> list[list[Point]]:
    """Points that one delivery can pass one after the other, ``TOGETHER`` at most, each of another part of the road.

    ``order`` is that of the kinds on the road.
    """
    groups: list[list[Point]] = []
    for dry_run in (False, True):
        for moment in MOMENTS:
            row = [each for each in points if each.failpoint.endswith(f":{moment}") and each.dry_run is dry_run]
            row.sort(key=lambda each: order.index(each.failpoint.rpartition(":")[0]))
            stride = -(-len(row) // TOGETHER)
            groups += [row[start::stride] for start in range(stride)]
    # The times of kills count from the start of a process: two in a delivery, so that the second comes before its end.
    kills = [each for each in points if each.after]
    return groups + [kills[at : at + 2] for at in range(0, len(kills), 2)]


@dataclass
class References:
    """Uninterrupted deliveries, made when first asked for, one with a dry run before it and one without."""

    at: Ground
    seconds: float = 0.0
    order: list[str] = field(default_factory=list)
    _worlds: dict[bool, World] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def world(self, *, dry_run: bool = False) -> World:
        """The world that an uninterrupted delivery leaves."""
        async with self._lock:
            if dry_run not in self._worlds:
                began = time.monotonic()
                run_id, _ = await _delivered(self.at, [], dry_run=dry_run)
                if not dry_run:
                    self.seconds, self.order = time.monotonic() - began, await _kinds(self.at, run_id)
                self._worlds[dry_run] = await look(self.at, run_id)
            return self._worlds[dry_run]


async def _kinds(at: Ground, run_id: str) -> list[str]:
    """The kinds in the order in which the road comes by them."""
    store = await at.store()
    found = [each.kind for each in await store.find(Effect, {"runId": run_id}, [("created_at", 1)])]
    return list(dict.fromkeys([*found, *EffectKind]))


async def try_group(at: Ground, references: References, group: Sequence[Point]) -> list[Verdict]:
    """Deliver, be killed at the points one after the other, go on, and compare."""
    dry_run = group[0].dry_run
    reference = await references.world(dry_run=dry_run)
    run_id, hit = await _delivered(at, group, dry_run=dry_run)
    difference = compare(await look(at, run_id), reference)
    verdicts = [Verdict(point, point in hit, difference, run_id) for point in group]
    if len(group) == 1 or all(each.good for each in verdicts):
        return verdicts
    return [verdict for point in group for verdict in await try_group(at, references, [point])]


async def try_all(
    at: Ground, points: Sequence[Point], *, side_by_side: int = 1, references: References | None = None
) -> AsyncIterator[Verdict]:
    """Every point, some deliveries at a time; verdicts as they come."""
    kept = references or References(at)
    await kept.world()
    slots = asyncio.Semaphore(side_by_side)

    async def one(group: Sequence[Point]) -> list[Verdict]:
        async with slots:
            return await try_group(at, kept, group)

    for done in asyncio.as_completed([one(group) for group in in_groups(points, kept.order)]):
        for verdict in await done:
            yield verdict


async def _delivered(at: Ground, points: Sequence[Point], *, dry_run: bool) -> tuple[str, list[Point]]:
    run = await at.new_run(dry_run=dry_run)
    hit = await _through(at, run.id, points, *(["--dry-run"] if dry_run else []))
    if dry_run:
        await at.deliver(run.id)
    return run.id, hit


async def _through(at: Ground, run_id: str, points: Sequence[Point], *words: str) -> list[Point]:
    """Deliver to the end, whatever is killed on the way; the points at which a process was."""
    hit = [point for point in points if await _killed(at, run_id, point, *words)]
    for _ in range(RESTARTS):
        if await at.deliver(run_id, *words) == 0:
            break
    return hit


async def _killed(at: Ground, run_id: str, point: Point, *words: str) -> bool:
    if point.failpoint:
        code = await at.deliver(run_id, *words, **{VARIABLE: point.failpoint, SIGNAL: "SIGKILL"})
        return code == -signal.SIGKILL
    process = await at.start(run_id, *words)
    try:
        async with asyncio.timeout(point.after):
            await process.wait()
    except TimeoutError:
        os.kill(process.pid, signal.SIGKILL)
    return await process.wait() == -signal.SIGKILL
