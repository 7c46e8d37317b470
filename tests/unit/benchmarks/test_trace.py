"""How calls are named so that those of two runs can be compared."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from benchmarks.trace import called, differences, route, traced


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/repos/demo/tally-3/pulls/17/merge", "/pulls/*/merge"),
        ("/repos/demo/tally/git/ref/heads/task/4-month", "/git/ref/heads"),
        (f"/repos/demo/tally/git/commits/{'a1' * 20}", "/git/commits/*"),
        ("/repos/demo/tally/compare/main...task/4-month", "/compare"),
        ("/graphql", "/graphql"),
    ],
)
def test_a_route_leaves_out_what_differs_from_run_to_run(path: str, expected: str) -> None:
    assert route(path) == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("git", "-c", "core.hooksPath=/dev/null", "clone", "--quiet", "url"), "git clone"),
        (
            ("python", "-I", "supervisor.py", "7", "python", "-m", "coverage", "run", "-m", "pytest"),
            "run coverage pytest",
        ),
    ],
)
def test_a_program_goes_by_its_first_words(argv: tuple[str, ...], expected: str) -> None:
    assert called(argv) == expected


async def test_programs_are_counted_only_while_it_lasts() -> None:
    with traced("http://127.0.0.1:1") as calls:
        await (await asyncio.create_subprocess_exec("git", "--version", stdout=asyncio.subprocess.DEVNULL)).wait()
    await (await asyncio.create_subprocess_exec("git", "--version", stdout=asyncio.subprocess.DEVNULL)).wait()
    assert calls == Counter({"git --version": 1})


def test_differences_name_both_counts() -> None:
    assert differences(Counter(a=1, b=2), Counter(a=1, b=3, c=1)) == ["b: 2, 3", "c: 0, 1"]
