"""What pytest, coverage and Shipline are told by a repository's files, as these tools themselves would read them.

Pure: from texts by file name to settings. The tests check learns from it what to add, the guards what was lowered.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Settings = Mapping[str, Any]

# In the order in which each tool looks; the first file that speaks of it is the only one that counts.
_PYTEST = (
    ("pytest.toml", ("pytest",)),
    (".pytest.toml", ("pytest",)),
    ("pytest.ini", ("pytest",)),
    (".pytest.ini", ("pytest",)),
    ("pyproject.toml", ("tool.pytest.ini_options", "tool.pytest")),
    ("tox.ini", ("pytest",)),
    ("setup.cfg", ("tool:pytest",)),
)
_COVERAGE = (
    (".coveragerc", ("",)),
    (".coveragerc.toml", ("tool.coverage", "")),
    ("setup.cfg", ("coverage:",)),
    ("tox.ini", ("coverage:",)),
    ("pyproject.toml", ("tool.coverage",)),
)
_ALWAYS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")  # these count even without a section
FILES = frozenset(name for name, _ in (*_PYTEST, *_COVERAGE))


@dataclass(frozen=True)
class Configuration:
    """The settings in force. ``coverage`` is by section (run, report); None when no file speaks of the tool."""

    pytest: Settings | None = None
    coverage: Mapping[str, Settings] | None = None
    shipline: Settings = field(default_factory=dict)


def read_texts(workspace: Path) -> dict[str, str]:
    """The texts of the configuration files at the root of ``workspace``."""
    found = {name: workspace / name for name in FILES}
    return {name: path.read_text(errors="replace") for name, path in found.items() if path.is_file()}


def configuration(texts: Mapping[str, str]) -> Configuration:
    """The settings in force in a repository whose root holds ``texts`` (by file name)."""
    shipline = _table(_toml(texts.get("pyproject.toml", "")), "tool.shipline")
    return Configuration(_pytest(texts), _coverage(texts), shipline or {})


def words(value: object) -> list[str]:
    """A setting that is a list in TOML and lines, commas or blanks in an ini file, as a list."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(value).replace(",", " ").split() if value is not None else []


def lines(value: object) -> list[str]:
    """The same for a setting whose items may hold blanks (regular expressions): one a line."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return [line.strip() for line in str(value).splitlines() if line.strip()] if value is not None else []


def _pytest(texts: Mapping[str, str]) -> Settings | None:
    for name, sections in _PYTEST:
        if name not in texts:
            continue
        read = _reader(name)(texts[name])
        for section in sections:
            found = _table(read, section)
            if found is not None:
                return found
        if name in _ALWAYS:
            return {}
    return None


def _coverage(texts: Mapping[str, str]) -> Mapping[str, Settings] | None:
    for name, prefixes in _COVERAGE:
        read = _reader(name)(texts[name]) if name in texts else {}
        for prefix in prefixes:
            found = _table(read, prefix) if _is_toml(name) else _under(read, prefix)
            kept = {key: value for key, value in (found or {}).items() if key in ("run", "report", "paths")}
            if kept:
                return kept
    return None


def _under(read: Mapping[str, Settings], prefix: str) -> dict[str, Settings]:
    return {name.removeprefix(prefix): table for name, table in read.items() if name.startswith(prefix)}


def _reader(name: str) -> Callable[[str], Mapping[str, Any]]:
    return _toml if _is_toml(name) else ini_tables


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # the tools refuse such a file themselves, and say where it is wrong
        return {}


def ini_tables(text: str) -> Mapping[str, Any]:
    """The sections of an ini file; none when it cannot be read, which the tools refuse themselves."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _table(read: Mapping[str, Any], section: str) -> Mapping[str, Any] | None:
    if section in read:
        found = read[section]
        return found if isinstance(found, dict) else None
    for part in section.split(".") if section else []:
        inner = read.get(part)
        if not isinstance(inner, dict):
            return None
        read = inner
    return read
