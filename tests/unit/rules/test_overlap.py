"""Which declared paths may touch the same files."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledger.rules.overlap import covers, overlap

PIECES = st.sampled_from(["a", "b", "a.py", "*", "**", "*.py", "?", "[ab]", "", ".", "src"])
DECLARED = st.lists(PIECES, min_size=1, max_size=4).map("/".join).filter(bool)
PATH = st.lists(st.sampled_from(["a", "b", "a.py", "src"]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=50, deadline=None)
@given(st.lists(DECLARED, max_size=3), st.lists(DECLARED, max_size=3))
def test_overlap_is_symmetric_and_reflexive(a: list[str], b: list[str]) -> None:
    assert overlap(a, b) == overlap(b, a)
    assert overlap(a, a) == bool(a)
    assert not overlap(a, [])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(DECLARED, DECLARED, PATH)
def test_what_both_cover_is_an_overlap(a: str, b: str, path: str) -> None:
    for each in (a, b):  # a folder without its slash is known as one only from what lies in it
        assume(path == each or each[-1] == "/" or set(each) & set("*?["))
        assume(covers([each], path))
    assert overlap([a], [b])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a.py", "a.py", True),
        ("a.py", "b.py", False),
        ("./a.py", "a.py", True),
        ("src//x.py", "src/y/../x.py", True),
        ("src/", "src/x.py", True),
        ("src", "src/x.py", True),  # the slash was forgotten, but it can only be a folder
        ("src/", "src2/x.py", False),
        ("src/a/", "src/", True),
        ("src/a/", "src/b/", False),
        ("./", "anything.py", True),
        ("src/*.py", "src/x.py", True),
        ("src/*.py", "src/", True),
        ("src/*.py", "src/a*", True),
        ("src/*.py", "src/*.md", False),
        ("*.py", "src/", True),
        ("*.py", "docs/x.md", False),
        ("**/x.py", "x.py", True),
        ("src/**/x.py", "src/a/b/x.py", True),
        ("src/?.py", "src/xy.py", False),
        ("src/[ab].py", "src/a.py", True),
        ("app/[id]/", "app/[id]/page.tsx", True),
        ("app/[id]/page.tsx", "app/*/page.tsx", True),
        ("", "a.py", False),
    ],
)
def test_pairs_of_paths(a: str, b: str, expected: bool) -> None:
    assert overlap([a], [b]) == overlap(["zzz", b], [a, "yyy"]) == expected


@pytest.mark.parametrize(
    ("declared", "path", "expected"),
    [
        ("src/", "src/a/x.py", True),
        ("src", "src/a/x.py", True),
        ("src/x.py", "src", False),
        ("src/*.py", "./src/x.py", True),
        ("src/*.py", "src/x.md", False),
        ("tests/test_?.py", "tests/test_a.py", True),
        ("**/conftest.py", "conftest.py", True),
        ("app/[id]/", "app/[id]/page.tsx", True),
        ("src/?/", "src/a/x.py", True),
        ("src/?", "src/a/x.py", False),
        (".", "x.py", True),
        ("", "x.py", False),
    ],
)
def test_a_real_path_is_covered(declared: str, path: str, expected: bool) -> None:
    assert covers([declared], path) == expected


def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert not overlap(["*a" * 60 + "b"], ["a" * 120])
    assert not covers(["*a" * 8 + "b"], "a" * 60)
