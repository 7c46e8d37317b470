"""What happened between two commits: the commits, the files, the numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.plumbing.git import Git
from sandbox.plumbing.objects import LOG_FORMAT, Commit, parse_log

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


@dataclass(frozen=True)
class FileChange:
    """One file of a diff."""

    path: str
    old_path: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None


async def log(
    git: Git, tip: str, *, path: str = "", skip: int = 0, limit: int = 100, extra: tuple[str, ...] = ()
) -> list[Commit]:
    """The commits that lead to ``tip`` (a sha or ``a..b``), newest first."""
    paging = (f"--skip={skip}", f"--max-count={limit}")
    done = await git.run("log", *LOG_FORMAT, *paging, *extra, "--end-of-options", tip, "--", *([path] if path else []))
    return parse_log(done.out)


async def count(git: Git, spec: str, *, path: str = "", extra: tuple[str, ...] = ()) -> int:
    """How many commits a range or tip holds."""
    return int(await git.text("rev-list", "--count", *extra, "--end-of-options", spec, "--", *([path] if path else [])))


async def ahead_behind(git: Git, base: str, head: str) -> tuple[int, int]:
    """How many commits ``head`` has that ``base`` lacks, and the other way round."""
    behind, ahead = (await git.text("rev-list", "--left-right", "--count", f"{base}...{head}")).split()
    return int(ahead), int(behind)


async def merge_base(git: Git, one: str, other: str) -> str | None:
    """The best common ancestor, or None for unrelated histories."""
    done = await git.run("merge-base", one, other, expect=(0, 1))
    return done.text if done.code == 0 else None


async def stat(git: Git, old: str, new: str) -> tuple[int, int, int]:
    """Changed files, additions and deletions between two trees or commits."""
    said = await git.text("diff", "--shortstat", "-M", old, new)
    numbers = [re.search(rf"(\d+) {what}", said) for what in ("file", "insertion", "deletion")]
    files, added, deleted = (int(found[1]) if found else 0 for found in numbers)
    return files, added, deleted


async def empty_tree(git: Git) -> str:
    """The tree with nothing in it, written so that it can be compared with."""
    return await git.text("mktree")


async def files(git: Git, old: str, new: str) -> list[FileChange]:
    """The files that differ between two trees or commits, each with its patch."""
    flags = ("-r", "-M", "--no-color", "--full-index")
    raw = (await git.run("diff-tree", *flags, "-z", "--raw", "--numstat", old, new)).out.decode(errors="replace")
    patches = (await git.run("diff-tree", *flags, "-p", old, new)).out.decode(errors="replace")
    bodies = re.split(r"^diff --git .*\n", patches, flags=re.MULTILINE)[1:]
    changes, numbers = _raw(raw)
    return [
        FileChange(path, old_path, status, sha, added, deleted, _hunks(body))
        for (path, old_path, status, sha), (added, deleted), body in zip(changes, numbers, bodies, strict=True)
    ]


def _hunks(body: str) -> str | None:
    start = re.search(r"^@@", body, flags=re.MULTILINE)
    return body[start.start() :].rstrip("\n") if start else None


def _raw(out: str) -> tuple[list[tuple[str, str | None, str, str]], list[tuple[int, int]]]:
    """Read ``--raw --numstat -z``: first a line a file that starts with a colon, then the numbers."""
    words = iter(out.split("\0"))
    changes: list[tuple[str, str | None, str, str]] = []
    numbers: list[tuple[int, int]] = []
    for word in words:
        if word.startswith(":"):
            _, _, old_sha, new_sha, letter = word.split(" ")
            first = next(words)
            renamed = letter[0] in "RC"
            path, before = (next(words), first) if renamed else (first, None)
            changes.append((path, before, _STATUS[letter[0]], old_sha if letter[0] == "D" else new_sha))
        elif word:
            added, deleted, name = word.split("\t")
            if not name:  # a rename: both names follow, each by itself
                next(words), next(words)
            numbers.append((_number(added), _number(deleted)))
    return changes, numbers


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0  # "-" stands for a binary file
