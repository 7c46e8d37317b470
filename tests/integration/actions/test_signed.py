"""Whose word counts in a repository's Actions: what Shipline signed, as it was signed, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ledger.models import Delivery, Dispatch, Run
from shipline.ids import uuid7
from tasks.actions.elsewhere import say_hello
from tasks.context import Context
from tasks.dispatching import dispatch, require_secret, signed
from tests.integration.actions.conftest import REPO, Ground

pytestmark = pytest.mark.timeout(240)


async def send(ground: Ground, event_type: str, payload: dict[str, Any]) -> None:
    """A dispatch as anybody sends it who may write to the repository."""
    body = {"event_type": event_type, "client_payload": payload}
    (await ground.github.post(f"/repos/{REPO}/dispatches", json=body)).raise_for_status()


async def concluded(ground: Ground, dispatch_id: str, count: int = 1) -> list[str]:
    """How the workflow runs of a dispatch ended, the newest first, once there are that many."""
    for _ in range(900):
        listed = (await ground.github.get(f"/repos/{REPO}/actions/runs", params={"per_page": 100})).json()
        mine = [each for each in listed["workflow_runs"] if each["display_title"].endswith(f"({dispatch_id})")]
        if len(mine) == count and all(each["status"] == "completed" for each in mine):
            return [each["conclusion"] for each in mine]
        await asyncio.sleep(0.1)
    raise AssertionError(f"the workflows of {dispatch_id} did not end")


def cancel_of(ctx: Context, run: Run, **changed: Any) -> dict[str, Any]:
    """The payload of a cancel that was signed, and then changed."""
    body = {"runId": run.id, "nodeId": None, "repo": REPO, "branch": None, "params": {}}
    sent = Dispatch(id=uuid7(), key=uuid7(), run_id=run.id, event_type="orchestrator.cancel", payload=body)
    return {**signed(sent, require_secret(ctx)), **changed}


async def test_a_cancel_that_nobody_signed_or_that_was_changed_cancels_nothing(
    ctx: Context, run: Run, ground: Ground
) -> None:
    own = cancel_of(ctx, run)
    wrong = [
        cancel_of(ctx, run, signature=""),
        cancel_of(ctx, run, signature="sha256=" + "0" * 64),
        {**own, "dispatchId": uuid7(), "runId": "r-20261123-zzzzzz"},  # signed for another run
        {**cancel_of(ctx, run), "type": "orchestrator.pause"},
    ]
    for each in wrong:
        await send(ground, "orchestrator.cancel", each)
    for each in wrong:
        assert await concluded(ground, each["dispatchId"]) == ["failure"]
    await send(ground, "orchestrator.cancel", own)
    assert await concluded(ground, own["dispatchId"]) == ["success"]


async def test_what_was_signed_for_another_request_starts_nothing(ctx: Context, run: Run, ground: Ground) -> None:
    moved = cancel_of(ctx, run)  # a good signature, under another type
    await send(ground, "orchestrator.start", moved)
    assert await concluded(ground, moved["dispatchId"]) == ["failure"]


async def test_a_dispatch_that_comes_again_counts_for_nothing(ctx: Context, run: Run, ground: Ground) -> None:
    await say_hello(ctx, run)
    (hello,) = await ctx.store.find(Dispatch, {"runId": run.id})
    await concluded(ground, hello.id)
    await send(ground, "orchestrator.start", signed(hello, require_secret(ctx)))
    await concluded(ground, hello.id, 2)
    assert (await ctx.store.get(Dispatch, hello.id)).outcome == hello.outcome
    wanted = {"event": "repository_dispatch", "payload.client_payload.dispatchId": hello.id,
              "payload.action": "orchestrator.status", "workedAt": {"$ne": None}}  # fmt: skip
    for _ in range(100):
        if len(said := await ctx.store.find(Delivery, wanted, [("receivedAt", 1)])) == 2:
            break
        await asyncio.sleep(0.1)
    assert [each.result for each in said] == [
        f"orchestrator.start of {run.id}: COMPLETED", f"orchestrator.start of {run.id} had ended already",
    ]  # fmt: skip


async def test_a_cancel_that_comes_again_does_nothing(ctx: Context, run: Run, ground: Ground) -> None:
    sent = await dispatch(run.id, "orchestrator.cancel", None, None, {}, key=uuid7())
    assert await concluded(ground, sent.id) == ["success"]
    await send(ground, "orchestrator.cancel", signed(sent, require_secret(ctx)))
    assert await concluded(ground, sent.id, 2) == ["success", "success"]
