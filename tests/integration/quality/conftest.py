"""Small repositories to judge, and one environment for all that need nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.quality import TargetEnvironment, target_environment

Repository = Callable[..., Path]

APP = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
TEST_APP = """\
from app import add, sub


def test_add():
    assert add(1, 2) == 3


def test_sub():
    assert sub(3, 2) == 1
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this session keeps environments."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture(scope="session")
async def environment(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> TargetEnvironment:
    """The environment of a repository that declares nothing."""
    return await target_environment(tmp_path_factory.mktemp("bare"), cache)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Write files (a good little repository by default) and commit them."""

    def write(files: dict[str, str] | None = None) -> Path:
        root = tmp_path / "repository"
        for name, text in (files if files is not None else {"app.py": APP, "tests/test_app.py": TEST_APP}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        root.mkdir(exist_ok=True)
        git(root, "init", "--quiet")
        commit(root)
        return root

    return write


def git(root: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path) -> str:
    """Commit everything; the commit."""
    git(root, "add", "--all")
    identity = "-c", "user.name=T", "-c", "user.email=t@example.org"
    git(root, *identity, "commit", "--quiet", "--allow-empty", "-m", "x")
    return git(root, "rev-parse", "HEAD")


def left_in(root: Path) -> str:
    """What git sees that was not committed, ignored files too."""
    return git(root, "status", "--porcelain", "--ignored")
