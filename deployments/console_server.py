"""The console: Streamlit on this machine, with the stack's addresses in its environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from deployments.ports import HOST
from deployments.process import Children, ready
from shipline.login import load_login

NAME = "console"
WITHIN = 60.0
ANYWHERE = "0.0.0.0"  # noqa: S104 (only behind a login: see load_login)
APP = Path(__file__).parents[1] / "console" / "web" / "server.py"
# Nothing phones home, nobody is asked anything, and an editor's save restarts nothing.
QUIET = {
    "server.headless": "true",
    "browser.gatherUsageStats": "false",
    "server.fileWatcherType": "none",
    # A full collection after each look of each viewer: with twenty of them it took most of a core.
    "runner.postScriptGC": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
}


async def start_console(children: Children, port: int, environment: Mapping[str, str]) -> str:
    """Start it and return its address once it answers (about 2 s). ConfigError when its login is not whole."""
    address = load_login().console_address
    options = {**QUIET, "server.port": str(port), "server.address": address}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    child = children.spawn(NAME, [sys.executable, "-m", "streamlit", "run", str(APP), *words], environment)
    url = f"http://{HOST if address == ANYWHERE else address}:{port}"
    async with httpx.AsyncClient(timeout=2) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{url}/_stcore/health")).status_code == 200
            except httpx.HTTPError:  # not up yet: asked again
                return False

        await ready(child, answers, WITHIN)
    return url
