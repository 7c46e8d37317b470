"""A team logs in: a real Chromium, the real console, and an OpenID provider of ours that signs as one does."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deployments.ports import free_port
from deployments.stack import LocalStack
from ledger.models import Run
from ledger.runs import create_run
from ledger.store import Store
from tests.e2e.browser import Visitor, chromium

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
ROLES = {"@example.org": "viewer", "olga@example.org": "operator"}


class Provider:
    """OpenID Connect Core §3.1, as much as a login takes; whoever asks is ``claims`` and is not asked back."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.claims: dict[str, Any] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "test", "use": "sig"})
        self._asked: dict[str, dict[str, str]] = {}
        routes = [
            Route("/.well-known/openid-configuration", self._configuration),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/jwks", self._jwks),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=int(self.url.rpartition(":")[2]), log_level="warning")
        self.server = uvicorn.Server(config)

    async def _configuration(self, _: Request) -> Response:
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return JSONResponse(told)

    async def _authorize(self, request: Request) -> Response:
        code = secrets.token_hex(8)
        self._asked[code] = dict(request.query_params)
        back = urlencode({"code": code, "state": request.query_params["state"]})
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{back}")

    async def _token(self, request: Request) -> Response:
        asked = self._asked.pop(str((await request.form())["code"]))
        now = int(time.time())
        claims = {"iss": self.url, "aud": asked["client_id"], "sub": "1", "iat": now, "exp": now + 600}
        if "nonce" in asked:
            claims["nonce"] = asked["nonce"]
        token = jwt.encode({"alg": "RS256", "kid": "test"}, {**claims, **self.claims}, self._key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})


@pytest.fixture
def provider() -> Iterator[Provider]:
    """It, on a port of its own."""
    made = Provider()
    thread = threading.Thread(target=made.server.run)
    thread.start()
    yield made
    made.server.should_exit = True
    thread.join()


async def test_each_comes_in_as_who_they_are(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    told = {
        "GITHUB_TOKEN": "t0ken-of-a-test",
        "CONSOLE_LOGIN": "oidc",
        "CONSOLE_ROLES": json.dumps(ROLES),
        "OIDC_ISSUER": provider.url,
        "OIDC_CLIENT_ID": "shipline",
        "OIDC_CLIENT_SECRET": secrets.token_hex(16),
        "OIDC_COOKIE_SECRET": secrets.token_hex(16),
        "OIDC_REDIRECT_URI": f"{base}/oauth2callback",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"SHIPLINE_{name}", value)
    parts = ("mongodb", "console")
    async with LocalStack(tmp_path / "home", fixed_ports=False, parts=parts, ports={"console": port}) as stack:
        store = await Store.open(stack.addresses.mongodb_uri, "shipline")
        run = await create_run(store, "an idea", "o/r", "main")
        await asyncio.to_thread(_come_and_go, base, provider, run.id)
        assert (await store.get(Run, run.id)).interrupt.by == "olga@example.org"
        await store.close()


def _come_and_go(base: str, provider: Provider, run: str) -> None:
    with chromium() as browser, Visitor(browser, base) as visitor:
        page = visitor.go(f"/run?run={run}", see="Log in to see what runs")
        assert run not in page.content()

        provider.claims = {"email": "val@example.org", "email_verified": True}
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("val@example.org · viewer")).to_be_visible()
        visitor.go(f"/run?run={run}", see="Issues done")
        expect(page.get_by_role("button", name="Pause")).to_be_disabled()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_text("Log in to see what runs")).to_be_visible()

        provider.claims = {"email": "eve@elsewhere.org", "email_verified": True}
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("eve@elsewhere.org has no role here")).to_be_visible()
        page.get_by_role("button", name="Log out").click()

        provider.claims = {"email": "olga@example.org", "email_verified": True}
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("olga@example.org · operator")).to_be_visible()
        visitor.go(f"/run?run={run}", see="Issues done")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
        assert visitor.wrong == []
