"""The console's server: ``streamlit run console/web/server.py``, which ``shipline up`` does.

Two things are added to what Streamlit serves. The page is told where its server is, so that a deep link does not look
for it below its own path first. And the browser is told to load from nowhere else, whatever text comes into a page.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shipline.login import load_login

HERE = b"<script>window.__streamlit={BACKEND_BASE_URL:window.location.origin+'/'}</script>"
# Streamlit's own scripts need 'unsafe-inline' and 'unsafe-eval'; nothing may come from, or go to, another server.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'self'",
        "object-src 'none'",
    )
)


class Closed:
    """ASGI middleware: the policy on every page, and the script that says where the server is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but pages, which are changed on their way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Pages are small; they are sent as they are, so that they can be changed here.
        plain = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"accept-encoding"]}
        asked = dict(scope["headers"]).get(b"accept", b"")
        await self._app(plain if b"text/html" in asked else scope, receive, _Page(send))


class _Page:
    """What is sent, with pages changed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            headers["Content-Security-Policy"] = POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "same-origin"
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = self._body.replace(b"<head>", b"<head>" + HERE, 1)
            MutableHeaders(raw=self._start["headers"])["content-length"] = str(len(body))
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": body})
            return
        await self._send(message)


app = st.App(Path(__file__).with_name("app.py"), secrets=load_login().secrets(), middleware=[Middleware(Closed)])
