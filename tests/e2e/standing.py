"""A stack of its own for a test that hurts it: ``shipline up`` in a process, and its parts by name."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deployments.attached import NEEDED
from deployments.ports import free_port
from deployments.stack import StackAddresses
from tests.e2e.conftest import ROOT, environment, processes_of

# What tells each part's process from the others.
MARKS = {"mongodb": "--dbpath", "prefect": "prefect.server.api.server:create_app", "sandbox": "--seed"}


@dataclass(frozen=True)
class Standing:
    """The stack on ``home``."""

    home: Path
    process: subprocess.Popen[bytes]

    @property
    def told(self) -> dict[str, Any]:
        """What it says of itself."""
        return dict(json.loads((self.home / "stack.json").read_text()))

    @property
    def addresses(self) -> StackAddresses:
        """Where its parts are."""
        return StackAddresses(*(self.told[name] for name in NEEDED))

    @property
    def environment(self) -> dict[str, str]:
        """How a process finds it."""
        where = self.addresses
        return {
            "SHIPLINE_HOME": str(self.home), "SHIPLINE_MONGODB_URI": where.mongodb_uri,
            "SHIPLINE_GITHUB_API_URL": where.github_api_url, "SHIPLINE_GITHUB_TOKEN": where.github_token,
            "PREFECT_API_URL": where.prefect_api_url, "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        }  # fmt: skip

    @property
    def said(self) -> str:
        """All that it has printed."""
        return (self.home / "up.txt").read_text()

    def part(self, name: str) -> psutil.Process | None:
        """The process of a part, unless it is down."""
        return next((each for each in processes_of(self.home) if MARKS[name] in _words(each)), None)

    def returns(self, name: str) -> int:
        """How often a part was started again and is back."""
        return len(re.findall(rf"^{name} .* is back", self.said, re.MULTILINE))

    def kill_and_wait(self, name: str, within: float = 300) -> None:
        """Kill a part and wait until the stack says that it is back."""
        before, until = self.returns(name), time.monotonic() + within
        self.kill(name)
        while self.returns(name) == before:
            assert self.process.poll() is None and time.monotonic() < until, self.said
            time.sleep(0.1)

    def kill(self, name: str, within: float = 60) -> None:
        """Kill a part, once it is there."""
        until = time.monotonic() + within
        while (found := self.part(name)) is None:
            assert time.monotonic() < until, self.said
            time.sleep(0.1)
        found.kill()

    def until_said(self, text: str, times: int = 1, within: float = 600) -> None:
        """Wait until it has printed ``text`` so many times."""
        until = time.monotonic() + within
        while self.said.count(text) < times:
            assert self.process.poll() is None and time.monotonic() < until, self.said
            time.sleep(0.1)


@contextmanager
def standing(home: Path, **env: str) -> Iterator[Standing]:
    """`shipline up` on ``home``; ended by Ctrl-C, after which nothing is left."""
    taken: set[int] = set()
    words: list[str] = []
    for part in (*MARKS, "console", "gateway"):
        taken.add(port := free_port(frozenset(taken)))
        words += [f"--{part}-port", str(port)]
    with (home / "up.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "up", *words], cwd=ROOT, env=environment(home, **env), stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    made = Standing(home, process)
    try:
        made.until_said("Shipline is up", times=made.said.count("Shipline is up") + 1)
        yield made
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(30) == 130
        assert processes_of(home) == []


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
