"""The guards on a leaf's change: what they stop is held, until a person lets exactly that pass or it is made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.issues import change_issue
from ledger.models import AgentType, Held, Issue
from shipline.errors import GuardBlocked
from tasks.git import Clone
from tasks.guards import (
    NEW_DEPENDENCY,
    GuardContext,
    Violation,
    check_guards,
    check_resolution,
    read_change,
    read_resolution,
)
from tasks.quality.index import licence_at_index
from tasks.state import Here


@dataclass(frozen=True)
class ByGit:
    """What git makes of a merge by itself: a tree, with markers in the paths that conflict."""

    theirs: str
    tree: str
    conflicts: Sequence[str]


async def merged_by_git(made: Clone, theirs: str) -> ByGit:
    """Merge ``theirs`` into what is checked out, look, and put everything back."""
    conflicts = await made.merge(theirs)
    await made.stage()
    tree = (await made.git("write-tree")).strip()
    await made.git("reset", "--quiet", "--hard", "HEAD")
    return ByGit(theirs, tree, conflicts)


async def guard(
    at: Here, made: Clone, issue: Issue, base: str, commit: str, change: str, merge: ByGit | None = None
) -> None:
    """Look at what ``commit`` changes since ``base``, or adds to a ``merge``; ``change`` stands for it.

    GuardBlocked names every guard that stops it, and then the node holds it, unless a person let it pass.
    """
    if issue.held is not None and issue.held.change == change and issue.held.allowed_by is not None:
        return
    context = GuardContext(files=tuple(issue.files), about_tests=issue.agent == AgentType.TEST_AUTHOR)
    if merge is None:
        found = check_guards(await read_change(made.path, base, commit), context)
    else:
        read = await read_resolution(made.path, base, merge.theirs, merge.tree, merge.conflicts, commit)
        found = check_resolution(read, context)
    if not found:
        return
    reasons = [await in_words(each, made) for each in found]
    held = Held(change=change, reasons=reasons)
    await change_issue(
        at.ctx.store, at.run.id, issue.key, {"held": held.model_dump(by_alias=True)}, expect={"round": issue.round}
    )
    raise GuardBlocked(
        f"A guard stopped the change of {issue.key}: {'; '.join(reasons)}.",
        f"Nothing was pushed. Retry, or let exactly this change pass: shipline allow {at.run.id} {issue.key}",
    )


async def in_words(found: Violation, made: Clone) -> str:
    """What a guard says; of a dependency with its licence."""
    said = f"{found.guard}: {found.path}: {found.detail}"
    if found.guard == NEW_DEPENDENCY and found.about:
        said += f" ({await licence_at_index(found.about, made.path)})"
    return said
