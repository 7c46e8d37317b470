"""Guard on what a change makes the repository depend on: somebody else's code, with somebody else's licence."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import json
import posixpath
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tasks.guards.change import Change, GuardContext, Violation
from tasks.guards.installs import in_commands, in_ini, in_noxfile, in_script, in_tools

NEW = "new-dependency"
# Declarations that are not read here: any line that is added may be a dependency.
_UNREAD = frozenset(
    ("pipfile", "cargo.toml", "go.mod", "gemfile", "composer.json", "environment.yml", "environment.yaml")
)
_NPM = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def new_dependencies(change: Change, context: GuardContext) -> list[Violation]:
    """Each dependency that is declared now and was not before; one that only moved, or has another version, is none."""
    before = {name for file in change for name in _declared(file.path, file.old_text)}
    found = []
    for file in change:
        for name, written in _declared(file.path, file.new_text).items():
            if name not in before:
                found.append(Violation(NEW, file.path, f"{written} is a dependency that was not there before", written))
        if _is_unread(file.path) and file.added_lines() and not context.names(file.path):
            found.append(
                Violation(NEW, file.path, "what it adds may be a dependency; it changes only when the task names it")
            )
    return found


def _is_unread(path: str) -> bool:
    return posixpath.basename(path).lower() in _UNREAD


def _declared(path: str, text: str | None) -> dict[str, str]:
    """The dependencies that a file declares: as they are written, by their normalized name."""
    reader = _reader(posixpath.basename(path).lower())
    if text is None or reader is None:
        return {}
    try:
        entries = [str(each) for each in reader(text)]
    except (ValueError, SyntaxError, configparser.Error, AttributeError, TypeError):
        return {}  # it cannot be installed from either; the checks say so
    return {_name(each): each.strip() for each in entries if each.strip()}


def _reader(name: str) -> Callable[[str], Iterator[str]] | None:
    if name == "pyproject.toml":
        return _in_pyproject
    if fnmatch.fnmatchcase(name, "*requirements*.txt") or fnmatch.fnmatchcase(name, "*requirements*.in"):
        return _in_requirements
    if "dockerfile" in name or "containerfile" in name or name.endswith(".sh"):
        return in_commands
    named = {
        "setup.cfg": _in_setup_cfg, "setup.py": _in_setup_py, "package.json": _in_package_json, "tox.ini": in_ini,
        "noxfile.py": in_noxfile,
    }  # fmt: skip
    return named.get(name) or (in_script if name.endswith(".py") else None)


def _name(written: str) -> str:
    try:
        return canonicalize_name(Requirement(written).name)
    except InvalidRequirement:
        return written.strip()


def _in_pyproject(text: str) -> Iterator[str]:
    found = tomllib.loads(text)
    project = found.get("project", {})
    yield from project.get("dependencies", [])
    for group in project.get("optional-dependencies", {}).values():
        yield from group
    for group in found.get("dependency-groups", {}).values():
        yield from (each for each in group if isinstance(each, str))
    yield from found.get("build-system", {}).get("requires", [])
    poetry = found.get("tool", {}).get("poetry", {})
    groups = [poetry, *poetry.get("group", {}).values()]
    for group in groups:
        named = [*group.get("dependencies", {}), *group.get("dev-dependencies", {})]
        yield from (name for name in named if name != "python")
    yield from in_tools(found.get("tool", {}))


def _in_requirements(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        entry = line.partition(" #")[0].strip()
        if entry and not entry.startswith("#"):
            yield entry.partition(" --hash")[0].strip()


def _in_setup_cfg(text: str) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    sections = [parser["options"]] if "options" in parser else []
    for section in sections:
        yield from section.get("install_requires", "").splitlines()
        yield from section.get("setup_requires", "").splitlines()
    yield from in_ini(text)
    if "options.extras_require" in parser:
        for group in parser["options.extras_require"].values():
            yield from group.splitlines()


def _in_setup_py(text: str) -> Iterator[str]:
    """Every string that is written in a keyword argument of that meaning; what is computed is not seen."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "setup_requires", "extras_require"):
            groups = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            for each in (part for group in groups for part in ast.walk(group)):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.value


def _in_package_json(text: str) -> Iterator[str]:
    found: Any = json.loads(text)
    for key in _NPM:
        yield from found.get(key, {})
