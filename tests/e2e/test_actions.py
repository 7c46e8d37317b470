"""Runs whose agents and checks work in GitHub Actions: the sandbox runs the pack with act on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import IDEA, new_repository, shipline
from tests.e2e.ground import CODER, Ground, alive, until

pytestmark = [pytest.mark.timeout(1600), pytest.mark.slow]


@pytest.fixture(scope="module")
def github(ground: Ground) -> Iterator[httpx.Client]:
    """The sandbox, as its operator uses it."""
    headers = {"Authorization": f"Bearer {ground.told['github_token']}"}
    with httpx.Client(base_url=ground.told["github_api_url"], headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def runner(ground: Ground) -> Ground:
    """The agents on the runner, which has a home of its own."""
    return Ground(ground.home / "sandbox" / "actions" / "home" / ".shipline")


def _repository(ground: Ground, github: httpx.Client, name: str) -> str:
    """A repository with the pack merged."""
    repo = new_repository(ground.home, name)
    said = shipline(ground.home, "workflows", "install", repo)
    assert said.code == 0, said.err
    merged = github.put(f"/repos/{repo}/pulls/1/merge", json={})
    assert merged.status_code == 200, merged.text
    assert "has the pack as it is" in shipline(ground.home, "workflows", "install", repo).out
    return repo


def _begin(ground: Ground, repo: str) -> str:
    words = ("run", IDEA, "--repo", repo, "--size", "small", "--executor", "actions", "--detach", "--json")
    said = shipline(ground.home, *words)
    assert said.code == 0, said.err
    return str(said.last_json["_id"])


def _dispatches(ground: Ground, run: str) -> list[dict[str, Any]]:
    return list(ground.ledger["dispatches"].find({"runId": run, "job": {"$ne": None}}).sort("created_at", 1))


def test_an_idea_goes_all_the_way_to_a_release_in_actions(ground: Ground, github: httpx.Client) -> None:
    repo = _repository(ground, github, "in-actions")
    _require(github, repo, "integration", "company-ci")
    run = _begin(ground, repo)
    gate = {"runId": run, "data.checks": ["company-ci"]}
    until(lambda: ground.ledger["events"].find_one(gate) is not None, "the merge waits for what is required", 800)
    head = ground.ledger["events"].find_one(gate)["data"]["sha"]
    assert ground.document(run)["state"] == "MERGE"
    status = {"context": "company-ci", "state": "success"}
    github.post(f"/repos/{repo}/statuses/{head}", json=status).raise_for_status()
    ground.ended(run, within=120)
    assert github.get(f"/repos/{repo}/releases/latest").status_code == 200
    sent = _dispatches(ground, run)
    assert {each["outcome"]["state"] for each in sent} == {"COMPLETED"}
    assert {each["outcomeBy"] for each in sent} <= {"callback", "artifact"}
    types = {each["eventType"] for each in sent}
    assert types >= {
        "orchestrator.start", "ai.spec.request", "ai.plan.request", "agent.cursor.execute.request",
        "agent.cursor.review.request", "qa.run.request", "sec.scan.request", "release.notes.request",
    }  # fmt: skip
    about = [each["about"] for each in sent]
    assert len(about) == len(set(about))  # nothing was asked for twice
    runs = github.get(f"/repos/{repo}/actions/runs", params={"per_page": 100}).json()["workflow_runs"]
    assert {each["conclusion"] for each in runs} == {"success"}
    assert len(runs) == len(sent)
    kept = list((ground.home / "artifacts" / run).iterdir())
    assert len(kept) == len(sent)


def test_pause_and_cancel_reach_a_running_workflow(ground: Ground, github: httpx.Client, runner: Ground) -> None:
    repo = _repository(ground, github, "stopped-in-actions")
    github.post(f"/repos/{repo}/actions/variables", json={"name": "SHIPLINE_CODER", "value": CODER}).raise_for_status()
    (runner.home / "agents").mkdir(parents=True, exist_ok=True)
    runner.hold(on=True)
    run = _begin(ground, repo)
    until(lambda: bool(_thinking(runner)), "an agent thinks on the runner", 240)

    assert shipline(ground.home, "pause", run).code == 0
    until(lambda: _asked(github, repo, "orchestrator.pause"), "the workflows are told of the pause", 30)
    runner.hold(on=False)  # what is under way is seen through, and nothing else begins
    until(lambda: all(each["outcome"] for each in _dispatches(ground, run)), "the step ends", 60)
    ground.becomes(ground.flow_run(run)["id"], "PAUSED Suspended")  # from here on nobody is there to ask for more
    count = len(_dispatches(ground, run))

    runner.hold(on=True)
    assert len(_dispatches(ground, run)) == count
    assert shipline(ground.home, "resume", run, "--detach").code == 0
    until(lambda: len(_dispatches(ground, run)) > count and bool(_thinking(runner)), "it goes on", 120)
    thinking = _thinking(runner)
    said = shipline(ground.home, "cancel", run, "--json")
    assert said.code == 0, said.out + said.err
    proof = {line["what"]: line for line in said.last_json["lines"]}
    assert said.last_json["clear"]
    assert proof["workflows"]["found"] == []
    until(lambda: not any(alive(pid) for pid in thinking), "the agent on the runner is gone", 30)
    states = [each["outcome"]["state"] for each in _dispatches(ground, run)]
    assert states[-1] in ("CANCELLED", "FAILED")
    running = github.get(f"/repos/{repo}/actions/runs", params={"status": "in_progress"}).json()["workflow_runs"]
    assert [each["display_title"] for each in running if "orchestrator.cancel" not in each["display_title"]] == []


@pytest.mark.long
def test_with_callbacks_lost_it_ends_by_artifact_and_with_both_lost_in_words(
    ground: Ground, github: httpx.Client
) -> None:
    repo = _repository(ground, github, "unheard")
    mute = {"fault": "refuse", "status": 403, "method": "POST", "times": None}
    callback = {**mute, "path": "/repos/.*/dispatches", "body": ".*orchestrator.status.*"}
    comment = {**mute, "path": "/repos/.*/comments", "body": ".*dispatchId.*"}
    artifact = {**mute, "method": "GET", "path": "/repos/.*/actions/artifacts"}
    try:
        for each in (callback, comment, artifact):
            github.post("/_sandbox/faults", json=each).raise_for_status()
        words = ("run", IDEA, "--repo", repo, "--size", "small", "--executor", "actions", "--json")
        said = shipline(ground.home, *words, SHIPLINE_ACTIONS_HELLO_SECONDS="25")
        assert said.code == 1, said.out + said.err
        assert "no callback, no comment, no artifact" in said.err
        run = str(ground.ledger["runs"].find_one({"repo": repo})["_id"])
        assert ground.document(run)["outcome"] == "failed"

        github.delete("/_sandbox/faults").raise_for_status()
        for each in (callback, comment):
            github.post("/_sandbox/faults", json=each).raise_for_status()
        assert shipline(ground.home, "resume", run, "--detach").code == 0
        ground.ended(run, within=1200)
    finally:
        github.delete("/_sandbox/faults").raise_for_status()
    assert github.get(f"/repos/{repo}/releases/latest").status_code == 200
    ways = {each["outcomeBy"] for each in _dispatches(ground, run)}
    assert ways == {"deadline", "artifact"}


def _require(github: httpx.Client, repo: str, branch: str, name: str) -> None:
    """Let a branch take no merge without a check."""
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": name}]}}
    conditions = {"ref_name": {"include": [f"refs/heads/{branch}"], "exclude": []}}
    asked = {"name": branch, "enforcement": "active", "conditions": conditions, "rules": [rule]}
    github.post(f"/repos/{repo}/rulesets", json=asked).raise_for_status()


def _thinking(runner: Ground) -> list[int]:
    """The processes of agents on the runner that live."""
    found = [json.loads(file.read_text())["pid"] for file in (runner.home / "agents").glob("*/agent.json")]
    return [pid for pid in found if alive(pid)]


def _asked(github: httpx.Client, repo: str, event_type: str) -> bool:
    """Whether a workflow run of a dispatch of this type was successful."""
    runs = github.get(f"/repos/{repo}/actions/runs", params={"per_page": 100}).json()["workflow_runs"]
    return any(each["display_title"].startswith(event_type) and each["conclusion"] == "success" for each in runs)
