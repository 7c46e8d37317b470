"""A coding agent as a person may write one: recorded answers, given by a process of its own that can be held up.

It works like a cloud agent: what it does is its own affair until its result is asked for, it can be found again by
its ref from any process, and the same key never begins twice. Files under ``$SHIPLINE_HOME/agents`` steer it: while
``hold`` is there it thinks, and a node named by ``fail-<node>`` fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from ledger.models import AgentJob, AgentResult, Usage
from shipline.config import load_settings
from shipline.errors import AgentError, NoRecording
from shipline.ids import digest
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.agents.recorded import RecordedCoder
from tasks.agents.registry import folder

THINK = "import pathlib, sys, time\nwhile pathlib.Path(sys.argv[1]).exists(): time.sleep(0.1)"


class SlowCoder:
    """The coding port; see the module."""

    def __init__(self) -> None:
        settings = load_settings()
        self._place = settings.home / "agents"
        self._recorded = RecordedCoder(folder(settings))
        self._asked: dict[str, tuple[AgentJob, Path]] = {}

    def knows(self, idea: str) -> bool:
        """What the recording knows."""
        return self._recorded.knows(idea)

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        """Begin, once a key; a second start finds the agent at work."""
        self._asked[key] = (job, workspace)
        mine = self._place / digest(key)
        if not mine.is_dir():
            mine.mkdir(parents=True)
            process = subprocess.Popen(  # noqa: ASYNC220 (asyncio would kill it with its loop)
                [sys.executable, "-c", THINK, str(self._place / "hold")], start_new_session=True, cwd=mine,
                env={"PATH": os.defpath},
            )  # fmt: skip
            (mine / "agent.json").write_text(json.dumps({"key": key, "pid": process.pid, "node": job.node_key}))
        return AgentRef(id=key)

    async def result(self, ref: AgentRef) -> AgentResult:
        """Wait until it has thought, then take its change over."""
        job, workspace = self._asked[ref.id]
        while _alive(self._pid(ref)):  # noqa: ASYNC110 (another process ends)
            await asyncio.sleep(0.1)
        if (self._place / f"fail-{job.node_key}").exists():
            raise AgentError(f"The agent of {job.node_key} gave up.")
        for round_ in range(_number(job.round), 0, -1):
            with contextlib.suppress(NoRecording):
                asked = job.model_copy(update={"round": str(round_)})
                return await self._recorded.result(await self._recorded.start(asked, ref.id, workspace))
        return await self._recorded.result(await self._recorded.start(job, ref.id, workspace))

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """It does not listen."""
        raise AgentError(f"{ref.id} does not listen to {text[:20]!r}.")

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """It says nothing."""
        nothing: tuple[AgentEvent, ...] = ()
        for said in nothing:
            yield said

    async def artifacts(self, ref: AgentRef) -> list[str]:
        """It leaves nothing besides the change."""
        return []

    async def usage(self, ref: AgentRef) -> Usage:
        """It costs nothing."""
        return Usage()

    async def cancel(self, ref: AgentRef) -> None:
        """End its process; ended already is fine."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid(ref), signal.SIGKILL)

    def _pid(self, ref: AgentRef) -> int:
        return int(json.loads((self._place / digest(ref.id) / "agent.json").read_text())["pid"])


def _number(round_: str) -> int:
    return int(round_) if round_.isdecimal() else 1


def _alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
