"""The lines that a change adds, and the gate on their coverage."""

from __future__ import annotations

import pytest

from ledger.models import Verdict
from tasks.quality.changed import Changed, added_lines
from tasks.quality.coverage import change_gate, spans
from tasks.quality.measured import Measured

DIFF = """\
diff --git a/app.py b/app.py
index 1..2 100644
--- a/app.py
+++ b/app.py
@@ -3 +3,2 @@ def f():
-    old
+    new
++ b/not a file
@@ -9,2 +11,0 @@
-gone
-gone too
diff --git a/gone.py b/gone.py
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-a
-b
diff --git a/ünder lines.py b/ünder lines.py
--- /dev/null
+++ b/ünder lines.py
@@ -0,0 +1,3 @@
+a
+b
+c
"""


def test_added_lines_by_file() -> None:
    assert added_lines(DIFF) == {"app.py": {3, 4}, "ünder lines.py": {1, 2, 3}}


def test_what_is_not_known_counts_as_touched() -> None:
    known = Changed({"app.py": frozenset({3})})
    assert (known.touches("app.py"), known.touches("app.py", 4), known.touches("b.py")) == (True, False, False)
    assert Changed(why="no base").touches("b.py", 9)


def measured(ran: set[int], missed: set[int]) -> Measured:
    return Measured(90.0, {"app.py": frozenset(ran)}, {"app.py": frozenset(missed)})


CHANGE = Changed({"app.py": frozenset(range(1, 11)), "README.md": frozenset({1})})


def test_lines_that_no_test_runs_are_named() -> None:
    report = change_gate(measured({1, 2, 3, 20}, {5, 6, 7, 9, 30}), CHANGE, 80)
    assert report.verdict is Verdict.FAILED
    (finding,) = report.critical
    assert finding.title == "coverage of the change is 42.86 % of 7 lines, the gate is 80 %"
    assert finding.evidence == "No test runs these added lines:\napp.py: 5-7, 9"
    assert (finding.path, finding.line) == ("app.py", 5)
    assert report.metrics["covered_lines"] == 3


@pytest.mark.parametrize(
    ("found", "change", "verdict", "words"),
    [
        (measured({1, 2, 3, 4}, {5}), CHANGE, Verdict.PASSED, "80.0 % of 5 added lines, the gate is 80 %"),
        (measured({20}, {30}), CHANGE, Verdict.PASSED, "The change adds no code that is measured"),
        (Measured(), CHANGE, Verdict.ABSENT, "Nothing was measured"),
        (Measured(91.0), CHANGE, Verdict.ABSENT, "Only the whole was measured, not which lines ran"),
        (measured({1}, set()), Changed(why="no base was given"), Verdict.ABSENT, "Not measured: no base was given"),
    ],
)
def test_the_gate_in_words(found: Measured, change: Changed, verdict: Verdict, words: str) -> None:
    report = change_gate(found, change, 80)
    assert (report.verdict, report.summary, report.critical) == (verdict, words, [])


def test_spans_of_lines() -> None:
    assert list(spans([1, 2, 3, 5, 8, 9])) == ["1-3", "5", "8-9"]
    assert list(spans([4])) == ["4"]
