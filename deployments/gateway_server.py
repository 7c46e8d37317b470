"""The gateway on this machine, with a token and a webhook secret of this folder's own."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from deployments.ports import HOST
from deployments.process import Children, ready
from shipline.errors import ConfigError

NAME = "gateway"
WITHIN = 60.0


def local_secret(home: Path, name: str) -> str:
    """A secret of this folder, made when it is first asked for and readable by its owner alone."""
    file = home / "gateway" / name
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists() or not file.read_text():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_urlsafe(32))
    return file.read_text()


def dispatch_secret(home: Path) -> str:
    """What dispatches are signed with: yours (``SHIPLINE_DISPATCH_SECRET``), else this folder's own."""
    return os.environ.get("SHIPLINE_DISPATCH_SECRET") or local_secret(home, "dispatch-secret")


async def start_gateway(children: Children, port: int, environment: Mapping[str, str]) -> str:
    """Start it and return its address once it answers.

    Tokens of yours (``SHIPLINE_API_TOKENS``) are taken instead of the folder's own; webhook secrets of yours
    (``SHIPLINE_WEBHOOK_SECRETS``) beside it, with which the sandbox signs.
    """
    signed_with = [*_given(environment), local_secret(children.home, "webhook-secret")]
    known = {
        "SHIPLINE_API_TOKENS": json.dumps({"local": f"admin:{local_secret(children.home, 'token')}"}),
        **environment,
        "SHIPLINE_WEBHOOK_SECRETS": json.dumps(signed_with),
    }
    argv = [
        sys.executable, "-m", "uvicorn", "--factory", "gateway.app:create_app", "--host", HOST, "--port", str(port),
        "--no-access-log", "--timeout-graceful-shutdown", "1", "--no-server-header",
    ]  # fmt: skip
    child = children.spawn(NAME, argv, known)
    url = f"http://{HOST}:{port}"
    async with httpx.AsyncClient(timeout=2) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{url}/healthz")).status_code == 200
            except httpx.HTTPError:  # not up yet: asked again
                return False

        await ready(child, answers, WITHIN)
    return url


def _given(environment: Mapping[str, str]) -> list[str]:
    """The webhook secrets of yours; what is not usable is said here, before anything is served."""
    try:
        found = json.loads(environment.get("SHIPLINE_WEBHOOK_SECRETS") or "[]")
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ConfigError("SHIPLINE_WEBHOOK_SECRETS is not usable.", 'It is JSON: ["NEW-SECRET", "OLD-SECRET"].')
    return found
