"""What every figure has in common: samples, their spread, a baseline beside them, and a bound."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.progress import Progress

Sample = Callable[[int], Awaitable[Any]]


@dataclass(frozen=True)
class Spread:
    """How samples are spread, in the unit of their figure."""

    n: int
    median: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(len(values), statistics.median(values), percentile(values, 95))


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``ratio`` is ``measured`` over ``baseline`` (medians) unless the figure says otherwise.

    The bound holds ``judged``, which is the ratio or, where ``absolute`` is set, the measured median (or worst value).
    """

    key: str
    what: str
    unit: str
    measured: Spread
    baseline_what: str
    baseline: Spread
    ratio: float
    bound: float
    judged: float
    absolute: bool = False
    stubbed: str = "nothing"
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether what is judged stays within the bound."""
        return self.judged <= self.bound

    def to_json(self) -> dict[str, Any]:
        """The figure as ``latest.json`` keeps it; numbers are cut to five significant digits."""
        told = asdict(self) | {"reached": self.reached}
        told |= told.pop("measured")
        told["baseline"] = {"what": told.pop("baseline_what"), **told["baseline"]}
        return {key: _short(value) for key, value in told.items()}


def compared(
    key: str, what: str, unit: str, measured: Sequence[float], baseline_what: str, baseline: Sequence[float],
    bound: float, **more: Any,
) -> Figure:  # fmt: skip
    """A figure whose bound holds the ratio of the medians."""
    mine, theirs = Spread.of(measured), Spread.of(baseline)
    ratio = mine.median / theirs.median
    return Figure(key, what, unit, mine, baseline_what, theirs, ratio, bound, ratio, **more)


def limited(
    key: str, what: str, unit: str, measured: Sequence[float], baseline_what: str, baseline: Sequence[float],
    bound: float, **more: Any,
) -> Figure:  # fmt: skip
    """A figure whose bound holds the measured median itself."""
    mine, theirs = Spread.of(measured), Spread.of(baseline)
    ratio = mine.median / theirs.median
    return Figure(key, what, unit, mine, baseline_what, theirs, ratio, bound, mine.median, absolute=True, **more)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


async def alternate(
    n: int, product: Sample, baseline: Sample, *, warm_up: int = 0, progress: Progress | None = None, label: str = ""
) -> tuple[list[float], list[float]]:
    """``n`` seconds of each, taken in turns, so that noise meets both; which of the two goes first changes too."""
    mine: list[float] = []
    theirs: list[float] = []
    bar = progress.add_task(label, total=n + warm_up) if progress else None
    for number in range(n + warm_up):
        pair = [(product, mine), (baseline, theirs)]
        for sample, kept in pair if number % 2 else reversed(pair):
            seconds = await timed(sample, number)
            if number >= warm_up:
                kept.append(seconds)
        if progress and bar is not None:
            progress.advance(bar)
    return mine, theirs


async def timed(sample: Sample, number: int) -> float:
    """How many seconds ``sample(number)`` takes."""
    began = time.perf_counter()
    await sample(number)
    return time.perf_counter() - began


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value
