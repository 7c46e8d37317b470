"""Events: how they get from a document's outbox into the run's chain, and how the chain is proved whole."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakValueDictionary

from pymongo.errors import DuplicateKeyError

from ledger.models import Document, Effect, Event, EventType, Issue, Level, PendingEvent, Run
from ledger.rules.chain import genesis, seal
from ledger.rules.chain import verify as verify_events
from ledger.store import Store
from shipline.ids import uuid7
from shipline.redact import redact

# Appends of one run queue up inside a process, so that only other processes can lose the race for a number.
_lanes: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()


def _lane(run_id: str) -> asyncio.Lock:
    key = (id(asyncio.get_running_loop()), run_id)
    lock = _lanes.get(key)
    if lock is None:
        lock = _lanes[key] = asyncio.Lock()
    return lock


def event(
    kind: EventType,
    phase: str,
    msg: str,
    *,
    node: str | None = None,
    level: Level = Level.INFO,
    data: dict[str, Any] | None = None,
    event_id: str | None = None,
) -> PendingEvent:
    """An event ready for an outbox; without ``event_id`` it gets a fresh one, fixed from here on."""
    return PendingEvent(
        id=event_id or uuid7(), type=kind, phase=phase, msg=msg, node_id=node, level=level, data=data or {}
    )


async def append(store: Store, run_id: str, pending: PendingEvent) -> None:
    """Put ``pending`` at the end of the run's chain, once: its id is unique, so a second call changes nothing."""
    clean = PendingEvent.model_validate(redact(pending.model_dump(by_alias=True)))
    events = store.collection(Event)
    async with _lane(run_id):
        while True:
            tail = await events.find_one({"runId": run_id}, {"seq": 1, "hash": 1}, sort=[("seq", -1)])
            seq, previous = (tail["seq"] + 1, tail["hash"]) if tail else (1, genesis(run_id))
            sealed = seal(clean, run_id, seq, previous)
            try:
                await events.insert_one(sealed.to_mongo())
            except DuplicateKeyError:
                if await events.find_one({"_id": clean.id}, {"_id": 1}):
                    return  # an earlier drain had put it there
                continue  # another process took this number: read the tail again
            await store.collection(Run).update_one(
                {"_id": run_id, "chain.seq": {"$lt": seq}}, {"$set": {"chain": {"seq": seq, "hash": sealed.hash}}}
            )
            return


async def drain(store: Store, document: Run | Issue | Effect) -> None:
    """Carry what waits in a document's outbox to the timeline, oldest first."""
    run_id = document.id if isinstance(document, Run) else document.run_id
    for pending in document.outbox:
        await append(store, run_id, pending)
        await store.collection(type(document)).update_one(
            {"_id": document.id}, {"$pull": {"outbox": {"id": pending.id}}}
        )


async def drain_all(store: Store, run_id: str) -> None:
    """Carry every event that a crash left in an outbox of this run."""
    waiting: tuple[tuple[type[Document], dict[str, Any]], ...] = (
        (Run, {"_id": run_id}),
        (Issue, {"runId": run_id}),
        (Effect, {"runId": run_id}),
    )
    for model, query in waiting:
        for document in await store.find(model, {**query, "outbox.0": {"$exists": True}}):
            assert isinstance(document, Run | Issue | Effect)
            await drain(store, document)


async def verify(store: Store, run_id: str) -> tuple[int, list[str]]:
    """How many events the run has, and every way in which its chain is not whole (none when it is)."""
    run = await store.get(Run, run_id)
    events = await store.find(Event, {"runId": run_id}, [("seq", 1)])
    problems = verify_events(events, run.chain)
    if run.release and not problems:
        sealed = next((e for e in events if e.seq == run.release.audit_seq), None)
        if sealed is None or sealed.hash != run.release.audit_hash:
            problems.append(f"event {run.release.audit_seq} is not the one that the release notes name")
    return len(events), problems
