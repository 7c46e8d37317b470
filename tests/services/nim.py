"""An endpoint as NVIDIA's: chat completions with a JSON schema, a list of models, and refusals as were seen of it.

It refuses a field it does not know, as theirs do. What it says is scripted, or looked up in a recording by the role
that the prompt names.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agents_catalog.catalog import load_agents
from tests.services.criteria import met

KEY = "nvapi-a-key-for-tests-only"
MODEL = "nvidia/nemotron-3-super-120b-a12b"
KNOWN = {
    "model", "messages", "max_tokens", "temperature", "top_p", "stream", "seed", "stop", "response_format", "tools",
    "tool_choice", "chat_template_kwargs", "reasoning_budget", "frequency_penalty", "presence_penalty",
}  # fmt: skip

# Bodies as they were seen of the hosted service and its gateway.
GONE = {"status": 404, "title": "Not Found", "detail": "Function 'f1': Not found for account 'a1'"}
DEGRADED = {"status": 400, "title": "Bad Request", "detail": "Function id 'f1': DEGRADED function cannot be invoked"}
REFUSED = {"message": "max_tokens is too large", "type": "BadRequestError", "code": 400}
UNKNOWN_KEY = {"status": 401, "title": "Unauthorized", "detail": "Authentication failed"}
TOO_MANY = {"status": 429, "title": "Too Many Requests"}


@dataclass(frozen=True)
class Says:
    """One scripted reaction: a completion with ``text``, or a refusal.

    Or the connection ``closes`` before a byte of the answer, or ``breaks`` in the middle of its body, or nothing is
    said for as many seconds as it ``hangs``.
    """

    text: str | None = None
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    closes: bool = False
    breaks: bool = False
    hangs: float = 0
    finish: str = "stop"


@dataclass
class Nim:
    """The server. ``used`` is what it reported in all responses: tokens in, tokens out."""

    answer: Callable[[str], str] = lambda _: "{}"
    script: deque[Says] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    used: list[tuple[int, int]] = field(default_factory=list)

    @property
    def app(self) -> ASGIApp:
        """The routes."""
        routes = Starlette(routes=[
            Route("/v1/models", self._models), Route("/v1/chat/completions", self._complete, methods=["POST"]),
        ])  # fmt: skip

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            # The server hands its connection to nobody; ``send`` is a method of what holds it.
            await routes({**scope, "transport": send.__self__.transport}, receive, send)  # type: ignore[attr-defined]

        return app

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "nvidia"}]})

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.keys.append(request.headers.get("authorization", ""))
        self.asked.append(body)
        says = self.script.popleft() if self.script else None
        if says is not None and (says.closes or says.breaks):
            return _Cut(b"{" if says.breaks else b"")
        if says is not None and says.hangs:
            await asyncio.sleep(says.hangs)
            return Response(status_code=408)
        if says is not None and says.status != 200:
            return JSONResponse(says.body, says.status, says.headers)
        if self.keys[-1] != f"Bearer {KEY}":
            return JSONResponse(UNKNOWN_KEY, 401)
        refused = _fault(body)
        if refused is not None:
            return JSONResponse({"message": refused, "type": "BadRequestError", "code": 400}, 400)
        if body["model"] != MODEL:
            return JSONResponse(GONE, 404)
        text = says.text if says is not None and says.text is not None else self.answer(_prompt(body))
        return JSONResponse(self._completion(body, text, says.finish if says else "stop"))

    def _completion(self, body: dict[str, Any], text: str, finish: str) -> dict[str, Any]:
        took, gave = len(json.dumps(body["messages"])) // 4, max(1, len(text) // 4)
        self.used.append((took, gave))
        said: dict[str, Any] = {"role": "assistant", "content": text, "tool_calls": []}
        if body.get("chat_template_kwargs", {}).get("enable_thinking"):
            said["reasoning_content"] = "Let me see."
        return {
            "id": f"chat-{len(self.used)}", "object": "chat.completion", "created": 1_790_000_000, "model": MODEL,
            "choices": [{"index": 0, "message": said, "finish_reason": finish, "logprobs": None}],
            "usage": {"prompt_tokens": took, "completion_tokens": gave, "total_tokens": took + gave},
        }  # fmt: skip


class _Cut(Response):
    """An answer whose connection is closed before it, or when ``begun`` of its body was sent."""

    def __init__(self, begun: bytes) -> None:
        super().__init__()
        self._begun = begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._begun:
            head = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": self._begun, "more_body": True})
            scope["transport"].close()  # when what was written has gone out
        else:
            scope["transport"].abort()


def _fault(body: dict[str, Any]) -> str | None:
    extra = sorted(body.keys() - KNOWN)
    if extra:
        return f"extra_forbidden: {extra[0]}"
    roles = [each["role"] for each in body["messages"]]
    if "system" in roles[1:]:
        return "a system message must be the first"
    if any(each.keys() - {"role", "content"} for each in body["messages"]):
        return "extra_forbidden: messages"
    if body.get("response_format", {}).get("type") != "json_schema":
        return "response_format must be a json_schema"
    return None


def _prompt(body: dict[str, Any]) -> str:
    return str(next(each["content"] for each in body["messages"] if each["role"] == "user"))


def role_of(prompt: str) -> str:
    """The type of the agent that a prompt speaks to."""
    return next(each.type.value for each in load_agents() if f"You are Shipline's {each.name}, the agent" in prompt)


def from_recording(folder: Path, size: str) -> Callable[[str], str]:
    """What the planning agents of a recording said."""

    def answer(prompt: str) -> str:
        file = folder / "answers" / f"plan-{size}" / f"1.{role_of(prompt)}" / "answer.yaml"
        said = yaml.safe_load(file.read_text())["answer"]
        return json.dumps(said | {"criteria": met(prompt)} if role_of(prompt) == "qa-tester" else said)

    return answer
