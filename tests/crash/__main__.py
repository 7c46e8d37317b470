"""``make crash-grid``: every kind of effect killed at every moment, then kills at random times. One line a point."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from ledger.models import EffectKind
from tests.crash import faults
from tests.crash.grid import SEED, References, Tally, Verdict, every_point, random_points, try_all
from tests.crash.scenario import ground


def main() -> int:
    """0 when every point was hit and none left a trace."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[], help="these points (or faults), such as pull.merge:act, or 429"
    )
    parser.add_argument("--kills", type=int, default=100, help="kills at random times, after the grid")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--side-by-side", type=int, default=2)
    parser.add_argument("--faults", action="store_true", help="the table of faults instead of the grid")
    asked = parser.parse_args()
    return asyncio.run(_faults(asked.only) if asked.faults else _grid(asked))


async def _faults(only: Collection[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="shipline-faults-") as folder:
        async with ground(Path(folder)) as at:
            return 0 if await faults.main(at, _say, only) else 1


async def _grid(asked: argparse.Namespace) -> int:
    tally, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shipline-crash-") as folder:
        async with ground(Path(folder)) as at:
            references = References(at)
            await references.world()
            _say(f"An uninterrupted delivery took {references.seconds:.0f} s.")
            points = [
                each
                for each in every_point(EffectKind)
                if not asked.only or each.name in asked.only or each.name.rpartition(":")[0] in asked.only
            ]
            points += random_points(asked.kills, references.seconds, asked.seed)
            async for verdict in try_all(at, points, side_by_side=asked.side_by_side, references=references):
                tally.verdicts.append(verdict)
                _tell(verdict, len(tally.verdicts), len(points))
    _say(f"{tally.line} ({time.monotonic() - began:.0f} s)")
    return 0 if tally.good else 1


def _tell(verdict: Verdict, number: int, of: int) -> None:
    word = "equal" if verdict.good else "NOT HIT" if not verdict.hit else "DIFFERS"
    _say(f"{number:>3}/{of}  {word:<8} {verdict.point.name}  ({verdict.run_id})")
    for sign, facts in (("+", verdict.difference.duplicates), ("-", verdict.difference.lost)):
        for fact in facts:
            _say(f"         {sign} {' '.join(fact.split())[:300]}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (what this program is for)


if __name__ == "__main__":
    sys.exit(main())
