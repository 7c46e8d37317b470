"""``python -m benchmarks [a b c d e f g h] [--quick]``: measure, print a table, write ``results/latest.json``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.measure import Figure
from benchmarks.results import keep, table
from benchmarks.world import World
from deployments.run import run_until_signal

# By letter, the module that measures it.
FIGURES = {
    "a": "effect",
    "b": "pipeline",
    "c": "makespan",
    "d": "scale",
    "e": "recovery",
    "f": "timeline",
    "g": "console",
    "h": "gateway",
}
WITH_STACK = ("a", "b", "d")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the command line names (everything, when it names nothing). 0, whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"which of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="few samples, nothing kept: does it still run?")
    asked = parser.parse_args(argv)
    unknown = sorted(set(asked.figures) - set(FIGURES))
    if unknown:
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    wanted = [key for key in FIGURES if key in asked.figures or not asked.figures]
    return run_until_signal(run(wanted, quick=asked.quick))


async def run(wanted: Sequence[str], *, quick: bool) -> int:
    """Measure one figure after the other, so that none disturbs another; keep each as soon as it is known."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: list[Figure] = []
    with Progress(*columns, console=console) as progress:
        async with World(progress, quick=quick) as world:
            for key in wanted:
                if key in WITH_STACK:  # before the import: Prefect reads its address when it is imported
                    await world.stack()
                measured = await importlib.import_module(f"benchmarks.{FIGURES[key]}").measure(world)
                found += measured
                if not quick:
                    keep(measured)
    Console().print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
