"""How a repository's own files say that it is tested: tox, a Makefile, package.json, and the workflows of its CI.

Only what can be run without a shell is taken; of a longer recipe the first line that tests.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.quality.configuration import ini_tables

_WRAPPED = re.compile(r"^[@+-]*\s*(?:(?:poetry|pipenv|uv|hatch|pdm) run\s+|coverage run\s+(?:-\S+\s+)*?(?=-m ))?")
_PYTHON = re.compile(r"^(?:\$\(\w+\)|\$\{\w+\}|\{?env?python\}?|python[\d.]*)\s+-m\s+")
_SHELL = re.compile(r"[|&;<>`$(){}\\]")
_COVERED = re.compile(r"^--(?:no-)?cov")  # we measure ourselves
_POSARGS = re.compile(r"\{posargs[^}]*\}")
_TARGET = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*:(?!=)")
# Programs whose whole line is a test run; their exit code is the verdict.
_RUNNERS = (
    *("go test", "cargo test", "make test", "make check", "mvn test", "mvn verify", "gradle test", "dotnet test"),
    *("bundle exec rspec", "bundle exec rake", "mix test", "swift test", "phpunit", "ctest", "deno test", "bun test"),
)
_NO_TEST = "no test specified"  # what npm init writes


@dataclass(frozen=True)
class Recipe:
    """A command line, and the file that holds it."""

    argv: tuple[str, ...]
    source: str

    @property
    def deliberate(self) -> bool:
        """Whether the file is there to say how all the tests are run."""
        return self.source in ("tox.ini", "Makefile")


def recipes(workspace: Path) -> Iterator[Recipe]:
    """The commands that test, the most deliberate file first. pytest is always ``python -m pytest``."""
    for source, line in _lines(workspace):
        argv = command_of(line)
        if argv:
            yield Recipe(argv, source)
    if "test" in make_targets(workspace):
        yield Recipe(("make", "test"), "Makefile")


def command_of(line: str) -> tuple[str, ...]:
    """A line of a recipe as what can be run; nothing when it tests nothing, or needs a shell."""
    line = _POSARGS.sub("", _WRAPPED.sub("", line.strip())).strip()
    python = _PYTHON.match(line)
    line = f"python -m {line[python.end() :]}" if python else f"python {line}" if line.startswith("-m ") else line
    if line.split(" ")[0] in ("pytest", "py.test"):
        line = f"python -m pytest {line.partition(' ')[2]}"
    if _SHELL.search(line):
        return ()
    try:
        argv = tuple(shlex.split(line))
    except ValueError:
        return ()
    if argv[:3] == ("python", "-m", "pytest"):
        return tuple(each for each in argv if not _COVERED.match(each))
    known = argv[:3] == ("python", "-m", "unittest") or any(line.startswith(each) for each in _RUNNERS)
    return argv if known else ()


def make_targets(workspace: Path) -> tuple[str, ...]:
    """The targets of the Makefile."""
    found = (_TARGET.match(line) for line in _text(workspace / "Makefile").splitlines())
    return tuple(dict.fromkeys(each[1] for each in found if each))


def make_recipe(makefile: str, target: str) -> Iterator[str]:
    """The lines by which a Makefile makes ``target``."""
    inside = False
    for line in makefile.splitlines():
        if not line.startswith(("\t", " ", "#")):
            inside = line.startswith(f"{target}:")
        elif inside and line.startswith("\t"):
            yield line


def tox_commands(text: str) -> list[str]:
    """The commands of tox's environments, unless one of them says otherwise."""
    return str(ini_tables(text).get("testenv", {}).get("commands", "")).strip().splitlines()


def npm_scripts(workspace: Path) -> dict[str, str]:
    """The scripts of package.json; what ``npm init`` writes in place of tests is none."""
    scripts = package(workspace).get("scripts")
    kept = scripts.items() if isinstance(scripts, dict) else ()
    return {str(name): text for name, text in kept if isinstance(text, str) and _NO_TEST not in text}


def package(workspace: Path) -> dict[str, Any]:
    """package.json; nothing when there is none, or it is no JSON (npm says so itself)."""
    try:
        found = json.loads(_text(workspace / "package.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lines(workspace: Path) -> Iterator[tuple[str, str]]:
    for line in tox_commands(_text(workspace / "tox.ini")):
        yield "tox.ini", line
    for line in make_recipe(_text(workspace / "Makefile"), "test"):
        yield "Makefile", line
    folder = workspace / ".github" / "workflows"
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        for line in _runs(_text(path)):
            yield f".github/workflows/{path.name}", line


def _runs(workflow: str) -> Iterator[str]:
    try:
        told = yaml.safe_load(workflow)
    except yaml.YAMLError:
        return
    jobs = told.get("jobs") if isinstance(told, dict) else None
    for job in jobs.values() if isinstance(jobs, dict) else ():
        steps = job.get("steps") if isinstance(job, dict) else None
        for step in steps if isinstance(steps, list) else ():
            run = step.get("run") if isinstance(step, dict) else None
            yield from run.splitlines() if isinstance(run, str) else ()


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() and path.stat().st_size < 1_000_000 else ""
