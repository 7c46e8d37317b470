"""Run git: a clean environment, no terminal, and no process that outlives the server."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

NAME, EMAIL = "Shipline Sandbox", "sandbox@users.noreply.localhost"
ZERO = "0" * 40


def clean_environment() -> dict[str, str]:
    """No configuration of the machine or the person, and one identity."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_AUTHOR_NAME": NAME,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_COMMITTER_NAME": NAME,
        "GIT_COMMITTER_EMAIL": EMAIL,
    }


class GitFailed(Exception):
    """Git ended with a status that the caller did not expect."""

    def __init__(self, args: tuple[str, ...], code: int, said: str) -> None:
        super().__init__(f"git {' '.join(args[:3])} ended with {code}: {said.strip()}")
        self.code, self.said = code, said


@dataclass(frozen=True)
class Done:
    """How a git process ended and what it printed."""

    code: int
    out: bytes

    @property
    def text(self) -> str:
        """The output as text, without the last line's end."""
        return self.out.decode(errors="replace").rstrip("\n")


class Processes:
    """The git processes that run now, so that all of them end with the server."""

    def __init__(self) -> None:
        self._running: set[asyncio.subprocess.Process] = set()
        # Two cores serve many clients; more processes at a time would only wait for each other.
        self._room = asyncio.Semaphore(8)

    async def run(
        self, args: tuple[str, ...], stdin: bytes = b"", env: dict[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run a command to its end: status, output, errors."""
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                *args,
                stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=env if env is not None else clean_environment(),
                start_new_session=True,
            )
            self._running.add(process)
            try:
                out, err = await process.communicate(stdin or None)
            except BaseException:
                _kill(process)
                raise
            finally:
                self._running.discard(process)
        return process.returncode or 0, out, err

    def kill_all(self) -> None:
        """End every process and what it started."""
        for process in list(self._running):
            _kill(process)


def _kill(process: asyncio.subprocess.Process) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class Git:
    """One bare repository."""

    def __init__(self, path: Path, processes: Processes) -> None:
        self.path = path
        self.processes = processes

    async def run(
        self, *args: str, stdin: bytes = b"", env: dict[str, str] | None = None, expect: tuple[int, ...] = (0,)
    ) -> Done:
        """Run a git command here; GitFailed when it ends with a status that is not expected."""
        around = clean_environment() | {"GIT_DIR": str(self.path)} | (env or {})
        code, out, err = await self.processes.run(("git", *args), stdin, around)
        if code not in expect:
            raise GitFailed(args, code, err.decode(errors="replace"))
        return Done(code, out)

    async def text(self, *args: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> str:
        """The output of a git command that has to succeed."""
        return (await self.run(*args, stdin=stdin, env=env)).text

    async def create(self, default_branch: str) -> None:
        """Make the repository, set up to behave as GitHub's do."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        await self.text("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(self.path))
        settings = {
            "http.receivepack": "true",
            "receive.hiderefs": "refs/pull",  # readable, as on GitHub, but not for pushing
            "uploadpack.allowAnySHA1InWant": "true",
            "core.logAllRefUpdates": "false",
            "gc.auto": "0",  # a collection in the background would outlive the request
            "receive.autogc": "false",
        }
        with (self.path / "config").open("a", encoding="utf-8") as config:
            for key, value in settings.items():
                section, name = key.split(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")
        ignored = "__pycache__/\n*.pyc\n.pytest_cache/\n.git/\n"
        (self.path / "info" / "exclude").write_text(ignored, encoding="utf-8")
