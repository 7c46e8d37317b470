"""Projects and their code through the API: connected, in pages, written once, and with who asked for it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx
import pytest

from ledger.issues import store_plan
from ledger.models import Event, Issue, IssueType, Plan, PlanNode, Run
from ledger.runs import create_run
from tests.integration.gateway.conftest import Gateway


@pytest.fixture
async def repo(gateway: Gateway) -> str:
    """A repository with a first commit."""
    made = {"name": f"p-{uuid.uuid4().hex[:8]}", "auto_init": True}
    return str((await gateway.github.post("/user/repos", json=made)).raise_for_status().json()["full_name"])


async def connected(client: httpx.AsyncClient, repo: str) -> str:
    """The project's id."""
    answer = await client.post("/api/projects", json={"repo": repo})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def links(answer: httpx.Response) -> dict[str, str]:
    """The pages beside, by what they are."""
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers.get("link", ""))}


async def test_a_repository_is_connected_once_and_only_when_it_is_there(gateway: Gateway, repo: str) -> None:
    async with gateway.client("operator") as client:
        first = await client.post("/api/projects", json={"repo": repo, "name": "Payments"})
        assert (first.status_code, first.json()["name"], first.json()["defaultBranch"]) == (201, "Payments", "main")
        again = (await client.post("/api/projects", json={"repo": repo})).json()
        assert (again["id"], again["name"]) == (first.json()["id"], "Payments")
        missing = await client.post("/api/projects", json={"repo": "operator/not-there"})
        assert (missing.status_code, "There is no repository" in missing.json()["detail"]) == (404, True)
        listed = (await client.get("/api/projects")).json()
        assert [each["id"] for each in listed if each["repo"] == repo] == [first.json()["id"]]
    async with gateway.client("viewer") as client:
        assert (await client.post("/api/projects", json={"repo": repo})).status_code == 403


async def test_lists_come_in_pages_that_name_the_ones_beside(gateway: Gateway, repo: str) -> None:
    async with gateway.client("approver") as client:
        project = await connected(client, repo)
        for number in range(4):
            made = {"branchName": f"side-{number}", "baseBranch": "main"}
            assert (await client.post(f"/api/projects/{project}/branches", json=made)).status_code == 201
            await create_run(gateway.store, f"Idea {number}.", repo, "main")
        seen: list[str] = []
        path = f"/api/projects/{project}/branches?per_page=2"
        for _ in range(4):
            answer = await client.get(path)
            seen += [each["name"] for each in answer.json()]
            if "next" not in links(answer):
                break
            path = links(answer)["next"]
        assert seen == ["main", "side-0", "side-1", "side-2", "side-3"]
        runs = await client.get(f"/api/runs?repo={repo}&per_page=3")
        assert [each["ideaText"] for each in runs.json()] == ["Idea 3.", "Idea 2.", "Idea 1."]
        rest = await client.get(links(runs)["next"])
        assert [each["ideaText"] for each in rest.json()] == ["Idea 0."]
        assert links(rest).keys() == {"first", "prev"}
        agents = await client.get("/api/agents?per_page=5&page=3")
        assert len(agents.json()) == 2
        for empty in ("/repos?page=900", f"/api/projects/{project}/deployments", f"/api/projects/{project}/prs"):
            answer = await client.get(empty)
            assert "next" not in links(answer), empty
        assert (await client.get("/api/runs?page=0")).status_code == 422
        described = (await client.get("/openapi.json")).json()["paths"]
    for path in ("/api/runs", "/api/agents", "/repos", "/api/projects", "/api/projects/{id}/acts",
                 *(f"/api/projects/{{id}}/{each}" for each in ("branches", "prs", "deployments"))):  # fmt: skip
        assert {"page", "per_page"} <= {each["name"] for each in described[path]["get"]["parameters"]}, path
        assert "Link" in described[path]["get"]["responses"]["200"]["headers"], path


async def test_a_file_is_read_and_written_once_and_not_over_somebody_else_s(gateway: Gateway, repo: str) -> None:
    async with gateway.client("approver") as client:
        project = await connected(client, repo)
        await client.post(f"/api/projects/{project}/branches", json={"branchName": "side", "baseBranch": "main"})
        at, file = f"/api/projects/{project}/files", {"path": "docs/a.txt", "branch": "side", "message": "Write it"}
        made = await client.put(at, json={**file, "text": "one\n"})
        assert made.status_code == 200, made.text
        assert (await client.put(at, json={**file, "text": "one\n"})).json()["commit"] is None  # so already
        read = (await client.get(at, params={"path": "docs/a.txt", "ref": "side"})).json()
        assert (read["text"], read["sha"]) == ("one\n", made.json()["sha"])
        changed = await client.put(at, json={**file, "text": "two\n", "sha": read["sha"]})
        assert changed.json()["commit"]
        late = await client.put(at, json={**file, "text": "three\n", "sha": read["sha"]})
        assert (late.status_code, late.json()["detail"]) == (409, "docs/a.txt is another one meanwhile.")
        kept = await client.put(at, json={**file, "branch": "main", "text": "x"})
        assert (kept.status_code, "pull requests alone" in kept.json()["detail"]) == (409, True)
        wrong: list[tuple[dict[str, str], int]] = [
            ({"path": "docs/a.txt"}, 404), ({"path": "docs", "ref": "side"}, 409),
            ({"path": "../a"}, 409), ({"path": "docs/../../pulls"}, 409),
            ({"path": "/etc/passwd"}, 422), ({"path": "a", "ref": "nowhere"}, 404),
        ]  # fmt: skip
        for asked, status in wrong:
            assert (await client.get(at, params=asked)).status_code == status, asked
        acts = (await client.get(f"/api/projects/{project}/acts")).json()
    assert [(each["by"], each["what"].split(" as ")[0]) for each in acts] == [
        ("a-approver", "docs/a.txt on side"), ("a-approver", "docs/a.txt on side"),
        ("a-approver", acts[2]["what"]),
    ]  # fmt: skip
    assert acts[2]["what"].startswith("branch side from main at ")


async def _planned(gateway: Gateway, repo: str) -> Run:
    run = await create_run(gateway.store, "An idea.", repo, "main")
    nodes = [
        PlanNode(key="epic", type=IssueType.EPIC, title="Words"),
        PlanNode(key="f", type=IssueType.FEATURE, title="Greetings", parent="epic"),
        PlanNode(key="a", type=IssueType.TASK, title="Say hello", parent="f"),
    ]
    await store_plan(gateway.store, run, Plan(nodes=nodes))
    for number, key in ((11, "epic"), (12, "f")):
        await gateway.store.change(Issue, f"{run.id}/{key}", {"number": number})
    return run


async def test_an_issue_gets_its_branch_from_above_and_its_pull_request(gateway: Gateway, repo: str) -> None:
    run = await _planned(gateway, repo)
    base = f"/api/projects/{run.project_id}/issues"
    async with gateway.client("approver") as client:
        early = await client.post(f"{base}/a/branch")
        assert (early.status_code, early.json()["detail"]) == (409, "a is not on GitHub yet.")
        await gateway.store.change(Issue, f"{run.id}/a", {"number": 13})
        made = await client.post(f"{base}/13/branch")
        assert (made.status_code, made.json()["name"], made.json()["nodeId"]) == (201, "task/13-say-hello", "a")
        assert (await client.post(f"{base}/13/branch")).json() == made.json()
        names = [each["name"] for each in (await client.get(f"/api/projects/{run.project_id}/branches")).json()]
        assert names == ["epic/11-words", "feature/12-greetings", "integration", "main", "task/13-say-hello"]
        nothing = await client.post(f"{base}/13/pr")
        assert (nothing.status_code, "No commits between" in nothing.json()["detail"]) == (409, True), nothing.text
        file = {"path": "hello.txt", "branch": "task/13-say-hello", "text": "Hello\n", "message": "Say hello"}
        assert (await client.put(f"/api/projects/{run.project_id}/files", json=file)).status_code == 200
        pull = await client.post(f"{base}/13/pr")
        assert pull.status_code == 201, pull.text
        assert (pull.json()["base"], pull.json()["draft"]) == ("feature/12-greetings", True)
        assert (await client.post(f"{base}/issue-13/pr")).json()["number"] == pull.json()["number"]
    said = [each.msg for each in await gateway.store.find(Event, {"runId": run.id, "nodeId": "a"}, [("seq", 1)])]
    assert "a-approver: branch task/13-say-hello for a" in said
    assert f"a-approver: pull request #{pull.json()['number']} for a" in said
    assert len([each for each in said if each.startswith("a-approver")]) == 2  # what was there already is not told


async def test_long_lived_branches_are_made_and_regression_is_brought_up(gateway: Gateway, repo: str) -> None:
    async with gateway.client("approver") as client:
        project = await connected(client, repo)
        made: list[dict[str, Any]] = (await client.post(f"/api/projects/{project}/prepare")).json()
        assert [each["name"] for each in made] == ["integration", "regression"]
        assert (await client.post(f"/api/projects/{project}/regression")).json() == {
            "sha": made[1]["sha"], "merged": False,
        }  # fmt: skip
        text = {"message": "More", "content": "aGVsbG8=", "branch": "integration"}
        (await gateway.github.put(f"/repos/{repo}/contents/more.txt", json=text)).raise_for_status()
        brought = (await client.post(f"/api/projects/{project}/regression")).json()
        assert brought["merged"]
        there = (await gateway.github.get(f"/repos/{repo}/contents/more.txt?ref=regression")).json()
        assert there["path"] == "more.txt"
        acts = [each["what"].split(" at ")[0] for each in (await client.get(f"/api/projects/{project}/acts")).json()]
    assert acts == [
        f"regression brought up to integration as {brought['sha'][:7]}",
        "branch regression from integration", "branch integration from main",
    ]  # fmt: skip
    async with gateway.client("operator") as client:
        assert (await client.post(f"/api/projects/{project}/regression")).status_code == 403
