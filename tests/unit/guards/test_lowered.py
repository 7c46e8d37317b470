"""Settings that a change must not lower."""

from __future__ import annotations

import pytest

from tasks.guards import GuardContext
from tasks.guards.lowered import lowered_settings
from tests.unit.guards.helpers import added, change, deleted, edited

ANY = GuardContext()
OLD = """\
[tool.shipline]
test = "python -m pytest"
coverage_percent = 80

[tool.pytest.ini_options]
testpaths = ["tests", "checks"]
filterwarnings = ["error"]
addopts = "-ra"

[tool.coverage.run]
branch = true
source = ["tally"]
omit = ["tally/a.py"]

[tool.coverage.report]
fail_under = 75
"""


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("coverage_percent = 80", "coverage_percent = 40", "coverage_percent was lowered from 80 to 40"),
        ("coverage_percent = 80", "", "coverage_percent was lowered from 80 to nothing"),
        ('test = "python -m pytest"', 'test = "true"', "tool.shipline.test was changed"),
        ('test = "python -m pytest"', "", "tool.shipline.test was changed"),
        ("fail_under = 75", "fail_under = 10", "fail_under was lowered from 75 to 10"),
        ('omit = ["tally/a.py"]', 'omit = ["tally/a.py", "tally/b.py"]', "omit leaves out more: tally/b.py"),
        ("fail_under = 75", 'fail_under = 75\nexclude_lines = ["def .*"]', "exclude_lines leaves out more: def .*"),
        ('source = ["tally"]', 'source = ["tally.small"]', "source no longer measures tally"),
        ("branch = true", "branch = false", "branch was switched off"),
        ("branch = true", 'include = ["a.py"]', "include was changed"),
        ('["tests", "checks"]', '["tests"]', "testpaths names less"),
        ('filterwarnings = ["error"]', "", "filterwarnings no longer"),
        ('addopts = "-ra"', 'addopts = "-ra --deselect=tests/test_a.py"', "select fewer tests: --deselect"),
        ('addopts = "-ra"', 'addopts = ["-k", "not slow"]', "select fewer tests: -k"),
        ('addopts = "-ra"', 'norecursedirs = ["tests/slow"]', "norecursedirs leaves out more: tests/slow"),
    ],
)
def test_lowered_settings_are_stopped(old: str, new: str, detail: str) -> None:
    assert old in OLD
    (found, *_) = lowered_settings(change(edited("pyproject.toml", OLD, OLD.replace(old, new))), ANY)
    assert (found.guard, found.path) == ("test-tampering", "pyproject.toml")
    assert detail in found.detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("coverage_percent = 80", "coverage_percent = 90"),
        ("fail_under = 75", "fail_under = 75.5"),
        ('["tests", "checks"]', '["tests", "checks", "more"]'),
        ('omit = ["tally/a.py"]', ""),
        ('addopts = "-ra"', 'addopts = "-ra --strict-markers"'),
        ("[tool.shipline]", '[project]\nname = "tally"\n\n[tool.shipline]'),
    ],
)
def test_other_edits_pass(old: str, new: str) -> None:
    assert lowered_settings(change(edited("pyproject.toml", OLD, OLD.replace(old, new))), ANY) == []


def test_a_file_that_takes_precedence_counts() -> None:
    """An empty pytest.ini hides all that pyproject.toml says of pytest; .coveragerc hides what it says of coverage."""
    details = [each.detail for each in lowered_settings(change(added("pytest.ini", ""), pyproject=OLD), ANY)]
    assert details == [
        "pytest's testpaths names less than before",
        "pytest's filterwarnings no longer make warnings errors",
    ]
    hidden = lowered_settings(change(added(".coveragerc", "[run]\nbranch = true\n"), pyproject=OLD), ANY)
    assert any("fail_under was lowered from 75 to nothing" in each.detail for each in hidden)


def test_settings_may_move_to_another_file() -> None:
    old = "[coverage:report]\nfail_under = 75\n"
    new = "[tool.coverage.report]\nfail_under = 75\n"
    assert lowered_settings(change(deleted("setup.cfg", old), added("pyproject.toml", new)), ANY) == []
    assert lowered_settings(change(deleted("setup.cfg", old)), ANY)


def test_a_new_repository_may_choose() -> None:
    assert (
        lowered_settings(change(added("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')), ANY)
        == []
    )


def test_a_task_about_tests_may() -> None:
    lowered = OLD.replace("fail_under = 75", "fail_under = 1")
    assert lowered_settings(change(edited("pyproject.toml", OLD, lowered)), GuardContext(about_tests=True)) == []
