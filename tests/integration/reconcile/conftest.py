"""A stack with a second person on its sandbox, and a run that stands in the middle of its work."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx
import pytest

from deployments.ports import free_port
from deployments.process import ready
from deployments.sandbox_server import SEED
from deployments.stack import LocalStack
from ledger.issues import change_issue, get_issue, store_plan
from ledger.models import Issue, IssueStatus, IssueType, Plan, PlanNode, Requirement, Run, RunState, Spec
from ledger.runs import note_run, transition
from ledger.store import Store
from tasks.branches import prepare_branch
from tasks.context import close_context, context
from tasks.github.pulls import READY
from tasks.issues import prepare_labels, sync_issue
from tasks.pulls import open_pull_request
from tasks.repository import prepare_repository
from tests.crash.scenario import HERE, Ground
from tests.crash.scenario import _plant as plant

ANN = "ghp_annAnnAnnAnnAnnAnnAnnAnnAnnAnn"
LEAVES = ("hello", "bye")


def plain(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step as a function of ours, without Prefect around it."""
    return cast("Callable[..., Any]", getattr(step, "fn"))  # noqa: B009 (mypy sees the function, not Prefect's task)


@dataclass(frozen=True)
class Person:
    """Ann, who works on the repository by hand."""

    client: httpx.AsyncClient
    repo: str

    async def say(self, method: str, path: str, **body: Any) -> Any:
        """One request, which must be granted."""
        answer = await self.client.request(method, f"/repos/{self.repo}/{path}", json=body or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def set_issue(self, number: int, state: str) -> None:
        """Close or reopen an issue."""
        await self.say("PATCH", f"issues/{number}", state=state)

    async def set_pull(self, number: int, state: str) -> None:
        """Close or reopen a pull request."""
        await self.say("PATCH", f"pulls/{number}", state=state)

    async def merge(self, number: int, method: str = "merge") -> str:
        """Mark it ready and merge it; the merge commit."""
        pull = await self.say("GET", f"pulls/{number}")
        if pull["draft"]:
            ready = await self.client.post("/graphql", json={"query": READY, "variables": {"id": pull["node_id"]}})
            ready.raise_for_status()
        return str((await self.say("PUT", f"pulls/{number}/merge", merge_method=method))["sha"])

    async def delete_branch(self, branch: str) -> None:
        """Delete a branch."""
        await self.say("DELETE", f"git/refs/heads/{branch}")

    async def commit(self, branch: str, path: str = "by-hand.txt", text: str = "by hand\n") -> str:
        """Commit a file to a branch; the commit."""
        content = base64.b64encode(text.encode()).decode()
        made = await self.say("PUT", f"contents/{path}", message="By hand", content=content, branch=branch)
        return str(made["commit"]["sha"])

    async def rewrite(self, branch: str, sha: str) -> None:
        """Force a branch to another commit."""
        await self.say("PATCH", f"git/refs/heads/{branch}", sha=sha, force=True)

    async def branch(self, name: str) -> str | None:
        """A branch's head."""
        answer = await self.client.get(f"/repos/{self.repo}/git/ref/heads/{name}")
        return str(answer.json()["object"]["sha"]) if answer.status_code == 200 else None

    async def issue(self, number: int) -> dict[str, Any]:
        """An issue or pull request."""
        return dict(await self.say("GET", f"issues/{number}"))

    async def pull(self, number: int) -> dict[str, Any]:
        """A pull request."""
        return dict(await self.say("GET", f"pulls/{number}"))

    async def comments(self, number: int) -> list[str]:
        """What is said under an issue."""
        return [each["body"] for each in await self.say("GET", f"issues/{number}/comments")]


@dataclass(frozen=True)
class Made:
    """A run at EXECUTION_LOOP: an epic with two leaves that are implemented, tested and not yet merged."""

    store: Store
    run: Run
    ann: Person

    async def node(self, key: str) -> Issue:
        """A node as the ledger has it."""
        return await get_issue(self.store, self.run.id, key)

    async def again(self) -> Run:
        """The run as the ledger has it."""
        return await self.store.get(Run, self.run.id)

    async def change(self, key: str, **values: Any) -> None:
        """Set fields of a node (Mongo names)."""
        await change_issue(self.store, self.run.id, key, values)


@pytest.fixture(scope="session")
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
async def grounds(tmp_path_factory: pytest.TempPathFactory, _environment: None) -> AsyncIterator[Ground]:
    """MongoDB, Prefect with one deployment, and a sandbox that knows Ann too; no worker."""
    home = tmp_path_factory.mktemp("reconcile-home")
    async with LocalStack(home, fixed_ports=False, parts=("mongodb", "prefect")) as stack:
        token, port = "ghp_operatorOperatorOperatorOperator", free_port()
        words = ["--data", str(home / "sandbox"), "--port", str(port), "--token", token, "--user", f"ann={ANN}"]
        words += ["--seed", f"demo/tally={SEED}"]
        child = await stack.start_child("github", [sys.executable, "-m", "sandbox", *words], {})
        url = f"http://127.0.0.1:{port}"
        addresses = replace(stack.addresses, github_api_url=url, github_token=token)

        async def answers() -> bool:
            try:
                async with Ground(home, addresses, {}).github() as client:
                    return (await client.get("/repos/demo/tally")).status_code == 200
            except httpx.ConnectError:
                return False

        await ready(child, answers, 60)
        await _deployment(stack.addresses.prefect_api_url)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        ours = {
            **stack.environment(), "SHIPLINE_GITHUB_API_URL": url, "SHIPLINE_GITHUB_TOKEN": token,
            "SHIPLINE_RECORDINGS": str(HERE / "recordings"),
            # It is not the stack's own sandbox, and so would be written to as slowly as GitHub itself.
            "SHIPLINE_GITHUB_WRITES_PER_MINUTE": "0", "SHIPLINE_GITHUB_WRITES_PER_HOUR": "0",
        }  # fmt: skip
        made = Ground(home, addresses, {**kept, **ours})
        await plant(made)
        yield made


async def _deployment(api: str) -> None:
    """The one deployment that reconcile starts, as `prefect deploy` would make it; no worker takes it up."""
    async with httpx.AsyncClient(base_url=f"{api}/", timeout=30) as client:
        await client.post("work_pools/", json={"name": "shipline", "type": "process"})
        flow = (await client.post("flows/", json={"name": "deliver"})).json()["id"]
        body = {
            "name": "deliver",
            "flow_id": flow,
            "work_pool_name": "shipline",
            "entrypoint": "flows/deliver.py:deliver",
        }
        for _ in range(10):  # SQLite is busy for a moment after the start
            if (await client.post("deployments/", json=body)).status_code in (200, 201):
                return
            await asyncio.sleep(1)
        raise AssertionError("Prefect took no deployment")


@pytest.fixture
async def ground(grounds: Ground, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """The same, with this process configured for it."""
    for name, value in grounds.environment.items():
        monkeypatch.setenv(name, value)
    yield grounds
    await close_context()


@pytest.fixture
async def ann(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox, as Ann."""
    headers = {"Authorization": f"Bearer {ANN}"}
    async with httpx.AsyncClient(base_url=ground.addresses.github_api_url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
async def made(ground: Ground, ann: httpx.AsyncClient) -> Made:
    """A run in the middle of its work, made by the real steps."""
    run = await ground.new_run()
    store = (await context()).store
    need = [Requirement(id="R1", text="Words.")]
    spec = Spec(title="Words", problem="None.", goals=["G."], requirements=need, acceptance_criteria=["A."])
    await note_run(store, run.id, {"spec": spec.model_dump(by_alias=True)})
    await transition(store, run.id, RunState.SPEC_WRITING, "spec")
    await plain(prepare_repository)(run.id)
    await transition(store, run.id, RunState.ISSUE_TREE, "plan")
    task = {"type": IssueType.TASK, "parent": "epic", "requirements": ["R1"], "acceptance_criteria": ["A"]}
    nodes = [PlanNode(key=key, title=key.title(), files=[f"{key}.txt"], **task) for key in LEAVES]
    plan = Plan(nodes=[PlanNode(key="epic", type=IssueType.EPIC, title="Epic"), *nodes])
    await store_plan(store, run, plan)
    await plain(prepare_labels)(run.id)
    for key in ("epic", *LEAVES):
        await plain(sync_issue)(run.id, key)
    await transition(store, run.id, RunState.EXECUTION_LOOP, "work")
    person = Person(ann, run.repo)
    for key in ("epic", *LEAVES):
        await plain(prepare_branch)(run.id, key)
    mine = Person(ground.github(), run.repo)
    async with mine.client:
        for key in LEAVES:
            branch = str((await get_issue(store, run.id, key)).branch)
            head = await mine.commit(branch, f"{key}.txt", f"{key}\n")
            await change_issue(store, run.id, key, {"head": head, "testedHead": head, "status": IssueStatus.QA})
            await plain(open_pull_request)(run.id, key)
    await change_issue(store, run.id, "epic", {"status": IssueStatus.IN_PROGRESS, "testedHead": "an earlier head"})
    return Made(store, await store.get(Run, run.id), person)
