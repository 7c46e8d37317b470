"""Guard on the tests: a change that makes them weaker is stopped, unless the task is about them.

It compares shapes, not meanings: a test that expects another number has the same shape, and is the reviewer's to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.guards.anatomy import Anatomy, Test, dissect
from tasks.guards.change import Change, FileChange, GuardContext, Violation, is_test_file

GUARD = "test-tampering"


@dataclass(frozen=True)
class _Pair:
    """A test file before and after. ``error`` says why the new text could not be read."""

    file: FileChange
    old: Anatomy
    new: Anatomy
    error: str = ""


def tampered_tests(change: Change, context: GuardContext) -> list[Violation]:
    """Tests that are gone, skipped, assert less, have fewer cases, or are no longer collected."""
    if context.about_tests:
        return []
    pairs = [_pair(file) for file in change if is_test_file(file.path) or is_test_file(file.old_path or "")]
    found = [Violation(GUARD, each.file.path, each.error) for each in pairs if each.error]
    gained = [test for each in pairs for name, test in each.new.tests.items() if name not in each.old.tests]
    for pair in pairs:
        if not pair.error:
            found += [Violation(GUARD, pair.file.path, detail) for detail in _details(pair, gained)]
    return found


def _pair(file: FileChange) -> _Pair:
    try:
        old = dissect(file.old_text or "")
    except (SyntaxError, ValueError):  # what could not be read before cannot be missed
        old = Anatomy()
    try:
        now = dissect(file.new_text or "")
        fresh = frozenset(now.tests) - frozenset(old.tests)
        classes = {name.partition("::")[0] for name in now.tests} - {name.partition("::")[0] for name in old.tests}
        return _Pair(file, old, dissect(file.new_text or "", fresh | classes))
    except (SyntaxError, ValueError) as error:
        return _Pair(file, old, Anatomy(), f"the test file is no longer Python: {error}")


def _details(pair: _Pair, gained: list[Test]) -> Iterator[str]:
    for name, test in pair.old.tests.items():
        now = pair.new.tests.get(name) or _moved(test, gained)
        if now is None:
            yield f"{name} is gone"
        elif now.asserts < test.asserts:
            yield f"{name} asserts less: {now.asserts} of {test.asserts} assertions are left that can fail"
        elif now.cases is not None and test.cases is not None and now.cases < test.cases:
            yield f"{name} has {now.cases} cases, before it had {test.cases}"
    if pair.new.skips > pair.old.skips:
        yield f"skip or xfail was added ({pair.new.skips} places, before {pair.old.skips})"
    for name, written in pair.new.steering.items():
        if pair.old.steering.get(name) != written:
            yield f"{name} was added or changed: it decides which tests are collected or how they count"


def _moved(test: Test, gained: list[Test]) -> Test | None:
    """The test under another roof (same name elsewhere) or with another name (same body). Each replaces only one."""
    bare = test.name.rpartition("::")[2]
    named = [each for each in gained if each.name.rpartition("::")[2] == bare]
    found = next(iter([*named, *(each for each in gained if each.body == test.body)]), None)
    if found is not None:
        gained.remove(found)
    return found
