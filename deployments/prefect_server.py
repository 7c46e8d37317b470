"""The Prefect server of this machine: its ASGI app under uvicorn, SQLite in the home folder."""

from __future__ import annotations

import asyncio
import sys
import time

import httpx

from deployments.ports import HOST
from deployments.process import Child, Children, own_environment, ready
from shipline.errors import Unavailable

NAME = "prefect"
WITHIN = 120.0

# Nothing phones home, and nobody is asked anything.
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_CLI_PROMPT": "false"}

# For every process that talks to the server: while it is restarted a request is repeated for two minutes (after 2, 4,
# 8, … seconds), as long as the ledger waits for its database.
CLIENT = {**QUIET, "PREFECT_CLIENT_MAX_RETRIES": "6"}

# Prefect's recorders write one event a transaction; on SQLite a request that reads and then writes loses against them,
# is answered 503 and repeated two seconds later. Written in batches they stay out of the way: 3 such answers in one
# medium delivery became none in the next (one run of each).
BATCHES = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "2",
}


# Prefect's own retention: what ended so long ago goes, with its logs and artifacts.
FORGETS = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(30 * 24 * 3600),
}


def prefect_environment(children: Children, port: int) -> dict[str, str]:
    """What a Prefect process of this stack needs to find its server and its folder."""
    return {
        **CLIENT,
        "PREFECT_HOME": str(children.home / "prefect"),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    }


async def start_prefect(children: Children, port: int) -> str:
    """Start it and return its API's address once it is healthy (about 3 s; 9 s on an empty database)."""
    (children.home / "prefect").mkdir(parents=True, exist_ok=True)
    environment = {
        **own_environment(without="PREFECT_"),
        **prefect_environment(children, port),
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_UI_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        **BATCHES,
        **FORGETS,
    }
    # `prefect server start` would do the same from a parent process of its own, two seconds later.
    argv = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app", "--host", HOST]
    child = children.spawn(NAME, [*argv, "--port", str(port), "--log-level", "warning"], environment)
    await _healthy(child, f"http://{HOST}:{port}/api")
    return f"http://{HOST}:{port}/api"


async def check_prefect(url: str, within: float = 3.0) -> str:
    """The version of the server at this address; Unavailable when it does not answer."""
    try:
        async with httpx.AsyncClient(timeout=within) as client:
            answer = await client.get(f"{url.rstrip('/')}/admin/version")
            answer.raise_for_status()
            return str(answer.json())
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(
            f"Prefect at {url} does not answer ({type(error).__name__}).", "Check PREFECT_API_URL, or unset it."
        ) from None


async def wait_for_prefect(url: str) -> None:
    """Wait until the server answers, which may be on its way up; Unavailable when it takes longer than it ever does."""
    until = time.monotonic() + WITHIN
    while True:
        try:
            await check_prefect(url)
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.5)
        else:
            return


async def _healthy(child: Child, url: str) -> None:
    async with httpx.AsyncClient(timeout=2) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{url}/health")).status_code == 200
            except httpx.HTTPError:  # not up yet: asked again
                return False

        await ready(child, answers, WITHIN)
