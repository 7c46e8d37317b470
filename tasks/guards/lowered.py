"""Guard on what measures: pytest's and coverage's settings and the repository's own gate must not be lowered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tasks.guards.change import Change, GuardContext, Status, Violation
from tasks.guards.gates import own_gates
from tasks.quality.configuration import FILES, Configuration, Settings, configuration, lines, words

GUARD = "test-tampering"
_NAMING = ("python_files", "python_classes", "python_functions", "testpaths", "collect_imported_tests")
_FEWER = (
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "-k",
    "-m",
    "--co",
    "--collect-only",
    "--lf",
    "--last-failed",
    "--sw",
    "--stepwise",
    "--noconftest",
)
_WIDER: tuple[tuple[str, str, Callable[[object], list[str]]], ...] = (
    ("run", "omit", words),
    ("report", "omit", words),
    ("report", "exclude_lines", lines),
    ("report", "exclude_also", lines),
    ("report", "partial_branches", lines),
)
_NARROWER = ("source", "source_pkgs", "source_dirs")


def lowered_settings(change: Change, context: GuardContext) -> list[Violation]:
    """Settings in force after the change that make tests fewer, or coverage easier, than those before."""
    if context.about_tests:
        return []
    touched = [file for file in change if file.path in FILES]
    old_texts, new_texts = dict(change.settings), dict(change.settings)
    for file in touched:
        old_texts.pop(file.path, None)
        new_texts.pop(file.path, None)
        if file.old_text is not None:
            old_texts[file.path] = file.old_text
        if file.status is not Status.DELETED and file.new_text is not None:
            new_texts[file.path] = file.new_text
    if not touched:
        return []
    old, new = configuration(old_texts), configuration(new_texts)
    details = [*_gate(old, new), *_pytest(old.pytest or {}, new.pytest or {}), *_coverage(old, new)]
    return [Violation(GUARD, touched[0].path, detail) for detail in details]


def _gate(old: Configuration, new: Configuration) -> Iterator[str]:
    for key in ("coverage_percent", "change_coverage_percent"):
        yield from _less(f"tool.shipline.{key}", old.shipline, new.shipline, key)
    yield from own_gates(old.shipline, new.shipline)
    if "test" in old.shipline and old.shipline["test"] != new.shipline.get("test"):
        yield "tool.shipline.test was changed: it decides which tests are run"
    elif "test" not in old.shipline and new.shipline.get("test", "python -m pytest") != "python -m pytest":
        yield "tool.shipline.test was set: it decides which tests are run"


def _pytest(old: Settings, new: Settings) -> Iterator[str]:
    for key in _NAMING:
        if key in old and old[key] != new.get(key) and set(words(old[key])) - set(words(new.get(key))):
            yield f"pytest's {key} names less than before"
    ignored = set(words(new.get("norecursedirs"))) - set(words(old.get("norecursedirs")))
    if ignored:
        yield f"pytest's norecursedirs leaves out more: {', '.join(sorted(ignored))}"
    fewer = _selections(new) - _selections(old)
    if fewer:
        yield f"pytest's addopts select fewer tests: {' '.join(sorted(fewer))}"
    if _true(old.get("xfail_strict")) and not _true(new.get("xfail_strict")):
        yield "pytest's xfail_strict was switched off"
    if "error" in lines(old.get("filterwarnings")) and "error" not in lines(new.get("filterwarnings")):
        yield "pytest's filterwarnings no longer make warnings errors"


def _selections(settings: Settings) -> set[str]:
    options = [word.partition("=")[0] for word in words(settings.get("addopts"))]
    plugins = {word for word in words(settings.get("addopts")) if word.startswith("no:")}
    return {option for option in options if option in _FEWER} | plugins


def _coverage(old: Configuration, new: Configuration) -> Iterator[str]:
    before, after = old.coverage or {}, new.coverage or {}
    yield from _less("coverage's fail_under", before.get("report", {}), after.get("report", {}), "fail_under")
    for section, key, items in _WIDER:
        added = set(items(after.get(section, {}).get(key))) - set(items(before.get(section, {}).get(key)))
        if added:
            yield f"coverage's {key} leaves out more: {', '.join(sorted(added))}"
    old_run, new_run = before.get("run", {}), after.get("run", {})
    for key in _NARROWER:
        gone = set(words(old_run.get(key))) - set(words(new_run.get(key)))
        if gone:
            yield f"coverage's {key} no longer measures {', '.join(sorted(gone))}"
    if new_run.get("include") and new_run.get("include") != old_run.get("include"):
        yield "coverage's include was changed: it measures only what it names"
    if _true(old_run.get("branch")) and not _true(new_run.get("branch")):
        yield "coverage's branch was switched off"


def _less(name: str, old: Mapping[str, object], new: Mapping[str, object], key: str) -> Iterator[str]:
    before, after = _number(old.get(key)), _number(new.get(key))
    if before is not None and (after is None or after < before):
        yield f"{name} was lowered from {before:g} to {'nothing' if after is None else f'{after:g}'}"


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes", "on")
