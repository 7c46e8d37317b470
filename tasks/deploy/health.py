"""Waiting until a release says that it is well."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx

from tasks.deploy.ports import HEALTH_SECONDS, DeployFailed

BETWEEN = 0.05  # seconds between two questions


async def wait_healthy(
    url: str, alive: Callable[[], Awaitable[bool]], tail: Callable[[], Awaitable[str]], timeout: float = HEALTH_SECONDS
) -> str:
    """Ask ``url`` until it answers 200; returns what it said. DeployFailed, with its last words, when it never does."""
    deadline = asyncio.get_running_loop().time() + timeout
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        while asyncio.get_running_loop().time() < deadline:
            if not await alive():
                raise DeployFailed(f"The release ended at once: {await tail()}")
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(url)
                if answer.status_code == 200:
                    return answer.text.strip()[:200]
            await asyncio.sleep(BETWEEN)
    raise DeployFailed(f"The release did not become healthy within {timeout:.0f} s: {await tail()}")
