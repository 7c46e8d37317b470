"""What was measured of the lines that tests ran: by coverage.py, or by what JavaScript's tools leave behind. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUMMARY, LCOV = "coverage/coverage-summary.json", "coverage/lcov.info"
_LARGEST = 50_000_000


@dataclass(frozen=True)
class Measured:
    """``percent`` of the whole, and by path the lines that ran and those that did not; None where nothing was."""

    percent: float | None = None
    ran: Mapping[str, frozenset[int]] = field(default_factory=dict)
    missed: Mapping[str, frozenset[int]] = field(default_factory=dict)


def read_coverage_json(path: Path) -> Measured:
    """What ``coverage json`` wrote; nothing when it is not there."""
    told = _json(path)
    totals = told.get("totals", {})
    if not totals.get("num_statements"):
        return Measured()
    files = told.get("files", {})
    return Measured(
        round(float(totals["percent_covered"]), 2),
        {name.replace("\\", "/"): frozenset(each["executed_lines"]) for name, each in files.items()},
        {name.replace("\\", "/"): frozenset(each["missing_lines"]) for name, each in files.items()},
    )


def read_javascript(workspace: Path) -> Measured:
    """What a run left in ``coverage/``: the summary's percentage, lcov's lines; each where it is there."""
    lines = _lcov(workspace)
    percent = _json(workspace / SUMMARY).get("total", {}).get("lines", {}).get("pct")
    if not isinstance(percent, int | float):  # istanbul writes "Unknown" where there was nothing to measure
        return lines
    return Measured(round(float(percent), 2), lines.ran, lines.missed)


def merged(one: Measured, other: Measured) -> Measured:
    """Both together; the percentage of ``one`` goes first, since two of them cannot be added."""
    percent = one.percent if one.percent is not None else other.percent
    return Measured(percent, {**other.ran, **one.ran}, {**other.missed, **one.missed})


def forget_javascript(workspace: Path) -> None:
    """Remove what an earlier run, or a commit, left there: only what these tests measure counts."""
    for name in (SUMMARY, LCOV):
        (workspace / name).unlink(missing_ok=True)


def _lcov(workspace: Path) -> Measured:
    path = workspace / LCOV
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return Measured()
    ran: dict[str, set[int]] = {}
    missed: dict[str, set[int]] = {}
    name = ""
    for line in path.read_text(errors="replace").splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            name = _relative(workspace, rest)
            ran.setdefault(name, set())
            missed.setdefault(name, set())
        elif kind == "DA" and name:
            number, _, count = rest.partition(",")
            if number.isdigit():
                (missed if count.split(",")[0] in ("0", "") else ran)[name].add(int(number))
    good, bad = sum(map(len, ran.values())), sum(map(len, missed.values()))
    percent = round(100 * good / (good + bad), 2) if good + bad else None
    return Measured(percent, _frozen(ran), _frozen(missed))


def _frozen(lines: Mapping[str, set[int]]) -> dict[str, frozenset[int]]:
    return {name: frozenset(numbers) for name, numbers in lines.items()}


def _relative(workspace: Path, name: str) -> str:
    path = Path(name.strip())
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else path.as_posix()


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return {}
    try:
        told = json.loads(path.read_text(errors="replace"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
