"""A fence around somebody else's program, where ``bwrap`` is: it sees its own tree and the system's programs.

Behind it there is no file of ours, no process, and no network but a loopback of its own and the hosts that are listed,
which it reaches by a proxy of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

RELAY = Path(__file__).with_name("fence_relay.py")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt")
PORT = 8118  # of the proxy, inside, where nobody else listens
_TRIED = 10.0  # seconds that a try of bwrap may take
_BUFFER = 65536
_ALONE = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"),
    *("--cap-drop", "ALL", "--die-with-parent", "--new-session"),
    *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108 (the one inside)
)
NONE = "There is no bwrap that works here, so this agent ran as the user of Shipline, with all that this user may do."
OFF = "Its fence is turned off, so this agent ran as the user of Shipline, with all that this user may do."


@functools.cache
def usable() -> bool:
    """Whether ``bwrap`` is there and may make namespaces (in some containers it may not)."""
    if shutil.which("bwrap") is None:
        return False
    argv = ["bwrap", *_ALONE, *_system(), "--", "/bin/sh", "-c", "exit 0"]
    try:
        return subprocess.run(argv, capture_output=True, timeout=_TRIED, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass(frozen=True)
class Fence:
    """What one program may see and reach. ``hosts`` are ``NAME:PORT``, reached by ``socket``; ``readable`` is there
    besides the system's programs and its own. What is ``sealed`` stays as it is, though it lies where one may write."""

    writable: tuple[Path, ...]
    readable: tuple[Path, ...] = ()
    sealed: tuple[Path, ...] = ()
    hosts: frozenset[str] = frozenset()
    socket: Path = Path("net")

    def with_writable(self, path: Path) -> Fence:
        """The same, with one place more to write to."""
        return replace(self, writable=(*self.writable, path))

    def around(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` inside."""
        program = Path(shutil.which(argv[0]) or argv[0])
        seen = [*self.readable, *needed_by(program), *(Path(each) for each in argv[1:] if each.startswith("/"))]
        words = ["bwrap", *_ALONE, *_system()]
        for path in seen:
            if path.exists() and not any(path.is_relative_to(each) for each in SYSTEM):
                words += ["--ro-bind", str(path), str(path)]
        for path in self.writable:
            words += ["--bind", str(path), str(path)]
        for path in self.sealed:
            words += ["--ro-bind", str(path), str(path)] if path.exists() else []
        if not self.hosts:
            return [*words, "--", *argv]
        proxy = f"http://127.0.0.1:{PORT}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            words += ["--setenv", name, proxy]
        python = Path(sys.executable).resolve()
        for path in (python.parents[1], RELAY):
            words += [] if any(path.is_relative_to(each) for each in SYSTEM) else ["--ro-bind", str(path), str(path)]
        words += ["--ro-bind", str(self.socket), str(self.socket)]
        return [*words, "--", str(python), "-I", "-S", str(RELAY), str(self.socket), str(PORT), *argv]

    @asynccontextmanager
    async def gate(self) -> AsyncIterator[None]:
        """The way to the listed hosts, as long as the agent works."""
        if not self.hosts:
            yield
            return
        self.socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._connected, self.socket)
        try:
            yield
        finally:
            server.close()
            self.socket.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.decode("latin-1").split(" ", 2)
            if method != "CONNECT" or target.lower() not in self.hosts:
                writer.write(b"HTTP/1.1 403 Not listed in SHIPLINE_ACP_HOSTS\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = target.rpartition(":")
            theirs, ours = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await asyncio.gather(_pour(reader, ours), _pour(theirs, writer))
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the agent hears that the connection ended
        finally:
            with contextlib.suppress(OSError):
                writer.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(_BUFFER):
            sink.write(chunk)
            await sink.drain()
    finally:
        with contextlib.suppress(OSError):
            sink.close()


def _system() -> list[str]:
    words: list[str] = []
    for each in SYSTEM:
        if os.path.islink(each):  # noqa: PTH114 (merged /usr: what it points to is bound)
            words += ["--symlink", os.readlink(each), each]  # noqa: PTH115
        elif os.path.isdir(each):  # noqa: PTH112
            words += ["--ro-bind", each, each]
    return words


def needed_by(program: Path) -> list[Path]:
    """What a program needs that lies beside it: its folder's parent for ``PREFIX/bin/NAME``, links followed."""
    return [each.parents[1] if each.parent.name == "bin" else each for each in (program, program.resolve())]
