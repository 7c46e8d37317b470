"""What an agent added to a merge: the part that neither side explains, as guards see it. Pure.

A merge brings what others wrote, and that was guarded when they wrote it. What differs from git's own merge is the
agent's: all of it in a file that did not conflict; in one that did, what neither side had done in that way before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from tasks.guards.change import Change, FileChange, Violation

Check = Callable[[Change], list[Violation]]
_BY_LINES = frozenset({"secret", "size"})
_BY_FILE = frozenset({"protected-path", "outside-path"})


@dataclass(frozen=True)
class Resolution:
    """A merge of two sides.

    ``apart``: files that git merged by itself, from that to what they are now. ``from_ours``, ``from_theirs``: files
    that conflicted, from each side to what they are now; ``ours``, ``theirs``: the same from the common base to a side.
    """

    apart: Change
    from_ours: Change
    from_theirs: Change
    ours: Change
    theirs: Change


def unexplained(merge: Resolution, check: Check) -> list[Violation]:
    """What the guards say of the agent's part."""
    found = check(merge.apart)
    written = {each.path for each in merge.from_ours} & {each.path for each in merge.from_theirs}
    for now, others in ((merge.from_ours, merge.theirs), (merge.from_theirs, merge.ours)):
        known = check(others)
        for each in check(now):
            as_before = each in known and not (each.guard in _BY_FILE and each.path in written)
            if each.guard not in _BY_LINES and not as_before:
                found.append(each)
    found += [each for each in check(_new_lines(merge)) if each.guard in _BY_LINES]
    return list(dict.fromkeys(found))


def _new_lines(merge: Resolution) -> Change:
    """The files that are like neither side, each with the lines that neither side has as what was added to it."""
    other = {each.path: each for each in merge.from_theirs}
    files = [_since_both(each, other[each.path]) for each in merge.from_ours if each.path in other]
    return replace(merge.from_ours, files=tuple(files))


def _since_both(ours: FileChange, theirs: FileChange) -> FileChange:
    if ours.new_text is None:
        return ours
    had = Counter((ours.old_text or "").splitlines()) | Counter((theirs.old_text or "").splitlines())
    kept = Counter(ours.new_text.splitlines()) & had
    return replace(ours, old_text="".join(f"{line}\n" for line in kept.elements()))
