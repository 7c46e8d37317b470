"""A ledger and a sandbox with a small repository, and runs of it that stand before their release."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

import flows.deploy
import flows.filing
import flows.release
from deployments.stack import LocalStack, StackAddresses
from flows.telling import until_it_ends
from ledger.effects import Key
from ledger.issues import change_issue, store_plan
from ledger.models import (
    AgentOutput,
    AgentResult,
    Effect,
    EffectKind,
    EffectStatus,
    IssueStatus,
    IssueType,
    Lease,
    Outcome,
    Plan,
    PlanNode,
    Requirement,
    Run,
    RunState,
    Spec,
    now,
)
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import ShiplineError
from tasks.administration import change_settings
from tasks.context import close_context, context
from tasks.deploy import again
from tasks.deploy.retire import stop_deployment
from tasks.issues import prepare_labels, sync_issue

_numbers = count(1)
STORY = {"headline": "It rings", "summary": "The bell rings.", "highlights": ["Ring it"]}
SPEC = Spec(
    title="Ring", problem="It is silent.", goals=["Ring."], requirements=[Requirement(id="R1", text="It rings.")],
    acceptance_criteria=["It rings."],
)  # fmt: skip
PYPROJECT = """[project]
name = "bell"
version = "0.1.0"

[tool.shipline.deploy]
command = "python serve.py --host {host} --port {port}"
health = "/healthz"
"""
SERVE = """import argparse, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

if pathlib.Path("cracked").exists():
    sys.exit("the bell is cracked")

class Bell(BaseHTTPRequestHandler):
    def do_GET(self):
        body = pathlib.Path("sound.txt").read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

asked = argparse.ArgumentParser()
asked.add_argument("--host")
asked.add_argument("--port", type=int)
given = asked.parse_args()
HTTPServer((given.host, given.port), Bell).serve_forever()
"""
BELL = {"pyproject.toml": PYPROJECT, "serve.py": SERVE, "sound.txt": "silence"}
# What of the flows is a Prefect task; here the functions themselves are called.
STEPS = {
    flows.release: ("prepare_release", "publish_release", "upload_files", "deploy_release"),
    flows.filing: ("file_defect", "sync_issue", "link_issue", "close_issue", "reopen_issue", "open_pull_request"),
    again: ("deploy",),
}


def plain(step: Any) -> Callable[..., Any]:
    """A step as a function of ours, without Prefect around it."""
    return cast("Callable[..., Any]", getattr(step, "fn"))  # noqa: B009 (mypy sees the function, not Prefect's task)


@dataclass
class Bench:
    """One repository, and what a test does with it."""

    store: Store
    addresses: StackAddresses
    folder: Path
    repo: str
    runs: list[Run] = field(default_factory=list)

    def github(self) -> httpx.AsyncClient:
        """The sandbox's REST API, below the repository."""
        headers = {"Authorization": f"Bearer {self.addresses.github_token}"}
        return httpx.AsyncClient(base_url=f"{self.addresses.github_api_url}/repos/{self.repo}", headers=headers)

    async def ask(self, path: str) -> Any:
        """What GitHub answers."""
        async with self.github() as client:
            return (await client.get(path)).raise_for_status().json()

    def git(self, *words: str) -> str:
        """git in the clone."""
        named = ["-c", "user.name=A person", "-c", "user.email=person@example.org"]
        done = subprocess.run(["git", *named, *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None], message: str) -> str:
        """Commit to ``integration`` (None removes a file) and push; the commit."""
        self.git("pull", "--quiet", "--rebase", "origin", "integration")
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        self.git("push", "--quiet", "origin", "HEAD:integration")
        return self.git("rev-parse", "HEAD")

    async def merged(self, files: Mapping[str, str | None], title: str, *, tests: list[str] | None = None) -> Run:
        """A run that stands at RELEASE: one task, merged."""
        base = self.git("ls-remote", "origin", "refs/heads/integration").split()[0]
        sha = self.commit(files, f"{title} (#2)")
        run = await create_run(self.store, "Let it ring.", self.repo, "main")
        values = {"spec": SPEC.model_dump(by_alias=True), "baseSha": base, "state": RunState.RELEASE}
        await self.store.change(Run, run.id, values)
        nodes = [
            PlanNode(key="epic", type=IssueType.EPIC, title="Ring", requirements=["R1"]),
            PlanNode(key="ring", type=IssueType.TASK, title=title, parent="epic", requirements=["R1"]),
        ]
        await store_plan(self.store, run, Plan(nodes=nodes))
        await plain(prepare_labels)(run.id)
        for key in ("epic", "ring"):
            await plain(sync_issue)(run.id, key)
            done = {"status": IssueStatus.DONE, "prNumber": 9, "mergedSha": sha, "branch": f"task/{key}"}
            await change_issue(self.store, run.id, key, done)
        shown = ["tests/test_bell.py::test_it_rings"] if tests is None else tests
        await change_issue(self.store, run.id, "ring", {"tests": shown})
        await self._told(run)
        self.runs.append(run)
        return await self.again(run)

    async def _told(self, run: Run) -> None:
        """The release manager's answer, as if it had been asked."""
        key = Key(run.id, "run", "1", EffectKind.AGENT_RELEASE_MANAGER)
        result = AgentResult(output=AgentOutput(answer=STORY))
        about = {"run_id": run.id, "node_key": "run", "kind": key.kind, "lease": Lease(owner="", until=now())}
        outcome = result.model_dump(mode="json")
        await self.store.insert(Effect(id=str(key), status=EffectStatus.SUCCEEDED, outcome=outcome, **about))

    async def again(self, run: Run) -> Run:
        """The run as the ledger has it."""
        return await self.store.get(Run, run.id)

    async def release(self, run: Run) -> Run:
        """The stage, to the run's end; the run as it ended."""
        stage = flows.release.release.fn.__wrapped__  # type: ignore[attr-defined]  # it is a Flow

        async def road() -> Outcome:
            await stage(run.id)
            return Outcome.SUCCEEDED

        with contextlib.suppress(ShiplineError):  # it is written in the run
            await until_it_ends(run.id, road())
        return await self.again(run)

    async def settings(self, **values: Any) -> None:
        """Set some of the project's."""
        await change_settings(self.repo, values, by="ann")

    async def sound(self, url: str | None) -> str:
        """What is heard there; nothing when nobody listens."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            try:
                return (await client.get(f"{url}/sound.txt")).text
            except httpx.TransportError:
                return ""


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """MongoDB and the sandbox."""
    local = LocalStack(tmp_path_factory.mktemp("deploy-home"), fixed_ports=False, parts=("mongodb", "sandbox"))
    async with local:
        yield local


@pytest.fixture
async def bench(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A repository with a bell that can be deployed, at ``integration``."""
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    await close_context()
    for module, names in STEPS.items():
        for name in names:
            monkeypatch.setattr(module, name, plain(getattr(module, name)))

    async def unseen(*_: object) -> None:
        """Prefect shows it."""

    monkeypatch.setattr(flows.release, "show_release", unseen)
    repo, folder = f"demo/bell-{next(_numbers)}-{os.getpid()}", tmp_path / "bell"
    made = Bench((await context()).store, stack.addresses, folder, repo)
    owner, _, name = repo.partition("/")
    headers = {"Authorization": f"Bearer {stack.addresses.github_token}"}
    async with httpx.AsyncClient(base_url=stack.addresses.github_api_url, headers=headers) as client:
        url = (await client.post(f"/orgs/{owner}/repos", json={"name": name})).raise_for_status().json()["clone_url"]
    folder.mkdir()
    made.git("init", "--quiet", "-b", "main")
    made.git("remote", "add", "origin", url.replace("://", f"://x:{stack.addresses.github_token}@", 1))
    for path, text in BELL.items():
        (folder / path).write_text(text)
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "A bell")
    made.git("push", "--quiet", "origin", "HEAD:main", "HEAD:integration")
    yield made
    for run in made.runs:
        await stop_deployment(run.id)
    await close_context()
