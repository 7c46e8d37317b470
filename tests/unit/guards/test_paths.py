"""Where a change may not reach."""

from __future__ import annotations

import pytest

from tasks.guards import FileChange, GuardContext, Status, check_guards
from tasks.guards.paths import outside_paths, protected_paths
from tests.unit.guards.helpers import added, change

ANY = GuardContext()


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".GitHub/dependabot.yml",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".gitmodules",
        ".git/hooks/pre-commit",
        "sub/.git/config",
        ".husky/pre-push",
        ".gitattributes",
        ".secrets.baseline",
        "uv.lock",
        "web/package-lock.json",
        "requirements.lock",
        "requirements-dev.lock",
    ],
)
def test_protected_paths_are_stopped(path: str) -> None:
    (found,) = protected_paths(change(added(path)), ANY)
    assert (found.guard, found.path) == ("protected-path", path)


@pytest.mark.parametrize("path", ["src/app.py", ".gitignore", "docs/github.md", "tests/test_lock.py", "src/lock.py"])
def test_other_paths_pass(path: str) -> None:
    assert protected_paths(change(added(path)), ANY) == []


def test_a_lock_file_passes_when_the_task_names_it() -> None:
    assert protected_paths(change(added("uv.lock")), GuardContext(files=("uv.lock",))) == []
    assert protected_paths(change(added("web/yarn.lock")), GuardContext(files=("web/",))) == []


def test_a_workflow_is_stopped_even_when_the_task_names_it() -> None:
    assert protected_paths(change(added(".github/workflows/ci.yml")), GuardContext(files=(".github/",)))


def test_moving_a_protected_file_away_is_stopped() -> None:
    moved = FileChange("owners.txt", Status.RENAMED, old_text="", new_text="", old_path="CODEOWNERS")
    (found,) = protected_paths(change(moved), ANY)
    assert found.path == "CODEOWNERS"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "../..", "a/../../../b", "folder/../x"])
def test_symlinks_that_lead_out_are_stopped(target: str) -> None:
    link = FileChange("docs/link", Status.ADDED, new_text=target, new_mode="120000")
    (found,) = outside_paths(change(link), ANY)
    assert found.guard == "outside-path"
    assert target in found.detail


def test_a_symlink_inside_passes() -> None:
    link = FileChange("docs/link", Status.ADDED, new_text="../README.md", new_mode="120000")
    assert outside_paths(change(link), ANY) == []


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "../outside.py", "a/../../b.py"])
def test_paths_that_lead_out_are_stopped(path: str) -> None:
    assert outside_paths(change(added(path)), ANY)


def test_a_repository_inside_the_repository_is_stopped() -> None:
    assert outside_paths(change(FileChange("vendor/x", Status.ADDED, new_mode="160000")), ANY)


def test_an_ordinary_change_passes_every_guard() -> None:
    files = added("tally/limits.py"), added("tests/test_limits.py", "def test_a():\n    assert 1 + 1 == 2\n")
    assert check_guards(change(*files), ANY) == []
