"""A gateway as people meet it: a process with its ledger and the sandbox, tokens of each role, two webhook secrets."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.stack import LocalStack
from ledger.models import Delivery
from ledger.store import Store

OLD, NEW = "the-old-webhook-secret", "the-new-webhook-secret"
TOKENS = {role: f"{role}-token-of-the-tests" for role in ("viewer", "operator", "approver", "admin")}


@dataclass(frozen=True)
class Gateway:
    """Where it is, and the ledger behind it."""

    url: str
    store: Store
    github: httpx.AsyncClient
    mongodb_uri: str
    sender: httpx.AsyncClient  # GitHub's hand, which keeps its connections

    def client(self, role: str | None = "admin") -> httpx.AsyncClient:
        """As somebody of this role; None: nobody."""
        headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)

    async def deliver(self, event: str, payload: Any, *, secret: str = NEW, **other: str) -> httpx.Response:
        """A delivery as GitHub sends it; ``other`` headers (``_`` for ``-``) replace its own, an empty one goes."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature": f"sha1={hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}",
            "X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}",
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in other.items()},
        }
        kept = {name: value for name, value in headers.items() if value}
        return await self.sender.post("/webhooks/github", content=body, headers=kept)

    async def worked(self, delivery: str) -> Delivery:
        """The delivery, once something came of it."""
        found = None
        for _ in range(200):
            found = await self.store.find_one(Delivery, {"_id": delivery})
            if found is not None and found.worked_at is not None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{delivery} was not worked on: {found}")

    async def worked_all(self, wanted: dict[str, Any]) -> list[Delivery]:
        """All deliveries that fit, once the first one was worked on and nothing more has come for a moment."""
        for _ in range(200):
            found = await self.store.find(Delivery, wanted)
            if found and all(each.worked_at for each in found):
                await asyncio.sleep(0.3)
                return await self.store.find(Delivery, wanted)
            await asyncio.sleep(0.05)
        raise AssertionError(f"nothing came: {wanted}")


@asynccontextmanager
async def brought_up(home: Path, parts: Sequence[str]) -> AsyncIterator[tuple[Gateway, LocalStack]]:
    """A gateway with these parts around it."""
    given = {
        "SHIPLINE_API_TOKENS": json.dumps({f"a-{role}": f"{role}:{token}" for role, token in TOKENS.items()}),
        "SHIPLINE_WEBHOOK_SECRETS": json.dumps([NEW, OLD]),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        async with LocalStack(home, fixed_ports=False, parts=parts) as stack:
            where = stack.addresses
            store = await Store.open(where.mongodb_uri, "shipline")
            headers = {"Authorization": f"Bearer {where.github_token}"}
            try:
                async with (
                    httpx.AsyncClient(base_url=where.github_api_url, headers=headers) as github,
                    httpx.AsyncClient(base_url=where.gateway_url, timeout=30) as sender,
                ):
                    yield Gateway(where.gateway_url, store, github, where.mongodb_uri, sender), stack
            finally:
                await store.close()


@pytest.fixture(scope="session")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """The one of this test process."""
    home = tmp_path_factory.mktemp("gateway-home")
    async with brought_up(home, ("mongodb", "sandbox", "gateway")) as (made, _):
        yield made
