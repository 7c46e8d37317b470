"""Asking the sandbox itself, as a client would: a webhook's payload has the shapes of the REST answers."""

from __future__ import annotations

import json
from typing import Any

from starlette.types import ASGIApp, Message


async def get(app: ASGIApp, path: str, login: str) -> Any:
    """The JSON of a GET as ``login``; None where the answer is an error."""
    status, body = 0, b""
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": path,
        "raw_path": path.encode(), "root_path": "",
        "scheme": "http", "query_string": b"", "headers": [(b"host", b"sandbox")], "server": ("sandbox", 80),
        "client": ("127.0.0.1", 0), "state": {"login": login},
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, body
        if message["type"] == "http.response.start":
            status = int(message["status"])
        else:
            body += bytes(message.get("body", b""))

    await app(scope, receive, send)
    return json.loads(body) if status == 200 else None
