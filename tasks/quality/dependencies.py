"""What a repository declares that it needs, and what pip needs to fetch it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.quality.settings import read_pyproject

_TEST_GROUPS = ("test", "tests", "testing", "dev")
# How pip reaches an index. Secrets of ours are not among them; an index URL may hold the index's own.
_PIP_VARIABLES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_CERT"),
    *("PIP_CONFIG_FILE", "PIP_DEFAULT_TIMEOUT", "PIP_CONSTRAINT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
_LINKS = ("-r", "-c", "--requirement", "--constraint")
_PIP_FILES = (".config/pip/pip.conf", ".pip/pip.conf")


@dataclass(frozen=True)
class Declared:
    """``runtime`` is what the released program needs, ``development`` what its tests need besides.

    ``files`` are requirements files, by path and text; they count as runtime unless their name says otherwise.
    ``linked`` are the texts of the files that they name.
    """

    runtime: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    linked: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> list[str]:
        """What two repositories must share to share an environment."""
        files = [text for each in self.files for text in each]
        return [*sorted(self.runtime), "|", *sorted(self.development), *files, *self.linked]

    @property
    def anything(self) -> bool:
        """Whether there is anything to install."""
        return bool(self.runtime or self.development or any(True for _, text in self.files for _ in _entries(text)))

    def requirements_text(self, workspace: Path) -> str:
        """All of it as one requirements file that may lie anywhere."""
        found = [*self.runtime, *self.development]
        for path, text in self.files:
            found += [_anchored(entry, (workspace / path).parent) for entry in _entries(text)]
        return "\n".join([*found, ""])

    def runtime_entries(self) -> list[str]:
        """The requirements of the released program, as they were written."""
        texts = [text for path, text in self.files if not _for_tests(path)]
        return [*self.runtime, *(entry for text in texts for entry in _entries(text))]


def declared_dependencies(workspace: Path) -> Declared:
    """What the repository in ``workspace`` declares in pyproject.toml and in requirements files at its root."""
    pyproject = read_pyproject(workspace)
    project = pyproject.get("project", {})
    groups = [*_groups(project.get("optional-dependencies", {})), *_groups(pyproject.get("dependency-groups", {}))]
    files = sorted(path for path in workspace.glob("requirements*.txt") if path.is_file())
    linked = [path for path in _linked(files) if path not in files]
    return Declared(
        runtime=_strings(project.get("dependencies", [])),
        development=tuple(dict.fromkeys(entry for group in groups for entry in group)),
        files=tuple((path.name, path.read_text(errors="replace")) for path in files),
        linked=tuple(path.read_text(errors="replace") for path in linked),
    )


def pip_variables() -> dict[str, str]:
    """The variables of this process by which pip finds its index, and the person's own pip.conf."""
    found = {name: os.environ[name] for name in _PIP_VARIABLES if name in os.environ}
    for name in _PIP_FILES:
        if "PIP_CONFIG_FILE" not in found and (path := Path.home() / name).is_file():
            found["PIP_CONFIG_FILE"] = str(path)
    return found


def _groups(tables: Any) -> Iterator[tuple[str, ...]]:
    for name in _TEST_GROUPS if isinstance(tables, dict) else ():
        yield _strings(tables.get(name, []))


def _strings(value: Any) -> tuple[str, ...]:
    """The requirements of a list; tables such as ``{include-group = …}`` are left to the tools that know them."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _entries(text: str) -> Iterator[str]:
    """The lines that say something, without the repository itself: it is tested where it lies, not installed."""
    for line in text.replace("\\\n", " ").splitlines():
        entry = line.split(" #")[0].strip()
        target = entry.removeprefix("-e").removeprefix("--editable").lstrip(" =")
        itself = target.split("[")[0].rstrip("/") == "."
        if entry and not entry.startswith("#") and not itself:
            yield entry


def _linked(files: list[Path]) -> list[Path]:
    """The files that requirements files name, and those that these name."""
    seen: list[Path] = []
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        anchored = [_anchored(entry, file.parent) for entry in _entries(file.read_text(errors="replace"))]
        named = [Path(entry.partition(" ")[2]) for entry in anchored if entry.split(" ")[0] in _LINKS]
        fresh = [path for path in named if path.is_file() and path not in seen]
        seen += fresh
        waiting += fresh
    return seen


def _anchored(entry: str, folder: Path) -> str:
    """``-r more.txt`` and ``-c pins.txt`` name files beside the one they stand in."""
    option, _, rest = entry.partition(" ")
    return f"{option} {folder / rest.strip()}" if option in _LINKS else entry


def _for_tests(path: str) -> bool:
    return any(word in path.lower() for word in ("test", "dev", "lint", "docs", "ci"))
