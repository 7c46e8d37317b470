"""The tests check on real repositories, with the real pytest and coverage."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ledger.models import Severity, Verdict
from tasks.quality import TargetEnvironment
from tasks.quality.tests import run_tests
from tests.integration.quality.conftest import APP, TEST_APP, Repository, left_in
from tests.integration.quality.test_confine import sleepers, spawn


async def test_passing_tests(repository: Repository, environment: TargetEnvironment) -> None:
    root = repository()
    report = await run_tests(root, environment, timeout=30)
    assert report.verdict is Verdict.PASSED
    assert report.summary == "2 passed"
    assert report.tests == ["tests/test_app.py::test_add", "tests/test_app.py::test_sub"]
    assert report.metrics == {"tests": 2, "passed": 2, "failed": 0, "skipped": 0, "coverage_percent": 100}
    assert 0 < report.seconds < 10
    assert left_in(root) == ""


async def test_a_failing_test_is_quoted(repository: Repository, environment: TargetEnvironment) -> None:
    more = "class TestMore:\n    def test_wrong(self):\n        total = add(2, 2)\n        assert total == 5, 'sums'\n"
    text = f"{TEST_APP}\n\n{more}"
    report = await run_tests(repository({"app.py": APP, "tests/test_app.py": text}), environment, timeout=30)
    assert report.verdict is Verdict.FAILED
    assert report.summary == "2 passed, 1 failed"
    (finding,) = report.findings
    assert finding.severity is Severity.CRITICAL
    assert finding.title == "tests/test_app.py::TestMore::test_wrong fails"
    assert (finding.path, finding.line) == ("tests/test_app.py", 13)
    assert "assert total == 5" in finding.evidence
    assert "AssertionError: sums" in finding.evidence
    assert "tests/test_app.py::TestMore::test_wrong" not in report.tests


async def test_a_finding_stays_the_same_when_its_line_moves(
    repository: Repository, environment: TargetEnvironment
) -> None:
    failing = "def test_x():\n    assert object() == 1\n"
    first = await run_tests(repository({"test_x.py": failing}), environment, timeout=30)
    second = await run_tests(repository({"test_x.py": f"import os\n\n\n{failing}"}), environment, timeout=30)
    assert first.findings[0].fingerprint == second.findings[0].fingerprint
    assert first.findings[0].line != second.findings[0].line


async def test_an_error_in_the_code_shows_the_line_that_raised(
    repository: Repository, environment: TargetEnvironment
) -> None:
    files = {
        "app.py": "def half(n):\n    return n / 0\n",
        "test_app.py": "import app\n\ndef test_it():\n    app.half(1)\n",
    }
    (finding,) = (await run_tests(repository(files), environment, timeout=30)).findings
    assert "return n / 0" in finding.evidence
    assert "ZeroDivisionError" in finding.evidence
    assert "app.py:2" in finding.evidence


async def test_a_syntax_error_is_a_finding(repository: Repository, environment: TargetEnvironment) -> None:
    files = {"app.py": APP, "tests/test_app.py": TEST_APP, "tests/test_bad.py": "def test_x():\n    assert (1\n"}
    report = await run_tests(repository(files), environment, timeout=30)
    assert report.verdict is Verdict.FAILED
    (finding,) = report.findings
    assert finding.title == "tests/test_bad.py cannot be loaded"
    assert (finding.path, finding.line) == ("tests/test_bad.py", 2)
    assert "SyntaxError" in finding.evidence


async def test_a_missing_import_is_a_finding(repository: Repository, environment: TargetEnvironment) -> None:
    report = await run_tests(repository({"tests/test_bad.py": "import nowhere\n"}), environment, timeout=30)
    assert report.findings[0].title == "tests/test_bad.py cannot be loaded"
    assert "No module named 'nowhere'" in report.findings[0].evidence


async def test_a_broken_conftest_is_told(repository: Repository, environment: TargetEnvironment) -> None:
    files = {"tests/conftest.py": "import nowhere\n", "tests/test_app.py": "def test_a(): ...\n"}
    report = await run_tests(repository(files), environment, timeout=30)
    assert report.verdict is Verdict.FAILED
    assert "No module named 'nowhere'" in report.critical[0].evidence


async def test_no_tests(repository: Repository, environment: TargetEnvironment) -> None:
    report = await run_tests(repository({"app.py": APP}), environment, timeout=30)
    assert (report.verdict, report.summary) == (Verdict.ABSENT, "The repository has no tests.")


async def test_tests_that_do_not_end(repository: Repository, environment: TargetEnvironment) -> None:
    root = repository({"test_slow.py": "import time\n\ndef test_slow():\n    time.sleep(600)\n"})
    report = await run_tests(root, environment, timeout=10)
    assert report.verdict is Verdict.FAILED
    (finding,) = report.critical
    assert finding.title == "The tests did not end within 10 s"
    assert "It hung in test_slow, test_slow.py line 4." in finding.evidence


async def test_a_test_that_leaves_a_process_behind(repository: Repository, environment: TargetEnvironment) -> None:
    mark = "sleeper-of-a-target-test"
    body = "".join(f"    {line}\n" for line in spawn(mark).splitlines())
    report = await run_tests(repository({"test_fork.py": f"def test_fork():\n{body}"}), environment, timeout=30)
    assert report.verdict is Verdict.PASSED
    assert sleepers(mark) == []


@pytest.mark.parametrize("code", [0, 1])
async def test_leaving_early_is_no_verdict(repository: Repository, environment: TargetEnvironment, code: int) -> None:
    root = repository({"test_x.py": f"import os\n\ndef test_x():\n    os._exit({code})\n"})
    report = await run_tests(root, environment, timeout=30)
    assert report.verdict is Verdict.FAILED
    assert "gave no results" in report.summary


async def test_results_and_exit_code_must_agree(repository: Repository, environment: TargetEnvironment) -> None:
    hook = "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"
    files = {"conftest.py": hook, "test_x.py": "def test_x():\n    assert 1 == 2\n"}
    report = await run_tests(repository(files), environment, timeout=30)
    assert report.verdict is Verdict.FAILED
    assert "say otherwise" in report.summary


async def test_skips_are_counted_and_are_no_passes(repository: Repository, environment: TargetEnvironment) -> None:
    skipped = "@pytest.mark.skip\ndef test_a(): ...\n\n"
    text = f"import pytest\n\n{skipped}@pytest.mark.parametrize('n', [1, 2])\ndef test_b(n): ...\n"
    report = await run_tests(repository({"test_x.py": text}), environment, timeout=30)
    assert report.summary == "2 passed, 1 skipped"
    assert report.tests == ["test_x.py::test_b[1]", "test_x.py::test_b[2]"]


async def test_the_source_layout_and_the_repositorys_own_coverage_settings(
    repository: Repository, environment: TargetEnvironment
) -> None:
    files = {
        "src/pack/__init__.py": APP,
        "src/pack/left_out.py": "x = 1\n" * 50,
        "tests/test_app.py": TEST_APP.replace("from app", "from pack").replace("def test_sub", "def no_test_sub"),
        "pyproject.toml": '[tool.coverage.run]\nsource = ["src/pack"]\nomit = ["*/left_out.py"]\nparallel = true\n',
    }
    root = repository(files)
    report = await run_tests(root, environment, timeout=30)
    assert report.metrics["coverage_percent"] == 75
    assert left_in(root) == ""


async def test_files_that_no_test_imports_lower_the_coverage(
    repository: Repository, environment: TargetEnvironment
) -> None:
    files = {"app.py": APP, "tests/test_app.py": TEST_APP, "other.py": "x = 1\ny = 2\nz = 3\nw = 4\n"}
    report = await run_tests(repository(files), environment, timeout=30)
    assert report.metrics["coverage_percent"] == 50


async def test_settings_above_the_workspace_do_not_count(
    repository: Repository, environment: TargetEnvironment, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('not yours')\n")
    report = await run_tests(repository(), environment, timeout=30)
    assert report.verdict is Verdict.PASSED


async def test_settings_that_pytest_refuses_are_told(repository: Repository, environment: TargetEnvironment) -> None:
    files = {"pytest.ini": "[pytest]\naddopts = --no-such-option\n", "test_x.py": "def test_x(): ...\n"}
    report = await run_tests(repository(files), environment, timeout=30)
    assert report.verdict is Verdict.FAILED
    assert "--no-such-option" in report.critical[0].evidence


async def test_a_command_of_its_own(repository: Repository, environment: TargetEnvironment) -> None:
    run = '[tool.shipline]\ntest = "python -m unittest -q"\n'
    body = "    def test_x(self):\n        self.assertNotEqual(sys.prefix, %r)\n"
    good = f"import sys, unittest\n\nclass T(unittest.TestCase):\n{body}"
    report = await run_tests(
        repository({"pyproject.toml": run, "test_x.py": good % sys.prefix}), environment, timeout=30
    )
    assert (report.verdict, report.summary) == (Verdict.PASSED, "`python -m unittest -q` succeeded")
    bad = await run_tests(repository({"test_x.py": good.replace("NotEqual", "Equal") % "x"}), environment, timeout=30)
    assert bad.verdict is Verdict.FAILED
    assert "AssertionError" in bad.critical[0].evidence


async def test_arguments_of_its_own(repository: Repository, environment: TargetEnvironment) -> None:
    root = repository(
        {
            "app.py": APP,
            "tests/test_app.py": TEST_APP,
            "pyproject.toml": '[tool.shipline]\ntest = "python -m pytest -k add"\n',
        }
    )
    report = await run_tests(root, environment, timeout=30)
    assert report.tests == ["tests/test_app.py::test_add"]


async def test_at_most_twenty_failures_are_kept(repository: Repository, environment: TargetEnvironment) -> None:
    text = "import pytest\n\n@pytest.mark.parametrize('n', range(30))\ndef test_n(n):\n    assert n < 0\n"
    report = await run_tests(repository({"test_n.py": text}), environment, timeout=30)
    assert len(report.findings) == 20
    assert report.summary == "0 passed, 30 failed (the first 20 are kept)"
