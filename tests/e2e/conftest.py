"""Shipline as a person has it: its command line, in processes of their own, on a home folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.e2e.ground import Ground

IDEA = (
    "Let people set a monthly budget for a category, warn them before they overspend, and let them export a month's "
    "spending against its budgets as CSV."
)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def last_json(self) -> dict[str, Any]:
        """The last line of its output, as JSON."""
        return dict(json.loads(self.out.strip().splitlines()[-1]))


def environment(home: Path, **more: str) -> dict[str, str]:
    """A bare environment, as in a fresh shell, with this home folder."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG") or key.endswith("CERT_FILE")}
    return {**kept, "HOME": str(home), "SHIPLINE_HOME": str(home), "COLUMNS": "160", **more}


def shipline(home: Path, *args: str, timeout: float = 300, **env: str) -> Said:
    """Run one command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "console", *args], cwd=ROOT, env=environment(home, **env), capture_output=True,
        text=True, timeout=timeout, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def script(home: Path, code: str, *, timeout: float = 300, **env: str) -> Said:
    """Run a person's script."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(home, **env), capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def processes_of(home: Path) -> list[psutil.Process]:
    """Every live process that this home's stack started, by what its environment says."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("SHIPLINE_HOME") == str(home) or str(home) in " ".join(process.cmdline())
            if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def git(folder: Path | str, *args: str) -> str:
    """Ask git."""
    return subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def home_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the demo and of the stack."""
    return tmp_path_factory.mktemp("shipline-home")


@pytest.fixture(scope="session")
def demo(home_folder: Path) -> Said:
    """One demo, whole."""
    return shipline(home_folder, "demo")


@pytest.fixture(scope="session")
def stack(home_folder: Path) -> Iterator[Path]:
    """`shipline up` on the demo's home, ended by Ctrl-C; gives the home. A demo that comes later uses it."""
    ports = [
        word
        for part in ("mongodb", "prefect", "sandbox", "console", "gateway")
        for word in (f"--{part}-port", str(_free_port()))
    ]
    log = (home_folder / "up.txt").open("w")
    up = subprocess.Popen(
        [sys.executable, "-m", "console", "up", *ports],
        cwd=ROOT, env=environment(home_folder, PYTHONPATH=str(ROOT)), stdout=log, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait_until_up(home_folder, up)
        yield home_folder
    finally:
        os.killpg(up.pid, signal.SIGINT)
        assert up.wait(30) == 130
        log.close()
        assert processes_of(home_folder) == []


@pytest.fixture(scope="module")
def ground(stack: Path) -> Iterator[Ground]:
    """The running stack, as a person at the terminal and one in Prefect's UI meet it."""
    from tests.e2e.ground import Ground  # which stands on what is here

    with closing(Ground(stack)) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all of a file."""
    from tests.e2e.browser import chromium

    with chromium() as made:
        yield made


def _wait_until_up(home: Path, up: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if "Shipline is up" in (home / "up.txt").read_text():
            return
        if up.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError((home / "up.txt").read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_repository(home: Path, name: str) -> str:
    """A fresh copy of the demo's template on the running sandbox."""
    import httpx

    told = json.loads((home / "stack.json").read_text())
    headers = {"Authorization": f"Bearer {told['github_token']}"}
    answer = httpx.post(
        f"{told['github_api_url']}/repos/demo/tally/generate", headers=headers, json={"owner": "demo", "name": name}
    )
    assert answer.status_code == 201, answer.text
    return f"demo/{name}"
