"""Which commands test, lint and type-check a repository: its own first, sane defaults where it names none.

Pure but for reading files: nothing of the repository runs here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.quality.recipes import Recipe, make_targets, npm_scripts, recipes
from tasks.quality.settings import DEFAULT_TEST, TargetSettings, read_pyproject, read_target_settings

PYTEST = ("python", "-m", "pytest")
TESTS = "tests"
_PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "conftest.py")
_LEFT_OUT = frozenset({"node_modules", "venv", "build", "dist", "site-packages", "__pycache__"})
# Where kinds of tests usually lie, and what they are called then.
_FOLDERS = {
    "unit": ("tests/unit", "test/unit"),
    "integration": ("tests/integration", "test/integration"),
    "e2e": ("tests/e2e", "tests/end_to_end", "tests/end-to-end", "test/e2e"),
}
_SCRIPTS = {"unit": "test:unit", "integration": "test:integration", "e2e": "test:e2e"}
_TYPES = ("typecheck", "type-check", "types")


@dataclass(frozen=True)
class Command:
    """What is run, and ``source``: who says so. ``check`` names its report."""

    check: str
    argv: tuple[str, ...]
    source: str

    @property
    def words(self) -> str:
        """As a person would type it."""
        return shlex.join(self.argv)

    @property
    def by_pytest(self) -> bool:
        """Whether pytest runs it, so that each test and its coverage can be told."""
        return self.argv[:3] == PYTEST

    @property
    def by_npm(self) -> bool:
        """Whether it is a script of package.json."""
        return self.argv[0] == "npm"


@dataclass(frozen=True)
class Commands:
    """What is run for a repository. No ``lint``: ruff, if there is Python. No ``types``: what is configured."""

    tests: tuple[Command, ...]
    lint: Command | None = None
    types: Command | None = None


def commands(workspace: Path) -> Commands:
    """What the repository in ``workspace`` is tested, linted and typed with. InvalidInput on wrong settings."""
    settings, scripts = read_target_settings(workspace), npm_scripts(workspace)
    targets = () if has_python(workspace) else make_targets(workspace)

    def named(check: str, own: str | None, scripts_: tuple[str, ...]) -> Command | None:
        if own is not None:
            return Command(check, tuple(shlex.split(own)), "[tool.shipline]")
        script = next((each for each in scripts_ if each in scripts), None)
        if script is not None:
            return _npm(check, script)
        target = next((each for each in scripts_ if each in targets), None)
        return Command(check, ("make", target), "Makefile") if target else None

    return Commands(
        _tests(workspace, settings), named("lint", settings.lint, ("lint",)), named("types", settings.types, _TYPES)
    )


def has_python(workspace: Path) -> bool:
    """Whether there is Python to test: a file that says so, a module at the root, or a test anywhere."""
    if any((workspace / name).is_file() for name in _PYTHON) or any(workspace.glob("requirements*.txt")):
        return True
    return any(workspace.glob("*.py")) or _has_tests(workspace)


def _tests(workspace: Path, settings: TargetSettings) -> tuple[Command, ...]:
    if settings.tests:
        return tuple(
            Command(f"{TESTS}-{name}", tuple(shlex.split(each)), "[tool.shipline.tests]")
            for name, each in settings.tests.items()
        )
    if "test" in read_pyproject(workspace).get("tool", {}).get("shipline", {}):
        own = tuple(shlex.split(settings.test))
        # pytest without a word more runs all there is, so that the folders may tell the kinds apart.
        return tuple(_by_folder(workspace, own, "[tool.shipline]")) if own == PYTEST else (
            Command(TESTS, own, "[tool.shipline]"),
        )  # fmt: skip
    npm = tuple(_by_script(workspace))
    found = tuple(recipes(workspace))
    if has_python(workspace):
        return (*_python(workspace, found), *(_beside(each) for each in npm))
    if npm:
        return npm
    other = next((each for each in found if each.argv[:3] != PYTEST), None)
    return (Command(TESTS, other.argv, other.source) if other else _default(),)


def _python(workspace: Path, found: tuple[Recipe, ...]) -> Iterator[Command]:
    """By pytest, with the arguments that tox or the Makefile give it, or by another of Python's own runners.

    A job of CI may run a part of the tests only, and another job the rest: CI is not asked here.
    """
    own = next((each for each in found if each.argv[0] == "python" and each.deliberate), None)
    if own is not None and (own.argv[:3] != PYTEST or len(own.argv) > 3):
        yield Command(TESTS, own.argv, own.source)
        return
    yield from _by_folder(workspace, PYTEST, own.source if own else "default")


def _by_folder(workspace: Path, argv: tuple[str, ...], source: str) -> Iterator[Command]:
    folders = {
        kind: next((each for each in names if _has_tests(workspace / each)), None) for kind, names in _FOLDERS.items()
    }
    there = {kind: folder for kind, folder in folders.items() if folder}
    for kind, folder in there.items():
        yield Command(f"{TESTS}-{kind}", (*argv, folder), f"{source}, {folder}")
    if not there:
        yield Command(TESTS, argv, source)
    elif _has_tests(workspace, but=tuple(workspace / each for each in there.values())):
        yield Command(TESTS, (*argv, *(f"--ignore={each}" for each in there.values())), source)


def _by_script(workspace: Path) -> Iterator[Command]:
    scripts = npm_scripts(workspace)
    kinds = {kind: script for kind, script in _SCRIPTS.items() if script in scripts}
    for kind, script in kinds.items():
        yield _npm(f"{TESTS}-{kind}", script)
    # It runs them all, or it is one more kind.
    if "test" in scripts and not (kinds and "test:" in scripts["test"]):
        yield _npm(TESTS, "test")


def _npm(check: str, script: str) -> Command:
    return Command(check, ("npm", "run", "--silent", script), "package.json")


def _beside(command: Command) -> Command:
    """A script of package.json where Python's tests have the plain names."""
    return Command(command.check.replace(TESTS, f"{TESTS}-npm", 1), command.argv, command.source)


def _default() -> Command:
    return Command(TESTS, tuple(shlex.split(DEFAULT_TEST)), "default")


def _has_tests(folder: Path, but: tuple[Path, ...] = ()) -> bool:
    """Whether pytest would find files of tests below ``folder``."""
    for pattern in ("test_*.py", "*_test.py"):
        for path in folder.rglob(pattern):
            parts = path.relative_to(folder).parts[:-1]
            hidden = any(part.startswith(".") or part in _LEFT_OUT for part in parts)
            if not hidden and not any(path.is_relative_to(each) for each in but):
                return True
    return False
