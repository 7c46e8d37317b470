"""The process target: a release runs as a process of this machine, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from tasks.deploy import health
from tasks.deploy.ports import HEALTH_SECONDS

MARK = "SHIPLINE_DEPLOYMENT"
STACK_MARK = "SHIPLINE_STACK_ID"
HOST = "127.0.0.1"


# Kept so that nothing collects (and complains about) a child that is meant to outlive this process.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Running:
    """A started release."""

    pid: int
    started: float
    url: str


def find(key: str) -> psutil.Process | None:
    """The process that an earlier attempt started for this deployment, by its label in the environment."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == key and process.status() != psutil.STATUS_ZOMBIE:
                return process
    return None


async def start(key: str, folder: Path, command: str, python: Path, log: Path, stack: str | None) -> Running:
    """Start ``command`` (with ``{host}`` and ``{port}``) in ``folder``, labelled with ``key``, in a session of its own.

    It gets a scrubbed environment: a release is made of an agent's words too. ``stack`` is the local stack's id, by
    which that stack finds what it must end.
    """
    port = free_port()
    words = shlex.split(command.format(host=HOST, port=port))
    words = [str(python) if word in ("python", "python3") else word for word in words]
    environment = {"PATH": f"{python.parent}:{os.defpath}", "HOME": str(folder), "LANG": "C.UTF-8", MARK: key}
    if stack is not None:
        environment[STACK_MARK] = stack
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: ASYNC220 (asyncio's would be killed with the loop; a release lives on)
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _children[process.pid] = process
    return Running(process.pid, psutil.Process(process.pid).create_time(), f"http://{HOST}:{port}")


async def wait_healthy(running: Running, path: str, log: Path, *, timeout: float = HEALTH_SECONDS) -> str:
    """Ask the health path until it answers 200; returns what it said. DeployFailed when it never does."""

    async def lives() -> bool:
        return alive(running.pid, running.started)

    async def tail() -> str:
        return _tail(log)

    return await health.wait_healthy(running.url + path, lives, tail, timeout)


def named(found: psutil.Process) -> str:
    """A process as a person would look for it."""
    words = ""
    with contextlib.suppress(psutil.Error):
        words = " ".join(found.cmdline())[:80]
    return f"pid {found.pid} {words}".strip()


def alive(pid: int, started: float) -> bool:
    """Whether the process that was started then still runs (a pid alone may have been given to another)."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        return False
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    return False


async def stop(pid: int, started: float) -> None:
    """End a release and all it started: asked first, forced after three seconds."""
    if not alive(pid, started):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)
        for _ in range(60):
            if not alive(pid, started):
                return
            await asyncio.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)


async def remove(folder: Path) -> None:
    """Remove the files of a release that is no longer deployed."""
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1] if lines else "it said nothing"
