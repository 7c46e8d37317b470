"""A matrix of small repositories: what each gate says of each of them, in words, with evidence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.models import CheckReport, LicenceLists, Severity, Standards
from tasks.quality import TargetEnvironment, check_change, check_whole, target_environment
from tasks.quality.licences import licences
from tests.integration.quality.conftest import APP, TEST_APP, Repository, commit, left_in
from tests.integration.quality.test_environment import wheel

TEST_ONE = "from app import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
FLAKY = """\
from pathlib import Path


def test_now_and_then():
    mark = Path("mark.txt")
    was = mark.exists()
    mark.write_text("x")
    assert was, "not yet"


def test_always():
    assert Path.cwd()
"""
UNSAFE = "import subprocess\n\n\ndef run(words):\n    return subprocess.call(words, shell=True)\n"
AWS = "AKIA" + "Z7Q4N2M8K5T3R6W9"  # in two parts, so that this file holds no secret itself
SLOW = "import time\n\n\ndef test_slow():\n    time.sleep(600)\n"
LCOV = "mkdir -p coverage && node --test --experimental-test-coverage --test-reporter=lcov"
SUM = "exports.add = (a, b) => a + b;\nexports.sub = (a, b) => {\n  return a - b;\n};\n"
SUM_TEST = """\
const test = require("node:test");
const assert = require("node:assert");
const sums = require("./sums.js");
test("adds", () => assert.strictEqual(sums.add(1, 2), 3));
"""
WARNED = {
    "version": "2.1.0",
    "runs": [{
        "tool": {"driver": {"name": "own"}},
        "results": [{
            "ruleId": "W1", "level": "warning", "message": {"text": "Mind the gap"},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "app.py"}, "region": {"startLine": 2},
            }}],
        }],
    }],
}  # fmt: skip


def npm(**scripts: str) -> str:
    return json.dumps({"name": "x", "version": "1.0.0", "private": True, "scripts": scripts})


def shipline(**settings: object) -> str:
    """A pyproject.toml with ``[tool.shipline]``; JSON's values are TOML's here."""
    return "[tool.shipline]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


@dataclass(frozen=True)
class Case:
    """Files, and for each check that matters its verdict and what it must say; ``finding`` is severity and words."""

    files: Mapping[str, str]
    says: Mapping[str, str]
    finding: tuple[str, str, str] | None = None
    timeout: float = 60
    whole: bool = False


GOOD = {"app.py": APP, "tests/test_app.py": TEST_APP}
CASES = {
    "pytest": Case(GOOD, {"tests": "passed: 2 passed", "coverage": "passed: 100.0 %", "types": "absent: .*mypy"}),
    "pytest with coverage's own settings": Case(
        {**GOOD, "setup.cfg": "[coverage:run]\nbranch = true\nsource = app\nparallel = true\n"},
        {"tests": "passed: 2 passed", "coverage": "passed: 100.0 %"},
    ),
    "pytest-cov asked for and not installed": Case(
        {**GOOD, "pytest.ini": "[pytest]\naddopts = --cov=app\n"},
        {"tests": "failed: the tests gave no results", "coverage": "absent: Nothing was measured"},
        ("tests", "critical", "unrecognized arguments: --cov=app"),
    ),
    "a failing test": Case(
        {"app.py": APP.replace("a + b", "a - b"), "tests/test_app.py": TEST_APP},
        {"tests": "failed: 1 passed, 1 failed"},
        ("tests", "critical", "assert add"),
    ),
    "a flaky test": Case(
        {"test_flaky.py": FLAKY},
        {"tests": "passed: 2 passed, 1 flaky test among them"},
        ("tests", "major", "test_flaky.py::test_now_and_then is flaky"),
    ),
    "a syntax error": Case(
        {"app.py": "def f(:\n", "test_app.py": "import app\n\n\ndef test_f(): ...\n"},
        {"tests": "failed: ", "lint": "failed: "},
        ("lint", "critical", "invalid-syntax"),
    ),
    "no tests at all": Case(
        {"app.py": APP}, {"tests": "absent: The repository has no tests", "coverage": "absent: "}
    ),
    "no tests where they are required": Case(
        {"app.py": APP, "pyproject.toml": shipline(require_tests=True)},
        {"tests": "failed: "},
        ("tests", "critical", "the repository requires them"),
    ),
    "tests that never end": Case(
        {"test_slow.py": SLOW}, {"tests": "failed: the tests did not end within 3 s"}, timeout=3
    ),
    "unit, integration and end-to-end": Case(
        {"app.py": APP, "tests/unit/test_a.py": TEST_ONE, "tests/e2e/test_b.py": TEST_ONE.replace("add", "sub").replace(
            "== 3", "== -1")},
        {"tests-unit": "passed: 1 passed", "tests-e2e": "passed: 1 passed", "coverage": "passed: 100.0 %"},
    ),
    "mypy configured and not there": Case(
        {**GOOD, "mypy.ini": "[mypy]\nstrict = True\n"}, {"types": "absent: mypy is configured, and is not among"}
    ),
    "commands of its own": Case(
        {**GOOD, "pyproject.toml": shipline(lint="python -c 'raise SystemExit(3)'", types="no-such-checker .")},
        {"lint": "failed: .*exit code 3", "types": "absent: .*no-such-checker is not installed here"},
    ),
    "another language": Case(
        {"main.zig": "", "Makefile": "test:\n\tzig-that-is-nowhere test\n"},
        {"tests": "absent: `make test` .*zig-that-is-nowhere is not installed here"},
    ),
    "a hard-coded secret and an unsafe call": Case(
        {**GOOD, "key.py": f'KEY = "{AWS}"\n', "run.py": UNSAFE},
        {"secrets": "failed: ", "sast": "failed: ", "vulnerabilities": "passed: no third", "licences": "passed: "},
        ("sast", "critical", "shell=True"),
        whole=True,
    ),
    "a scanner of its own": Case(
        {
            **GOOD, "own.json": json.dumps(WARNED),
            "pyproject.toml": shipline(sarif=["python -c 'print(open(\"own.json\").read())'", "no-such-scanner ."]),
            ".github/workflows/x.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{uses: a/b@v1}]\n",
        },
        {
            "sarif-python": "passed: .*1 finding", "sarif-no-such-scanner": "absent: .*not installed here",
            "workflows": "passed: zizmor: . finding",
        },
        ("sarif-python", "major", "Mind the gap"),
        whole=True,
    ),
}  # fmt: skip
NODE = {
    "a package": Case(
        {
            "package.json": npm(test=f"{LCOV} --test-reporter-destination=coverage/lcov.info", lint="exit 0"),
            "sums.js": SUM, "sums.test.js": SUM_TEST,
        },
        {"tests": "passed: `npm run --silent test` succeeded", "coverage": r"passed: 8\d", "lint": "passed: `npm"},
    ),
    "a package that fails": Case(
        {
            "package.json": npm(**{"test:unit": "node --test", "typecheck": "tsc-that-is-nowhere"}),
            "a.test.js": "throw 1",
        },
        {
            "tests-unit": "failed: .*exit code 1", "types": "absent: .*tsc-that-is-nowhere is not installed here",
            "lint": "absent: There is no Python here",
        },
    ),
    "a package that never ends": Case(
        {"package.json": npm(test="node -e 'setInterval(() => 0, 1000)'")},
        {"tests": "failed: the tests did not end within 3 s"},
        timeout=3,
    ),
}  # fmt: skip


def told(reports: list[CheckReport]) -> dict[str, str]:
    return {each.check: f"{each.verdict}: {each.summary}" for each in reports}


async def judge(case: Case, repository: Repository, environment: TargetEnvironment) -> list[CheckReport]:
    root = repository(dict(case.files))
    suite = check_whole if case.whole else check_change
    return await suite(root, environment, minimum_coverage=80, timeout=case.timeout)


def expect(case: Case, reports: list[CheckReport]) -> None:
    said = told(reports)
    for check, words in case.says.items():
        assert re.match(words, said[check], re.DOTALL), (check, said[check])
    assert all(each.evidence for report in reports for each in report.findings)
    if case.finding is not None:
        check, severity, words = case.finding
        found = [each for report in reports for each in report.findings if each.check == check]
        texts = [f"{each.title}\n{each.evidence}" for each in found if each.severity == severity]
        assert any(words in text for text in texts), (words, found)


@pytest.mark.parametrize("name", CASES)
async def test_each_gate_says_the_right_thing(
    name: str, repository: Repository, environment: TargetEnvironment
) -> None:
    expect(CASES[name], await judge(CASES[name], repository, environment))


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
@pytest.mark.parametrize("name", NODE)
async def test_a_package_json_project(name: str, repository: Repository, environment: TargetEnvironment) -> None:
    expect(NODE[name], await judge(NODE[name], repository, environment))


async def test_without_npm_a_package_is_not_tested_and_says_so(
    repository: Repository, environment: TargetEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_more: None)
    root = repository({"package.json": npm(test="node --test")})
    said = told(await check_change(root, environment, minimum_coverage=80, timeout=5))
    assert said["tests"] == "absent: `npm run --silent test` (package.json) was not run: npm is not installed here"


async def test_what_a_change_adds_is_measured_by_itself(repository: Repository, environment: TargetEnvironment) -> None:
    files = {"app.py": APP + "\n\n".join(f"N{n} = {n}" for n in range(40)), "tests/test_app.py": TEST_APP}
    root = repository(files)
    base = commit(root)
    (root / "new.py").write_text("def half(n):\n    if n:\n        return n / 2\n    return 0\n")
    commit(root)
    suite = check_change(root, environment, minimum_coverage=80, timeout=60, standards=Standards(base=base))
    reports = {each.check: each for each in await suite}
    assert reports["coverage"].critical == []  # of the whole it is little
    (finding,) = reports["coverage-of-change"].critical
    assert finding.title == "coverage of the change is 0 % of 4 lines, the gate is 80 %"
    assert finding.evidence.endswith("new.py: 1-4")
    assert left_in(root) == ""


async def test_a_licence_blocks_passes_or_waits_for_a_person(repository: Repository, cache: Path) -> None:
    root = repository({"app.py": "x = 1\n"})
    needs = [
        wheel(root.parent, "copyleft", "License: GPL-3.0-or-later"), wheel(root.parent, "weak", "License: MPL-2.0"),
    ]  # fmt: skip
    allow = '[tool.shipline.licences]\nask = ["MPL-*"]\n'
    (root / "pyproject.toml").write_text(f"[project]\nname = 'x'\ndependencies = {json.dumps(needs)}\n{allow}")
    environment = await target_environment(root, cache)

    report = await licences(root, environment)
    gpl, mpl = sorted(report.critical, key=lambda each: each.title)
    assert (gpl.title, gpl.ask) == ("copyleft is under GPL-3.0-or-later", False)
    assert (mpl.title, mpl.ask) == ("weak is under MPL-2.0, which a person is to be asked about", True)
    assert "licences_allow" in mpl.evidence and "[tool.shipline.licences]" in mpl.evidence
    assert report.summary.endswith("1 for a person to decide")

    said = LicenceLists(allow=["MPL-2.0", "package:copyleft"])
    assert (await licences(root, environment, said)).findings == []
    denied = await licences(root, environment, LicenceLists(deny=["MPL-*"], allow=["GPL-*"]))
    assert [each.title for each in denied.critical] == ["weak is under MPL-2.0, which is denied"]
    assert {each.severity for each in denied.findings} == {Severity.CRITICAL}
