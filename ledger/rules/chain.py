"""The hash chain of events: sealing one, and finding where a chain was broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ledger.models import ChainHead, Checkpoint, Event, PendingEvent


def genesis(run_id: str) -> str:
    """What the first event of a run points back to."""
    return hashlib.sha256(run_id.encode()).hexdigest()


def event_hash(prev_hash: str, payload: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and the canonical JSON of everything in the event but its own hash."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(f"{prev_hash}\n{text}".encode()).hexdigest()


def seal(pending: PendingEvent, run_id: str, seq: int, prev_hash: str) -> Event:
    """``pending`` as event number ``seq`` of its run."""
    draft = Event(
        id=pending.id, run_id=run_id, seq=seq, type=pending.type, phase=pending.phase, level=pending.level,
        msg=pending.msg, node_id=pending.node_id, data=pending.data, ts=pending.ts, prev_hash=prev_hash, hash="",
    )  # fmt: skip
    return draft.model_copy(update={"hash": _hash(draft)})


REMOVED = "removed"  # in the data of the event by which retention tells what it removes: the last one's hash


def verify(events: Iterable[Event], head: ChainHead, removed: Checkpoint | None = None) -> list[str]:
    """Every way in which the chain (in the order of its numbers) is not whole; none when it is.

    With ``removed`` the chain begins after that event, whose hash its first one must point back to; and the chain
    itself must tell of the removal, so that nobody cuts events off by writing a checkpoint alone.
    """
    problems: list[str] = []
    last: Event | None = None
    told = removed is None
    for event in events:
        if removed is not None and event.seq <= removed.seq:
            continue  # a removal that was cut off has left it
        told = told or event.data.get(REMOVED) == (removed.hash if removed else None)
        problems += _link(event, last, removed)
        if _hash(event) != event.hash:
            problems.append(f"event {event.seq} was altered: its content does not fit its hash")
        if event.seq == head.seq and event.hash != head.hash:
            problems.append(f"event {event.seq} is not the one that the run remembers")
        last = event
    if removed is not None and not told:
        problems.append(f"events 1 to {removed.seq} are missing: no event tells that retention removed them")
    count = last.seq if last else removed.seq if removed else 0
    if head.seq > count:
        problems.append(f"the tail is cut off: the run remembers {head.seq} events, the last one here is {count}")
    return problems


def removable(events: Iterable[Event], before: datetime, keep_from: int | None) -> Event | None:
    """The last event that retention may remove: older than ``before``, as is every one ahead of it.

    The one that the release notes name (``keep_from``) and all after it stay: by them the notes prove the chain.
    """
    found: Event | None = None
    for event in events:
        if event.ts >= before or (keep_from is not None and event.seq >= keep_from):
            break
        found = event
    return found


def _link(event: Event, last: Event | None, removed: Checkpoint | None) -> list[str]:
    """What is wrong with the way in which ``event`` follows ``last``, or what was removed."""
    before = last or removed
    expected = before.seq + 1 if before else 1
    if event.seq < expected:
        return [f"event {event.seq} comes after event {expected - 1}"]
    if event.seq > expected:
        one = event.seq == expected + 1
        return [f"event {expected} is missing" if one else f"events {expected} to {event.seq - 1} are missing"]
    if last is not None and event.run_id != last.run_id:
        return [f"event {event.seq} is of another run"]
    if event.prev_hash != (before.hash if before else genesis(event.run_id)):
        return [f"event {event.seq} does not follow the one before it"]
    return []


def _hash(event: Event) -> str:
    return event_hash(event.prev_hash, event.model_dump(by_alias=True, exclude={"hash"}))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):  # BSON keeps milliseconds of UTC, and takes a naive time for UTC
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="milliseconds")
    return str(value)
