"""One small delivery in which every kind of effect happens: its repository, its recording, and a stack to run it on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx

from deployments.stack import LocalStack, StackAddresses
from ledger.models import Run, Size
from ledger.store import Store
from tasks.context import close_context, context
from tasks.submit import submit

HERE = Path(__file__).parent / "scenario"
ROOT = Path(__file__).parents[2]
IDEA = "Let the phrase book say hello and goodbye."
TEMPLATE = "pebble"
OWNER = "demo"
LIMIT = 180.0  # seconds: after that a delivery hangs

_numbers = count(1)


@dataclass(frozen=True)
class Ground:
    """A running stack with the scenario's repository on it, as a template."""

    home: Path
    addresses: StackAddresses
    environment: Mapping[str, str]

    def github(self) -> httpx.AsyncClient:
        """The sandbox's REST API, with our token."""
        headers = {"Authorization": f"Bearer {self.addresses.github_token}"}
        return httpx.AsyncClient(base_url=self.addresses.github_api_url, headers=headers, timeout=30)

    def bare(self, repo: str) -> Path:
        """A repository's folder on the sandbox."""
        return self.home / "sandbox" / "repos" / f"{repo}.git"

    async def new_run(self, *, dry_run: bool = False) -> Run:
        """The idea, submitted for a fresh copy of the repository."""
        async with self.github() as client:
            name = f"{TEMPLATE}-{next(_numbers)}"
            answer = await client.post(f"/repos/{OWNER}/{TEMPLATE}/generate", json={"owner": OWNER, "name": name})
            answer.raise_for_status()
        return await submit(IDEA, f"{OWNER}/{name}", size=Size.SMALL, dry_run=dry_run)

    async def store(self) -> Store:
        """The ledger."""
        return (await context()).store

    async def start(
        self, run_id: str, *words: str, program: str = "flows", **environment: str
    ) -> asyncio.subprocess.Process:
        """A process that delivers the run, as a worker starts one."""
        log = (self.home / "logs" / f"crash-{run_id}.log").open("ab")
        with log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", program, run_id, *words, cwd=ROOT, env={**self.environment, **environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def deliver(self, run_id: str, *words: str, program: str = "flows", **environment: str) -> int:
        """The same, to its end; its exit code."""
        return await self.end(await self.start(run_id, *words, program=program, **environment))

    async def end(self, process: asyncio.subprocess.Process) -> int:
        """Wait for a delivering process; one that hangs is killed, which the exit code then tells."""
        try:
            async with asyncio.timeout(LIMIT):
                return await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise


@asynccontextmanager
async def ground(home: Path, *, parts: tuple[str, ...] = ("mongodb", "prefect", "sandbox")) -> AsyncIterator[Ground]:
    """A stack on ``home`` with the template in place; this process is configured for it as long as it lasts."""
    local = LocalStack(home, fixed_ports=False, parts=parts)
    async with local as stack, planted(home, stack.addresses, stack.environment()) as made:
        yield made


@asynccontextmanager
async def planted(home: Path, addresses: StackAddresses, environment: Mapping[str, str]) -> AsyncIterator[Ground]:
    """The scenario on a stack that runs already and is found by ``environment``."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    ours = {**environment, "SHIPLINE_RECORDINGS": str(HERE / "recordings")}
    before = dict(os.environ)
    os.environ.update(ours)
    made = Ground(home, addresses, {**kept, **ours})
    try:
        await _plant(made)
        yield made
    finally:
        await close_context()
        os.environ.clear()
        os.environ.update(before)


async def _plant(at: Ground) -> None:
    async with at.github() as client:
        body = {"name": TEMPLATE, "is_template": True}
        answer = await client.post(f"/orgs/{OWNER}/repos", json=body)
        if answer.status_code == 422:
            return  # an earlier session on this folder
        answer.raise_for_status()
        url = str(answer.json()["clone_url"])
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(_push, Path(folder), url, at.addresses.github_token)


def _push(folder: Path, url: str, token: str) -> None:
    named = ["-c", "user.name=A person", "-c", "user.email=person@example.org"]
    address = url.replace("://", f"://x:{token}@", 1)
    for words in (
        ["init", "-q", "-b", "main"], [f"--work-tree={HERE / 'seed'}", "add", "--all"],
        [*named, "commit", "-q", "-m", "A phrase book"], ["push", "-q", address, "main"],
    ):  # fmt: skip
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
