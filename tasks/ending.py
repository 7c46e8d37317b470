"""What a run ended in, so that two runs of one idea can be compared: statuses, rounds and trees, no number, no time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from ledger.issues import read_tree
from ledger.models import Model, Run
from ledger.store import Store
from tasks.history import History

FILE = "ended.yaml"


class Files(Model):
    """One tree: its hash, and by path (mode and blob) what differs in it from what the run began with."""

    tree: str
    changed: dict[str, str] = Field(default_factory=dict)


class NodeEnd(Model):
    """How a node ended. ``merged`` are the files of its merge commit."""

    status: str
    round: int
    merged: Files | None = None


class Ending(Model):
    """How a run ended. ``released`` are the files under the tag."""

    state: str
    outcome: str | None
    nodes: dict[str, NodeEnd] = Field(default_factory=dict)
    tag: str | None = None
    released: Files | None = None


class Difference(Model):
    """One thing that two runs do not share; ``files`` are the paths that differ, where it is a tree."""

    what: str
    recorded: str | None
    replayed: str | None
    files: list[str] = Field(default_factory=list)

    def __str__(self) -> str:
        named = f" (in {', '.join(self.files)})" if self.files else ""
        return f"{self.what}: recorded {self.recorded or 'nothing'}, replayed {self.replayed or 'nothing'}{named}"


async def ending_of(store: Store, run: Run, history: History | None) -> Ending:
    """How ``run`` ended; without its history the trees are missing."""

    async def files(commit: str | None) -> Files | None:
        tree = await history.tree(commit) if history and commit else None
        base = await history.tree(run.base_sha) if history and run.base_sha else None
        if history is None or tree is None or base is None:
            return None
        return Files(tree=tree, changed=await history.changed(base, tree))

    nodes = {
        issue.key: NodeEnd(status=issue.status.value, round=issue.round, merged=await files(issue.merged_sha))
        for issue in (await read_tree(store, run.id)).issues
    }
    return Ending(
        state=run.state.value,
        outcome=run.outcome.value if run.outcome else None,
        nodes=nodes,
        tag=run.release.tag if run.release else None,
        released=await files(run.release.sha if run.release else None),
    )


def differences(recorded: Ending, replayed: Ending) -> list[Difference]:
    """Everything in which a replay differs from what was recorded; nothing when they are equal."""
    return list(_differences(recorded, replayed))


def _differences(recorded: Ending, replayed: Ending) -> Iterator[Difference]:
    for what in ("outcome", "state"):
        yield from _differs(what, getattr(recorded, what), getattr(replayed, what))
    for key in sorted({*recorded.nodes, *replayed.nodes}):
        then, now = recorded.nodes.get(key), replayed.nodes.get(key)
        if then is None or now is None:
            yield from _differs(f"node {key}", then and "there", now and "there")
            continue
        yield from _differs(f"status of {key}", then.status, now.status)
        yield from _differs(f"rounds of {key}", then.round, now.round)
        yield from _other_files(f"tree of {key}", then.merged, now.merged)
    yield from _differs("tag", recorded.tag, replayed.tag)
    yield from _other_files("tree of the release", recorded.released, replayed.released)


def _differs(what: str, then: Any, now: Any) -> Iterator[Difference]:
    if then != now:
        said = (None if each is None else str(each) for each in (then, now))
        yield Difference(what=what, recorded=next(said), replayed=next(said))


def _other_files(what: str, then: Files | None, now: Files | None) -> Iterator[Difference]:
    if then is None or now is None:
        yield from _differs(what, then and then.tree, now and now.tree)
    elif then.tree != now.tree:
        paths = {*then.changed, *now.changed}
        other = sorted(path for path in paths if then.changed.get(path) != now.changed.get(path))
        yield Difference(what=what, recorded=then.tree, replayed=now.tree, files=other)
