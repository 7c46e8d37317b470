"""A criterion counts when somebody says that it is met, and by what."""

from __future__ import annotations

from ledger.models import CriterionSeen
from ledger.rules.criteria import seen_of, unproven
from ledger.rules.remarks import lines_in


def test_each_criterion_without_evidence_is_named_with_what_it_lacks() -> None:
    seen = [
        CriterionSeen(criterion=" it  ADDS ", met=True, evidence="tests/test_add.py::test_it"),
        CriterionSeen(criterion="It subtracts.", met=True, evidence="  "),
        CriterionSeen(criterion="It divides.", met=False, evidence="1 / 0 raises"),
    ]
    wanted = ["It adds.", "It subtracts.", "It divides.", "It multiplies."]
    assert unproven(wanted, seen) == [
        "It subtracts.: said to be met, without evidence",
        "It divides.: not met. 1 / 0 raises",
        "It multiplies.: nothing was said of it",
    ]
    assert seen_of("It adds.", seen) == seen[0]
    assert unproven([], seen) == []


def test_the_lines_that_a_diff_shows_are_those_of_the_new_file() -> None:
    patch = "@@ -1,3 +1,4 @@\n one\n-two\n+zwei\n+drei\n four\n@@ -10 +12,2 @@ def f():\n ten\n+eleven\n\\ No newline"
    assert lines_in(patch) == {1, 2, 3, 4, 12, 13}
    assert lines_in("") == lines_in("(no text)") == set()
