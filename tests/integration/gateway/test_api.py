"""The endpoints: who may come in, what they give, what errors look like."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from ledger.approvals import approvals_of
from ledger.conversation import SHIPLINE, conversation
from ledger.issues import change_issue, store_plan
from ledger.models import Deployment, DeploymentStatus, Issue, IssueType, Plan, PlanNode, Run
from ledger.runs import create_run
from tests.integration.gateway.conftest import Gateway

# Every path of the notes, §7.1, §7.3 and §7.4, as OpenAPI writes it, with its method.
NOTES = {
    ("post", "/api/ideas"),
    ("get", "/api/runs/{runId}"),
    ("post", "/api/runs/{runId}/interrupt"),
    ("get", "/api/runs/{runId}/issues"),
    ("get", "/api/runs/{runId}/stream"),
    ("get", "/api/issues/{id}"),
    ("post", "/api/issues/{id}/reorder"),
    ("get", "/api/agents"),
    ("get", "/api/agents/{id}"),
    ("get", "/api/agents/{id}/onboarding"),
    ("put", "/api/agents/{id}/onboarding"),
    ("post", "/api/projects/{id}/code"),
    ("get", "/api/projects/{id}/branches"),
    ("post", "/api/projects/{id}/branches"),
    ("get", "/api/projects/{id}/prs"),
    ("post", "/api/projects/{id}/prs"),
    ("get", "/api/projects/{id}/prs/{prNumber}"),
    ("post", "/api/projects/{id}/prs/{prNumber}/merge"),
    ("post", "/api/projects/{id}/issues/{issueId}/defects"),
    ("get", "/api/projects/{id}/issues/{issueId}/hierarchy"),
    ("post", "/api/projects/{id}/deploy"),
    ("get", "/api/projects/{id}/deployments"),
    ("get", "/api/projects/{id}/deployments/{deploymentId}"),
    ("post", "/api/projects/{id}/deployments/{deploymentId}/rollback"),
    ("post", "/api/runs/{runId}/retry/{nodeId}"),
    ("post", "/api/runs/{runId}/advance"),
    ("post", "/github/dispatch"),
    ("post", "/webhooks/github"),
    ("post", "/auth/github-app/callback"),
    ("get", "/repos"),
}
# What needs no token: one is signed, one says nothing, and GitHub sends people to one with a state of ours.
OPEN = {("post", "/webhooks/github"), ("get", "/healthz")} | {
    ("get", f"/auth/github-app/{page}")
    for page in ("callback", "new", "created")  # for a browser, with a state
}


async def _paths(gateway: Gateway) -> dict[tuple[str, str], Any]:
    async with gateway.client(None) as client:
        described = (await client.get("/openapi.json")).json()["paths"]
    return {(method, path): each for path, methods in described.items() for method, each in methods.items()}


async def test_every_path_of_the_notes_is_there(gateway: Gateway) -> None:
    assert NOTES - set(await _paths(gateway)) == set()


async def test_nothing_is_answered_without_a_token(gateway: Gateway) -> None:
    run = "r-20261123-abcdef"
    wrong = {"Authorization": "Bearer a-token-of-nobody-here"}
    async with gateway.client(None) as client:
        for method, path in set(await _paths(gateway)) - OPEN:
            known = (
                path.replace("{runId}", run)
                .replace("{dispatchId}", "0" * 36)
                .replace("issues/{id}", f"issues/{run}/a")
                .replace("{prNumber}", "1")
            )
            filled = known.replace("{", "").replace("}", "")
            for headers in ({}, wrong):
                answer = await client.request(method, filled, json={}, headers=headers)
                assert answer.status_code == 401, (method, path, answer.text)
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.fixture
async def run(gateway: Gateway) -> Run:
    """A run with a tree: an epic, a feature, and two leaves in order below it."""
    made = await create_run(gateway.store, "Let it say hello.", f"o/{uuid.uuid4().hex[:8]}", "main")
    nodes = [
        PlanNode(key="epic", type=IssueType.EPIC, title="Words"),
        PlanNode(key="f", type=IssueType.FEATURE, title="F", parent="epic"),
        PlanNode(key="a", type=IssueType.TASK, title="A", parent="f", order_index=0),
        PlanNode(key="b", type=IssueType.TASK, title="B", parent="f", order_index=1),
        PlanNode(key="c", type=IssueType.TASK, title="C", parent="f", order_index=2, dependencies=["a"]),
    ]
    await store_plan(gateway.store, made, Plan(nodes=nodes))
    await gateway.store.change(Issue, f"{made.id}/a", {"number": 145})
    return made


async def test_a_role_that_may_not_is_told_so(gateway: Gateway, run: Run) -> None:
    async with gateway.client("viewer") as client:
        assert (await client.get(f"/api/runs/{run.id}")).status_code == 200
        answer = await client.post(f"/api/runs/{run.id}/interrupt", json={"action": "pause"})
        assert (answer.status_code, answer.json()["detail"]) == (403, "You are viewer; to start a run takes operator.")
    async with gateway.client("operator") as client:
        body = {"onboardingDocRef": "x", "contextPacks": []}
        assert (await client.put("/api/agents/code-reviewer/onboarding", json=body)).status_code == 403


async def test_a_run_and_its_tree(gateway: Gateway, run: Run) -> None:
    async with gateway.client("viewer") as client:
        told = (await client.get(f"/api/runs/{run.id}")).json()
        tree = (await client.get(f"/api/runs/{run.id}/issues")).json()
        leaf = (await client.get(f"/api/issues/{run.id}/b")).json()
    assert (told["runId"], told["state"], told["ideaText"]) == (run.id, "IDEA_SUBMITTED", "Let it say hello.")
    assert [each["type"] for each in told["timeline"]] == ["workflow.started"]
    (epic,) = tree["issues"]
    assert [each["nodeId"] for each in epic["children"][0]["children"]] == ["a", "b", "c"]
    assert leaf["parentId"] == f"{run.id}/f"
    assert leaf["waitsFor"] == [{"key": "a", "reason": "order"}]


async def test_errors_are_problems(gateway: Gateway, run: Run) -> None:
    async with gateway.client() as client:
        missing = await client.get("/api/runs/r-20261123-zzzzzz")
        wrong = await client.get("/api/runs/nonsense")
        nowhere = await client.get("/nowhere")
        await gateway.store.change(Run, run.id, {"outcome": "succeeded"})
        late = await client.post(f"/api/runs/{run.id}/interrupt", json={"action": "pause"})
        node = await client.post(f"/api/runs/{run.id}/retry/nobody")
        body = await client.post("/api/ideas", json={"ideaText": "", "repo": "x"})
    for answer, status in ((missing, 404), (wrong, 422), (nowhere, 404), (late, 409), (node, 404), (body, 422)):
        assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert [each["where"][-1] for each in body.json()["errors"]] == ["ideaText", "repo"]


async def test_a_run_is_paused_and_a_node_named_by_its_number(gateway: Gateway, run: Run) -> None:
    async with gateway.client("operator") as client:
        paused = await client.post(f"/api/runs/{run.id}/interrupt", json={"action": "pause", "reason": "lunch"})
        assert "Paused by a-operator" in paused.json()["said"]
        await change_issue(gateway.store, run.id, "a", {"failure": "it fails"})
        retried = await client.post(f"/api/runs/{run.id}/retry/issue-145")
    assert retried.status_code == 200, retried.text
    assert "tried again when the run goes on" in retried.json()["said"]


async def test_an_idea_that_nobody_can_begin_makes_nothing(gateway: Gateway) -> None:
    body = {"ideaText": "Let it say hello.", "repo": "demo/tally"}
    before = await gateway.store.collection(Run).count_documents({"repo": "demo/tally"})
    async with gateway.client("operator") as client:
        answer = await client.post("/api/ideas", json=body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")  # no Prefect in this stack
    assert await gateway.store.collection(Run).count_documents({"repo": "demo/tally"}) == before


async def test_children_get_another_order_when_nothing_forbids_it(gateway: Gateway, run: Run) -> None:
    async with gateway.client("operator") as client:
        done = await client.post(f"/api/issues/{run.id}/f/reorder", json={"order": ["b", "a", "c"]})
        assert [each["nodeId"] for each in done.json()["children"]] == ["b", "a", "c"]
        refused = await client.post(f"/api/issues/{run.id}/f/reorder", json={"order": ["c", "a", "b"]})
        assert (refused.status_code, refused.json()["detail"]) == (409, "c waits for a, which would come after it.")
        assert (await client.post(f"/api/issues/{run.id}/f/reorder", json={"order": ["a"]})).status_code == 409


async def test_a_defect_is_filed_once_and_blocks(gateway: Gateway, run: Run) -> None:
    path = f"/api/projects/{run.project_id}/issues/145/defects"
    async with gateway.client("operator") as client:
        first = (await client.post(path, json={"title": "It crashes", "body": "Trace"})).json()
        again = (await client.post(path, json={"title": "It crashes", "body": "Trace"})).json()
        tree = (await client.get(f"/api/projects/{run.project_id}/issues/issue-145/hierarchy")).json()
    assert first["id"] == again["id"] == f"{run.id}/a.d1"
    assert tree["children"][0]["children"][0]["children"][0]["title"] == "Defect: It crashes"
    assert {"key": "a.d1", "reason": "defect"} in tree["waitsFor"] or tree["children"][0]["waitsFor"]


async def test_agents_and_what_they_read(gateway: Gateway) -> None:
    async with gateway.client("admin") as client:
        agents = (await client.get("/api/agents")).json()
        assert len(agents) == 12
        before = (await client.get("/api/agents/code-reviewer/onboarding")).json()
        assert before["text"].startswith("#")
        body = {"onboardingDocRef": before["onboardingDocRef"], "contextPacks": ["recentLogs:5"]}
        after = (await client.put("/api/agents/code-reviewer/onboarding", json=body)).json()
        assert after["contextPacks"] == ["recentLogs:5"]
        body["onboardingDocRef"] = "onboarding/nobody.md"
        assert (await client.put("/api/agents/code-reviewer/onboarding", json=body)).status_code == 404
        assert (await client.get("/api/agents/nobody")).status_code == 404


async def test_branches_and_pull_requests_on_the_sandbox(gateway: Gateway) -> None:
    repo = (await gateway.github.post("/user/repos", json={"name": "code", "auto_init": True})).json()["full_name"]
    run = await create_run(gateway.store, "An idea.", repo, "main")
    base = f"/api/projects/{run.project_id}"
    async with gateway.client("approver") as client:
        branch = {"branchName": "side", "baseBranch": "main"}
        made = await client.post(f"{base}/branches", json=branch)
        assert made.status_code == 201, made.text
        assert (await client.post(f"{base}/branches", json=branch)).status_code == 201
        assert sorted(each["name"] for each in (await client.get(f"{base}/branches")).json()) == ["main", "side"]
        branch["baseBranch"] = "nothing"
        assert (await client.post(f"{base}/branches", json=branch)).status_code == 409
        asked = {"branch": "side", "base": "main", "title": "Side", "body": "Why"}
        assert (await client.post(f"{base}/prs", json=asked)).status_code == 409  # no commit between them
        text = {"message": "m", "content": "aGVsbG8=", "branch": "side"}
        (await gateway.github.put(f"/repos/{repo}/contents/side.txt", json=text)).raise_for_status()
        pull = (await client.post(f"{base}/prs", json=asked)).json()
        assert (await client.post(f"{base}/prs", json=asked)).json()["number"] == pull["number"]
        assert [each["number"] for each in (await client.get(f"{base}/prs")).json()] == [pull["number"]]
        assert pull["whyNot"] is None
        merged = await client.post(f"{base}/prs/{pull['number']}/merge")
        assert merged.status_code == 200, merged.text
        assert (await client.post(f"{base}/prs/{pull['number']}/merge")).json() == merged.json()
        assert (await client.get(f"{base}/prs/{pull['number']}")).json()["merged"]
        assert (await client.get(f"{base}/prs/999")).status_code == 404
        said = [(each.author, each.text) for each in await conversation(gateway.store, repo)]
        assert [author for author, _ in said] == ["a-approver", SHIPLINE]  # asked twice, done and told once
        assert said[1][1] == f"#{pull['number']} is merged as {merged.json()['sha'][:7]}."
        assert [each["fullName"] for each in (await client.get("/repos")).json()]


async def test_a_pull_request_of_a_run_is_merged_by_its_run_alone(gateway: Gateway) -> None:
    repo = (await gateway.github.post("/user/repos", json={"name": "ours", "auto_init": True})).json()["full_name"]
    run = await create_run(gateway.store, "An idea.", repo, "main")
    await store_plan(gateway.store, run, Plan(nodes=[PlanNode(key="epic", type=IssueType.EPIC, title="E")]))
    text = {"message": "m", "content": "aGVsbG8=", "branch": "side"}
    at = (await gateway.github.get(f"/repos/{repo}/git/ref/heads/main")).json()["object"]["sha"]
    await gateway.github.post(f"/repos/{repo}/git/refs", json={"ref": "refs/heads/side", "sha": at})
    await gateway.github.put(f"/repos/{repo}/contents/side.txt", json=text)
    asked = {"head": "side", "base": "main", "title": "Ours"}
    number = (await gateway.github.post(f"/repos/{repo}/pulls", json=asked)).json()["number"]
    await gateway.store.change(Issue, f"{run.id}/epic", {"prNumber": number})
    async with gateway.client("approver") as client:
        refused = await client.post(f"/api/projects/{run.project_id}/prs/{number}/merge")
    assert refused.status_code == 409
    assert f"is merged by run {run.id}" in refused.json()["detail"]
    assert await conversation(gateway.store, repo) == []


async def test_deployments(gateway: Gateway, run: Run) -> None:
    deployment = Deployment(
        id=uuid.uuid4().hex[:12], run_id=run.id, project_id=run.project_id, repo=run.repo, environment="local",
        target="process", version="0.2.0", sha="0" * 40, status=DeploymentStatus.HEALTHY,
    )  # fmt: skip
    await gateway.store.insert(deployment)
    base = f"/api/projects/{run.project_id}"
    async with gateway.client("approver") as client:
        (listed,) = (await client.get(f"{base}/deployments")).json()
        assert (await client.get(f"{base}/deployments/{listed['id']}")).json() == listed
        assert (await client.post(f"{base}/deploy", json={"version": "v9.9.9", "env": "local"})).status_code == 404
        assert (await client.post(f"{base}/deploy", json={"version": "v0.2.0", "env": "moon"})).status_code == 404
        back = f"{base}/deployments/{listed['id']}/rollback"
        assert (await client.post(back)).status_code == 404  # no release
        assert (await client.post(back, json={"version": "v9.9.9"})).status_code == 404
        assert (await client.post(back, json={"version": "the first"})).status_code == 422


async def test_settings_by_level(gateway: Gateway, run: Run) -> None:
    of_project = f"/api/projects/{run.project_id}/settings"
    async with gateway.client("admin") as client:
        told = (await client.get(of_project)).json()
        assert (told["maxRounds"], told["deploymentStrategy"]) == (3, "on-release")
        assert set(told["sources"].values()) == {"default"}
        (await client.patch("/api/settings", json={"maxRounds": 5, "coveragePercent": 70})).raise_for_status()
        changed = await client.patch(of_project, json={"maxRounds": 4})
        assert (changed.json()["maxRounds"], changed.json()["coveragePercent"]) == (4, 70)
        sources = changed.json()["sources"]
        assert (sources["maxRounds"], sources["coveragePercent"]) == ("project", "user")
        taken_back = (await client.patch(of_project, json={"maxRounds": None})).json()
        assert (taken_back["maxRounds"], taken_back["sources"]["maxRounds"]) == (5, "user")
        assert (await client.patch(of_project, json={"maxRounds": 21})).status_code == 422
        (await client.patch("/api/settings", json={"maxRounds": None, "coveragePercent": None})).raise_for_status()
    async with gateway.client("operator") as client:
        assert (await client.patch("/api/settings", json={"maxRounds": 5})).status_code == 403


async def test_a_dispatch_is_sent_once(gateway: Gateway, run: Run) -> None:
    repo = (await gateway.github.post("/user/repos", json={"name": "dispatched", "auto_init": True})).json()[
        "full_name"
    ]
    theirs = await create_run(gateway.store, "An idea.", repo, "main")
    body = {"eventType": "qa.run.request", "runId": theirs.id, "nodeId": "issue-1", "params": {"coverageTarget": 0.8}}
    async with gateway.client("operator") as client:
        first = await client.post("/github/dispatch", json=body, headers={"Idempotency-Key": "one"})
        again = await client.post("/github/dispatch", json=body, headers={"Idempotency-Key": "one"})
        other = await client.post(
            "/github/dispatch", json={**body, "nodeId": "issue-2"}, headers={"Idempotency-Key": "one"}
        )
        assert (await client.post("/github/dispatch", json={**body, "eventType": "evil.type"})).status_code == 409
    assert first.status_code == again.status_code == 202, first.text
    assert first.json()["dispatchId"] == again.json()["dispatchId"]
    assert other.status_code == 409
    wanted = {"event": "repository_dispatch", "payload.repository.full_name": repo}
    told = await gateway.worked_all(wanted)
    (one,) = [each.payload["client_payload"] for each in told]
    assert one["dispatchId"] == first.json()["dispatchId"]
    assert (one["runId"], one["nodeId"], one["params"]) == (theirs.id, "issue-1", {"coverageTarget": 0.8})
    assert one["signature"].startswith("sha256=")


async def test_the_gates_of_a_node_and_who_may_let_it_pass(gateway: Gateway, run: Run) -> None:
    async with gateway.client("viewer") as client:
        told = (await client.get(f"/api/runs/{run.id}/gates/issue-145")).json()
        assert (told["nodeId"], told["prNumber"], told["head"]) == ("a", None, None)
        (qa,) = [each for each in told["gates"] if each["name"] == "QA passed on its head"]
        assert (qa["state"], qa["evidence"]) == ("waits", "no commit yet")
        assert (await client.get(f"/api/runs/{run.id}/gates/nothing")).status_code == 404
    async with gateway.client("operator") as client:
        refused = await client.post(f"/api/runs/{run.id}/approve", json={})
        assert refused.status_code == 403
        assert refused.json()["detail"].endswith("to approve a plan or a merge takes approver.")
    async with gateway.client("approver") as client:
        nothing = await client.post(f"/api/runs/{run.id}/approve", json={})
        assert (nothing.status_code, "waits for approval" in nothing.json()["detail"]) == (409, True)
        early = await client.post(f"/api/runs/{run.id}/approve", json={"node": "a"})
        assert (early.status_code, early.json()["detail"].split(".")[0]) == (409, "a has no pull request yet")


async def test_an_approval_by_the_api_names_the_head_and_who_gave_it(gateway: Gateway, run: Run) -> None:
    head = "ab" * 20
    await change_issue(gateway.store, run.id, "a", {"prNumber": 7, "head": head, "testedHead": head})
    async with gateway.client("approver") as client:
        other = await client.post(f"/api/runs/{run.id}/approve", json={"node": "a", "head": "cd" * 20})
        assert (other.status_code, "is not the head of #7" in other.json()["detail"]) == (409, True)
        given = await client.post(f"/api/runs/{run.id}/approve", json={"node": "a", "head": head[:12]})
        assert given.json()["said"] == f"a-approver approves the merge of #7 at {head[:7]} (the API)"
    (word,) = await approvals_of(gateway.store, run.id, "a")
    assert (word.by, word.via, word.head) == ("a-approver", "the API", head)
