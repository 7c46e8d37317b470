"""A person in control, from the command line and from Python, while agents work."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import script
from tests.e2e.ground import Ground, alive, slow_agents

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

AT_ONCE = 2.0  # seconds after which nothing new may start


@pytest.fixture
def ground(stack: Path) -> Iterator[Ground]:
    """The stack, with agents that can be held up."""
    with slow_agents(stack) as made:
        yield made


def test_pause_resume_fail_retry(ground: Ground) -> None:
    ground.hold(on=True)
    run = ground.begin("paused")
    agent = ground.wait_for_agent(run)
    process = ground.agent_process(agent["ref"])

    said = ground.run("pause", run, "--reason", "lunch")
    assert said.code == 0, said.err
    assert "lunch" in said.out
    since = ground.document(run)["interrupt"]["since"].timestamp()
    time.sleep(max(0.0, since + AT_ONCE - time.time()))
    stopped = ground.effects(run)
    first = ground.flow_run(run)["id"]
    ground.becomes(first, "PAUSED Suspended")
    time.sleep(3)
    assert ground.effects(run) == stopped  # no new effect since two seconds after the pause
    assert alive(process)  # the agent was left working
    assert ground.document(run)["outcome"] is None
    shown = ground.run("show", run)
    assert "Paused by" in shown.out
    assert f"shipline resume {run}" in shown.out
    assert "paused by" in ground.run("runs").out
    again = ground.run("pause", run)
    assert again.code == 0
    assert _told(ground, run, "Paused by") == 1  # pausing twice is pausing once

    # From Python, in another process; the flow goes on in a new one and finds the agent's work.
    ground.fail("cli-budget", on=True)
    ground.hold(on=False)
    said = script(ground.home, f"from flows import resume_now; print(resume_now({run!r}).said)")
    assert said.code == 0, said.err[-2000:]
    ground.becomes(first, "RUNNING Running", "FAILED Failed", within=120)
    twice = ground.run("resume", run, "--detach")
    assert "carries it already" in twice.err or ground.document(run)["outcome"] == "failed", twice.err
    ground.ended(run, "failed")
    assert ground.agent_process(agent["ref"]) == process  # nobody was asked twice

    blocked = ground.run("advance", run)
    assert blocked.code == 1
    assert "has ended (failed)" in blocked.err

    wrong = ground.run("retry", run, "budget-model")
    assert wrong.code == 2
    assert "has not failed" in wrong.err
    before = _siblings(ground, run)
    ground.fail("cli-budget", on=False)
    assert ground.run("retry", run, "cli-budget").code == 0
    ground.ended(run)
    issue = ground.ledger["issues"].find_one({"runId": run, "key": "cli-budget"})
    assert (issue["round"], issue["failure"], issue["status"]) == (2, None, "DONE")
    after = _siblings(ground, run)
    assert {key: after[key] for key in before} == before  # finished siblings were not touched

    refused = ground.run("cancel", run)
    assert refused.code == 1
    assert "has ended (succeeded)" in refused.err
    assert ground.document(run)["outcome"] == "succeeded"


def test_cancel_leaves_nothing(ground: Ground) -> None:
    ground.hold(on=True)
    run = ground.begin("cancelled")
    ground.wait_for_agent(run)
    assert ground.agents_of(run)

    stuck = ground.run("advance", run)
    assert stuck.code == 1
    assert "stays at EXECUTION_LOOP" in stuck.err
    assert "#" in stuck.err

    said = ground.run("cancel", run, "--reason", "not needed", "--json")
    assert said.code == 0, said.out + said.err
    proof = {line["what"]: line for line in said.last_json["lines"]}
    assert said.last_json["clear"]
    for what in ("agents", "processes", "flow runs", "half-made deployments"):
        assert proof[what]["found"] == [], what
    assert len(proof["open pull requests"]["found"]) >= 1  # the epic's draft holds the spec
    assert proof["branches with no pull request"]["found"]

    assert ground.agents_of(run) == []
    found = ground.document(run)
    assert (found["outcome"], found["interrupt"]["cancelled"]) == ("cancelled", True)
    assert {each["state_type"] for each in ground.flow_runs(run) + ground.flow_runs(run, nested=True)} <= {
        "CANCELLED", "COMPLETED",
    }  # fmt: skip
    assert ground.ledger["issues"].count_documents({"runId": run, "failure": {"$ne": None}}) == 0
    assert ground.run("cancel", run).code == 0
    assert _told(ground, run, "Cancelled by") == 1
    for verb in ("pause", "resume"):
        refused = ground.run(verb, run)
        assert refused.code == 1, refused.out
        assert "has ended (cancelled)" in refused.err


@pytest.mark.long
def test_everything_pauses_and_goes_on(ground: Ground) -> None:
    ground.hold(on=True)
    first = ground.begin("all-1")
    ground.wait_for_agent(first)
    said = ground.run("pause-all", "--reason", "fire drill")
    assert said.code == 0, said.err
    assert first in said.out
    second = ground.begin("all-2")  # started while everything waits
    assert "everything is paused: fire drill" in str(ground.document(second)["interrupt"]["reason"])
    assert ground.flow_runs(second) == []
    refused = ground.run("resume", first)
    assert refused.code == 1
    assert "resume-all" in refused.err

    ground.becomes(ground.flow_run(first)["id"], "PAUSED Suspended")
    said = ground.run("resume-all", "--json")
    assert said.code == 0, said.err
    assert {each["_id"] for each in json.loads(said.out)} >= {first, second}
    for run in (first, second):
        ground.becomes(ground.flow_run(run)["id"], "RUNNING Running", within=120)
        assert not ground.document(run)["interrupt"]["paused"]
        assert ground.run("cancel", run).code == 0


def _told(ground: Ground, run: str, words: str) -> int:
    return int(ground.ledger["events"].count_documents({"runId": run, "msg": {"$regex": f"^{words}"}}))


def _siblings(ground: Ground, run: str) -> dict[str, str]:
    """Every finished node but the epic, and every finished effect, as they stand."""
    done = ground.ledger["issues"].find({"runId": run, "status": "DONE", "parent": {"$ne": None}})
    effects = ground.ledger["effects"].find({"runId": run, "status": "succeeded"})
    return {str(each["_id"]): json.dumps(each, default=str, sort_keys=True) for each in [*done, *effects]}
