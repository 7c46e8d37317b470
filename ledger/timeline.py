"""Events: how they get from a document's outbox into the run's chain, and how the chain is proved whole."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from ledger.models import Checkpoint, Document, Effect, Event, EventType, Issue, Level, PendingEvent, Run, now
from ledger.rules.chain import REMOVED, genesis, removable, seal
from ledger.rules.chain import verify as verify_events
from ledger.store import Store
from shipline.errors import IllegalTransition
from shipline.ids import uuid7
from shipline.redact import redact

# The head in the run and an emptied outbox can be had again from the events, which are durable: these need not be.
LIGHT = WriteConcern(w=1)


class _Lane:
    """Appends of one run queue up inside a process, so that only other processes can lose the race for a number."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.tail: tuple[int, str] | None = None  # as this process left it; another one may have gone on since


_lanes: WeakKeyDictionary[Store, dict[str, _Lane]] = WeakKeyDictionary()


def _lane(store: Store, run_id: str) -> _Lane:
    return _lanes.setdefault(store, {}).setdefault(run_id, _Lane())


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
    lane = _lane(store, run_id)
    async with lane.lock:
        while True:
            seq, previous = lane.tail or await _tail(store, run_id)
            sealed = seal(clean, run_id, seq + 1, previous)
            try:
                await events.insert_one(sealed.to_mongo())
            except DuplicateKeyError:
                lane.tail = None
                if await events.find_one({"_id": clean.id}, {"_id": 1}):
                    return  # an earlier drain had put it there
                continue  # another process took this number: read the tail again
            lane.tail = (sealed.seq, sealed.hash)
            await store.collection(Run, LIGHT).update_one(
                {"_id": run_id, "chain.seq": {"$lt": sealed.seq}},
                {"$set": {"chain": {"seq": sealed.seq, "hash": sealed.hash}}},
            )
            return


async def _tail(store: Store, run_id: str) -> tuple[int, str]:
    last = await store.collection(Event).find_one({"runId": run_id}, {"seq": 1, "hash": 1}, sort=[("seq", -1)])
    return (last["seq"], last["hash"]) if last else (0, genesis(run_id))


async def drain(store: Store, document: Run | Issue | Effect) -> None:
    """Carry what waits in a document's outbox to the timeline, oldest first."""
    run_id = document.id if isinstance(document, Run) else document.run_id
    for pending in document.outbox:
        await append(store, run_id, pending)
        await store.collection(type(document), LIGHT).update_one(
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
    problems = verify_events(events, run.chain, run.removed)
    if run.audited.seq:
        problems += _since_audit(run, events)
    if run.release and not problems:
        sealed = next((e for e in events if e.seq == run.release.audit_seq), None)
        if sealed is None or sealed.hash != run.release.audit_hash:
            problems.append(f"event {run.release.audit_seq} is not the one that the release notes name")
    return len(events), problems


def _since_audit(run: Run, events: list[Event]) -> list[str]:
    """What an audit found whole must still be what it was: a chain that was sealed anew as a whole shows here."""
    if run.removed is not None and run.audited.seq < run.removed.seq:
        return []
    if run.removed is not None and run.audited.seq == run.removed.seq:
        same = run.removed.hash == run.audited.hash
    else:
        same = any(each.seq == run.audited.seq and each.hash == run.audited.hash for each in events)
    return [] if same else [f"event {run.audited.seq} is not the one that the last audit found"]


async def remove_before(store: Store, run: Run, before: datetime) -> int:
    """Remove the events of a finished run that are older than ``before``; how many. What stays can still be verified.

    The chain tells of the removal first, then the run keeps the last removed event's hash, then the events go: cut off
    anywhere, the next call goes on. Raises IllegalTransition when the run has not ended or its chain is not whole.
    """
    if run.outcome is None:
        raise IllegalTransition(f"Run {run.id} has not ended; its events stay.")
    _, problems = await verify(store, run.id)
    if problems:
        raise IllegalTransition(f"The chain of {run.id} is not whole ({problems[0]}); its events stay as evidence.")
    start = run.removed.seq if run.removed else 0
    events = await store.find(Event, {"runId": run.id, "seq": {"$gt": start}}, [("seq", 1)])
    last = removable(events, before, run.release.audit_seq if run.release else None)
    if last is not None:
        words = f"Retention removes events 1 to {last.seq}: older than {before:%Y-%m-%d}"
        data = {REMOVED: last.hash, "upTo": last.seq}
        told = event(EventType.STEP_COMPLETED, run.state, words, data=data, event_id=f"{run.id}:removed:{last.seq}")
        await append(store, run.id, told)
        kept = Checkpoint(seq=last.seq, hash=last.hash, at=now())
        await store.change(Run, run.id, {"removed": kept.model_dump(by_alias=True)})
        start = last.seq
    gone = await store.collection(Event).delete_many({"runId": run.id, "seq": {"$lte": start}})
    return gone.deleted_count
