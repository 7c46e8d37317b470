"""Branches, tags and other refs: read, and moved by compare-and-swap."""

from __future__ import annotations

import re

from sandbox.plumbing.git import ZERO, Git, GitFailed

SHA = re.compile(r"[0-9a-f]{40}")


class RefMoved(Exception):
    """The ref is no longer where the caller saw it."""


async def refs(git: Git, prefix: str) -> dict[str, tuple[str, str]]:
    """The refs under a prefix (``refs/heads/``): name → (sha, type), sorted by name."""
    lines = await git.text("for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", prefix)
    split = (line.split(" ", 2) for line in lines.splitlines())
    return {name: (sha, kind) for sha, kind, name in split}


async def heads(git: Git) -> dict[str, str]:
    """The branches: name → sha."""
    return {name.removeprefix("refs/heads/"): sha for name, (sha, _) in (await refs(git, "refs/heads/")).items()}


async def resolve(git: Git, name: str) -> str | None:
    """The object that a ref points at, by the ref's full name, or None."""
    done = await git.run("show-ref", "--verify", "--hash", "--", name, expect=(0, 1, 128))
    return done.text if done.code == 0 else None


async def commit_of(git: Git, name: str) -> str | None:
    """The commit that a branch, tag or sha names (in GitHub's order: branch first), or None."""
    if name.startswith("-") or not name:
        return None
    tries = (f"refs/heads/{name}", f"refs/tags/{name}", name)
    for candidate in tries:
        done = await git.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}", expect=(0, 1, 128)
        )
        if done.code == 0:
            return done.text
    return None


async def well_formed(git: Git, ref: str) -> bool:
    """Whether git takes ``ref`` as a full ref name."""
    return (await git.run("check-ref-format", ref, expect=(0, 1))).code == 0


async def move(git: Git, ref: str, new: str, old: str | None = None) -> None:
    """Point ``ref`` at ``new``; with ``old`` (ZERO: must not exist) only if it is still there, else RefMoved."""
    try:
        await git.run("update-ref", "--end-of-options", ref, new, *([old] if old is not None else []))
    except GitFailed as error:
        if "cannot lock ref" in error.said:
            raise RefMoved(ref) from error
        raise


async def create(git: Git, ref: str, sha: str) -> None:
    """Make a ref that must not exist yet."""
    await move(git, ref, sha, ZERO)


async def delete(git: Git, ref: str) -> None:
    """Remove a ref."""
    await git.run("update-ref", "-d", "--end-of-options", ref)


async def contains(git: Git, descendant: str, ancestor: str) -> bool:
    """Whether ``ancestor`` is in the history of ``descendant``."""
    return (await git.run("merge-base", "--is-ancestor", ancestor, descendant, expect=(0, 1))).code == 0
