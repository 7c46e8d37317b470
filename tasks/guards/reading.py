"""Read a change from git. The repository is an agent's: nothing in it may run, and nothing of ours is shown to it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shipline.errors import InvalidInput, ShiplineError
from tasks.confine import scrubbed_environment
from tasks.guards.change import SUBMODULE, SYMLINK, Change, FileChange, Status
from tasks.guards.resolution import Resolution
from tasks.quality.configuration import FILES

# Larger files are not read: the size guard stops them by their size alone.
READ_LIMIT = 5_000_000
_SECONDS = 120.0
# An agent's clone may hold hooks, a monitor program and replaced objects that show other content than is pushed.
_HARDENED = (
    *("--no-optional-locks", "--no-replace-objects", "-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=false"),
)
_NOTHING = "0" * 40
_STATUS = {"A": Status.ADDED, "D": Status.DELETED}  # T, a change of type, is a modification too


class GitFailed(ShiplineError):
    """git could not say what changed."""


@dataclass(frozen=True)
class _Entry:
    """A line of ``git diff --raw``."""

    old_mode: str
    new_mode: str
    old_id: str
    new_id: str
    status: str
    path: str


@dataclass(frozen=True)
class _Content:
    data: bytes
    size: int


async def read_change(workspace: Path, base: str, head: str | None) -> Change:
    """What changed since ``head`` left ``base``.

    Without ``head``: what the working tree holds, committed or not, and untracked files that are not ignored. What is
    committed later may differ from that (filters, ignored files that are forced), so guard the commit before a push.
    """
    root = (await _git(workspace, "merge-base", "--end-of-options", base, head or "HEAD")).decode().strip()
    return await _read(workspace, root, await _entries(workspace, root, head))


async def read_resolution(
    workspace: Path, ours: str, theirs: str, by_git: str, conflicts: Sequence[str], head: str
) -> Resolution:
    """What the merge ``head`` of two commits holds besides ``by_git``, the tree that git made of them itself.

    In ``conflicts``, the paths that git could not merge, that tree has markers.
    """
    root = (await _git(workspace, "merge-base", "--end-of-options", ours, theirs)).decode().strip()

    async def between(old: str, new: str, *paths: str) -> Change:
        return await _read(workspace, old, await _entries(workspace, old, new, paths))

    async def of_conflicts(old: str, new: str) -> Change:
        return await between(old, new, *conflicts) if conflicts else Change()

    apart = await between(by_git, head)
    return Resolution(
        replace(apart, files=tuple(each for each in apart if each.path not in conflicts)),
        await of_conflicts(ours, head), await of_conflicts(theirs, head),
        await of_conflicts(root, ours), await of_conflicts(root, theirs),
    )  # fmt: skip


async def _read(workspace: Path, root: str, entries: Sequence[_Entry]) -> Change:
    blobs = await _blobs(workspace, {each.old_id for each in entries} | {each.new_id for each in entries})
    files = tuple(_file_change(each, blobs, workspace) for each in entries)
    return Change(files, await _settings(workspace, root))


async def _entries(workspace: Path, root: str, head: str | None, paths: Sequence[str] = ()) -> list[_Entry]:
    asked = [
        *("diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv"),
        *("--ignore-submodules=none", root, *([head] if head else []), "--"),
        *(f":(literal){path}" for path in paths),
    ]
    fields = _fields(await _git(workspace, *asked))
    found = []
    for described, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old_id, new_id, status = described.removeprefix(":").split(" ")
        found.append(_Entry(_present(old_mode), _present(new_mode), old_id, new_id, status, path))
    if head is None:
        untracked = _fields(await _git(workspace, "ls-files", "--others", "--exclude-standard", "-z"))
        found += [_Entry("", _mode(workspace / path), _NOTHING, _NOTHING, "A", path) for path in untracked]
    return found


async def _settings(workspace: Path, root: str) -> dict[str, str]:
    listed = _fields(await _git(workspace, "ls-tree", "-z", root))
    ids = {path: described.split(" ")[2] for described, _, path in (line.partition("\t") for line in listed)}
    wanted = {path: ids[path] for path in FILES & ids.keys()}
    blobs = await _blobs(workspace, wanted.values())
    return {path: blobs[each].data.decode(errors="replace") for path, each in wanted.items() if each in blobs}


async def _blobs(workspace: Path, ids: Iterable[str]) -> dict[str, _Content]:
    """The contents of ``ids`` that are blobs, in two calls of git; of what is too large only the size."""
    wanted = sorted(each for each in set(ids) if set(each) != {"0"})
    asked = await _git(workspace, "cat-file", "--batch-check", stdin="".join(f"{each}\n" for each in wanted).encode())
    sizes = {}
    for line in asked.decode().splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[1] == "blob":
            sizes[words[0]] = int(words[2])
    read = [each for each, size in sizes.items() if size <= READ_LIMIT]
    answer = await _git(workspace, "cat-file", "--batch", stdin="".join(f"{each}\n" for each in read).encode())
    found = {each: _Content(b"", size) for each, size in sizes.items()}
    position = 0
    for each in read:
        start = answer.index(b"\n", position) + 1
        position = start + sizes[each]
        found[each] = _Content(answer[start:position], sizes[each])
        position += 1
    return found


def _file_change(entry: _Entry, blobs: dict[str, _Content], workspace: Path) -> FileChange:
    old = blobs.get(entry.old_id)
    new = blobs.get(entry.new_id)
    if new is None and entry.new_mode not in ("", SUBMODULE):
        new = _on_disk(workspace / entry.path)
    old_text, new_text = _text(old), _text(new)
    return FileChange(
        path=entry.path,
        status=_STATUS.get(entry.status, Status.MODIFIED),
        old_text=old_text,
        new_text=new_text,
        binary=(old is not None and old_text is None) or (new is not None and new_text is None),
        old_mode=entry.old_mode,
        new_mode=entry.new_mode,
        size=new.size if new is not None else 0,
    )


def _text(content: _Content | None) -> str | None:
    """The content as text; None when there is none, it was too large to read, or it is not UTF-8 text."""
    if content is None or len(content.data) != content.size or b"\0" in content.data:
        return None
    try:
        return content.data.decode()
    except UnicodeDecodeError:
        return None


def _on_disk(path: Path) -> _Content | None:
    if path.is_symlink():
        target = os.fsencode(path.readlink())
        return _Content(target, len(target))
    if not path.is_file():
        return None
    size = path.stat().st_size
    return _Content(path.read_bytes() if size <= READ_LIMIT else b"", size)


def _present(mode: str) -> str:
    return mode.strip("0") and mode


def _mode(path: Path) -> str:
    if path.is_symlink():
        return SYMLINK
    if path.is_dir():  # a repository inside the repository is listed as ``folder/``
        return SUBMODULE
    return "100755" if path.stat().st_mode & stat.S_IXUSR else "100644"


def _fields(output: bytes) -> list[str]:
    return [field.decode(errors="backslashreplace") for field in output.split(b"\0") if field]


async def _git(workspace: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = scrubbed_environment(os.devnull)
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    process = await asyncio.create_subprocess_exec(
        *("git", *_HARDENED, *arguments),
        cwd=workspace,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, err = await process.communicate(stdin)
    except TimeoutError as error:
        raise GitFailed(f"git {arguments[0]} did not end within {_SECONDS:.0f} s.", "Look at the clone.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = err.decode(errors="replace").strip()
        if arguments[0] == "merge-base":
            named = " and ".join(arguments[-2:])
            raise InvalidInput(f"{named} have no common commit: {said or 'unrelated'}.", "Fetch both first.")
        raise GitFailed(f"git {arguments[0]} failed: {said}", "Look at the clone.")
    return out
