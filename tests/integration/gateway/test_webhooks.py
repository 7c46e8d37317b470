"""The receiver: what is refused, what counts once, and that the order of deliveries does not matter."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from ledger.issues import store_plan
from ledger.models import CiStatus, Delivery, Event, EventType, Issue, IssueType, Plan, PlanNode, Run
from ledger.runs import create_run
from tests.integration.gateway.conftest import NEW, OLD, Gateway

PING = {"zen": "Design for failure.", "repository": {"full_name": "o/r"}, "sender": {"login": "somebody"}}


@pytest.mark.parametrize("secret", [NEW, OLD])
async def test_old_and_new_secret_are_good_during_a_rotation(gateway: Gateway, secret: str) -> None:
    answer = await gateway.deliver("ping", PING, secret=secret)
    assert (answer.status_code, answer.json()["known"]) == (202, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"X_Hub_Signature_256": ""},  # SHA-1 alone
        {"X_Hub_Signature_256": "", "X_Hub_Signature": ""},
        {"X_Hub_Signature_256": "sha256=" + "0" * 64},
        {"X_Hub_Signature_256": "sha256="},
    ],
)
async def test_what_is_not_signed_by_us_is_refused_and_not_stored(gateway: Gateway, wrong: dict[str, str]) -> None:
    delivery = str(uuid.uuid4())
    answer = await gateway.deliver("ping", PING, X_GitHub_Delivery=delivery, **wrong)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await gateway.store.find_one(Delivery, {"_id": delivery}) is None


async def test_another_secret_and_a_cut_body_are_refused(gateway: Gateway) -> None:
    assert (await gateway.deliver("ping", PING, secret="somebody-elses-secret")).status_code == 401
    whole = await gateway.deliver("ping", b'{"zen": "cut"}')
    assert whole.status_code == 202
    signed = whole.request.headers["X-Hub-Signature-256"]
    assert (await gateway.deliver("ping", b'{"zen": "cut"', X_Hub_Signature_256=signed)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"no json", b'{"a": ' + b"[" * 100_000])
async def test_what_is_signed_and_no_object_is_said_to_be_so(gateway: Gateway, body: bytes) -> None:
    assert (await gateway.deliver("ping", body)).status_code == 422


@pytest.mark.parametrize("body", [{"a": 2**70}, {"\x00": 1}, {"a": "\ud800"}])
async def test_what_the_ledger_cannot_hold_is_refused(gateway: Gateway, body: dict[str, Any]) -> None:
    assert (await gateway.deliver("ping", body)).status_code == 422


async def test_a_replayed_delivery_counts_once(gateway: Gateway) -> None:
    delivery = str(uuid.uuid4())
    answers = await asyncio.gather(*(gateway.deliver("ping", PING, X_GitHub_Delivery=delivery) for _ in range(8)))
    assert sorted(each.json()["known"] for each in answers) == [False, *[True] * 7]
    assert await gateway.store.collection(Delivery).count_documents({"_id": delivery}) == 1


async def test_an_unknown_event_is_kept_and_acknowledged(gateway: Gateway) -> None:
    delivery = (await gateway.deliver("something_new", PING)).json()["delivery"]
    worked = await gateway.worked(delivery)
    assert (worked.event, worked.payload["zen"], worked.result) == ("something_new", PING["zen"], "kept")


async def test_a_known_event_that_is_not_as_github_sends_it_is_settled_with_why(gateway: Gateway) -> None:
    worked = await gateway.worked((await gateway.deliver("status", {"sha": 1})).json()["delivery"])
    assert worked.result.startswith("nothing was done: The payload is not as GitHub sends it")


async def _leaf(gateway: Gateway, repo: str, head: str) -> Run:
    run = await create_run(gateway.store, "An idea.", repo, "main")
    nodes = [
        PlanNode(key="epic", type=IssueType.EPIC, title="Words"),
        PlanNode(key="a", type=IssueType.TASK, title="A", parent="epic"),
    ]
    await store_plan(gateway.store, run, Plan(nodes=nodes))
    await gateway.store.change(Issue, f"{run.id}/a", {"head": head, "number": 7})
    return run


def _status(repo: str, sha: str, context: str, second: int, state: str) -> dict[str, Any]:
    at = f"2026-11-23T{10 + second // 3600}:{second // 60 % 60:02}:{second % 60:02}Z"
    shared = {"repository": {"full_name": repo}, "sender": {"login": "ci"}}
    return {"sha": sha, "context": context, "state": state, "updated_at": at, "target_url": None, **shared}


async def test_ci_comes_onto_the_issue_whose_head_it_is(gateway: Gateway) -> None:
    repo, sha = f"o/{uuid.uuid4().hex}", uuid.uuid4().hex + "0" * 8
    run = await _leaf(gateway, repo, sha)
    check = {
        "action": "completed", "repository": {"full_name": repo}, "sender": {"login": "ci"},
        "check_run": {"head_sha": sha, "name": "tests", "status": "completed", "conclusion": "failure",
                      "started_at": "2026-11-23T10:00:00Z", "completed_at": "2026-11-23T10:01:00Z"},
    }  # fmt: skip
    for _ in range(2):  # told by two deliveries
        await gateway.worked((await gateway.deliver("check_run", check)).json()["delivery"])
    (told,) = await gateway.store.find(Event, {"runId": run.id, "type": EventType.CI_STATUS})
    assert (told.node_id, told.msg, told.level) == ("a", "tests: failure", "warning")
    (kept,) = await gateway.store.find(CiStatus, {"repo": repo})
    assert (kept.name, kept.state) == ("tests", "failure")


async def test_a_workflow_reports_by_dispatch(gateway: Gateway) -> None:
    repo = f"o/{uuid.uuid4().hex}"
    run = await _leaf(gateway, repo, "0" * 40)
    told = {"runId": run.id, "nodeId": "issue-7", "phase": "EXECUTING", "state": "IN_PROGRESS", "progress": 0.42,
            "metrics": {"tests": 18, "passed": 17}, "artifacts": ["test.report.json"]}  # fmt: skip
    shared = {"repository": {"full_name": repo}, "sender": {"login": "ci"}}
    sent = {"action": "orchestrator.status", "client_payload": told, **shared}
    worked = await gateway.worked((await gateway.deliver("repository_dispatch", sent)).json()["delivery"])
    assert worked.result == f"told to {run.id}"
    newest = await gateway.store.find(Event, {"runId": run.id}, [("seq", -1)], 1)
    assert (newest[0].node_id, newest[0].msg) == ("a", "EXECUTING: IN_PROGRESS, 42% (GitHub Actions)")
    assert newest[0].data["metrics"] == {"tests": 18, "passed": 17}
    elsewhere = {**sent, "repository": {"full_name": "o/elsewhere"}}  # a repository speaks for its own runs alone
    worked = await gateway.worked((await gateway.deliver("repository_dispatch", elsewhere)).json()["delivery"])
    assert "has no run" in worked.result
