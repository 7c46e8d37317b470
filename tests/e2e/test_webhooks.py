"""From something that happens on GitHub to a flow run in Prefect, by way of a signed delivery: each once."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import IDEA, new_repository
from tests.e2e.ground import Ground, slow_agents, until

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


@pytest.fixture(scope="module")
def ground(stack: Path) -> Iterator[Ground]:
    """The stack, with agents that can be held up."""
    with slow_agents(stack) as made:
        yield made


@pytest.fixture(scope="module")
def github(ground: Ground) -> Iterator[httpx.Client]:
    """The sandbox, as its operator uses it."""
    headers = {"Authorization": f"Bearer {ground.told['github_token']}"}
    with httpx.Client(base_url=ground.told["github_api_url"], headers=headers, timeout=30) as client:
        yield client


def _made(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def _result(ground: Ground, wanted: dict[str, Any]) -> str:
    """What came of the delivery that fits, once something did."""
    until(
        lambda: ground.ledger["deliveries"].find_one({**wanted, "workedAt": {"$ne": None}}), f"worked on: {wanted}", 150
    )  # a cancellation is proved before it is answered
    found = ground.ledger["deliveries"].find_one(wanted)
    return str(found["result"])


def _flow_runs(ground: Ground, run: str, flow: str) -> list[dict[str, Any]]:
    asked = {"flow_runs": {"tags": {"all_": [run]}}, "flows": {"name": {"any_": [flow]}}}
    return list(_made(ground.prefect.post("/flow_runs/filter", json=asked)))


def _comments(github: httpx.Client, repo: str, number: int) -> list[str]:
    return [each["body"] for each in _made(github.get(f"/repos/{repo}/issues/{number}/comments"))]


def _by_a_stranger(ground: Ground, repo: str, number: int, event: str, payload: dict[str, Any]) -> str:
    """A delivery as it would come when somebody without write access did it; its id."""
    body = json.dumps({
        "repository": {"full_name": repo}, "sender": {"login": "stranger"}, "issue": {"number": number}, **payload,
    }).encode()  # fmt: skip
    secret = (ground.home / "gateway" / "webhook-secret").read_bytes()
    delivery = str(uuid.uuid4())
    headers = {
        "X-GitHub-Event": event, "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
    }  # fmt: skip
    answer = httpx.post(f"{ground.told['gateway_url']}/webhooks/github", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return delivery


def test_label_comment_and_push_each_start_what_they_should_once(ground: Ground, github: httpx.Client) -> None:
    repo = new_repository(ground.home, "webhooks")
    ground.hold(on=True)
    issue = _made(github.post(f"/repos/{repo}/issues", json={"title": IDEA, "body": ""}))
    number = int(issue["number"])
    about = {"event": "issues", "payload.action": "labeled", "payload.repository.full_name": repo}

    # Somebody who may not write labels it: nothing.
    _made(github.post(f"/repos/{repo}/labels", json={"name": "shipline", "color": "ededed"}))
    told = {"action": "labeled", "label": {"name": "shipline"}}
    _made(github.post(f"/repos/{repo}/issues/{number}/labels", json={"labels": ["shipline"]}))
    result = _result(ground, {**about, "payload.issue.number": number})
    run = str(ground.ledger["runs"].find_one({"repo": repo})["_id"])
    assert result == f"{run} was started from #{number}"
    refused = _result(ground, {"_id": _by_a_stranger(ground, repo, number, "issues", told)})
    assert refused == f"stranger may not write to {repo}: nothing is started"
    # The label again, by a delivery of its own: still the one run, and one flow run of it.
    _made(github.delete(f"/repos/{repo}/issues/{number}/labels/shipline"))
    _made(github.post(f"/repos/{repo}/issues/{number}/labels", json={"labels": ["shipline"]}))
    until(lambda: ground.ledger["deliveries"].count_documents({**about, "workedAt": {"$ne": None}}) >= 2, "twice", 60)
    assert ground.ledger["runs"].count_documents({"repo": repo}) == 1
    assert len(_flow_runs(ground, run, "deliver")) == 1
    assert [run in each for each in _comments(github, repo, number)] == [True]

    # A comment by a stranger does nothing; by the operator it pauses, and is answered.
    ground.wait_for_agent(run)
    said = {"action": "created", "comment": {"id": 1, "body": "/shipline pause", "user": {"login": "stranger"}}}
    refused = _result(ground, {"_id": _by_a_stranger(ground, repo, number, "issue_comment", said)})
    assert refused == f"stranger may not write to {repo}: nothing is done"
    assert not ground.document(run)["interrupt"]["paused"]
    comment = _made(github.post(f"/repos/{repo}/issues/{number}/comments", json={"body": "/shipline pause for lunch"}))
    result = _result(ground, {"event": "issue_comment", "payload.comment.id": comment["id"]})
    assert result.startswith("Paused by @operator"), result
    assert ground.document(run)["interrupt"]["paused"]
    until(lambda: any("Paused by @operator" in each for each in _comments(github, repo, number)), "the answer", 30)

    # A push to integration that is not ours: the run is looked over, once.
    head = _made(github.get(f"/repos/{repo}/git/ref/heads/integration"))["object"]["sha"]
    text = {"message": "By hand", "content": "aGVsbG8=", "branch": "integration"}
    _made(github.put(f"/repos/{repo}/contents/by-hand.txt", json=text))
    pushed = {"event": "push", "payload.repository.full_name": repo, "payload.before": head,
              "payload.ref": "refs/heads/integration"}  # fmt: skip
    assert _result(ground, pushed) == f"looked over: {run}"
    assert len(_flow_runs(ground, run, "reconcile")) == 1

    ground.hold(on=False)
    cancelled = _made(github.post(f"/repos/{repo}/issues/{number}/comments", json={"body": "/shipline cancel"}))
    result = _result(ground, {"event": "issue_comment", "payload.comment.id": cancelled["id"]})
    assert "is cancelled" in result
    assert ground.document(run)["outcome"] == "cancelled"


def test_an_idea_by_the_api_starts_one_run_however_often_it_is_sent(ground: Ground) -> None:
    repo = new_repository(ground.home, "by-api")
    token = (ground.home / "gateway" / "token").read_text()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    body = {"ideaText": IDEA, "repo": repo, "options": {"size": "small", "dryRun": True}}
    with httpx.Client(base_url=ground.told["gateway_url"], headers=headers, timeout=60) as client:
        answers = [_made(client.post("/api/ideas", json=body)) for _ in range(3)]
        run = answers[0]["runId"]
        assert answers == [{"runId": run}] * 3
        other = client.post("/api/ideas", json={**body, "ideaText": f"{IDEA} Twice."})
        assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
        ground.ended(run, "planned")
        assert len(_flow_runs(ground, run, "deliver")) == 1
        with client.stream("GET", f"/api/runs/{run}/stream") as stream:
            lines = (line for line in stream.iter_lines() if line.startswith("event: "))
            assert next(lines) == "event: workflow.started"
