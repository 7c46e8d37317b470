"""Lint, static analysis, secrets, and the suites: the real tools on small repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.models import CheckReport, Severity, Verdict
from tasks.quality import TargetEnvironment, check_change, check_whole, reports
from tasks.quality.changed import Changed
from tasks.quality.coverage import coverage_gate
from tasks.quality.lint import lint
from tasks.quality.sast import sast
from tasks.quality.secrets import secrets
from tests.integration.quality.conftest import APP, TEST_APP, Repository, left_in

MD5 = "import hashlib\n\n\ndef mark(text):\n    return hashlib.md5(text.encode()).hexdigest()\n"
AWS = "AKIA" + "Z7Q4N2M8K5T3R6W9"  # in two parts, so that this file holds no secret itself


async def test_lint_tells_and_does_not_block(repository: Repository) -> None:
    root = repository({"app.py": "import os\n\nx = 1\n"})
    report = await lint(root)
    assert report.verdict is Verdict.PASSED
    assert report.summary == "ruff: 1 finding"
    (finding,) = report.findings
    assert finding.severity is Severity.MINOR
    assert (finding.path, finding.line, finding.evidence) == ("app.py", 1, "import os")
    assert finding.title.startswith("F401")
    assert left_in(root) == ""


async def test_lint_blocks_on_a_syntax_error(repository: Repository) -> None:
    report = await lint(repository({"app.py": "def f(:\n    pass\n"}))
    assert report.verdict is Verdict.FAILED
    assert (report.critical[0].path, report.critical[0].line) == ("app.py", 1)


async def test_lint_takes_the_repositorys_settings_and_no_others(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text('lint.select = ["ALL"]\n')
    assert (await lint(repository({"app.py": "x = 1\n"}))).findings == []
    own = {"app.py": "import os\n", "pyproject.toml": '[tool.ruff.lint]\nignore = ["F401"]\n'}
    assert (await lint(repository(own))).findings == []


async def test_where_lint_was_promised_the_repositorys_own_rules_hold_the_lines_of_the_change(
    repository: Repository,
) -> None:
    files = {"app.py": "import os\nimport sys\n", "ruff.toml": 'lint.select = ["F"]\n'}
    root, changed = repository(files), Changed({"app.py": frozenset({2})})
    held = await lint(root, changed, promised=True)
    assert [(each.line, each.severity) for each in held.findings] == [(2, Severity.CRITICAL), (1, Severity.MINOR)]
    assert (await lint(root, changed)).critical == []
    (root / "ruff.toml").unlink()
    assert (await lint(root, changed, promised=True)).critical == []  # ruff's own rules were promised by nobody


async def test_lint_says_when_ruff_refuses_the_settings(repository: Repository) -> None:
    report = await lint(repository({"app.py": "", "ruff.toml": "no-such-setting = 1\n"}))
    assert report.verdict is Verdict.FAILED
    assert "no-such-setting" in report.critical[0].evidence


async def test_sast_blocks_on_weak_hashes(repository: Repository) -> None:
    root = repository({"app.py": MD5, "tests/test_app.py": MD5, "test_more.py": MD5})
    report = await sast(root)
    assert report.verdict is Verdict.FAILED
    (finding,) = report.findings
    assert finding.severity is Severity.CRITICAL
    assert (finding.path, finding.line) == ("app.py", 5)
    assert finding.evidence == "return hashlib.md5(text.encode()).hexdigest()"
    moved = await sast(repository({"app.py": f"import os\n\n\n{MD5}"}))
    assert moved.findings[0].fingerprint == finding.fingerprint
    assert left_in(root) == ""


async def test_sast_tells_what_is_less(repository: Repository) -> None:
    text = 'import subprocess\n\nPASSWORD = "correct-horse"\nsubprocess.run(["ls"])\n'
    report = await sast(repository({"app.py": text, "broken.py": "def (:\n"}))
    assert report.verdict is Verdict.PASSED
    assert {each.severity for each in report.findings} == {Severity.MINOR}
    assert "correct-horse" not in report.model_dump_json()


async def test_the_repositorys_own_modules_do_not_become_the_tools(repository: Repository) -> None:
    forged = "raise SystemExit(0)\n"
    root = repository({"json.py": forged, "ruff/__main__.py": forged, "bandit/__main__.py": forged, "app.py": MD5})
    assert (await sast(root)).verdict is Verdict.FAILED
    assert (await lint(root)).summary == "ruff found nothing"


async def test_secrets_are_found_and_not_quoted(repository: Repository) -> None:
    root = repository({"app.py": f'KEY = "{AWS}"\n', "conf.ini": "[db]\npassword = hunter2hunter3\n"})
    report = await secrets(root)
    assert report.verdict is Verdict.FAILED
    assert {(each.path, each.line) for each in report.critical} == {("app.py", 1), ("conf.ini", 2)}
    assert AWS not in report.model_dump_json()
    assert "hunter2" not in report.model_dump_json()
    assert left_in(root) == ""


async def test_secrets_tell_of_what_is_only_random_or_invented(repository: Repository) -> None:
    sum_ = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    report = await secrets(
        repository({"sums.py": f'SUM = "{sum_}"\n', "tests/test_a.py": 'password = "correct-horse"\n'})
    )
    assert report.verdict is Verdict.PASSED
    assert {each.severity for each in report.findings} == {Severity.MAJOR}


@pytest.mark.parametrize(
    ("percent", "verdict", "words"),
    [
        (80, Verdict.PASSED, "80.0 %, the gate is 80 %"),
        (71.24, Verdict.FAILED, "coverage is 71.2 %, the gate is 80 %"),
        (79.96, Verdict.FAILED, "coverage is 79.96 %, the gate is 80 %"),
        (None, Verdict.ABSENT, "Nothing was measured (tests: two)"),
    ],
)
def test_the_coverage_gate(percent: float | None, verdict: Verdict, words: str) -> None:
    metrics = {} if percent is None else {"coverage_percent": percent}
    tests = CheckReport(check="tests", verdict=Verdict.PASSED, summary="two", metrics=metrics)
    report = coverage_gate(tests, 80)
    assert (report.verdict, report.summary) == (verdict, words)
    assert [each.title for each in report.critical] == ([words] if verdict is Verdict.FAILED else [])


async def test_a_leafs_suite(repository: Repository, environment: TargetEnvironment) -> None:
    root = repository()
    found = await check_change(root, environment, minimum_coverage=80, timeout=30)
    assert [(each.check, each.verdict) for each in found] == [
        ("tests", Verdict.PASSED),
        ("coverage", Verdict.PASSED),
        ("coverage-of-change", Verdict.ABSENT),
        ("lint", Verdict.PASSED),
        ("types", Verdict.ABSENT),
    ]
    assert left_in(root) == ""


async def test_the_whole_suite(repository: Repository, environment: TargetEnvironment) -> None:
    files = {"app.py": f"{APP}\n\n{MD5}", "tests/test_app.py": TEST_APP, "key.py": f'KEY = "{AWS}"\n'}
    root = repository(files)
    found = await check_whole(root, environment, minimum_coverage=80, timeout=30)
    assert {each.check: each.verdict for each in found} == {
        "tests": Verdict.PASSED,
        "coverage": Verdict.FAILED,
        "coverage-of-change": Verdict.ABSENT,
        "lint": Verdict.PASSED,
        "types": Verdict.ABSENT,
        "sast": Verdict.FAILED,
        "secrets": Verdict.FAILED,
        "licences": Verdict.PASSED,
        "vulnerabilities": Verdict.PASSED,
        "workflows": Verdict.PASSED,
    }
    assert left_in(root) == ""


async def test_a_suite_without_tests_says_so(repository: Repository, environment: TargetEnvironment) -> None:
    found = await check_change(repository({"app.py": APP}), environment, minimum_coverage=80, timeout=30)
    assert [each.verdict for each in found[:2]] == [Verdict.ABSENT, Verdict.ABSENT]


async def test_a_missing_tool_is_absent_in_words(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    report = await lint(repository())
    assert report.verdict is Verdict.ABSENT
    assert report.summary.startswith("ruff is not installed.")


async def test_a_check_that_breaks_reports_it(repository: Repository, environment: TargetEnvironment) -> None:
    root = repository({"pyproject.toml": "[tool.shipline]\ncoverage_percent = 900\n", "app.py": APP})
    found = await check_change(root, environment, minimum_coverage=80, timeout=30)
    assert found[0].verdict is Verdict.FAILED
    assert "coverage_percent" in found[0].critical[0].evidence
    assert found[1].verdict is Verdict.ABSENT


async def test_a_tool_that_does_not_end_is_told(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "TOOL_SECONDS", 0.001)
    report = await lint(repository())
    assert report.verdict is Verdict.FAILED
    assert "did not end within" in report.critical[0].title
