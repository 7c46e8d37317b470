"""One part of Shipline as the only process of a container: ``python -m deployments.serve gateway``."""

from __future__ import annotations

import asyncio
import os
import sys

from deployments.console_server import APP, QUIET
from deployments.register import ROOT
from deployments.register import main as register
from deployments.worker import ASKS, LEAVES_POOL, LIMIT, POOL, argv, ensure_pool
from shipline.config import load_settings
from shipline.errors import ConfigError, ShiplineError
from shipline.login import load_login

EVERYWHERE = "0.0.0.0"  # noqa: S104 (inside a container; what is published is said in compose.yaml)
CONSOLE_PORT, GATEWAY_PORT = "8501", "8580"
# A worker says at /health whether it still asks for work; to its own container alone.
HEALTH = {"PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1", "PREFECT_WORKER_WEBSERVER_PORT": "8080"}


def _console() -> list[str]:
    login = load_login()
    if login.console_address != EVERYWHERE:
        raise ConfigError(
            "The console is for this machine alone.",
            f"In a container set SHIPLINE_CONSOLE_ADDRESS={EVERYWHERE}, and a login.",
        )
    options = {**QUIET, "server.port": CONSOLE_PORT, "server.address": EVERYWHERE}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *words]


def _gateway() -> list[str]:
    return [
        sys.executable, "-m", "uvicorn", "--factory", "gateway.app:create_app", "--host", EVERYWHERE,
        "--port", GATEWAY_PORT, "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "5",
    ]  # fmt: skip


def _worker() -> list[str]:
    os.environ.update({**ASKS, **HEALTH})
    return [*argv(os.environ.get("SHIPLINE_POOL", POOL)), "--with-healthcheck"]


async def _pools() -> None:
    url = load_settings().require_prefect()
    await ensure_pool(url, POOL, LIMIT)
    await ensure_pool(url, LEAVES_POOL)


PARTS = {"console": _console, "gateway": _gateway, "worker": _worker}


def main(words: list[str]) -> int:
    """Become the part, so that signals reach it; ``register`` tells Prefect about our flows and ends."""
    try:
        os.chdir(ROOT)
        os.environ["SHIPLINE_ROOT"] = str(ROOT)
        if words == ["register"]:
            asyncio.run(_pools())
            register()
        elif len(words) == 1 and words[0] in PARTS:
            command = PARTS[words[0]]()
            os.execv(command[0], command)  # noqa: S606
        print(f"python -m deployments.serve {'|'.join([*PARTS, 'register'])}", file=sys.stderr)  # noqa: T201
    except ShiplineError as error:
        print(error, file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
