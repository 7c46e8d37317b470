"""What console, command line and gateway all show: questions to the ledger, answered as plain models."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pymongo

from ledger.issues import read_tree
from ledger.models import (
    AgentRun,
    CiStatus,
    Deployment,
    Effect,
    Event,
    Idea,
    Issue,
    IssueStatus,
    IssueType,
    Level,
    Outcome,
    Project,
    Run,
    SlotTable,
    Usage,
)
from ledger.rules.ready import Blocker, waiting_for
from ledger.rules.tree import Tree
from ledger.slots import live_slots
from ledger.store import Store
from ledger.timeline import drain
from shipline.ids import digest

GOOD = ("success", "neutral", "skipped")  # how a check of GitHub ends that stands in nobody's way


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. ``waits`` says what each open node waits for; ``checks`` which required checks of GitHub one
    waits for that has passed QA; ``behind`` the runs that hold what this one needs, where only so many may work.
    """

    run: Run
    idea: str
    tree: Tree
    waits: dict[str, list[Blocker]]
    usage: Usage
    deployment: Deployment | None
    checks: Mapping[str, list[str]] = field(default_factory=dict)
    behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """From the first to the last event of a node, or (``node`` empty) of a stage."""

    node: str
    phase: str
    began: datetime
    ended: datetime


@dataclass(frozen=True)
class Totals:
    """How many of what."""

    issues: int
    leaves: int
    defects: int
    merged_pull_requests: int
    done: int


async def snapshot(store: Store, run_id: str) -> Snapshot:
    """The run, its tree and what waits for what."""
    run = await store.get(Run, run_id)
    tree = await read_tree(store, run_id)
    running = [issue.key for issue in tree.issues if is_working(tree, issue)]
    open_issues = [issue for issue in tree.issues if issue.status is not IssueStatus.DONE]
    waits = {issue.key: waiting_for(tree, issue.key, running) for issue in open_issues if issue.key not in running}
    idea = await store.get(Idea, run.idea_id)
    deployment = await store.find_one(Deployment, {"runId": run_id}, newest=True)
    awaited = await awaited_checks(store, tree.issues)
    return Snapshot(run, idea.text, tree, waits, await usage(store, run_id), deployment, awaited)


def gate_event(issue: Issue, head: str) -> str:
    """The id of the event that tells which required checks a head waits for."""
    return f"gate-{digest(issue.id, head)}"


async def awaited_checks(store: Store, issues: Iterable[Issue]) -> dict[str, list[str]]:
    """By node, the required checks that its head waits for, once it was asked about, and which are not good yet."""
    gated = [
        each for each in issues if each.tested_head and each.pr_number and not each.merged_sha and not each.failure
    ]
    asked = {gate_event(each, str(each.tested_head)): each for each in gated}
    found: dict[str, list[str]] = {}
    known = await ci_of(store, gated[0].repo, [each.tested_head for each in gated]) if gated else {}
    for told in await store.find(Event, {"_id": {"$in": list(asked)}}) if asked else []:
        issue = asked[told.id]
        good = {each.name for each in known[str(issue.tested_head)] if each.state in GOOD}
        if left := [str(each) for each in told.data.get("checks", ()) if str(each) not in good]:
            found[issue.key] = left
    return found


async def queued(store: Store) -> dict[str, tuple[str, ...]]:
    """By run that waits for its turn and holds nothing there: the runs that hold it."""
    found: dict[str, set[str]] = {}
    for table in await store.find(SlotTable, {"slots": {"$elemMatch": {"held": False}}}):
        slots = await live_slots(store, table.id)
        holders = {each.group for each in slots if each.held}
        for waiting in {each.group for each in slots if not each.held} - holders:
            found.setdefault(waiting, set()).update(holders)
    return {run: tuple(sorted(holders)) for run, holders in found.items() if holders}


async def ci_of(store: Store, repo: str, heads: Iterable[str | None]) -> dict[str, list[CiStatus]]:
    """What GitHub's checks say of commits, as webhooks told it: by commit, and there by name."""
    wanted = sorted({each for each in heads if each})
    found: dict[str, list[CiStatus]] = {each: [] for each in wanted}
    if not wanted:
        return found
    for each in await store.find(CiStatus, {"repo": repo, "sha": {"$in": wanted}}, [("name", 1)]):
        found[each.sha].append(each)
    return found


def is_working(tree: Tree, issue: Issue) -> bool:
    """Whether somebody works on this leaf right now."""
    if issue.type not in (IssueType.TASK, IssueType.DEFECT) or issue.failure:
        return False
    childless = all(child.status is IssueStatus.DONE for child in tree.children(issue.key))
    return childless and issue.status in (IssueStatus.IN_PROGRESS, IssueStatus.REVIEW, IssueStatus.QA)


def totals(tree: Tree) -> Totals:
    """The counts of a tree, over all its rows."""
    return Totals(
        issues=len(tree.issues),
        leaves=sum(issue.type is IssueType.TASK for issue in tree.issues),
        defects=sum(issue.type is IssueType.DEFECT for issue in tree.issues),
        merged_pull_requests=sum(issue.merged_sha is not None for issue in tree.issues),
        done=sum(issue.status is IssueStatus.DONE for issue in tree.issues),
    )


async def usage(store: Store, run_id: str) -> Usage:
    """What the agents of a run used, summed over all of them."""
    return await _summed(store, {"runId": run_id})


async def answers(store: Store, within: float) -> None:
    """Ask the ledger for next to nothing: Unavailable when it does not answer ``within`` seconds."""
    with pymongo.timeout(within):
        await store.find_one(Run, {"_id": ""})


async def runs(store: Store, limit: int = 50) -> list[Run]:
    """The newest runs."""
    return await store.find(Run, {}, [("created_at", -1)], limit)


async def events(store: Store, run_id: str, *, after: int = 0, limit: int = 0) -> list[Event]:
    """The events of a run after number ``after``, oldest first."""
    return await store.find(Event, {"runId": run_id, "seq": {"$gt": after}}, [("seq", 1)], limit)


async def events_before(store: Store, run_id: str, below: int, limit: int) -> list[Event]:
    """The newest ``limit`` events whose number is less than ``below`` (0: all of them), newest first."""
    wanted = {"runId": run_id, **({"seq": {"$lt": below}} if below else {})}
    return await store.find(Event, wanted, [("seq", -1)], limit)


async def exported(store: Store, run_id: str, batch: int = 500) -> AsyncIterator[str]:
    """Every event with its hashes as a line of JSON, oldest first, read a few at a time."""
    after = 0
    while found := await events(store, run_id, after=after, limit=batch):
        yield "".join(f"{each.model_dump_json(by_alias=True)}\n" for each in found)
        after = found[-1].seq


async def export_text(store: Store, run_id: str) -> str:
    """All of it at once."""
    return "".join([part async for part in exported(store, run_id)])


async def latest_events(
    store: Store, run_id: str, *, limit: int, node: str = "", phase: str = "", levels: Collection[Level] = ()
) -> list[Event]:
    """The last ``limit`` events of a run (of one node, one stage, some levels), oldest first."""
    wanted: dict[str, object] = {"runId": run_id}
    if node:
        wanted["nodeId"] = node
    if phase:
        wanted["phase"] = phase
    if levels:
        wanted["level"] = {"$in": list(levels)}
    return (await store.find(Event, wanted, [("seq", -1)], limit))[::-1]


async def spans(store: Store, run_id: str) -> list[Span]:
    """When each stage and each node was worked on, in the order in which they began; stages come before nodes."""
    group = {"_id": {"node": "$nodeId", "phase": "$phase"}, "began": {"$min": "$ts"}, "ended": {"$max": "$ts"}}
    found = await store.collection(Event).aggregate([{"$match": {"runId": run_id}}, {"$group": group}])
    merged: dict[tuple[str, str], Span] = {}
    async for each in found:
        phase, node = each["_id"]["phase"], each["_id"].get("node") or ""
        for key in {("", phase), (node, "")} - {("", "")}:
            known = merged.get(key)
            began = min(each["began"], known.began) if known else each["began"]
            ended = max(each["ended"], known.ended) if known else each["ended"]
            merged[key] = Span(*key, began, ended)
    return sorted(merged.values(), key=lambda each: (bool(each.node), each.began))


async def overview(store: Store, limit: int = 50, known: Mapping[str, Snapshot] | None = None) -> list[Snapshot]:
    """Every run that has not ended, and the newest of the others, newest first.

    ``known`` are snapshots from before: that of a run which has ended for good is not read again while it is the same.
    """
    newest = await runs(store, limit)
    open_ones = await store.find(Run, {"outcome": None}, [("created_at", -1)])
    wanted = {each.id: each for each in [*open_ones, *newest]}
    ordered = sorted(wanted.values(), key=lambda each: each.created_at, reverse=True)
    seen = [_still(each, known or {}) or await snapshot(store, each.id) for each in ordered]
    turns = await queued(store)
    return [replace(each, behind=turns[each.run.id]) if each.run.id in turns else each for each in seen]


def _still(run: Run, known: Mapping[str, Snapshot]) -> Snapshot | None:
    before = known.get(run.id)
    ended = run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED)
    return before if ended and before is not None and before.run.updated_at == run.updated_at else None


async def follow(store: Store, run_id: str, *, after: int = 0) -> AsyncIterator[Event]:
    """The events of a run as they come, by the database's change stream, until the run has its outcome."""
    async with store.stirring(Event, {"runId": run_id}, within=0.5) as stirred:
        seen = after
        while True:
            for event in await events(store, run_id, after=seen):
                seen = event.seq
                yield event
            run = await store.get(Run, run_id)
            if run.outcome is not None:
                # The outcome and its event are one write, but the event may still wait in the run's outbox: carry it
                # over here (twice is once), or the last line would be missing, for ever if its writer died.
                await drain(store, run)
                for event in await events(store, run_id, after=seen):
                    yield event
                return
            await stirred()


async def repositories(store: Store) -> list[str]:
    """Every repository that was worked on, by name."""
    return sorted(each.repo for each in await store.find(Project, {}))


async def checks_of(store: Store, run_id: str, key: str) -> list[Effect]:
    """The journal's QA of a node, newest first; a tree that was checked for another node counts there."""
    told = {"runId": run_id, "nodeId": key, "data.effect": {"$regex": f"^{re.escape(run_id)}/trees/"}}
    keys = [str(each.data["effect"]) for each in await store.find(Event, told, [("seq", -1)], 20)]
    found = {each.id: each for each in await store.find(Effect, {"_id": {"$in": keys}})}
    return [found[each] for each in keys if each in found]


async def used_since(store: Store, at: datetime) -> Usage:
    """What all agents of all runs used since then; a replayed answer counts as what it once cost."""
    return await _summed(store, {"updated_at": {"$gte": at}})


async def _summed(store: Store, which: Mapping[str, object]) -> Usage:
    """Summed where the documents are: they hold whole answers, and only four numbers of each are wanted."""
    names = {"inputTokens": "input_tokens", "outputTokens": "output_tokens", "usd": "usd", "seconds": "seconds"}
    group = {"_id": None, **{name: {"$sum": f"$usage.{name}"} for name in names}}
    found = await store.collection(AgentRun).aggregate([{"$match": dict(which)}, {"$group": group}])
    async for each in found:
        return Usage(**{mine: each[name] for name, mine in names.items()})
    return Usage()
