"""In front of everything, git included: a request that a rule befalls goes wrong as the rule says."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults.answers import Answer, creation_limit, refused
from sandbox.faults.rules import Book, Rule, Standing
from sandbox.faults.wire import Wire, gone

HORIZON = "horizon"  # where routes find it in the request's state: what was made later is not shown
OWN = "/_sandbox/"


class Faults:
    """Let requests through, unless a rule says otherwise."""

    def __init__(self, app: ASGIApp, book: Book, wire: Wire) -> None:
        self._app, self._book, self._wire = app, book, wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        own = scope["type"] != "http" or str(scope["path"]).startswith(OWN)
        concerning = [] if own else self._book.concerning(scope["method"], scope["path"])
        if not concerning:
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        fired = _first(concerning, scope, body)
        again = _Replay(body, receive)
        if fired is None:
            await self._app(scope, again, send)
        else:
            await self._befall(fired, scope, again, send)

    async def _befall(self, fired: Standing, scope: Scope, receive: Receive, send: Send) -> None:
        rule = fired.rule
        match rule.fault:
            case "reset-before":
                await self._wire.reset(scope, receive)
            case "reset-after":
                await self._work(scope, receive)
                await self._wire.reset(scope, receive)
            case "lost-answer":
                await self._work(scope, receive)
                await _hold(rule.seconds, receive)
                await self._wire.drop(scope, receive)
            case "truncated":
                await self._truncate(await self._work(scope, receive), scope, receive, send)
            case "refuse":
                if rule.after:
                    await self._work(scope, receive)
                await _send(refused(rule), send)
            case "creation-limit":
                await _send(creation_limit(fired.wait(_who(scope))), send)
            case "slow":
                await asyncio.sleep(rule.seconds)
                await self._app(scope, receive, send)
            case "stale":
                await self._stale(rule, scope, receive, send)

    async def _work(self, scope: Scope, receive: Receive) -> Answer:
        """Do what was asked, and keep the answer back."""
        answer = Answer(500, [], b"")

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await self._app(scope, receive, keep)
        return answer

    async def _truncate(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await self._wire.drop(scope, receive)

    async def _stale(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        # Times are kept in whole seconds: what bears this second may have been made at its very end.
        horizon = datetime.fromtimestamp(int(time.time() - rule.seconds - 1), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        scope.setdefault("state", {})[HORIZON] = horizon
        answer = await self._work(scope, receive)
        await _send(_not_yet(answer) if _made(answer) > horizon else answer, send)


def _first(concerning: list[Standing], scope: Scope, body: bytes) -> Standing | None:
    who = _who(scope)
    for each in concerning:
        if each.rule.fault == "creation-limit" and not _creates(scope, body):
            continue
        if each.fires(body, who):
            return each
    return None


def _who(scope: Scope) -> str:
    return Headers(scope=scope).get("authorization", "")


def _creates(scope: Scope, body: bytes) -> bool:
    """Whether GitHub counts the request as a write; git's own traffic and GraphQL's questions are none."""
    path = str(scope["path"])
    if path.endswith(("/git-upload-pack", "/git-receive-pack")):
        return False
    return not path.endswith("/graphql") or b"mutation" in body


def _made(answer: Answer) -> str:
    """When the single object in an answer was made; nothing for lists and for what bears no date."""
    if answer.status != 200:
        return ""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return ""
    made = (found.get("created_at") or found.get("submitted_at")) if isinstance(found, dict) else None
    return str(made or "")


def _not_yet(answer: Answer) -> Answer:
    missing = refused(Rule(fault="refuse", status=404))
    kept = [pair for pair in answer.headers if pair[0].lower().startswith(b"x-")]
    return Answer(404, [*missing.headers, *kept], missing.body)


async def _hold(seconds: float, receive: Receive) -> None:
    """Leave the client waiting; who gives up earlier is let go."""
    try:
        async with asyncio.timeout(seconds):
            await gone(receive)
    except TimeoutError:
        return


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


class _Replay:
    """A body that was read already, once more."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """The body first, then what comes after it."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
