"""Confined programs: what they see, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tasks.confine import run_confined


def sleepers(mark: str) -> list[int]:
    """The processes whose command line holds ``mark``."""
    found = psutil.process_iter(["pid", "cmdline"])
    return [each.info["pid"] for each in found if mark in " ".join(each.info["cmdline"] or [])]


async def until(happened: Callable[[], bool]) -> None:
    """Wait until it happened, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.05)


def spawn(mark: str, *, session: bool = True) -> str:
    """Python that starts a child which sleeps for ever (in a session of its own), and says so."""
    sleep = f"'import time; time.sleep(600) # {mark}'"
    return (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', {sleep}], start_new_session={session})\n"
        "print('started', flush=True)\n"
    )


@pytest.fixture
def mark() -> str:
    """A word that marks the processes of one test."""
    return f"sleeper-{uuid.uuid4().hex}"


async def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURSOR_API_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("SHIPLINE_STACK_ID", "stack-1")
    done = await run_confined(["env"], cwd=tmp_path, env={"GIVEN": "1"}, venv=Path("/venv"), timeout=10)
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines())
    wanted = {"PATH", "HOME", "TMPDIR", "LANG", "PYTHONDONTWRITEBYTECODE", "SHIPLINE_STACK_ID", "GIVEN"}
    assert set(seen) - {"PWD", "SHLVL", "_"} == wanted
    assert seen["PATH"].startswith("/venv/bin:")
    assert seen["HOME"] == seen["TMPDIR"]
    assert not Path(seen["HOME"]).exists()


async def test_it_ends_as_the_program_ends(tmp_path: Path) -> None:
    async def ended(script: str) -> int:
        return (await run_confined(["sh", "-c", script], cwd=tmp_path, timeout=10)).returncode

    assert await ended("exit 3") == 3
    assert await ended("kill -TERM $$") == -15
    missing = await run_confined(["no-such-program"], cwd=tmp_path, timeout=10)
    assert (missing.returncode, missing.words) == (127, "cannot run no-such-program: No such file or directory")


async def test_stdin_is_closed_and_both_outputs_are_read(tmp_path: Path) -> None:
    done = await run_confined(["sh", "-c", "cat; echo out; echo err >&2; pwd"], cwd=tmp_path, timeout=10)
    assert (done.stdout, done.stderr) == (f"out\n{tmp_path}\n", "err\n")


async def test_output_is_capped_and_never_blocks(tmp_path: Path) -> None:
    script = "yes | head -c 3000000; yes | head -c 3000000 >&2; echo end"
    done = await run_confined(["sh", "-c", script], cwd=tmp_path, timeout=20, output_limit=1000)
    assert not done.timed_out
    assert done.stdout.endswith("[2999004 more bytes were dropped]\n")
    assert len(done.stdout) < 1100
    assert len(done.stderr) < 1100


@pytest.mark.parametrize("session", [True, False])
async def test_what_it_leaves_behind_is_killed(tmp_path: Path, mark: str, session: bool) -> None:
    done = await run_confined([sys.executable, "-c", spawn(mark, session=session)], cwd=tmp_path, timeout=20)
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert done.seconds < 5
    assert sleepers(mark) == []


async def test_orphans_of_orphans_are_killed(tmp_path: Path, mark: str) -> None:
    (tmp_path / "inner.py").write_text(spawn(mark))
    outer = "import subprocess, sys; subprocess.Popen([sys.executable, 'inner.py'], start_new_session=True).wait()"
    script = f'(setsid {sys.executable} inner.py &) ; {sys.executable} -c "{outer}"; echo over'
    done = await run_confined(["sh", "-c", script], cwd=tmp_path, timeout=20)
    assert done.stdout.endswith("over\n")
    assert sleepers(mark) == []


async def test_at_the_time_limit_all_are_killed(tmp_path: Path, mark: str) -> None:
    script = spawn(mark) + "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n"
    done = await run_confined([sys.executable, "-c", script], cwd=tmp_path, timeout=1)
    assert done.timed_out
    assert done.stdout == "started\n"
    assert 1 <= done.seconds < 4
    assert sleepers(mark) == []


async def test_cancelled_all_are_killed(tmp_path: Path, mark: str) -> None:
    script = spawn(mark) + "import time\ntime.sleep(600)\n"
    running = asyncio.create_task(run_confined([sys.executable, "-c", script], cwd=tmp_path, timeout=60))
    await until(lambda: len(sleepers(mark)) >= 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sleepers(mark) == []


async def test_a_program_that_kills_its_supervisor_is_found_by_its_home(tmp_path: Path, mark: str) -> None:
    script = spawn(mark) + "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"
    done = await run_confined([sys.executable, "-c", script], cwd=tmp_path, timeout=1)
    assert done.returncode == -9
    assert sleepers(mark) == []


async def test_when_shipline_is_killed_nothing_runs_on(tmp_path: Path, mark: str) -> None:
    """kill -9 of the worker: the supervisor is told by the kernel, and ends what it watches."""
    script = spawn(mark) + "import time\ntime.sleep(600)\n"
    worker = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom tasks.confine import run_confined\n"
        f"asyncio.run(run_confined([sys.executable, '-c', {script!r}], cwd=Path('.'), timeout=60))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", worker, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    await until(lambda: len(sleepers(mark)) == 4)  # worker, supervisor, program, sleeper
    process.kill()
    await process.wait()
    await until(lambda: not sleepers(mark))
