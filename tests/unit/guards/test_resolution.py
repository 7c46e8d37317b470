"""Of a merge the guards see what neither side explains."""

from __future__ import annotations

import pytest

from tasks.guards import Change, FileChange, GuardContext, Resolution, check_resolution
from tests.unit.guards.helpers import added, change, deleted, edited

ANY = GuardContext()
TWO = "def test_a():\n    assert a() == 1\n\n\ndef test_b():\n    assert b() == 2\n"
ONE = "def test_a():\n    assert a() == 1\n"
THREE = TWO + "\n\ndef test_c():\n    assert c() == 3\n"
TOKEN = "AKIA" + "Q4EXAMPLE7ABCDEF"[:16]


def conflict(path: str, base: str | None, ours: str | None, theirs: str | None, now: str | None) -> Resolution:
    """One file on which the sides conflicted."""

    def between(old: str | None, new: str | None) -> Change:
        if old == new:
            return change()
        if old is None:
            return change(added(path, str(new)))
        return change(deleted(path, old) if new is None else edited(path, old, new))

    return Resolution(change(), between(ours, now), between(theirs, now), between(base, ours), between(base, theirs))


def guards(merge: Resolution) -> list[str]:
    return [each.guard for each in check_resolution(merge, ANY)]


@pytest.mark.parametrize(
    ("file", "guard"),
    [
        (added(".github/workflows/own.yml", "on: push\n"), "protected-path"),
        (deleted("tests/test_a.py", ONE), "test-tampering"),
        (added("app.py", f'key = "{TOKEN}"\n'), "secret"),
        (added("requirements.txt", "evil\n"), "new-dependency"),
        (added("big.py", "x = 1\n" * 2001), "size"),
    ],
)
def test_what_an_agent_does_beside_the_conflict_is_guarded_as_any_change(file: FileChange, guard: str) -> None:
    aside = Resolution(change(file), change(), change(), change(), change())
    assert guards(aside) == [guard]


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs", "now"),
    [
        ("tests/test_a.py", ONE, TWO, ONE.replace("1", "7"), TWO.replace("1", "7")),
        ("tests/test_a.py", TWO, ONE, THREE, ONE + "\n\ndef test_c():\n    assert c() == 3\n"),
        ("requirements.txt", "attrs\n", "attrs\nrich\n", "attrs\nclick\n", "attrs\nrich\nclick\n"),
        (".github/workflows/ci.yml", "a\n", "b\n", "c\n", "b\n"),
        (".github/workflows/ci.yml", "a\n", "b\n", "c\n", "c\n"),
        ("app.py", "x = 1\n", f'x = "{TOKEN}"\n', "x = 3\n", f'x = "{TOKEN}"\n'),
        ("gone.py", "x = 1\n", "x = 2\n", None, None),
    ],
)
def test_what_a_side_had_done_already_passes(
    path: str, base: str, ours: str, theirs: str | None, now: str | None
) -> None:
    assert guards(conflict(path, base, ours, theirs, now)) == []


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs", "now", "guard"),
    [
        ("tests/test_a.py", ONE, TWO, THREE, ONE, "test-tampering"),
        ("tests/test_a.py", ONE, TWO, ONE.replace("1", "7"), ONE.replace("1", "7"), "test-tampering"),
        ("requirements.txt", "attrs\n", "attrs\nrich\n", "attrs\nclick\n", "attrs\nrich\nclick\nevil\n",
         "new-dependency"),
        (".github/workflows/ci.yml", "a\n", "b\n", "c\n", "b\nc\nevil\n", "protected-path"),
        ("app.py", "x = 1\n", "x = 2\n", "x = 3\n", f'x = "{TOKEN}"\n', "secret"),
        ("app.py", "x = 1\n", "x = 2\n", "x = 3\n", "y = 1\n" * 2001, "size"),
    ],
)  # fmt: skip
def test_what_no_side_had_done_is_stopped(path: str, base: str, ours: str, theirs: str, now: str, guard: str) -> None:
    assert set(guards(conflict(path, base, ours, theirs, now))) == {guard}
