"""In which order a run's branches were made and merged, as its effects and its git history tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from ledger.models import Effect, EffectKind, EffectStatus
from ledger.models.replay import Move
from ledger.rules.tree import Tree
from tasks.history import History

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Dated:
    at: datetime
    do: Literal["branch", "merge"]
    node: str
    onto: str
    sha: str


async def moves_of(tree: Tree, effects: Sequence[Effect], history: History | None) -> list[Move]:
    """The moves, oldest first. Where the history is at hand it decides which merges a branch was made with; the clock
    may be off by the moment between a request and its answer.
    """
    done = sorted((each for each in effects if each.status is EffectStatus.SUCCEEDED), key=lambda each: each.updated_at)
    owners = {issue.branch: issue.key for issue in tree.issues if issue.branch}
    found: list[_Dated] = []
    for node in tree.issues:
        onto = owners.get(node.base, node.base) if node.base else None
        if onto is None:
            continue
        made, merged = _begun(tree, node.key, done), _last(done, node.key, EffectKind.PULL_MERGE)
        if made is not None:
            found.append(_dated("branch", made, node.key, onto))
        if merged is not None:
            found.append(_dated("merge", merged, node.key, onto))
    if history is not None:
        found = await _as_git_says(found, history)
    return [Move(do=each.do, node=each.node, onto=each.onto) for each in sorted(found, key=lambda each: each.at)]


def _begun(tree: Tree, key: str, done: Sequence[Effect]) -> Effect | None:
    """What gave the node's branch the files that work below it began with: its making, or, when it was made long before
    (a dry run that was carried out later), the last update before the first push.
    """
    made = _last(done, key, EffectKind.BRANCH_CREATE)
    below = {key, *(each.key for each in tree.descendants(key))}
    pushed = next((each for each in done if each.kind == EffectKind.PUSH and each.node_key in below), None)
    before = [each for each in done if pushed is not None and each.updated_at < pushed.updated_at]
    return _last(before, key, EffectKind.BRANCH_UPDATE) or made


def _last(done: Sequence[Effect], key: str, kind: EffectKind) -> Effect | None:
    return next((each for each in reversed(done) if each.node_key == key and each.kind == kind), None)


def _dated(do: Literal["branch", "merge"], effect: Effect, node: str, onto: str) -> _Dated:
    return _Dated(effect.updated_at, do, node, onto, str((effect.outcome or {}).get("sha")))


async def _as_git_says(found: Sequence[_Dated], history: History) -> list[_Dated]:
    merges: dict[str, list[_Dated]] = defaultdict(list)
    for each in sorted(found, key=lambda each: each.at):
        if each.do == "merge":
            merges[each.onto].append(each)
    return [each if each.do == "merge" else await _between(each, merges[each.onto], history) for each in found]


async def _between(branch: _Dated, merges: Sequence[_Dated], history: History) -> _Dated:
    """The branch's making, dated after the merges that it contains and before those that it does not."""
    at = branch.at
    for merge in merges:
        if not (await history.has(merge.sha) and await history.has(branch.sha)):
            continue
        if await history.contains(branch.sha, merge.sha):
            at = max(at, merge.at + INSTANT)
        else:
            at = min(at, merge.at - INSTANT)
            break
    return replace(branch, at=at)
