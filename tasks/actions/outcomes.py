"""Taking in what a workflow made of a step: the first that is told counts, whichever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gha.messages import Outcome, Result, read_outcome
from ledger.models import Dispatch, EventType, Level
from ledger.timeline import append, event
from shipline.errors import InvalidInput, NotFound
from tasks.actions.artifacts import find_outcome
from tasks.context import Context
from tasks.dispatching import require_secret


async def take(ctx: Context, told: Mapping[str, Any], way: str) -> str:
    """Keep a signed outcome as that of its dispatch, unless it has one; says what came of it.

    ``way`` is ``callback``, ``comment`` or ``artifact``. Raises InvalidInput for what is not signed with our secret,
    NotFound for a dispatch that was never sent.
    """
    outcome = read_outcome(told, require_secret(ctx))
    known = await ctx.store.find_one(Dispatch, {"_id": outcome.dispatch_id, "runId": outcome.run_id})
    if known is None:
        raise NotFound(f"No dispatch {outcome.dispatch_id} of {outcome.run_id} was sent.")
    changed = await ctx.store.change(
        Dispatch, known.id, {"outcome": outcome.model_dump(by_alias=True), "outcomeBy": way}, expect={"outcome": None}
    )
    if changed is None:
        return f"{known.event_type} of {known.run_id} had ended already"
    await _tell(ctx, known, outcome, way)
    return f"{known.event_type} of {known.run_id}: {outcome.state}"


async def take_left(ctx: Context, known: Dispatch) -> bool:
    """Take what the step's artifact holds, where there is one; what does not count ends the step, with the reason."""
    left = await find_outcome(ctx, known)
    if left is None:
        return False
    try:
        await take(ctx, left, "artifact")
    except InvalidInput as error:
        await end(ctx, known, str(error), "artifact")
    return True


async def gone(ctx: Context, dispatch_id: str, words: str) -> None:
    """A workflow ended badly, as GitHub tells: what it left counts, and where it left nothing its step has failed."""
    known = await ctx.store.find_one(Dispatch, {"_id": dispatch_id, "job": {"$ne": None}, "outcome": None})
    if known is not None and not await take_left(ctx, known):
        await end(ctx, known, words, "workflow")


async def end(ctx: Context, known: Dispatch, words: str, way: str) -> None:
    """Let a step have failed, unless it has an outcome; when it is asked for again, that is a new one."""
    said = failed(known, words)
    changed = await ctx.store.change(
        Dispatch, known.id, {"outcome": said.model_dump(by_alias=True), "outcomeBy": way}, expect={"outcome": None}
    )
    if changed is not None:
        await _tell(ctx, known, said, way)


def failed(known: Dispatch, words: str) -> Outcome:
    """The outcome of a step of which nothing came back."""
    return Outcome(
        dispatch_id=known.id, run_id=known.run_id, node_id=known.payload.get("nodeId"), phase="EXECUTING",
        state="FAILED", result=Result(error=words),
    )  # fmt: skip


async def _tell(ctx: Context, known: Dispatch, outcome: Outcome, way: str) -> None:
    good = outcome.state == "COMPLETED"
    words = f"{known.event_type}: {outcome.state} (GitHub Actions, by {way})"
    if outcome.result.error:
        words = f"{words}: {outcome.result.error}"
    await append(ctx.store, known.run_id, event(
        EventType.STEP_COMPLETED if good else EventType.STEP_FAILED, outcome.phase, words, node=outcome.node_id,
        level=Level.INFO if good else Level.WARNING, event_id=f"outcome-{known.id}",
        data={"metrics": outcome.metrics, "artifacts": outcome.artifacts, "from": "actions", "way": way},
    ))  # fmt: skip
