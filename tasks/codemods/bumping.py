"""Raising the version that a repository asks of a dependency, where it is written by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from shipline.errors import AgentError
from tasks.codemods.files import tracked
from tasks.guards.paths import is_lock_file

_STRING = re.compile(r"(?P<quote>[\"'])(?P<text>(?:(?!(?P=quote))[^\\\n])+)(?P=quote)")
_FLOORS = ("==", ">=", "~=", ">")


def bump(root: Path, package: str, version: str) -> list[str]:
    """Ask for ``version`` of ``package`` wherever it is declared, and change nothing else.

    Raises AgentError when it is declared nowhere, an upper bound excludes the version, or a lock file pins it: only
    the tool that wrote a lock can write it anew.
    """
    wanted = _version(version)
    name = canonicalize_name(package)
    files = tracked(root)
    for lock in (each for each in files if is_lock_file(each.name)):
        if re.search(rf"(?im)^\W*(?:name = )?\W*{re.escape(package)}\b", lock.read_text(errors="replace")):
            raise AgentError(f"{lock.relative_to(root)} pins {package}.", "Bump it with the tool that wrote that file.")
    changed = 0
    for file in files:
        if file.name == "pyproject.toml":
            changed += _rewrite(file, lambda text: _in_toml(text, name, wanted))
        elif re.fullmatch(r"requirements.*\.(txt|in)", file.name):
            changed += _rewrite(file, lambda text: _in_lines(text, name, wanted))
    if not changed:
        raise AgentError(f"Nothing asks for an older {package} here.", "See pyproject.toml and requirements*.txt.")
    return []


def raised(requirement: str, name: str, wanted: Version) -> str:
    """One requirement, with its lower bound raised; as it was when it is of another package or new enough."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return requirement
    if canonicalize_name(parsed.name) != name:
        return requirement
    if parsed.url:
        raise AgentError(f"{requirement} is an address, not a version.", "Bump it by hand.")
    floors = [each for each in parsed.specifier if each.operator in _FLOORS]
    others = [each for each in parsed.specifier if each not in floors]
    if not SpecifierSet(",".join(map(str, others))).contains(wanted, prereleases=True):
        raise AgentError(
            f"{requirement} excludes {wanted}.", "Loosen that bound first; why it is there is not known here."
        )
    if any(_is_newer(each, wanted) for each in floors):
        raise AgentError(f"{requirement} asks for a newer one than {wanted} already.", "A codemod takes nothing back.")
    if floors and all(each.version == str(wanted) for each in floors):
        return requirement
    new = [f"{'>=' if each.operator == '>' else each.operator}{wanted}" for each in floors] or [f">={wanted}"]
    return _written(requirement, ",".join([*dict.fromkeys(new), *sorted(map(str, others))]))


def _written(requirement: str, specifier: str) -> str:
    """The requirement as somebody wrote it, extras and marker too, with another specifier."""
    told, semicolon, marker = requirement.partition(";")
    named = re.match(r"\s*[\w.-]+(\s*\[[^\]]*\])?", told)
    assert named is not None, "it was parsed a moment ago"
    return f"{named[0]}{specifier}{semicolon}{marker}"


def _is_newer(each: Specifier, wanted: Version) -> bool:
    try:
        return Version(each.version.removesuffix(".*")) > wanted
    except (InvalidVersion, InvalidSpecifier):
        return False


def _in_toml(text: str, name: str, wanted: Version) -> str:
    def replaced(found: re.Match[str]) -> str:
        quote = found["quote"]
        return f"{quote}{raised(found['text'], name, wanted)}{quote}"

    # A requirement is a string of its own; comments and keys are not.
    return "".join(
        line if line.lstrip().startswith("#") else _STRING.sub(replaced, line) for line in text.splitlines(True)
    )


def _in_lines(text: str, name: str, wanted: Version) -> str:
    lines = []
    for line in text.splitlines(keepends=True):
        body = re.split(r"\s+#|\s*$", line, maxsplit=1)[0].strip()
        if "--hash" in body and canonicalize_name(re.split(r"[^\w.-]", body, maxsplit=1)[0]) == name:
            raise AgentError(f"{name} is pinned with hashes.", "Bump it with the tool that wrote them.")
        new = raised(body, name, wanted)
        lines.append(line if new == body else line.replace(body, new, 1))
    return "".join(lines)


def _rewrite(file: Path, change: Callable[[str], str]) -> int:
    text = file.read_text()
    new = change(text)
    if new != text:
        file.write_text(new)
    return int(new != text)


def _version(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        raise AgentError(f"{version} is no version.", "Write one as PyPI does: 2.32.4.") from None
