"""Samples, bounds, and how results are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.measure import Figure, Spread, alternate, compared, limited, percentile
from benchmarks.results import keep


def figure(**fields: object) -> Figure:
    """A figure about nothing."""
    known = compared("x", "something", "ms", [3.0, 4.0, 5.0], "something else", [2.0], 2.0)
    return Figure(**{**known.__dict__, **fields})


@pytest.mark.parametrize(("percent", "expected"), [(95, 19), (50, 10), (100, 20), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([float(each) for each in range(20, 0, -1)], percent) == expected


def test_one_value_is_its_own_spread() -> None:
    assert Spread.of([7.0]) == Spread(1, 7.0, 7.0)


def test_the_ratio_is_of_medians_and_the_bound_may_be_met_exactly() -> None:
    assert figure().ratio == 2.0
    assert figure().reached
    assert not compared("x", "", "ms", [4.01], "", [2.0], 2.0).reached


def test_an_absolute_bound_holds_the_median_and_not_the_ratio() -> None:
    held = limited("x", "", "ms", [90.0, 99.0, 500.0], "", [1.0], 100.0)
    assert (held.judged, held.ratio, held.reached) == (99.0, 99.0, True)


def test_a_figure_tells_all_that_is_asked_of_it() -> None:
    told = figure(stubbed="git").to_json()
    assert told["n"] == 3
    assert told["baseline"] == {"what": "something else", "n": 1, "median": 2.0, "p95": 2.0}
    assert {"median", "p95", "unit", "ratio", "bound", "reached", "stubbed"} <= told.keys()


def test_a_part_of_the_figures_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "results" / "latest.json"
    keep([figure(key="a"), figure(key="b")], file)
    keep([figure(key="b", stubbed="everything")], file)
    kept = json.loads(file.read_text())["figures"]
    assert (kept["a"]["stubbed"], kept["b"]["stubbed"]) == ("nothing", "everything")
    assert list(tmp_path.glob("results/*")) == [file]


async def test_both_sides_take_turns_and_neither_always_goes_first() -> None:
    order: list[str] = []

    async def product(number: int) -> None:
        order.append(f"p{number}")

    async def baseline(number: int) -> None:
        order.append(f"b{number}")

    mine, theirs = await alternate(3, product, baseline, warm_up=1)
    assert order == ["b0", "p0", "p1", "b1", "b2", "p2", "p3", "b3"]
    assert (len(mine), len(theirs)) == (3, 3)
