"""Merges that need no working tree."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sandbox.plumbing.git import Git, GitFailed
from sandbox.plumbing.objects import Person, write_commit


class Conflict(Exception):
    """The two sides changed the same lines."""


async def merged_tree(git: Git, base: str, head: str) -> str | None:
    """The tree of a merge of two commits, or None when they conflict or share no history."""
    done = await git.run("merge-tree", "--write-tree", "--no-messages", base, head, expect=(0, 1, 128))
    return done.text.splitlines()[0] if done.code == 0 else None


async def merge_commit(git: Git, base: str, head: str, message: str, author: Person) -> str:
    """A commit that joins ``head`` to ``base``; Conflict when it cannot be made."""
    tree = await merged_tree(git, base, head)
    if tree is None:
        raise Conflict(head)
    return await write_commit(git, tree, [base, head], message, author)


async def squash_commit(git: Git, base: str, head: str, message: str, author: Person) -> str:
    """One commit on ``base`` with everything ``head`` brings; Conflict when it cannot be made."""
    tree = await merged_tree(git, base, head)
    if tree is None:
        raise Conflict(head)
    return await write_commit(git, tree, [base], message, author)


async def rebased(git: Git, base: str, head: str) -> str:
    """The commits of ``head`` made anew on ``base``; Conflict when one does not fit.

    git 2.39 cannot pick a commit without a working tree, so one is lent to it and taken away again.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-rebase-") as folder:
        tree = Path(folder) / "tree"
        await git.run("worktree", "add", "--quiet", "--detach", str(tree), base)
        here = {"GIT_DIR": str(tree / ".git"), "GIT_WORK_TREE": str(tree)}
        try:
            picks = await git.text("rev-list", "--reverse", "--no-merges", f"{base}..{head}")
            for pick in picks.splitlines():
                await git.run(
                    "-C", str(tree), "cherry-pick", "--allow-empty", "--keep-redundant-commits", pick, env=here
                )
            return await git.text("-C", str(tree), "rev-parse", "HEAD", env=here)
        except GitFailed as error:
            raise Conflict(head) from error
        finally:
            await git.run("worktree", "remove", "--force", str(tree))
