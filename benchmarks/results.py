"""Figures as a table for people and as ``results/latest.json`` for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.measure import Figure, Spread

LATEST = Path(__file__).parent / "results" / "latest.json"


def table(figures: Sequence[Figure]) -> RenderableType:
    """Every figure in a line, and below what was stubbed and what else is worth knowing."""
    drawn = Table(title="Benchmarks", title_justify="left")
    drawn.add_column("")
    for name in ("figure", "baseline"):
        drawn.add_column(name, overflow="fold")
    for name in ("unit", "n", "median (p95)", "baseline's n", "median (p95)", "ratio", "bound", "reached"):
        drawn.add_column(name, justify="right")
    for each in figures:
        drawn.add_row(
            each.key, each.what, each.baseline_what, each.unit, *spread(each.measured), *spread(each.baseline),
            f"{each.ratio:.2f}", f"{each.judged:.3g} of {each.bound:g}{'' if each.absolute else ' x'}",
            Text("yes", "green") if each.reached else Text("no", "red"),
        )  # fmt: skip
    lines = [Text(f"{each.key}: stubbed: {each.stubbed}") for each in figures]
    lines += [Text(f"{each.key}: {note}") for each in figures for note in each.notes]
    return Group(drawn, *lines)


def spread(of: Spread) -> tuple[str, str]:
    """How many, and the median with the 95th percentile, each for a cell."""
    return str(of.n), f"{of.median:.4g} ({of.p95:.4g})"


def keep(figures: Iterable[Figure], file: Path = LATEST) -> None:
    """Write the figures over those of the same name and leave the others as they are."""
    known: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    merged = known.get("figures", {}) | {each.key: {"measured_at": stamp, **each.to_json()} for each in figures}
    told = {"machine": machine(), "figures": dict(sorted(merged.items()))}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    draft.replace(file)


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code; nothing that names this machine."""
    return {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}
