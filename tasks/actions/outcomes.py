"""Taking in what a workflow made of a step: the first that is told counts, whichever way it came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gha.messages import Outcome, Result, read_outcome
from ledger.models import Dispatch, EventType, Level
from ledger.timeline import append, event
from shipline.errors import InvalidInput, NotFound
from tasks.actions.artifacts import find_outcome
from tasks.context import Context
from tasks.dispatching import require_secret

_BLOCK = re.compile(r"```json shipline\n(?P<body>\{.*?\})\n```", re.DOTALL)


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


async def gone(ctx: Context, dispatch_id: str, words: str) -> None:
    """A workflow ended badly, as GitHub tells: what it left counts, and where it left nothing its step has failed."""
    known = await ctx.store.find_one(Dispatch, {"_id": dispatch_id, "job": {"$ne": None}, "outcome": None})
    if known is None:
        return
    left = await find_outcome(ctx, known)
    if left is not None:
        await take(ctx, left, "artifact")
        return
    said = failed(known, words)
    changed = await ctx.store.change(
        Dispatch, known.id, {"outcome": said.model_dump(by_alias=True), "outcomeBy": "workflow"},
        expect={"outcome": None},
    )  # fmt: skip
    if changed is not None:
        await _tell(ctx, known, said, "workflow")


def failed(known: Dispatch, words: str) -> Outcome:
    """The outcome of a step of which nothing came back."""
    return Outcome(
        dispatch_id=known.id, run_id=known.run_id, node_id=known.payload.get("nodeId"), phase="EXECUTING",
        state="FAILED", result=Result(error=words),
    )  # fmt: skip


def in_comment(text: str) -> dict[str, Any] | None:
    """The signed block of a comment, when there is one."""
    found = _BLOCK.search(text)
    if found is None:
        return None
    try:
        block = json.loads(found["body"])
    except ValueError:
        raise InvalidInput("The block in the comment is no JSON.") from None
    return block if isinstance(block, dict) else None


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
