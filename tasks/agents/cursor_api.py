"""Cursor's Cloud Agents API, v1: the requests that Shipline makes. Answers are read leniently, since it is a beta."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shipline.backoff import TRIES, pause
from shipline.errors import Unavailable
from tasks.agents.cursor_errors import CursorRefused, Decision, refused

WITHIN = 60.0  # seconds for an answer
SILENCE = 90.0  # seconds without a line of a stream, heartbeats too
LONGEST = 120.0  # seconds that one answer may ask us to wait
ENDED = frozenset({"FINISHED", "ERROR", "CANCELLED", "EXPIRED"})


class Lenient(BaseModel):
    """Part of an answer: fields that are new to us are left alone."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class CursorAgent(Lenient):
    """An agent; its work is in its runs."""

    id: str
    status: str
    url: str = ""
    latest_run_id: str | None = None


class CursorRun(Lenient):
    """One piece of an agent's work. ``result`` is its last words, once it has ended."""

    id: str
    status: str
    created_at: datetime
    duration_ms: int | None = None
    result: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED


class Tokens(Lenient):
    """What was used; the total counts what came from a cache too."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0


class Said(Lenient):
    """One event of a stream. ``id`` is None for those that cannot be resumed after."""

    id: str | None = None
    event: str = "message"
    data: dict[str, Any] = Field(default_factory=dict)


class CursorApi:
    """One account of one server."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=WITHIN
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def create(self, body: dict[str, Any]) -> CursorAgent:
        """Start an agent. CursorRefused with ATTACH when there is one with that ``agentId``."""
        return CursorAgent.model_validate((await self._ask("POST", "/v1/agents", body))["agent"])

    async def agent(self, agent_id: str) -> CursorAgent:
        """An agent as it stands."""
        return CursorAgent.model_validate(await self._ask("GET", f"/v1/agents/{agent_id}"))

    async def say(self, agent_id: str, text: str) -> CursorRun:
        """Start another run of an agent. This is not repeated by itself: the API has no key for it."""
        answer = await self._once("POST", f"/v1/agents/{agent_id}/runs", {"prompt": {"text": text}})
        return CursorRun.model_validate(answer["run"])

    async def run(self, agent_id: str, run_id: str) -> CursorRun:
        """A run as it stands."""
        return CursorRun.model_validate(await self._ask("GET", f"/v1/agents/{agent_id}/runs/{run_id}"))

    async def cancel(self, agent_id: str, run_id: str) -> None:
        """Stop a run. CursorRefused with OVER when there is nothing to stop."""
        await self._ask("POST", f"/v1/agents/{agent_id}/runs/{run_id}/cancel")

    async def archive(self, agent_id: str) -> None:
        """Put an agent away."""
        await self._ask("POST", f"/v1/agents/{agent_id}/archive")

    async def unarchive(self, agent_id: str) -> None:
        """Bring it back: what is archived takes no new run."""
        await self._ask("POST", f"/v1/agents/{agent_id}/unarchive")

    async def usage(self, agent_id: str) -> Tokens:
        """What all runs of an agent used. CursorRefused with ESTIMATE where this is not told."""
        return Tokens.model_validate((await self._ask("GET", f"/v1/agents/{agent_id}/usage"))["totalUsage"])

    async def artifacts(self, agent_id: str) -> list[str]:
        """The paths of what it left besides the change."""
        return [str(each["path"]) for each in (await self._ask("GET", f"/v1/agents/{agent_id}/artifacts"))["items"]]

    async def me(self) -> str:
        """The name of the key that we show."""
        return str((await self._ask("GET", "/v1/me")).get("apiKeyName", ""))

    async def models(self) -> list[str]:
        """The ids of the models that the account may use."""
        return [str(each["id"]) for each in (await self._ask("GET", "/v1/models"))["items"]]

    async def stream(self, agent_id: str, run_id: str, after: str | None = None) -> AsyncIterator[Said]:
        """The events of a run after the one with id ``after``. CursorRefused, or Unavailable when the line fails."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        path, limit = f"/v1/agents/{agent_id}/runs/{run_id}/stream", httpx.Timeout(WITHIN, read=SILENCE)
        try:
            async with self._client.stream("GET", path, headers=headers, timeout=limit) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    raise _refusal(answer)
                async for each in _events(answer):
                    yield each
        except httpx.HTTPError as error:
            raise Unavailable(f"Cursor's stream broke off ({type(error).__name__}).") from error

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._once(method, path, body)
            except CursorRefused as error:
                wait = max(error.retry_after or 0.0, pause(attempt))
                if error.decision is not Decision.AGAIN or attempt == TRIES or wait > LONGEST:
                    raise
            except Unavailable:
                if attempt == TRIES:
                    raise
                wait = pause(attempt)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _once(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"Cursor does not answer ({type(error).__name__}).", "Retry when it does.") from error
        if answer.status_code >= 400:
            raise _refusal(answer)
        found = answer.json() if answer.content else {}
        return found if isinstance(found, dict) else {}


def _refusal(answer: httpx.Response) -> CursorRefused:
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    after = answer.headers.get("retry-after", "")
    return refused(answer.status_code, body, float(after) if after.isdecimal() else None)


async def _events(answer: httpx.Response) -> AsyncIterator[Said]:
    """Server-sent events; one whose data is no JSON object says nothing to us."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
        elif fields:
            if (said := _said(fields)) is not None:
                yield said
            fields = {}


def _said(fields: dict[str, str]) -> Said | None:
    try:
        return Said.model_validate({**fields, "data": json.loads(fields.get("data") or "{}")})
    except (ValueError, ValidationError):
        return None
