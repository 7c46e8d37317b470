"""The lines that a change adds: what its own coverage and its own findings are about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.git import GitError, run_git

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_INTO = "+++ b/"


@dataclass(frozen=True)
class Changed:
    """``lines`` are the added lines by path. Where they are not known, ``why`` says so and there are none."""

    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    why: str = ""

    def touches(self, path: str | None, line: int | None = None) -> bool:
        """Whether the change added to the file (or that line of it); True when nothing is known of the change."""
        if self.why:
            return True
        found = self.lines.get(path or "")
        return found is not None and (line is None or line in found)


async def changed_lines(workspace: Path, base: str | None) -> Changed:
    """What the checked-out commit adds since it left ``base``. Read it before anything of the repository runs."""
    if base is None:
        return Changed(why="no base to compare with was given")
    try:
        told = await run_git(
            *("-c", "core.quotePath=false", "--no-replace-objects", "diff", "--unified=0", "--find-renames"),
            *("--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/"),
            f"{base}...HEAD", "--",
            cwd=workspace,
        )  # fmt: skip
    except GitError as error:
        return Changed(why=f"the base {base[:12]} is not in this clone ({error.message})")
    return Changed(added_lines(told))


def added_lines(diff: str) -> dict[str, frozenset[int]]:
    """The numbers of the added lines by path, of a diff without context."""
    found: dict[str, set[int]] = {}
    path, lines = "", iter(diff.split("\n"))
    for line in lines:
        hunk = _HUNK.match(line)
        if hunk is None:
            # Only between hunks: an added line may begin with ``++ b/`` as well.
            path = line.removeprefix(_INTO) if line.startswith(_INTO) else "" if line.startswith("diff ") else path
            continue
        removed, start, added = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
        _skip(lines, removed + added)
        if path and added:
            found.setdefault(path, set()).update(range(start, start + added))
    return {each: frozenset(numbers) for each, numbers in found.items()}


def _skip(lines: Iterator[str], count: int) -> None:
    for _ in range(count):
        next(lines, None)
