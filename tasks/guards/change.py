"""What the guards look at: every file that a change touches, before and after."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

SYMLINK = "120000"
SUBMODULE = "160000"


class Status(StrEnum):
    """What happened to a file, in git's letters."""

    ADDED = "A"
    MODIFIED = "M"
    DELETED = "D"
    RENAMED = "R"


@dataclass(frozen=True)
class FileChange:
    """One file. The texts are None where there is no file, or no text (``binary``); ``size`` is that of the new file.

    The text of a symlink is its target. Modes are git's (``100644``), empty where there is no file.
    """

    path: str
    status: Status
    old_text: str | None = None
    new_text: str | None = None
    old_path: str | None = None
    binary: bool = False
    old_mode: str = ""
    new_mode: str = ""
    size: int = 0

    def added_lines(self) -> list[str]:
        """The lines that were not there before (a line that only moved is not among them)."""
        return list((self._lines(self.new_text) - self._lines(self.old_text)).elements())

    def removed_lines(self) -> list[str]:
        """The lines that are there no more."""
        return list((self._lines(self.old_text) - self._lines(self.new_text)).elements())

    @staticmethod
    def _lines(text: str | None) -> Counter[str]:
        return Counter((text or "").splitlines())


@dataclass(frozen=True)
class Change:
    """A whole change. ``settings`` are the texts, before it, of the files that configure pytest and coverage."""

    files: tuple[FileChange, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[FileChange]:
        return iter(self.files)


@dataclass(frozen=True)
class GuardContext:
    """What the task said: the ``files`` it is about (paths, globs, or folders that end in ``/``), and whether tests
    are its subject."""

    files: tuple[str, ...] = ()
    about_tests: bool = False

    def names(self, path: str) -> bool:
        """Whether the task names this path."""
        return any(path == each or fnmatch.fnmatch(path, each) or _under(path, each) for each in self.files)


@dataclass(frozen=True)
class Violation:
    """Why a guard stops a change: which guard, which path, and what is wrong in words for whoever made it.

    ``about`` is the requirement, of a guard on dependencies.
    """

    guard: str
    path: str
    detail: str
    about: str = ""


def is_test_file(path: str) -> bool:
    """Whether pytest would look into this file, or it serves the tests."""
    pure = PurePosixPath(path)
    if pure.suffix != ".py":
        return False
    named = pure.name.startswith("test_") or pure.name.endswith("_test.py") or pure.name == "conftest.py"
    return named or any(part in ("test", "tests") for part in pure.parent.parts)


def _under(path: str, folder: str) -> bool:
    return folder.endswith("/") and path.startswith(folder)
