"""What a delivery left behind, on GitHub and in the ledger, so that two deliveries can be compared.

Numbers, commits, times and the run's id differ from run to run; they are replaced by what they stand for.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from ledger.issues import read_tree
from ledger.models import AgentRun, Deployment, Effect, Run
from ledger.rules.tree import Tree
from ledger.timeline import verify
from tests.crash.scenario import Ground

World = Counter[str]


@dataclass(frozen=True)
class Difference:
    """How one world differs from another: what is there too often, what is missing."""

    duplicates: list[str]
    lost: list[str]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.duplicates or self.lost)


def compare(world: World, reference: World) -> Difference:
    """Each fact counts; one that only looks different is one too many and one lost."""
    return Difference(sorted((world - reference).elements()), sorted((reference - world).elements()))


async def look(at: Ground, run_id: str) -> World:
    """Everything that the run left, one line a fact."""
    store = await at.store()
    run = await store.get(Run, run_id)
    tree = await read_tree(store, run_id)
    plain = _Plain(run, tree)
    facts: list[str] = []
    async with at.github() as client:
        hub = _Hub(client, run.repo)
        facts += [plain(each) async for each in _issues(hub)]
        facts += [plain(each) async for each in _pulls(hub)]
        facts += [plain(each) async for each in _releases(hub)]
        facts += [plain(each) async for each in _deployments(hub)]
        facts += [f"label {each['name']}" for each in await hub.all("labels")]
    facts += [plain(each) for each in await asyncio.to_thread(_git, at, run.repo)]
    facts += [f"run {run.state} {run.outcome} {run.release and run.release.tag}"]
    facts += [
        f"node {each.key} {each.status} round {each.round} {each.failure} merged {bool(each.merged_sha)}"
        for each in tree.issues
    ]
    facts += [
        plain(f"effect {each.kind} of {each.node_key} {each.status}")
        for each in await store.find(Effect, {"runId": run_id})
    ]
    facts += [
        f"agent {each.id.split('/', 1)[1]} {each.status}" for each in await store.find(AgentRun, {"runId": run_id})
    ]
    facts += [f"deployment {each.version} {each.status}" for each in await store.find(Deployment, {"runId": run_id})]
    facts += [f"chain: {problem}" for problem in (await verify(store, run_id))[1]]
    facts += left_over(at, run_id)
    return Counter(re.sub(r"/[0-9a-f]{7,12}(-[0-9a-f]{7})? ", "/SHA ", fact + " ").strip() for fact in facts)


class _Hub:
    def __init__(self, client: httpx.AsyncClient, repo: str) -> None:
        self._client, self._repo = client, repo

    async def all(self, path: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in range(1, 50):
            asked = {**query, "per_page": "100", "page": str(page)}
            answer = await self._client.get(f"/repos/{self._repo}/{path}", params=asked)
            answer.raise_for_status()
            found += answer.json()
            if len(answer.json()) < 100:
                break
        return found

    async def one(self, path: str) -> dict[str, Any]:
        return dict((await self._client.get(f"/repos/{self._repo}/{path}")).raise_for_status().json())


class _Plain:
    """Text without what differs from run to run."""

    def __init__(self, run: Run, tree: Tree) -> None:
        self._run = run
        self._names = {each.number: each.key for each in tree.issues if each.number}
        self._names |= {each.pr_number: f"pull-of-{each.key}" for each in tree.issues if each.pr_number}

    def __call__(self, text: str) -> str:
        text = text.replace(self._run.id, "RUN").replace(self._run.repo, "REPO")
        text = re.sub(r"#(\d+)\b", self._name, text)
        text = re.sub(r"(?<=epic/|task/)(\d+)(?=-)", self._name, text)
        text = re.sub(r"(?<=feature/)(\d+)(?=-)", self._name, text)
        text = re.sub(r"(?<=docs/specs/)(\d+)(?=-)", self._name, text)
        text = re.sub(r"stood at \d+", "stood at N", text)
        text = re.sub(r"\b\d+(\.\d+)? ?s\b", "T", text)
        text = re.sub(r"http://127\.0\.0\.1:\d+", "HOST", text)
        return re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b|\b[0-9a-f]{12}\b", "SHA", text)

    def _name(self, found: re.Match[str]) -> str:
        return f"<{self._names.get(int(found.group(1)), 'nobody')}>"


async def _issues(hub: _Hub) -> AsyncIterator[str]:
    for issue in await hub.all("issues", state="all"):
        if "pull_request" in issue:
            continue
        number = issue["number"]
        if issue["state_reason"] == "duplicate":
            yield f"taken back: issue {issue['title']}"
            continue
        labels = ",".join(sorted(each["name"] for each in issue["labels"]))
        yield f"issue {issue['title']} {issue['state']}/{issue['state_reason']} [{labels}] {issue['body']}"
        for child in await hub.all(f"issues/{number}/sub_issues"):
            yield f"sub-issue of #{number}: #{child['number']}"
        for other in await hub.all(f"issues/{number}/dependencies/blocked_by"):
            yield f"#{number} waits for #{other['number']}"
        for comment in await hub.all(f"issues/{number}/comments"):
            yield f"comment on #{number}: {comment['body']}"


async def _pulls(hub: _Hub) -> AsyncIterator[str]:
    for listed in await hub.all("pulls", state="all"):
        number = listed["number"]
        pull = await hub.one(f"pulls/{number}")
        way = f"{pull['head']['ref']} into {pull['base']['ref']}"
        state = f"{pull['state']} merged {pull['merged']} draft {pull['draft']}"
        yield f"pull {pull['title']}: {way}, {state} {pull['body']}"
        for comment in await hub.all(f"issues/{number}/comments"):
            yield f"comment on #{number}: {comment['body']}"
        for review in await hub.all(f"pulls/{number}/reviews"):
            yield f"review of #{number}: {review['state']} {review['body']}"


async def _releases(hub: _Hub) -> AsyncIterator[str]:
    for release in await hub.all("releases"):
        yield f"release {release['tag_name']} {release['name']} draft {release['draft']} {release['body']}"
        for each in release["assets"]:
            yield f"file of {release['tag_name']}: {each['name']}"


async def _deployments(hub: _Hub) -> AsyncIterator[str]:
    for each in await hub.all("deployments"):
        yield f"deployment of {each['ref']} to {each['environment']}"
        for word in await hub.all(f"deployments/{each['id']}/statuses"):
            yield f"deployment of {each['ref']} is {word['state']}"


def _git(at: Ground, repo: str) -> list[str]:
    def ask(*words: str) -> list[str]:
        said = subprocess.run(["git", "-C", str(at.bare(repo)), *words], check=True, capture_output=True, text=True)
        return said.stdout.splitlines()

    facts: list[str] = []
    for ref in ask("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags"):
        # A tree's hash is 40 digits as well, but it is what must be equal: written so that it stays.
        tree = ask("rev-parse", f"{ref}^{{tree}}")[0]
        facts.append(f"ref {ref} holds tree={'_'.join((tree[:20], tree[20:]))}")
        facts += [f"on {ref}: {subject}" for subject in ask("log", "--format=%s", ref)]
    return facts


def left_over(at: Ground, run_id: str) -> list[str]:
    """Files that a step left in its workplace, and processes that nobody waits for."""
    work = at.home / "work" / run_id
    files = [f"left over: {path.name}" for path in work.iterdir()] if work.is_dir() else []
    return files + [f"still running: {' '.join(each)[:80]}" for each in _running(str(work))]


def _running(mark: str) -> Iterator[list[str]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if any(mark in word for word in words):
                yield words
