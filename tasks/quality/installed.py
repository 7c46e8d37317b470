"""What of somebody else's is in the target environment, and which of it is part of what is released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tasks.quality.environment import TOOLS, TargetEnvironment


@dataclass(frozen=True)
class Installed:
    """A distribution; ``released`` when the program needs it, not only its tests."""

    name: str
    distribution: Distribution
    released: bool


def third_party(environment: TargetEnvironment) -> list[Installed]:
    """What the repository declared and what that needs, by canonical name; our own test tools are left out."""
    if not environment.declared.anything:
        return []
    found = distributions(path=[str(environment.site_packages)])
    installed: dict[str, Distribution] = {canonicalize_name(each.name): each for each in found}
    released = _closure(environment.declared.runtime_entries(), installed)
    return [
        Installed(name, each, name in released)
        for name, each in sorted(installed.items())
        if name not in TOOLS or name in released
    ]


def locked_by_npm(lock: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Name, version, and whether it is released, of each package of a package-lock.json."""
    packages = lock.get("packages")
    for path, each in packages.items() if isinstance(packages, dict) else ():
        name = path.rpartition("node_modules/")[2]
        if name and isinstance(each, dict) and isinstance(each.get("version"), str):
            yield name, each["version"], not each.get("dev", False)


def _closure(entries: Iterable[str], installed: Mapping[str, Distribution]) -> set[str]:
    """The names of ``entries`` and of all that they need, as far as it is installed."""
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        requirement = _requirement(waiting.pop())
        if requirement is None:
            continue
        name = canonicalize_name(requirement.name)
        if name in installed and name not in seen:
            seen.add(name)
            waiting += installed[name].requires or []
    return seen


def _requirement(entry: str) -> Requirement | None:
    """An entry as a requirement; None for an option, or for what only an extra asks for."""
    try:
        found = Requirement(entry)
    except InvalidRequirement:  # ``-r more.txt`` or a path: what it brings is judged as not released
        return None
    extras = found.marker is not None and "extra" in str(found.marker)
    return None if extras and found.marker is not None and not found.marker.evaluate({"extra": ""}) else found
