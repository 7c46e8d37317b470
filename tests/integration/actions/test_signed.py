"""Whose word counts in a repository's Actions: what Shipline signed, as it was signed, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ledger.interrupts import pause_run
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


async def workflows(ground: Ground, dispatch_id: str) -> list[dict[str, Any]]:
    """The workflow runs of a dispatch, the newest first."""
    listed = (await ground.github.get(f"/repos/{REPO}/actions/runs", params={"per_page": 100})).json()
    return [each for each in listed["workflow_runs"] if each["display_title"].endswith(f"({dispatch_id})")]


async def concluded(ground: Ground, dispatch_id: str, count: int = 1) -> list[str]:
    """How they ended, once there are that many."""
    for _ in range(900):
        mine = await workflows(ground, dispatch_id)
        if len(mine) == count and all(each["status"] == "completed" for each in mine):
            return [each["conclusion"] for each in mine]
        await asyncio.sleep(0.1)
    raise AssertionError(f"the workflows of {dispatch_id} did not end")


def cancel_of(ctx: Context, run: Run, **changed: Any) -> dict[str, Any]:
    """The payload of a cancel that was signed, and then changed."""
    body: dict[str, Any] = {"runId": run.id, "nodeId": None, "repo": REPO, "branch": None, "params": {}}
    sent = Dispatch(id=uuid7(), key=uuid7(), run_id=run.id, event_type="orchestrator.cancel", payload=body)
    return {**signed(sent, require_secret(ctx)), **changed}


async def test_a_cancel_counts_as_it_was_signed_and_once(ctx: Context, run: Run, ground: Ground) -> None:
    await pause_run(ctx.store, run.id, "a-person", "")  # so that a step waits
    waiting = await dispatch(run.id, "audit.emit", None, None, {"what": "waits"}, key=uuid7())
    unsigned, tampered = cancel_of(ctx, run, signature=""), cancel_of(ctx, run, params={"more": True})
    for each in (unsigned, tampered):
        await send(ground, "orchestrator.cancel", each)
        assert await concluded(ground, str(each["dispatchId"])) == ["failure"]
        assert (await workflows(ground, waiting.id))[0]["status"] == "in_progress"
    good = cancel_of(ctx, run)
    await send(ground, "orchestrator.cancel", good)
    assert await concluded(ground, str(good["dispatchId"])) == ["success"]
    assert await concluded(ground, waiting.id) == ["cancelled"]
    await send(ground, "orchestrator.cancel", good)
    assert await concluded(ground, str(good["dispatchId"]), 2) == ["success", "success"]
    again = (await workflows(ground, str(good["dispatchId"])))[0]["id"]
    log = ground.stack.home / "sandbox" / "actions" / str(again) / "log.txt"
    assert "this request came before: nothing is done" in log.read_text()


async def test_a_step_that_is_asked_for_again_counts_for_nothing(ctx: Context, run: Run, ground: Ground) -> None:
    await say_hello(ctx, run)
    (hello,) = await ctx.store.find(Dispatch, {"runId": run.id})
    await concluded(ground, hello.id)
    await send(ground, "orchestrator.start", signed(hello, require_secret(ctx)))
    await concluded(ground, hello.id, 2)
    assert (await ctx.store.get(Dispatch, hello.id)).outcome == hello.outcome
    wanted = {"event": "repository_dispatch", "payload.client_payload.dispatchId": hello.id,
              "payload.action": "orchestrator.status", "workedAt": {"$ne": None}}  # fmt: skip
    said: list[Delivery] = []
    for _ in range(100):
        if len(said := await ctx.store.find(Delivery, wanted, [("receivedAt", 1)])) == 2:
            break
        await asyncio.sleep(0.1)
    assert [each.result for each in said] == [
        f"orchestrator.start of {run.id}: COMPLETED", f"orchestrator.start of {run.id} had ended already",
    ]  # fmt: skip
