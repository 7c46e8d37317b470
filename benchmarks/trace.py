"""Which calls were made outside: requests to GitHub, and programs that were started. Counted, not timed."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from unittest.mock import patch

import httpx

_NUMBERS = re.compile(r"/(?:[0-9a-f]{40}|\d+)(?=/|$)")
_NAMES = re.compile(r"/(?:heads|compare|contents|tags)/.*")
_CALM = {"-c", "core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.file.allow=never"}


@contextlib.contextmanager
def traced(api_url: str) -> Iterator[Counter[str]]:
    """Count the calls of this process while it lasts."""
    calls: Counter[str] = Counter()
    send, start = httpx.AsyncHTTPTransport.handle_async_request, asyncio.create_subprocess_exec

    async def request(self: httpx.AsyncHTTPTransport, asked: httpx.Request) -> httpx.Response:
        if str(asked.url).startswith(api_url):
            calls[f"{asked.method} {route(asked.url.path)}"] += 1
        return await send(self, asked)

    async def program(*argv: Any, **more: Any) -> asyncio.subprocess.Process:
        calls[called(argv)] += 1
        return await start(*argv, **more)

    with (
        patch.object(httpx.AsyncHTTPTransport, "handle_async_request", request),
        patch.object(asyncio, "create_subprocess_exec", program),
    ):
        yield calls


def route(path: str) -> str:
    """The path of a request without what differs from run to run."""
    below = "/".join(path.split("/")[4:]) if path.startswith("/repos/") else path.lstrip("/")
    return _NAMES.sub(lambda found: "/" + found[0].split("/")[1], _NUMBERS.sub("/*", f"/{below}"))


def called(argv: tuple[Any, ...]) -> str:
    """A program by its first words: git's verb, or what QA runs."""
    words = [str(word) for word in argv]
    if words[0] == "git":
        return f"git {next(word for word in words[1:] if word not in _CALM)}"
    modules = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-m"]
    return f"run {' '.join(modules)}" if modules else f"run {PurePath(words[-1]).name}"


def differences(ours: Counter[str], theirs: Counter[str]) -> list[str]:
    """Where two traces differ: the call, and how often each made it."""
    return [f"{call}: {ours[call]}, {theirs[call]}" for call in sorted(ours | theirs) if ours[call] != theirs[call]]
