"""A person's word to stop or to go on: compare-and-sets in the run, each with the event that tells of it."""

from __future__ import annotations

from typing import Any

from ledger.models import EventType, Interrupt, Level, Outcome, PendingEvent, Run, Switch, now, switch_id
from ledger.store import Store
from ledger.timeline import drain, event
from shipline.errors import IllegalTransition, Interrupted

ALL = "*"
FREE = {"interrupt.paused": False, "interrupt.cancelled": False, "outcome": None}


async def pause_run(store: Store, run_id: str, by: str, reason: str = "") -> Run:
    """Pause a run; one that is paused stays as it is. IllegalTransition when it has ended."""
    told = _told(EventType.STEP_COMPLETED, f"Paused by {by}", reason, {"interrupt": "paused", "by": by})
    paused = Interrupt(paused=True, reason=reason or None, by=by, since=now())
    while True:
        run = await store.get(Run, run_id)
        _require_unended(run, "paused")
        if run.interrupt.paused:
            return run
        changed = await _set(store, run, paused, {}, told, FREE)
        if changed is not None:
            return changed


async def lift_pause(store: Store, run_id: str, by: str) -> Run:
    """Take a pause back; a run that is not paused stays as it is."""
    while True:
        run = await store.get(Run, run_id)
        if not run.interrupt.paused:
            return run
        told = _told(EventType.WORKFLOW_STARTED, f"Resumed by {by}", "", {"interrupt": None, "by": by})
        changed = await _set(store, run, Interrupt(), {}, told, {"interrupt.since": run.interrupt.since})
        if changed is not None:
            return changed


async def cancel_run(store: Store, run_id: str, by: str, reason: str = "") -> Run:
    """Cancel a run, which ends it; one that is cancelled stays as it is. IllegalTransition when it succeeded.

    A plan that is not wanted and a run that failed are given up this way, too.
    """
    told = _told(EventType.WORKFLOW_FAILED, f"Cancelled by {by}", reason, {"interrupt": "cancelled", "by": by})
    cancelled = Interrupt(cancelled=True, reason=reason or None, by=by, since=now())
    ended = {"outcome": Outcome.CANCELLED}
    while True:
        run = await store.get(Run, run_id)
        if run.outcome is Outcome.CANCELLED:
            return run
        if run.outcome not in (Outcome.PLANNED, Outcome.FAILED):
            _require_unended(run, "cancelled")
        changed = await _set(store, run, cancelled, ended, told, {"outcome": run.outcome})
        if changed is not None:
            return changed


async def turn_switch(store: Store, scope: str, *, paused: bool, by: str, reason: str = "") -> bool:
    """Let runs that are started under ``scope`` wait, or no more. Whether that changed anything."""
    fresh = Switch(id=switch_id(scope), scope=scope)
    await store.insert(fresh)
    values = {"paused": paused, "by": by, "reason": reason, "since": now()}
    return await store.change(Switch, fresh.id, values, expect={"paused": not paused}) is not None


async def standing_switch(store: Store, repo: str) -> Switch | None:
    """The switch that keeps runs of this repository waiting, if one does."""
    return await store.find_one(Switch, {"_id": {"$in": [switch_id(ALL), switch_id(repo)]}, "paused": True})


async def heed_switch(store: Store, run: Run) -> Run:
    """Pause a run that begins while a switch says that everything waits."""
    switch = await standing_switch(store, run.repo)
    if switch is None or run.outcome is not None or run.interrupt.paused or run.interrupt.cancelled:
        return run
    return await pause_run(store, run.id, switch.by, switch_words(switch))


def switch_words(switch: Switch) -> str:
    """Why a run waits, in words."""
    what = "everything" if switch.scope == ALL else f"everything of {switch.scope}"
    return f"waiting: {what} is paused" + (f": {switch.reason}" if switch.reason else "")


def words(run: Run) -> str:
    """Who stopped the run, when and why, as a sentence without its full stop; nothing when nobody did."""
    stop = run.interrupt
    if not (stop.paused or stop.cancelled):
        return ""
    said = "Cancelled" if stop.cancelled else "Paused"
    said += f" by {stop.by}" if stop.by else ""
    said += f" since {stop.since:%Y-%m-%d %H:%M:%S} UTC" if stop.since and stop.paused else ""
    return said + (f": {stop.reason}" if stop.reason else "")


async def heed(store: Store, run_id: str) -> Run:
    """The run, when it may go on. Raises Interrupted when a person has paused or cancelled it."""
    run = await store.get(Run, run_id)
    if run.interrupt.paused or run.interrupt.cancelled:
        raise Interrupted(f"{words(run)}.")
    return run


def _require_unended(run: Run, what: str) -> None:
    if run.outcome is not None:
        raise IllegalTransition(f"Run {run.id} has ended ({run.outcome}) and cannot be {what}.", "Nothing was changed.")


async def _set(
    store: Store, run: Run, stop: Interrupt, values: dict[str, Any], told: PendingEvent, expect: dict[str, Any]
) -> Run | None:
    raw = stop.model_dump(by_alias=True)
    changed = await store.change(
        Run, run.id, {"interrupt": raw, **values}, expect=expect, event=told.model_copy(update={"phase": run.state})
    )
    if changed is not None:
        await drain(store, changed)
    return changed


def _told(kind: EventType, msg: str, reason: str, data: dict[str, Any]) -> PendingEvent:
    level = Level.WARNING if data["interrupt"] else Level.INFO
    return event(kind, "", f"{msg}: {reason}" if reason else msg, level=level, data=data)
