"""What a repository asks of itself must not become less, and how it is tested not another thing."""

from __future__ import annotations

import json

import pytest

from tasks.guards import GuardContext
from tasks.guards.gates import changed_recipes
from tasks.guards.lowered import lowered_settings
from tests.unit.guards.helpers import added, change, deleted, edited

ANY = GuardContext()
OLD = """\
[tool.shipline]
change_coverage_percent = 90
require_tests = true
lint = "make lint"
sarif = ["semgrep --sarif"]

[tool.shipline.tests]
unit = "python -m pytest tests/unit"

[tool.shipline.licences]
allow = ["MIT"]
deny = ["GPL-*"]
ask = ["MPL-*"]
"""


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("change_coverage_percent = 90", "change_coverage_percent = 10", "was lowered from 90 to 10"),
        ("require_tests = true", "require_tests = false", "require_tests was switched off"),
        ('lint = "make lint"', 'lint = "true"', "lint was changed"),
        ('lint = "make lint"', 'lint = "make lint"\ntypes = "true"', "types was set"),
        ('["semgrep --sarif"]', "[]", "sarif was changed"),
        ('unit = "python -m pytest tests/unit"', 'unit = "true"', "tests was changed"),
        ('allow = ["MIT"]', 'allow = ["MIT", "GPL-3.0"]', "licences allows more: GPL-3.0"),
        ('deny = ["GPL-*"]', "", "no longer names to deny: GPL-*"),
        ('ask = ["MPL-*"]', "ask = []", "no longer names to ask: MPL-*"),
    ],
)
def test_gates_that_are_lowered_are_stopped(old: str, new: str, detail: str) -> None:
    assert old in OLD
    details = [
        each.detail for each in lowered_settings(change(edited("pyproject.toml", OLD, OLD.replace(old, new))), ANY)
    ]
    assert len(details) == 1
    assert detail in details[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("change_coverage_percent = 90", "change_coverage_percent = 95"),
        ('deny = ["GPL-*"]', 'deny = ["GPL-*", "AGPL-*"]'),
        ('["semgrep --sarif"]', '["semgrep --sarif"]\ncoverage_percent = 80'),
    ],
)
def test_stricter_gates_pass(old: str, new: str) -> None:
    assert lowered_settings(change(edited("pyproject.toml", OLD, OLD.replace(old, new))), ANY) == []


MAKE = "test:\n\tpytest\n\nbuild:\n\tpip wheel .\n"
SCRIPTS = {"test": "jest", "test:e2e": "playwright test", "build": "tsc"}


def package(**scripts: str) -> str:
    return json.dumps({"scripts": {**SCRIPTS, **scripts}})


@pytest.mark.parametrize(
    ("path", "old", "new", "detail"),
    [
        ("Makefile", MAKE, MAKE.replace("pytest", "true"), "the target test"),
        ("tox.ini", "[testenv]\ncommands = pytest\n", "[testenv]\ncommands = pytest -k a\n", "testenv's commands"),
        ("package.json", package(), package(test="true"), "the script test was"),
        ("package.json", package(), package(**{"test:e2e": "true"}), "the script test:e2e"),
    ],
)
def test_another_way_of_testing_is_stopped(path: str, old: str, new: str, detail: str) -> None:
    (found,) = changed_recipes(change(edited(path, old, new)), ANY)
    assert (found.guard, found.path) == ("test-tampering", path)
    assert detail in found.detail
    assert changed_recipes(change(edited(path, old, new)), GuardContext(files=(path,))) == []
    assert changed_recipes(change(deleted(path, old)), ANY) != []


def test_a_new_file_may_not_choose_among_the_tests() -> None:
    (found,) = changed_recipes(change(added("Makefile", MAKE.replace("pytest", "pytest -k none"))), ANY)
    assert "the target test was set" in found.detail


def test_other_edits_of_these_files_pass() -> None:
    assert changed_recipes(change(edited("Makefile", MAKE, MAKE.replace("wheel", "install"))), ANY) == []
    assert changed_recipes(change(edited("package.json", package(), package(build="vite", lint="eslint"))), ANY) == []
    assert changed_recipes(change(added("Makefile", MAKE), added("package.json", package())), ANY) == []
