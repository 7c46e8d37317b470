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
LEAVES = "leaf-runner"
LEAVES_POOL = "shipline-leaves"
ASKS = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_PREFETCH_SECONDS": "2"}


async def start_worker(children: Children, prefect_api_url: str, environment: Mapping[str, str]) -> Child:
    """Make the pools where they are missing and start a worker; it asks for work about four seconds later."""
    await ensure_pool(prefect_api_url, POOL, LIMIT)
    await ensure_pool(prefect_api_url, LEAVES_POOL)  # which the deployment of a leaf names
    return children.spawn(NAME, argv(POOL), {**environment, **ASKS})


def takes_leaves(environment: Mapping[str, str]) -> bool:
    """Whether leaves go to a work pool, and so need a worker of their own."""
    return environment.get("SHIPLINE_LEAVES") == "work-pool"


async def start_leaf_worker(children: Children, prefect_api_url: str, environment: Mapping[str, str]) -> Child:
    """The same for the pool of leaves, which takes as many at once as may be built for all runs."""
    limit = int(environment.get("SHIPLINE_MAX_PARALLEL_TOTAL", "8"))
    await _limit_pool(prefect_api_url, LEAVES_POOL, limit)
    return children.spawn(LEAVES, argv(LEAVES_POOL), {**environment, **ASKS})


def argv(pool: str, limit: str | None = None) -> list[str]:
    """The command of a worker that runs each flow in a process of its own, ``limit`` at once."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    return [*command, "--limit", limit] if limit else command


async def ensure_pool(url: str, pool: str, limit: int | None = None) -> None:
    """Make a work pool where it is missing; ``limit`` is how many of its flow runs may run at once.

    The pool counts, not the worker: a worker that counts dies when a flow run that was suspended is resumed before its
    first process has quite ended.
    """
    wanted = {"name": pool, "type": "process", "concurrency_limit": limit}
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.post(f"{url}/work_pools/", json=wanted)
    if answer.status_code not in (201, 409):  # 409: it is there
        raise Unavailable(f"Prefect made no work pool ({answer.status_code}: {answer.text[:200]}).")


async def _limit_pool(url: str, pool: str, limit: int) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.patch(f"{url}/work_pools/{pool}", json={"concurrency_limit": limit})
    if answer.status_code != 204:
        raise Unavailable(f"Prefect did not limit work pool {pool} ({answer.status_code}: {answer.text[:200]}).")
