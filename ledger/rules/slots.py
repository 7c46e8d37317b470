"""Who gets a free slot: fair between groups, first come first served inside one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from ledger.models import Issue, IssueStatus, Slot
from ledger.rules.tree import LEAVES


def grants(slots: Sequence[Slot], total: int) -> list[Slot]:
    """The waiting requests that may be held now, when at most ``total`` that count are held at once.

    Each free slot goes to the group that holds the fewest, and there to whoever has waited longest. So a group that
    wants a hundred never keeps one that wants two waiting for more than the next slot that comes free.
    """
    held = [each for each in slots if each.held]
    keys = {each.key for each in held}
    counts = Counter(each.group for each in held if each.counts)
    free = total - sum(counts.values())
    waiting = sorted((each for each in slots if not each.held), key=lambda each: (each.since, each.id))
    granted: list[Slot] = []
    for each in waiting:
        if not each.counts and each.key not in keys:
            keys.add(each.key)
            granted.append(each)
    while free > 0:
        able = [
            each for each in waiting if each.counts and each.key not in keys and counts[each.group] < each.limit
        ]  # fmt: skip
        if not able:
            break
        first = min(able, key=lambda each: counts[each.group])  # the first of equals: who has waited longest
        keys.add(first.key)
        counts[first.group] += 1
        free -= 1
        granted.append(first)
    return granted


def still_due(issue: Issue, kind: Literal["build", "land"]) -> bool:
    """Whether a step that was chosen a moment ago is still to be done: another worker may have done it since.

    Whoever holds the node changes it alone, so the node by itself says enough.
    """
    if issue.merged_sha is not None or issue.failure is not None or issue.status is IssueStatus.DONE:
        return False
    tested = issue.head is not None and issue.tested_head == issue.head
    if kind == "land":
        return tested or issue.type not in LEAVES
    return not (tested and issue.status is IssueStatus.QA)
