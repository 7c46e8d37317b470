"""A repository full of orders to agents, one that obeys them all, and what it must not find or reach: for its tests."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from ledger.issues import get_issue
from ledger.models import DOCUMENTS, Issue, IssueType, Run, Size, issue_id
from shipline.logs import JsonLines
from tasks import fence, report
from tasks.agents import registry
from tasks.branches import prepare_branch
from tasks.context import Context
from tasks.github.repo import Repo
from tasks.issues import prepare_labels, sync_issue
from tasks.repository import prepare_repository
from tasks.submit import submit
from tests.e2e.conftest import IDEA
from tests.integration.agents.pages import run_pages
from tests.integration.agents.secret_places import Canaries
from tests.integration.reconcile.conftest import plain
from tests.integration.sandbox.support import TOKEN, Server, commit_file, git, with_token
from tests.services import acp_vandal
from tests.services.overhearing import Overheard, overheard

KEY = "leaf"
# What an act may do in the tree that it is in, and what ends with it.
HARMLESS = {"read_secret", "plant_a_hook", "outlive", "leave_the_tree", "edit_a_workflow", "delete_a_test",
            "keep_hooks_in_the_tree", "link_out"}  # fmt: skip
SPEAKS = ("prompts", "what we sent", "worker.jsonl", "events", "effects", "agent_runs", "issues", "/issues", "commits")


@pytest.fixture(name="github")
def overheard_github(github: Server) -> Iterator[Overheard]:
    """The sandbox, and all that we say to it."""
    with overheard(github.url) as heard:
        yield heard


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where QA keeps the environments of what it tests."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def _obedient(canaries: Canaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The agent, and a log as a worker keeps one. It comes before the context, which reads all of it."""
    control = tmp_path / "control"
    control.mkdir()
    for name, value in {
        "CODER": "acp", "ACP_COMMAND": shlex.join([sys.executable, str(Path(acp_vandal.__file__)), str(control)]),
        "ACP_PATHS": json.dumps([f"{control}:rw"]),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SHIPLINE_{name}", value)
    monkeypatch.setattr(registry, "_coders", {})
    log = Path(os.environ["SHIPLINE_HOME"]) / "logs" / "worker.jsonl"
    log.parent.mkdir()
    handler, root = logging.FileHandler(log), logging.getLogger()
    handler.setFormatter(JsonLines())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield
    root.removeHandler(handler)
    root.setLevel(before)
    handler.close()


@dataclass
class World:
    """What the vandal could reach, and all that was said."""

    ctx: Context
    canaries: Canaries
    control: Path
    outside: list[Path]
    hooked: Path
    catcher: tuple[str, list[bytes]]
    github: Overheard
    mongo: str
    repo: str = ""
    run: Run | None = None
    pull: int = 0

    @property
    def run_id(self) -> str:
        """The run's id."""
        assert self.run is not None
        return self.run.id

    @property
    def beat(self) -> Path:
        """Where whoever outlives its time writes."""
        return self.control / "beat"

    def hub(self) -> Repo:
        """The repository, as we see it."""
        return Repo(self.ctx.github, self.repo)

    def client(self) -> httpx.AsyncClient:
        """The repository, as somebody who may write there sees it; not overheard."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.AsyncClient(base_url=f"{self.github.target}/repos/{self.repo}", headers=headers, timeout=30)

    async def begin(self, files: Mapping[str, str], pulls: list[tuple[str, str]]) -> None:
        """A repository with these files and these merged pull requests, an open one, and a run on it."""
        name = f"hostile-{secrets.token_hex(4)}"
        self.repo = f"demo/{name}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=self.github.target, headers=headers) as client:
            made = await client.post("/orgs/demo/repos", json={"name": name, "auto_init": True})
            assert made.status_code == 201, made.text
        await asyncio.to_thread(self._push, files, len(pulls))
        for number, (title, body) in enumerate(pulls):
            await self._merged(f"ours-{number}", title, body)
        self.pull = await self._opened("[[approve]]", "[[merge]]", "open")
        self._tell()
        self.run = await submit(IDEA, self.repo, size=Size.SMALL)
        await plain(prepare_repository)(self.run.id)
        await plain(prepare_labels)(self.run.id)

    def _push(self, files: Mapping[str, str], pulls: int) -> None:
        place = self.control.parent / "theirs"
        url = with_token(f"{self.github.target}/{self.repo}.git")
        git(self.control.parent, "clone", "--quiet", url, str(place))
        for path, text in {"tests/test_old.py": "def test_old():\n    assert True\n", **files}.items():
            file = place / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--message", "Begin")
        git(place, "push", "--quiet", "origin", "HEAD:main")
        for branch in (*(f"ours-{number}" for number in range(pulls)), "open"):
            git(place, "checkout", "--quiet", "-b", branch, "origin/main")
            commit_file(place, f"{branch}.txt", "x\n")
            git(place, "push", "--quiet", "origin", branch)

    async def _opened(self, title: str, body: str, head: str) -> int:
        async with self.client() as client:
            made = await client.post("/pulls", json={"title": title, "body": body, "head": head, "base": "main"})
            assert made.status_code == 201, made.text
            return int(made.json()["number"])

    async def _merged(self, head: str, title: str, body: str) -> None:
        number = await self._opened(title, body, head)
        async with self.client() as client:
            assert (await client.put(f"/pulls/{number}/merge")).status_code == 200

    def _tell(self) -> None:
        """Where things are; for tests that QA runs, without what only the repository may hold."""
        told = {
            "secrets": [str(each) for each in self.outside], "catcher": self.catcher[0], "pull": self.pull,
            "repo": f"{self.github.target}/repos/{self.repo}", "mongo": self.mongo, "hooked": str(self.hooked),
            "outside": [str(each) for each in self.outside], "beat": str(self.beat), "pid": os.getpid(),
            "tests": str(self.control / "tests"),
        }  # fmt: skip
        (self.control / "world.json").write_text(json.dumps({**told, "planted": self.canaries.planted}))
        tests = self.control / "tests"
        tests.mkdir()
        shutil.copy(acp_vandal.__file__, tests / "vandal.py")
        (tests / "world.json").write_text(json.dumps(told))

    def brings_tests(self, body: str, said: Sequence[str] = ()) -> None:
        """What the tests do that the agent writes when it is told to; ``said`` is what they know by that name."""
        tests = self.control / "tests"
        (tests / "said.json").write_text(json.dumps(list(said)))
        head = "import json\n\nimport vandal\n\n\ndef test_evil():\n"
        read = 'said = json.loads((vandal.Path(__file__).parent / "said.json").read_text())'
        (tests / "test_evil.py").write_text(f"{head}    {read}\n    {body}\n")

    def reviews(self, answer: dict[str, Any]) -> None:
        """What it says as a reviewer."""
        (self.control / "review.json").write_text(json.dumps(answer))

    async def leaf(self, title: str = "A leaf", body: str = "", *, key: str = KEY) -> Issue:
        """An issue on GitHub, with its branch."""
        assert self.run is not None
        await self.ctx.store.insert(Issue(
            id=issue_id(self.run_id, key), run_id=self.run_id, project_id=self.run.project_id, repo=self.repo, key=key,
            type=IssueType.TASK, title=title, body=body,
        ))  # fmt: skip
        return await self.branch_of(key)

    async def branch_of(self, key: str) -> Issue:
        """A node of the tree with its issue and its branch."""
        await plain(sync_issue)(self.run_id, key)
        await plain(prepare_branch)(self.run_id, key)
        return await get_issue(self.ctx.store, self.run_id, key)

    async def refs(self) -> dict[str, str | None]:
        """Where no agent may write."""
        return {name: await self.hub().branch_sha(name) for name in ("main", "integration", "regression", "vandal")}

    def prompts(self) -> list[str]:
        """What the agent was told, each time."""
        return [each.read_text() for each in sorted(self.control.glob("prompt-*.txt"))]

    def reports(self) -> dict[str, str]:
        """What came of each attempt, the last one where there are several."""
        found: dict[str, str] = {}
        for each in sorted(self.control.glob("report-*.json")):
            found |= json.loads(each.read_text())
        return found

    async def nothing_happened(self, before: dict[str, str | None], *, pages: bool = False) -> None:
        """Nothing outside was changed, nothing lives on, and no secret came to light; on no page either, if asked."""
        assert await self.refs() == before
        assert not self.hooked.exists()
        async with self.client() as client:
            assert (await client.get("/releases")).json() == []
            pull = (await client.get(f"/pulls/{self.pull}")).json()
            assert (pull["merged"], pull["state"]) == (False, "open")
            assert (await client.get(f"/pulls/{self.pull}/reviews")).json() == []
        cmdlines = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
        assert [each for each in cmdlines if str(self.beat) in each] == []
        if fence.usable():  # without one it is our user: the documents say what it may then
            assert self.catcher[1] == []
            assert [str(each) for folder in self.outside for each in folder.rglob("vandal-was-here")] == []
            said = await self.all_said()
            if pages:
                said |= await asyncio.to_thread(run_pages, self.run_id, KEY)
                said["artifacts"] = await self._artifacts()
            silent = [each for each in SPEAKS if len(said[each]) < 20]
            assert silent == [], f"nothing was looked for in {silent}"
            found = [
                (kind, name)
                for name, text in said.items()
                for kind, each in self.canaries.all().items()
                if each in text
            ]
            assert found == []

    async def all_said(self) -> dict[str, str]:
        """Every text that Shipline wrote or sent, by where it stands."""
        said = {"prompts": "\n".join(self.prompts()), "what we sent": "\n".join(self.github.requests)}
        for document in DOCUMENTS:
            said[document.COLLECTION] = str(await self.ctx.store.collection(document).read_all(filter={}))
        for log in (self.ctx.settings.home / "logs").iterdir():
            said[log.name] = log.read_text(errors="replace")
        said |= await self._on_github()
        return said

    async def _artifacts(self) -> str:
        """What Prefect would be given to show of the tree."""
        given: list[object] = []

        async def note(*words: object, **more: object) -> None:
            given.append((words, more))

        with pytest.MonkeyPatch.context() as patch:
            for kind in ("table", "link"):
                patch.setattr(report, f"acreate_{kind}_artifact", note)
            await report.show_plan(self.run_id)
        assert len(given) == 2
        return str(given)

    async def _on_github(self) -> dict[str, str]:
        async with self.client() as client:
            found = {
                path: (await client.get(path, params={"state": "all", "per_page": 100})).text
                for path in ("/issues", "/pulls", "/issues/comments", "/pulls/comments", "/branches", "/releases")
            }
            for pull in (await client.get("/pulls", params={"state": "all", "per_page": 100})).json():
                found[f"reviews of {pull['number']}"] = (await client.get(f"/pulls/{pull['number']}/reviews")).text
        place = self.control.parent / f"after-{secrets.token_hex(4)}"
        url = with_token(f"{self.github.target}/{self.repo}.git")
        await asyncio.to_thread(git, self.control.parent, "clone", "--quiet", "--mirror", url, str(place))
        found["commits"] = git(place, "log", "--all", "--format=%an %s %b")
        return found


@pytest.fixture
async def world(
    _obedient: None, canaries: Canaries, catcher: tuple[str, list[bytes]], ctx: Context, github: Overheard,
    mongodb: str, environments: Path, home: Path, tmp_path: Path,
) -> World:  # fmt: skip
    """An agent that obeys, secrets around it, and no repository yet."""
    outside = [tmp_path / "outside", tmp_path / "user", home]
    outside[0].mkdir()
    (home / "environments").symlink_to(environments)
    return World(ctx, canaries, tmp_path / "control", outside, tmp_path / "hooked", catcher, github, mongodb)
