"""Tests that a change must not weaken."""

from __future__ import annotations

import pytest

from tasks.guards import GuardContext
from tasks.guards.tampering import tampered_tests
from tests.unit.guards.helpers import added, change, deleted, edited

ANY = GuardContext()
PATH = "tests/test_a.py"
OLD = """\
import pytest

@pytest.mark.parametrize("n", [1, 2, 3])
def test_n(n):
    assert n > 0

def test_sum():
    total = 1 + 1
    assert total == 2
    with pytest.raises(ValueError):
        int("x")

class TestMore:
    def test_it(self):
        self.assertEqual(f(1), 1)
"""


def edit(old: str, new: str) -> str:
    assert old in OLD
    return OLD.replace(old, new)


WEAKER = {
    "gone": (edit("def test_sum", "def check_sum"), "test_sum is gone"),
    "assert removed": (edit("    assert total == 2\n", ""), "test_sum asserts less: 1 of 2"),
    "assert true": (edit("total == 2", "True"), "test_sum asserts less"),
    "assert itself": (edit("total == 2", "total == total"), "test_sum asserts less"),
    "assert or true": (edit("total == 2", "total == 2 or True"), "test_sum asserts less"),
    "raises removed": (edit('    with pytest.raises(ValueError):\n        int("x")\n', ""), "test_sum asserts less"),
    "early return": (edit("    total = 1 + 1\n", "    total = 1 + 1\n    return\n"), "test_sum asserts less: 0 of 2"),
    "dead branch": (edit("    assert total", "    if False:\n        assert total"), "test_sum asserts less"),
    "swallowed": (
        edit("    assert total == 2\n", "    try:\n        assert total == 2\n    except Exception:\n        pass\n"),
        "test_sum asserts less",
    ),
    "suppressed": (
        edit("    assert total", "    with contextlib.suppress(AssertionError):\n        assert total"),
        "test_sum asserts less",
    ),
    "constant": (edit("self.assertEqual(f(1), 1)", "self.assertEqual(1, 1)"), "TestMore::test_it asserts less"),
    "fewer cases": (edit("[1, 2, 3]", "[1]"), "test_n has 1 cases, before it had 3"),
    "skipped": (edit("def test_sum", "@pytest.mark.skip\ndef test_sum"), "skip or xfail was added"),
    "xfail": (edit("def test_sum", "@pytest.mark.xfail\ndef test_sum"), "skip or xfail was added"),
    "skip inside": (edit("    total = 1", "    pytest.skip('later')\n    total = 1"), "skip or xfail was added"),
    "skip imported": (edit("def test_sum", "from pytest import skip\ndef test_sum"), "skip or xfail was added"),
    "whole module": (edit("import pytest\n", "import pytest\npytestmark = pytest.mark.skip\n"), "skip or xfail"),
    "not a test": (edit("class TestMore:\n", "class TestMore:\n    __test__ = False\n"), "__test__ was added"),
    "no python": (OLD + "def (:\n", "no longer Python"),
}
WEAKER["skip imported"] = (
    edit("def test_sum():\n", "from pytest import skip\ndef test_sum():\n    skip('later')\n"),
    "skip or xfail was added",
)


@pytest.mark.parametrize("name", WEAKER)
def test_weaker_tests_are_stopped(name: str) -> None:
    new, detail = WEAKER[name]
    found = tampered_tests(change(edited(PATH, OLD, new)), ANY)
    assert [each.path for each in found] == [PATH] * len(found)
    assert any(detail in each.detail for each in found), found


@pytest.mark.parametrize("name", WEAKER)
def test_a_task_about_tests_may(name: str) -> None:
    assert tampered_tests(change(edited(PATH, OLD, WEAKER[name][0])), GuardContext(about_tests=True)) == []


HELPER = """\
    _check(total)
    with pytest.raises"""
ASWELL = {
    "more asserts": edit("    assert total == 2\n", "    assert total == 2\n    assert total > 1\n"),
    "another number": edit("total == 2", "total == 3"),
    "new skipped test": OLD + "@pytest.mark.skip\ndef test_new():\n    assert 1\n",
    "new skipped class": OLD + "@pytest.mark.skip\nclass TestNew:\n    def test_new(self): ...\n",
    "renamed": edit("def test_sum", "def test_total"),
    "helper": edit("    assert total == 2\n    with pytest.raises", HELPER) + "def _check(n):\n    assert n == 2\n",
    "re-raised": edit(
        "    assert total == 2\n", "    try:\n        assert total == 2\n    except Exception:\n        raise\n"
    ),
    "somebody's skip": edit("total = 1 + 1", "total = reader.skip(1) + 1"),
    "cases from a name": edit("[1, 2, 3]", "CASES"),
}


@pytest.mark.parametrize("name", ASWELL)
def test_other_edits_pass(name: str) -> None:
    assert tampered_tests(change(edited(PATH, OLD, ASWELL[name])), ANY) == []


def test_a_deleted_test_file_is_stopped() -> None:
    found = tampered_tests(change(deleted(PATH, OLD)), ANY)
    assert {each.detail for each in found} == {"test_n is gone", "test_sum is gone", "TestMore::test_it is gone"}


def test_a_moved_test_file_passes() -> None:
    assert tampered_tests(change(deleted(PATH, OLD), added("tests/unit/test_a.py", OLD)), ANY) == []


def test_one_new_test_does_not_stand_for_two() -> None:
    twice = "def test_a():\n    assert f()\nclass TestX:\n    def test_a(self):\n        assert g()\n"
    once = "def test_a():\n    assert f()\n"
    found = tampered_tests(change(deleted(PATH, twice), added("tests/test_b.py", once)), ANY)
    assert [each.detail for each in found] == ["TestX::test_a is gone"]


def test_a_moved_test_that_asserts_less_is_stopped() -> None:
    weaker = edit("    assert total == 2\n", "")
    found = tampered_tests(change(deleted(PATH, OLD), added("tests/unit/test_a.py", weaker)), ANY)
    assert [each.detail.split(":")[0] for each in found] == ["test_sum asserts less"]


@pytest.mark.parametrize(
    "text",
    [
        'collect_ignore = ["test_a.py"]\n',
        "def pytest_collection_modifyitems(items):\n    items.clear()\n",
        "def pytest_runtest_makereport(item, call): ...\n",
        "import pytest\n\n@pytest.fixture(autouse=True)\ndef stop():\n    pytest.skip('no')\n",
    ],
)
def test_a_conftest_that_steers_is_stopped(text: str) -> None:
    assert tampered_tests(change(added("tests/conftest.py", text)), ANY)


def test_a_changed_hook_is_stopped_and_an_unchanged_one_passes() -> None:
    hook = "def pytest_collection_modifyitems(items):\n    items.sort()\n"
    assert tampered_tests(change(edited("conftest.py", hook, hook.replace("sort", "clear"))), ANY)
    assert tampered_tests(change(edited("conftest.py", hook, hook + "x = 1\n")), ANY) == []


def test_a_conftest_with_fixtures_passes() -> None:
    text = "import pytest\n\n@pytest.fixture\ndef book():\n    return []\n"
    assert tampered_tests(change(added("tests/conftest.py", text)), ANY) == []


def test_other_python_is_not_looked_at() -> None:
    assert tampered_tests(change(deleted("app/testing.py", "def test_x():\n    assert 1 > 0\n")), ANY) == []
