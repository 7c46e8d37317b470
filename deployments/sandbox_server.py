"""The GitHub sandbox of this machine, with the demo's repository as a template."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path

import httpx

from deployments.gateway_server import dispatch_secret, local_secret
from deployments.ports import HOST
from deployments.process import Children, own_environment, ready

NAME = "sandbox"
WITHIN = 30.0
SEED = Path(__file__).parents[1] / "sandbox" / "seed" / "tally"


async def start_sandbox(children: Children, port: int, gateway: str = "") -> tuple[str, str]:
    """Start it and return its address and the token that opens it.

    With a ``gateway`` (an address) it tells that what happens, and runs workflows, where ``act`` is installed.
    """
    data = children.home / "sandbox"
    token = _token(data)
    where = ["--data", str(data), "--port", str(port), "--host", HOST]
    argv = [sys.executable, "-m", "sandbox", *where, "--token", token, "--seed", f"demo/tally={SEED}"]
    if gateway:
        local_secret(children.home, "webhook-secret")
        known = children.home / "gateway"
        argv += ["--hook", f"{gateway}/webhooks/github", "--hook-secret", str(known / "webhook-secret")]
        if can_act():
            argv += ["--actions", "--actions-secret", f"SHIPLINE_DISPATCH_SECRET={_signed_with(children.home)}"]
            argv += ["--actions-variable", f"SHIPLINE_URL={gateway}"]
            for name in ("SHIPLINE_PLANNER", "SHIPLINE_CODER"):
                if given := os.environ.get(name):
                    argv += ["--actions-variable", f"{name}={given}"]
    child = children.spawn(NAME, argv, own_environment())
    url = f"http://{HOST}:{port}"
    async with httpx.AsyncClient(timeout=2, headers={"Authorization": f"Bearer {token}"}) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{url}/repos/demo/tally")).status_code == 200
            except httpx.HTTPError:  # not up yet: asked again
                return False

        await ready(child, answers, WITHIN)
    return url, token


def _signed_with(home: Path) -> Path:
    """The file that holds what dispatches are signed with, whoever chose it."""
    file = home / "gateway" / "actions-secret"
    file.touch(mode=0o600)
    file.write_text(dispatch_secret(home))
    return file


def can_act() -> bool:
    """Whether workflows can be run here: ``act`` comes with ``pip install "shipline[actions]"``."""
    return (Path(sys.executable).parent / "act").exists() or shutil.which("act") is not None


def _token(data: Path) -> str:
    """The token of this folder's sandbox, made at its first start and readable by its owner alone."""
    data.mkdir(parents=True, exist_ok=True)
    file = data / "token"
    if not file.exists() or not file.read_text():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(f"ghp_{secrets.token_hex(18)}")
    return file.read_text()
