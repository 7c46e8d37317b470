"""The runner: a Prefect worker on a process work pool. Told to stop, it lets its flows end."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import httpx

from deployments.process import Child, Children
from shipline.errors import Unavailable

NAME = "runner"
POOL = "shipline"
LIMIT = 4  # flow runs at once


async def start_worker(children: Children, prefect_api_url: str, environment: Mapping[str, str]) -> Child:
    """Make the pool where it is missing and start a worker on it; it asks for work about four seconds later."""
    await _ensure_pool(prefect_api_url)
    argv = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    asks = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_PREFETCH_SECONDS": "2"}
    return children.spawn(NAME, [*argv, "--limit", str(LIMIT)], {**environment, **asks})


async def _ensure_pool(url: str) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.post(f"{url}/work_pools/", json={"name": POOL, "type": "process"})
    if answer.status_code not in (201, 409):  # 409: it is there
        raise Unavailable(f"Prefect made no work pool ({answer.status_code}: {answer.text[:200]}).")
