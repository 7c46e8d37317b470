"""The teller: notes what happens, puts deliveries together, signs and sends them, and remembers how that went.

As GitHub, it sends each once: what did not arrive is sent again only when somebody asks (``/app/hook/deliveries``).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.hooks.happened import Call, happened
from sandbox.hooks.inside import get
from sandbox.hub import Hub
from sandbox.plumbing.git import ZERO
from sandbox.plumbing.refs import heads
from sandbox.shapes.repos import repository
from sandbox.shapes.users import user
from sandbox.shapes.workflows import check_suite, workflow_jobs, workflow_run
from sandbox.store import Row, now

BOT = "github-actions[bot]"
WITHIN = 10.0  # seconds that the receiver has
_REPO = re.compile(r"^/(?:repos/)?(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?(?:/|$)")
_INSTALLED = re.compile(r"^/(?:app|_sandbox)/installations/(?P<which>[^/]+)$")
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
log = logging.getLogger("sandbox.hooks")


@dataclass(frozen=True)
class Hook:
    """Where everything is told, and what it is signed with."""

    url: str
    secret: str


class Teller:
    """ASGI middleware behind the front door. ``serve`` sends what it noted; run it while the application lives."""

    def __init__(self, app: ASGIApp, hub: Hub, hook: Hook) -> None:
        self._app, self._hub, self._hook = app, hub, hook
        self._noted: asyncio.Queue[Call] = asyncio.Queue()
        self._heads: dict[int, dict[str, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; one that wrote, and was answered well, is noted."""
        if scope["type"] != "http" or scope["method"] not in _WRITES:
            await self._app(scope, receive, send)
            return
        await self._know(str(scope["path"]))
        heard = _Heard(receive, send)
        await self._app(scope, heard.receive, heard.send)
        if 200 <= heard.status < 300:
            said = (bytes(heard.sent), bytes(heard.answered))
            self._noted.put_nowait(Call(scope["method"], scope["path"], scope["state"]["login"], *said))

    async def serve(self) -> None:
        """Tell what was noted, in order, without end."""
        while True:
            call = await self._noted.get()
            try:
                for event, payload in await self._events(call):
                    await self.deliver(self._store(event, payload))
            except Exception:  # a webhook is told beside the request, which was answered
                log.exception("what %s %s made happen is not told", call.method, call.path)

    async def ran(self, row: Row) -> None:
        """A workflow run came to a new status: ``workflow_run``."""
        repo = self._hub.store.get("repos", row["repo_id"])
        payload = {
            "action": {"queued": "requested"}.get(row["status"], row["status"]),
            "workflow_run": workflow_run(self._hub, repo, row), "workflow": None,
            "repository": repository(self._hub, repo), "sender": user(self._hub, BOT),
        }  # fmt: skip
        await self.deliver(self._store("workflow_run", payload))
        if row["status"] != "completed":
            return
        shared = {"repository": payload["repository"], "sender": payload["sender"], "action": "completed"}
        for job in workflow_jobs(self._hub, repo, row):
            await self.deliver(self._store("workflow_job", {**shared, "workflow_job": job}))
        suite = check_suite(self._hub, repo, row)
        await self.deliver(self._store("check_suite", {**shared, "check_suite": suite}))

    def sign_with(self, secret: str) -> None:
        """Another secret from now on."""
        self._hook = Hook(self._hook.url, secret)

    async def deliver(self, row: Row) -> int:
        """Send one delivery (again); the receiver's status, 0 where none came."""
        body = row["payload"].encode()
        digest = partial(hmac.new, self._hook.secret.encode(), body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Event": row["event"],
            "X-GitHub-Delivery": row["guid"],
            "X-GitHub-Hook-ID": "1",
            "X-Hub-Signature": f"sha1={digest(hashlib.sha1).hexdigest()}",
            "X-Hub-Signature-256": f"sha256={digest(hashlib.sha256).hexdigest()}",
        }
        status = 0
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=WITHIN) as client:
                status = (await client.post(self._hook.url, content=body, headers=headers)).status_code
        self._hub.store.update("hook_deliveries", row["id"], status_code=status, delivered_at=now())
        return status

    def _store(self, event: str, payload: dict[str, Any]) -> Row:
        return self._hub.store.insert(
            "hook_deliveries", guid=str(uuid.uuid4()), event=event, action=payload.get("action"),
            repository_id=payload.get("repository", {}).get("id"), payload=json.dumps(payload), status_code=0,
            redelivery=0, delivered_at=now(),
        )  # fmt: skip

    def _installation(self, call: Call, which: str) -> list[tuple[str, dict[str, Any]]]:
        """What every App hears of its installations, with no repository: an owner is named, or one that is gone."""
        apps = self._hub.apps
        owner = apps.gone.get(int(which)) if which.isdecimal() else which
        if owner is None or call.method not in ("PUT", "DELETE"):
            return []
        number = int(which) if which.isdecimal() else apps.installation(owner)
        repos = self._hub.store.all("SELECT * FROM repos WHERE owner = ? ORDER BY id", owner)
        told = {
            "action": "deleted" if call.method == "DELETE" else "created",
            "installation": {"id": number, "account": user(self._hub, owner)}, "sender": user(self._hub, owner),
            "repositories": [{"full_name": f"{each['owner']}/{each['name']}", "id": each["id"]} for each in repos],
        }  # fmt: skip
        return [("installation", told)]

    async def _events(self, call: Call) -> list[tuple[str, dict[str, Any]]]:
        if at := _INSTALLED.match(call.path):
            return self._installation(call, at["which"])
        repo = self._repo(call.path)
        if repo is None:
            return []
        inside = partial(get, self._app, login=call.login)
        about = await inside(f"/repos/{repo['owner']}/{repo['name']}")
        shared = {"repository": about, "sender": await inside(f"/users/{call.login}")}
        found = [(each.event, {**each.payload, **shared}) for each in await happened(call, inside)]
        return found + [("push", {**each, **shared}) for each in await self._pushes(repo, call.login)]

    async def _pushes(self, repo: Row, login: str) -> list[dict[str, Any]]:
        before = self._heads.get(repo["id"], {})
        after = self._heads[repo["id"]] = await heads(self._hub.git(repo))
        moved = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return [
            {
                "ref": f"refs/heads/{name}", "before": before.get(name, ZERO), "after": after.get(name, ZERO),
                "created": name not in before, "deleted": name not in after, "forced": False, "base_ref": None,
                "pusher": {"name": login, "email": None}, "commits": [], "head_commit": None, "compare": "",
            }
            for name in moved
        ]  # fmt: skip

    async def _know(self, path: str) -> None:
        """Where the branches stood before the first write that is seen."""
        repo = self._repo(path)
        if repo is not None and repo["id"] not in self._heads:
            self._heads[repo["id"]] = await heads(self._hub.git(repo))

    def _repo(self, path: str) -> Row | None:
        at = _REPO.match(path)
        return self._hub.find(at["owner"], at["name"]) if at else None


class _Heard:
    """What went in and came out of one request; of git's own traffic only the status."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.sent, self.answered, self.status = bytearray(), bytearray(), 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and len(self.sent) < 1_000_000:
            self.sent += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
        elif message["type"] == "http.response.body":
            self.answered += message.get("body", b"")
        await self._send(message)
