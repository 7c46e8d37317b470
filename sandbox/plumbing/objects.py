"""Blobs, trees, commits and annotated tags: written and read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.plumbing.git import ZERO, Git

_FIELDS = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%ad%x1f%cn%x1f%ce%x1f%cd%x1f%B"
LOG_FORMAT = (f"--format={_FIELDS}", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "-z")


@dataclass(frozen=True)
class Person:
    """Who wrote or committed, and when (``2026-11-23T08:00:00Z``)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit as git holds it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Entry:
    """One line of a tree, or of a change to it; without a sha the path goes away."""

    path: str
    mode: str
    kind: str
    sha: str | None
    size: int | None = None


def parse_log(out: bytes) -> list[Commit]:
    """The commits in the output of ``git log`` with LOG_FORMAT."""
    found = []
    for record in out.decode(errors="replace").split("\0"):
        if record.strip():
            sha, tree, parents, an, ae, ad, cn, ce, cd, message = record.lstrip("\n").split("\x1f", 9)
            author, committer = Person(an, ae, ad), Person(cn, ce, cd)
            found.append(Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n")))
    return found


async def kind_of(git: Git, sha: str) -> tuple[str, int] | None:
    """The type and size of an object, or None when there is none."""
    done = await git.run("cat-file", "--batch-check", stdin=f"{sha}\n".encode())
    words = done.text.split(" ")
    return (words[1], int(words[2])) if len(words) == 3 else None


async def read_commit(git: Git, sha: str) -> Commit:
    """One commit, known to exist."""
    (commit,) = parse_log((await git.run("log", "-1", *LOG_FORMAT, "--end-of-options", sha)).out)
    return commit


async def read_blob(git: Git, sha: str) -> bytes:
    """The bytes of a blob, known to exist."""
    return (await git.run("cat-file", "blob", sha)).out


async def write_blob(git: Git, content: bytes) -> str:
    """Store bytes as a blob."""
    return await git.text("hash-object", "-w", "--stdin", stdin=content)


async def entries(git: Git, tree: str, path: str = "", recursive: bool = False) -> list[Entry]:
    """The lines of a tree; with ``path`` the one line for it (or, ending in a slash, the folder's)."""
    flags = ("-r", "-t") if recursive else ()
    done = await git.run("ls-tree", "-z", "--long", *flags, tree, "--", *([path] if path else []), expect=(0, 128))
    found = []
    for line in done.out.decode(errors="replace").split("\0"):
        if line:
            about, name = line.split("\t", 1)
            mode, kind, sha, size = about.split()
            found.append(Entry(name, mode, kind, sha, int(size) if size != "-" else None))
    return found


async def _lines(git: Git, base: str | None, change: Entry) -> list[str]:
    """One change as lines for the index; what it replaces or removes goes first."""
    if change.sha is not None and change.kind != "tree":
        return [f"{change.mode} {change.sha}\t{change.path}\0"]
    gone = await entries(git, base, change.path, recursive=True) if base else []
    lines = [f"0 {ZERO}\t{entry.path}\0" for entry in gone if entry.kind != "tree"]
    if change.sha is not None:
        brought = await entries(git, change.sha, recursive=True)
        lines += [f"{new.mode} {new.sha}\t{change.path}/{new.path}\0" for new in brought if new.kind != "tree"]
    return lines


async def write_tree(git: Git, base: str | None, changes: Sequence[Entry]) -> str:
    """A tree: ``base`` with ``changes`` laid over it. GitFailed when an object is missing or a path is not one."""
    with tempfile.TemporaryDirectory(prefix="sandbox-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if base is not None:
            await git.run("read-tree", base, env=index)
        lines = [line for change in changes for line in await _lines(git, base, change)]
        if lines:
            await git.run("update-index", "-z", "--index-info", stdin="".join(lines).encode(), env=index)
        return await git.text("write-tree", env=index)


def _dated(role: str, person: Person | None) -> dict[str, str]:
    if person is None:
        return {}
    given = {"NAME": person.name, "EMAIL": person.email, "DATE": person.date}
    return {f"GIT_{role}_{key}": value for key, value in given.items() if value}


async def write_commit(
    git: Git,
    tree: str,
    parents: Sequence[str],
    message: str,
    author: Person | None = None,
    committer: Person | None = None,
) -> str:
    """A commit; who is not given is the sandbox, and now."""
    flags = [word for parent in parents for word in ("-p", parent)]
    env = _dated("AUTHOR", author) | _dated("COMMITTER", committer)
    return await git.text("commit-tree", tree, *flags, "-F", "-", stdin=message.encode() + b"\n", env=env)


async def write_tag(git: Git, name: str, target: str, kind: str, message: str, tagger: Person | None) -> str:
    """An annotated tag object (no ref)."""
    who = await git.text("var", "GIT_COMMITTER_IDENT", env=_dated("COMMITTER", tagger))
    body = f"object {target}\ntype {kind}\ntag {name}\ntagger {who}\n\n{message}\n"
    return await git.text("mktag", stdin=body.encode())


async def read_tag(git: Git, sha: str) -> tuple[dict[str, str], Person, str]:
    """An annotated tag object: its head (object, type, tag), its tagger and its message."""
    head, _, message = (await git.run("cat-file", "tag", sha)).text.partition("\n\n")
    parts = dict(line.split(" ", 1) for line in head.splitlines())
    name, _, rest = parts.get("tagger", "").partition(" <")
    email, _, when = rest.partition("> ")
    seconds = int(when.split(" ")[0] or 0)
    return parts, Person(name, email, datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")), message


async def write_folder(git: Git, folder: Path) -> str:
    """The files of a folder as a tree (what its .gitignore names stays out)."""
    with tempfile.TemporaryDirectory(prefix="sandbox-index-") as scratch:
        env = {"GIT_WORK_TREE": str(folder.resolve()), "GIT_INDEX_FILE": str(Path(scratch) / "index")}
        await git.run("add", "--all", "--", str(folder.resolve()), env=env)
        return await git.text("write-tree", env=env)
