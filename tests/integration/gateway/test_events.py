"""Every event type that an App of ours hears, and what comes of it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from ledger.issues import store_plan
from ledger.models import CiStatus, Delivery, Event, EventType, Issue, IssueType, Plan, PlanNode, Run
from ledger.runs import create_run
from tasks.github.identity import EVENTS
from tasks.hooks.work import HANDLERS
from tests.integration.gateway.conftest import Gateway

AT, LATER = "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"
HEAD = "3" * 40
# The notes, §6.1.
NOTES = {
    "issues", "issue_comment", "pull_request", "pull_request_review", "check_run", "check_suite", "workflow_job",
    "workflow_run", "push", "status", "deployment", "deployment_status",
}  # fmt: skip
CHECK = {"head_sha": HEAD, "status": "completed", "conclusion": "failure", "updated_at": AT}
DEPLOYED = {"sha": HEAD, "environment": "staging", "created_at": AT}
# What is sent, and what is said to have come of it.
TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "issues": ({"action": "opened", "issue": {"number": 7}}, "nothing to look at"),
    "issue_comment": (
        {"action": "created", "issue": {"number": 7}, "comment": {"id": 1, "body": "Hi", "user": {"login": "ann"}}},
        "no command",
    ),
    "pull_request": ({"action": "opened", "pull_request": {"number": 8}}, "nothing to look at"),
    "pull_request_review": (
        {"action": "submitted", "pull_request": {"number": 8}, "review": {"id": 5}}, "the review is gone",
    ),
    "push": ({"ref": "refs/heads/main", "after": HEAD}, "another branch"),
    "check_run": ({"check_run": {**CHECK, "name": "build"}}, "build of 3333333 is failure"),
    "check_suite": ({"check_suite": {**CHECK, "app": {"slug": "ci"}}}, "suite: ci of 3333333 is failure"),
    "workflow_run": ({"workflow_run": {**CHECK, "name": "Tests"}}, "workflow: Tests of 3333333 is failure"),
    "workflow_job": (
        {"workflow_job": {**CHECK, "name": "unit", "status": "in_progress", "conclusion": None}},
        "job: unit of 3333333 is in_progress",
    ),
    "status": (
        {"sha": HEAD, "context": "lint", "state": "success", "updated_at": AT}, "lint of 3333333 is success",
    ),
    "deployment": ({"action": "created", "deployment": DEPLOYED}, "deployment: staging of 3333333 is queued"),
    "deployment_status": (
        {"action": "created", "deployment": DEPLOYED, "deployment_status": {"state": "success", "updated_at": LATER}},
        "deployment: staging of 3333333 is success",
    ),
    "repository_dispatch": ({"action": "somebody.elses", "client_payload": {}}, "kept"),
    "sub_issues": (
        {"action": "sub_issue_added", "parent_issue": {"number": 70}, "sub_issue": {"number": 71}},
        "no open run knows it",
    ),
    "merge_group": (
        {"action": "checks_requested", "merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-8"}},
        "kept: the merge queue of gh-readonly-queue/main/pr-8; no run waits for one",
    ),
}  # fmt: skip
# What every App hears without asking; it is about no repository.
INSTALLED: dict[str, dict[str, Any]] = {
    "installation": {"action": "created", "installation": {"id": 7, "account": {"login": "acme"}}},
    "installation_repositories": {"action": "added", "installation": {"id": 7, "account": {"login": "acme"}}},
}


@pytest.fixture
async def run(gateway: Gateway) -> Run:
    """A run whose leaf stands at ``HEAD``, with an issue and a pull request."""
    made = await create_run(gateway.store, "An idea.", f"o/{uuid.uuid4().hex}", "main")
    nodes = [
        PlanNode(key="epic", type=IssueType.EPIC, title="Words"),
        PlanNode(key="a", type=IssueType.TASK, title="A", parent="epic"),
    ]
    await store_plan(gateway.store, made, Plan(nodes=nodes))
    await gateway.store.change(Issue, f"{made.id}/a", {"head": HEAD, "number": 7, "prNumber": 8})
    return made


async def told(gateway: Gateway, run: Run, event: str, payload: dict[str, Any]) -> Delivery:
    """A delivery about the run's repository, once it was worked on."""
    about = {"repository": {"full_name": run.repo}, "sender": {"login": "ann"}, **payload}
    return await gateway.worked((await gateway.deliver(event, about)).json()["delivery"])


def test_the_list_holds_what_an_app_of_ours_hears_and_what_the_notes_name() -> None:
    assert set(EVENTS) == set(TOLD)
    assert set(TOLD) >= NOTES
    assert set(HANDLERS) == set(TOLD) | set(INSTALLED)


async def test_something_comes_of_each(gateway: Gateway, run: Run) -> None:
    for event, (payload, said) in TOLD.items():
        worked = await told(gateway, run, event, payload)
        assert worked.result.replace(run.id, "RUN") == said, event
    for event, payload in INSTALLED.items():
        worked = await gateway.worked((await gateway.deliver(event, payload)).json()["delivery"])
        assert worked.result == f"installation 7 on acme: {payload['action']}"


async def test_what_ci_tells_stands_on_the_issue_whose_head_it_is(gateway: Gateway, run: Run) -> None:
    kinds = ("check_run", "check_suite", "workflow_run", "workflow_job", "status", "deployment", "deployment_status")
    for event in kinds:
        await told(gateway, run, event, TOLD[event][0])
    await told(gateway, run, "deployment", TOLD["deployment"][0])  # late, and again
    wanted = {
        "build": "failure", "suite: ci": "failure", "workflow: Tests": "failure", "job: unit": "in_progress",
        "lint": "success", "deployment: staging": "success",
    }  # fmt: skip
    async with gateway.client("viewer") as client:
        leaf = (await client.get(f"/api/issues/{run.id}/a")).json()
        tree = (await client.get(f"/api/runs/{run.id}/issues")).json()["issues"][0]
    assert {each["name"]: each["state"] for each in leaf["ci"]} == wanted
    assert (tree["ci"], tree["children"][0]["ci"]) == ([], leaf["ci"])
    events = await gateway.store.find(Event, {"runId": run.id, "type": EventType.CI_STATUS}, [("seq", 1)])
    assert {each.data["name"]: each.data["state"] for each in events} == wanted
    assert len(events) == len(kinds)
    assert [each.outbox for each in await gateway.store.find(CiStatus, {"repo": run.repo})] == [[]] * len(wanted)


async def test_what_a_worker_that_died_has_not_told_is_told_by_the_next(gateway: Gateway, run: Run) -> None:
    await told(gateway, run, *_status("pending", AT))
    (known,) = await gateway.store.find(CiStatus, {"repo": run.repo})
    left = {"state": "success", "url": None, "order": f"{LATER[:19]} 3 success"}  # written, and not told
    await gateway.store.collection(CiStatus).update_one({"_id": known.id}, {"$set": left, "$push": {"outbox": left}})
    worked = await told(gateway, run, *_status("success", LATER))
    assert worked.result.endswith("something newer is known")
    events = await gateway.store.find(Event, {"runId": run.id, "type": EventType.CI_STATUS}, [("seq", 1)])
    assert [each.data["state"] for each in events] == ["pending", "success"]


def _status(state: str, at: str) -> tuple[str, dict[str, Any]]:
    return "status", {"sha": HEAD, "context": "lint", "state": state, "updated_at": at}
