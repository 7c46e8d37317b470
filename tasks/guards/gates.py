"""Guard on what a repository asks of itself: its gates, and the files that say how it is tested."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.guards.change import Change, GuardContext, Violation
from tasks.quality.commands import PYTEST
from tasks.quality.configuration import Settings, words
from tasks.quality.recipes import command_of, make_recipe, tox_commands

GUARD = "test-tampering"
_COMMANDS = ("tests", "lint", "types", "sarif")
_SCRIPTS = ("test", "lint", "types", "typecheck", "type-check")


def own_gates(old: Settings, new: Settings) -> Iterator[str]:
    """What ``[tool.shipline]`` asks for less after a change than before it, in words."""
    for name in _COMMANDS:
        if name in new and name not in old and name != "sarif":
            yield f"tool.shipline.{name} was set: it decides what is run"
        elif name in old and old[name] != new.get(name):
            yield f"tool.shipline.{name} was changed: it decides what is run"
    if old.get("require_tests") is True and new.get("require_tests") is not True:
        yield "tool.shipline.require_tests was switched off"
    before, after = _lists(old), _lists(new)
    more = set(words(after.get("allow"))) - set(words(before.get("allow")))
    if more:
        yield f"tool.shipline.licences allows more: {', '.join(sorted(more))}"
    for name in ("deny", "ask"):
        fewer = set(words(before.get(name))) - set(words(after.get(name)))
        if fewer:
            yield f"tool.shipline.licences no longer names to {name}: {', '.join(sorted(fewer))}"


def changed_recipes(change: Change, context: GuardContext) -> list[Violation]:
    """A change to how tox, the Makefile or package.json run tests and linters, unless the task names that file."""
    found = []
    for file in change:
        read = _READERS.get(file.path)
        if read is None or context.about_tests or context.names(file.path):
            continue
        before, after = read(file.old_text or ""), read(file.new_text or "")
        changed = [name for name, lines in before.items() if lines and lines != after.get(name)]
        chosen = [name for name, lines in after.items() if not before.get(name) and any(map(_chooses, lines))]
        details = [f"{name} was changed" for name in changed] + [f"{name} was set" for name in chosen]
        found += [Violation(GUARD, file.path, f"{each}: it decides what is run") for each in sorted(details)]
    return found


def _chooses(line: str) -> bool:
    """Whether a new line runs pytest with arguments, where all tests were run before."""
    argv = command_of(line)
    return argv[:3] == PYTEST and len(argv) > 3


def _make(text: str) -> dict[str, list[str]]:
    return {f"the target {name}": list(make_recipe(text, name)) for name in _SCRIPTS}


def _tox(text: str) -> dict[str, list[str]]:
    return {"testenv's commands": tox_commands(text)}


def _package(text: str) -> dict[str, list[str]]:
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    scripts = told.get("scripts") if isinstance(told, dict) else None
    kept = scripts.items() if isinstance(scripts, dict) else ()
    return {f"the script {name}": [str(line)] for name, line in kept if str(name).split(":")[0] in _SCRIPTS}


def _lists(settings: Settings) -> Mapping[str, Any]:
    found = settings.get("licences")
    return found if isinstance(found, dict) else {}


_READERS = {"Makefile": _make, "tox.ini": _tox, "package.json": _package}
