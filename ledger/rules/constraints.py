"""What an agent's constraints (the notes, §2.2) ask of the gates: ``coverage>=80%``, ``lint=pass``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_COVERAGE = re.compile(r"coverage\s*(?:>=|≥|=>)\s*(\d{1,3}(?:\.\d+)?)\s*%?", re.IGNORECASE)
_PASS = re.compile(r"([a-z][a-z-]*)\s*=\s*pass", re.IGNORECASE)


@dataclass(frozen=True)
class Constraints:
    """``coverage_percent`` is the highest that is asked for; ``passing`` names checks; ``words`` are for the agent."""

    coverage_percent: float | None = None
    passing: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def read_constraints(lines: Iterable[str]) -> Constraints:
    """Each constraint as what a gate can hold, or as words. One that asks for more than 100 % is words too."""
    percents: list[float] = []
    passing: list[str] = []
    words: list[str] = []
    for line in (each.strip() for each in lines):
        covered, passes = _COVERAGE.fullmatch(line), _PASS.fullmatch(line)
        if covered and float(covered[1]) <= 100:
            percents.append(float(covered[1]))
        elif passes:
            passing.append(passes[1].lower())
        elif line:
            words.append(line)
    return Constraints(max(percents, default=None), tuple(passing), tuple(words))
