"""One cause, one finding; and how a change's coverage by JavaScript's tools is read."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.models import CheckReport, Finding, Severity, Verdict
from tasks.quality.flaky import options_only, worth_another_try
from tasks.quality.junit import Case
from tasks.quality.measured import LCOV, SUMMARY, forget_javascript, read_javascript
from tasks.quality.verdicts import blocking, is_tests


def failed(check: str) -> CheckReport:
    finding = Finding(check=check, severity=Severity.CRITICAL, title=check, evidence="x", fingerprint=check)
    return CheckReport(check=check, verdict=Verdict.FAILED, summary="x", findings=[finding])


def test_low_coverage_of_whole_and_change_is_one_cause() -> None:
    both = [failed("coverage"), failed("coverage-of-change"), failed("sast")]
    assert [each.check for each in blocking(both)] == ["coverage", "sast"]
    assert [each.check for each in blocking(both[1:])] == ["coverage-of-change", "sast"]


def test_checks_that_run_tests() -> None:
    assert [is_tests(each) for each in ("tests", "tests-unit", "testsuite", "lint")] == [True, True, False, False]


def test_what_is_worth_another_try() -> None:
    case = Case("a::b", "failed")
    assert worth_another_try([case])
    assert not worth_another_try([])
    assert not worth_another_try([case] * 21)
    assert not worth_another_try([case, Case("c", "failed", collected=False)])


def test_the_paths_of_a_command_make_way_for_the_failed_tests(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    assert options_only(("tests", "-k", "add", "tests::TestX"), tmp_path) == ("-k", "add")


def test_lcov_and_istanbuls_summary(tmp_path: Path) -> None:
    (tmp_path / "coverage").mkdir()
    (tmp_path / LCOV).write_text(f"SF:{tmp_path}/a.js\nDA:1,4\nDA:2,0\nDA:3,1\nend_of_record\n")
    found = read_javascript(tmp_path)
    assert found.percent == 66.67
    assert (sorted(found.ran["a.js"]), sorted(found.missed["a.js"])) == ([1, 3], [2])
    (tmp_path / SUMMARY).write_text(json.dumps({"total": {"lines": {"pct": 70.5}}}))
    assert read_javascript(tmp_path).percent == 70.5
    (tmp_path / SUMMARY).write_text(json.dumps({"total": {"lines": {"pct": "Unknown"}}}))
    assert read_javascript(tmp_path).percent == 66.67
    forget_javascript(tmp_path)
    assert read_javascript(tmp_path).percent is None
