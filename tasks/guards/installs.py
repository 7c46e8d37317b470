"""Dependencies that are declared elsewhere than by a package: in scripts, images, and what runs the tests. Pure."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

_SCRIPT = re.compile(r"^# /// script\s*$\n(?P<body>(?:^#(?:| .*)$\n?)+?)^# ///\s*$", re.MULTILINE)
_INSTALL = re.compile(r"\b(?:pip[\d.]*|uv pip|pipx|uv tool|poetry|uv|pdm)\s+(?:install|add)\b(?P<words>[^\n;&|]*)")
# Options of pip that take a value which is no requirement; the file of ``-r`` is guarded as a file.
_WITH_VALUE = frozenset(
    ("-r", "--requirement", "-c", "--constraint", "--target", "-t", "--prefix", "--root", "--python")
)
_SOURCES = frozenset(("-i", "--index-url", "--extra-index-url", "-f", "--find-links"))
_HERE = (".", "/", "$", "~")


def in_script(text: str) -> Iterator[str]:
    """The block of inline metadata of a script (PEP 723)."""
    for found in _SCRIPT.finditer(text):
        lines = (line.removeprefix("#").removeprefix(" ") for line in found["body"].splitlines())
        yield from tomllib.loads("\n".join(lines)).get("dependencies", [])


def in_noxfile(text: str) -> Iterator[str]:
    """What the sessions of nox install, as far as it is written as a string."""
    yield from in_script(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "install" in node.func.attr:
            values = [each.value for each in node.args if isinstance(each, ast.Constant)]
            yield from _requirements([each for each in values if isinstance(each, str)])


def in_commands(text: str) -> Iterator[str]:
    """What ``pip install`` and its like name in an image's or a script's commands."""
    for found in _INSTALL.finditer(text.replace("\\\n", " ")):
        try:
            words = shlex.split(found["words"], comments=True)
        except ValueError:
            words = found["words"].split()
        yield from _requirements([word.strip("[],\"'") if word.startswith(("[", '"')) else word for word in words])


def in_ini(text: str) -> Iterator[str]:
    """``deps`` of the environments of tox."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    for name in parser.sections():
        if name.startswith(("testenv", "tox", "env")):
            yield from _deps(parser[name].get("deps", "") + "\n" + parser[name].get("requires", ""))


def in_tools(tool: Mapping[str, Any]) -> Iterator[str]:
    """The tools' own tables of a pyproject.toml: tox, hatch, uv, pdm."""
    tox = tool.get("tox", {})
    yield from in_ini(str(tox.get("legacy_tox_ini", "")))
    for each in (tox.get("env_run_base", {}), *tox.get("env", {}).values()):
        yield from (name for name in each.get("deps", []) if isinstance(name, str))
    for each in tool.get("hatch", {}).get("envs", {}).values():
        yield from [*each.get("dependencies", []), *each.get("extra-dependencies", [])]
    yield from tool.get("uv", {}).get("dev-dependencies", [])
    for group in tool.get("pdm", {}).get("dev-dependencies", {}).values():
        yield from group


def _deps(text: str) -> Iterator[str]:
    for line in text.splitlines():
        entry = line.partition(" #")[0].strip()
        entry = entry.rpartition(": ")[2] if re.match(r"[\w{},!-]+: ", entry) else entry  # a condition of tox
        if entry and not entry.startswith(("#", "-r", "-c", "{", ".")):
            yield entry


def _requirements(words: list[str]) -> Iterator[str]:
    skip = False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if skip:
            skip = False
        elif word in _SOURCES:
            skip = True
            yield f"{word} {following}"
        elif word in _WITH_VALUE:
            skip = True
            if word in ("-r", "--requirement") and "requirements" not in following:  # which is not guarded as a file
                yield f"{word} {following}"
        elif word.startswith(tuple(f"{each}=" for each in _SOURCES)) or (word and not word.startswith(("-", *_HERE))):
            yield word
