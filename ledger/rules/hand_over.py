"""When a run that nobody carries is given to a worker again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WAITS = (timedelta(0), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45), timedelta(hours=2))
WINDOW = timedelta(days=1)
GRACE = timedelta(seconds=60)


@dataclass(frozen=True)
class HandOver:
    """Whether a run that nobody carries is given to a worker now; ``why`` when it is not."""

    now: bool
    number: int = 0
    why: str = ""
    decide: str = ""


def hand_over(earlier: Iterable[datetime], at: datetime, *, idle_since: datetime) -> HandOver:
    """At once, then ever later, at most five times a day: what always dies must not be started for ever."""
    times = sorted(earlier)
    recent = [each for each in times if at - each < WINDOW]
    if len(recent) >= len(WAITS):
        tried = f"It was given to a worker {len(recent)} times within a day and stopped each time"
        return HandOver(False, why=tried, decide="look at its log, mend what stops it, then resume it")
    due = recent[-1] + WAITS[len(recent)] if recent else idle_since + GRACE
    if at < due:
        return HandOver(False, why=f"It waits until {due:%H:%M:%S} UTC before it is given to a worker again")
    return HandOver(True, number=len(times) + 1)
