"""Each button of Prefect's UI, pressed as its UI presses it: what the table in docs/control.md says comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ground import Ground, alive, slow_agents, until

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

# The bodies that the UI sends.
CANCEL = {"type": "CANCELLING", "name": "Cancelling"}
RETRY = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
PAUSE = {"type": "PAUSED", "name": "Paused"}


@pytest.fixture
def ground(stack: Path) -> Iterator[Ground]:
    """The stack, with agents that can be held up."""
    with slow_agents(stack) as made:
        yield made


@pytest.mark.long
def test_suspend_resume_pause_delete_and_run(ground: Ground) -> None:
    ground.hold(on=True)
    run = ground.begin("pressed")
    agent = ground.wait_for_agent(run)
    process = ground.agent_process(agent["ref"])
    first = ground.flow_run(run)["id"]

    assert ground.press(first, _suspend()) == "ACCEPT"
    _paused(ground, run, "Suspend was pressed")
    ground.becomes(first, "PAUSED Suspended")
    until(lambda: not ground.document(run)["carriers"], "the process has ended")
    assert alive(process)
    stopped = ground.effects(run)

    _resume(ground, run, first)
    until(lambda: bool(ground.document(run)["carriers"]), "a new process carries it")
    assert ground.agent_process(agent["ref"]) == process
    assert {key for key, _, _ in stopped} <= {key for key, _, _ in ground.effects(run)}

    assert ground.press(first, PAUSE) == "ACCEPT"
    _paused(ground, run, "Pause was pressed")
    ground.becomes(first, "PAUSED Suspended")  # no process is kept waiting, so Resume must start one
    until(lambda: not ground.document(run)["carriers"], "the process has ended")
    _resume(ground, run, first)
    until(lambda: bool(ground.document(run)["carriers"]), "a new process carries it")

    # Delete takes the record away, not the work: the run stops, and goes on when it is told to.
    assert ground.ask("DELETE", f"/flow_runs/{first}").status_code == 204
    _paused(ground, run, "was deleted")
    until(lambda: not ground.document(run)["carriers"], "the process has ended")
    assert ground.run("resume", run, "--detach").code == 0
    second = ground.flow_run(run)["id"]
    assert second != first
    ground.becomes(second, "RUNNING Running")

    # Run on the deployment: a second flow run of the same run does no harm.
    third = _quick_run(ground, "deliver/deliver", run)
    ground.becomes(third, "RUNNING Running")
    ground.hold(on=False)
    ground.ended(run)
    for each in (second, third):
        ground.becomes(each, "COMPLETED Completed")
    asked = ground.ledger["agent_runs"].find({"runId": run, "nodeKey": "budget-model"})
    assert {each["status"] for each in asked} == {"completed"}
    assert ground.agent_process(agent["ref"]) == process  # asked once, whatever was pressed


def test_cancel(ground: Ground) -> None:
    ground.hold(on=True)
    run = ground.begin("button-cancel")
    ground.wait_for_agent(run)
    first = ground.flow_run(run)["id"]
    assert ground.press(first, CANCEL) == "ACCEPT"
    _cancelled(ground, run)
    ground.becomes(first, "CANCELLED Cancelled")

    # Retry on it does not bring the run back: a cancelled run has ended.
    ground.press(first, RETRY)
    until(lambda: ground.state(first).startswith("SCHEDULED") is False, "a worker takes it up")
    ground.becomes(first, "CANCELLED Cancelled")
    assert ground.document(run)["outcome"] == "cancelled"


@pytest.mark.long
def test_cancel_of_a_stage_and_of_what_waits(ground: Ground) -> None:
    ground.hold(on=True)
    run = ground.begin("stage-cancel")
    ground.wait_for_agent(run)
    first = ground.flow_run(run)["id"]
    within = next(each for each in ground.flow_runs(run, nested=True) if each["name"].startswith("execute"))
    ground.press(within["id"], CANCEL)
    _cancelled(ground, run)
    ground.becomes(first, "CANCELLED Cancelled")

    # A stage run alone is stopped as well, and so is a suspended flow run.
    run = ground.begin("alone")
    ground.wait_for_agent(run)
    first = ground.flow_run(run)["id"]
    ground.press(first, _suspend())
    until(lambda: not ground.document(run)["carriers"], "the process has ended")
    alone = _quick_run(ground, "execute/execute", run)
    ground.becomes(alone, "PAUSED Suspended")  # the run is paused, whoever carries it
    _resume(ground, run, alone)
    until(lambda: bool(ground.document(run)["carriers"]), "the stage carries it")
    ground.press(alone, CANCEL)
    _cancelled(ground, run)
    ground.becomes(alone, "CANCELLED Cancelled")
    ground.becomes(first, "CANCELLED Cancelled")


@pytest.mark.long
def test_retry_of_a_failed_flow_run(ground: Ground) -> None:
    ground.fail("month", on=True)
    run = ground.begin("button-retry")
    ground.ended(run, "failed")
    first = ground.flow_run(run)["id"]
    ground.becomes(first, "FAILED Failed")
    ground.fail("month", on=False)
    assert ground.press(first, RETRY, force=False) == "ACCEPT"
    until(lambda: ground.document(run)["outcome"] is None, "the run is revived")
    ground.ended(run)
    ground.becomes(first, "COMPLETED Completed")


def _suspend() -> dict[str, Any]:
    until_ = (datetime.now(UTC) + timedelta(seconds=300)).isoformat()
    return {
        "type": "PAUSED", "name": "Suspended", "state_details": {"pause_timeout": until_, "pause_reschedule": True},
    }  # fmt: skip


def _resume(ground: Ground, run: str, flow_run: str) -> None:
    answer = ground.ask("POST", f"/flow_runs/{flow_run}/resume")
    assert answer.status_code == 201, answer.text
    until(lambda: not ground.document(run)["interrupt"]["paused"], f"{run} is no longer paused")
    ground.becomes(flow_run, "RUNNING Running")


def _paused(ground: Ground, run: str, words: str) -> None:
    until(lambda: bool(ground.document(run)["interrupt"]["paused"]), f"{run} is paused")
    found = ground.document(run)["interrupt"]
    assert found["by"] == "Prefect"
    assert words in found["reason"]


def _cancelled(ground: Ground, run: str) -> None:
    until(lambda: ground.document(run)["outcome"] == "cancelled", f"{run} is cancelled")
    assert ground.document(run)["interrupt"]["by"] == "Prefect"
    proved = {"runId": run, "msg": {"$regex": "^Nothing is left running"}}
    until(lambda: ground.ledger["events"].count_documents(proved) > 0, f"the end of {run} is proved")
    assert ground.agents_of(run) == []


def _quick_run(ground: Ground, deployment: str, run: str) -> str:
    found = ground.ask("GET", f"/deployments/name/{deployment}").json()["id"]
    body = {"parameters": {"run_id": run}, "state": {"type": "SCHEDULED", "message": "Run from the Prefect UI"}}
    return str(ground.ask("POST", f"/deployments/{found}/create_flow_run", body).json()["id"])
