"""A leaf's findings: one a check, with the tests first."""

from __future__ import annotations

from tasks.checks import group
from tests.unit.quality.test_verdicts import failed


def test_with_failing_tests_of_any_kind_the_other_figures_say_nothing() -> None:
    reports = [failed("tests-unit"), failed("tests-e2e"), failed("coverage"), failed("lint")]
    assert [each.check for each in group(reports, "x")] == ["tests-unit", "tests-e2e"]
    assert [each.check for each in group(reports[2:], "x")] == ["coverage", "lint"]


def test_low_coverage_is_one_defect() -> None:
    grouped = group([failed("coverage"), failed("coverage-of-change"), failed("types")], "x")
    assert [each.check for each in grouped] == ["coverage", "types"]
    assert grouped[0].fingerprint == group([failed("coverage")], "x")[0].fingerprint
