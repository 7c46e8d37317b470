"""The http adapter before servers that are less polite than the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from shipline.errors import AgentError, ConfigError, ShiplineError, Unavailable
from tasks.agents import http_agent
from tasks.agents.execution import PATH
from tasks.agents.http_agent import NOT_TOLD, HttpAgent
from tests.integration.agents.behaviour import job
from tests.services.served import served


class Rude:
    """A server that answers what a test says."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.asked: list[tuple[str, str | None, Any]] = []
        self.app.add_api_route("/{path:path}", self._answer, methods=["GET", "POST"])

    async def _answer(self, request: Request, path: str) -> JSONResponse:
        body = await request.json() if await request.body() else None
        self.asked.append((f"{request.method} /{path}", request.headers.get("idempotency-key"), body))
        status, content, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return JSONResponse(content, status, headers)


@pytest.fixture
def rude(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rude]:
    """One, configured; our own pauses are short."""
    made = Rude()
    monkeypatch.setattr(http_agent, "pause", lambda _: 0.0)
    monkeypatch.setattr(http_agent, "LOOK", 0.0)
    with served(made.app) as url:
        monkeypatch.setenv("SHIPLINE_CODER_URL", f"{url}/")
        yield made


DONE = {"id": "x1", "status": "completed", "summary": "Done", "new": "field"}


async def test_a_server_may_do_the_work_before_it_answers(rude: Rude) -> None:
    rude.answers = [(200, DONE, {})]
    agent = HttpAgent()
    ref = await agent.start(job("agent/a"), "r/n/1/agent", Path())
    result = await agent.result(ref)
    assert result.output.changeset_summary == "Done"
    assert result.warnings == [NOT_TOLD]
    assert result.usage.input_tokens > 0
    await agent.cancel(ref)
    asked = {"repo": "demo/tally", "branch": "agent/a", "task": "Write made.txt", "context": job("").context}
    assert rude.asked == [(f"POST {PATH}", "r/n/1/agent", asked)]


async def test_what_passes_is_waited_for(rude: Rude) -> None:
    busy = [(429, {}, {"Retry-After": "0"}), (503, {"detail": "Soon"}, {}), (500, "x", {})]
    rude.answers = [*busy, (202, {"id": "x1", "status": "waiting"}, {}), (502, {}, {}), (200, DONE, {})]
    agent = HttpAgent()
    assert (await agent.result(await agent.start(job("agent/a"), "r/k", Path()))).output.changeset_summary == "Done"
    assert {key for what, key, _ in rude.asked if what.startswith("POST")} == {"r/k"}


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (401, {"detail": "Who?"}, ConfigError, r"does not take our token \(Who\?\)"),
        (403, {"message": "No"}, ConfigError, "does not take our token"),
        (404, {}, ConfigError, "has no /adapters/cursor/execute"),
        (405, {}, ConfigError, "has no /adapters/cursor/execute"),
        (307, {}, ConfigError, "sends us elsewhere"),
        (409, {"detail": "Taken"}, AgentError, "answers 409: Taken"),
        (422, {"error": "Odd"}, AgentError, "answers 422: Odd"),
        (503, {"detail": "Down"}, Unavailable, r"answers 503 \(Down\)"),
        (200, {"id": "x"}, AgentError, "what does not fit"),
        (200, {"id": "../../api", "status": "waiting"}, AgentError, "what does not fit"),
        (200, {"id": "x", "status": "failed", "error": "no  luck."}, AgentError, r"failed: no luck\."),
        (200, {"id": "x", "status": "cancelled"}, AgentError, "cancelled: it did not say why"),
    ],
)
async def test_each_refusal_says_what_to_do(
    rude: Rude, status: int, content: Any, kind: type[ShiplineError], words: str
) -> None:
    rude.answers = [(status, content, {})]
    agent = HttpAgent()
    with pytest.raises(kind, match=words):
        await agent.result(await agent.start(job("agent/a"), "r/k", Path()))


async def test_too_long_an_answer_is_not_read(rude: Rude, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_agent, "LARGEST", 1000)
    rude.answers = [(200, {**DONE, "notes": "x" * 2000}, {})]
    with pytest.raises(AgentError, match="more than 1,000 bytes"):
        await HttpAgent().start(job("agent/a"), "r/k", Path())


async def test_nobody_there_and_no_address_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="No server is named"):
        await HttpAgent().start(job("agent/a"), "r/k", Path())
    monkeypatch.setenv("SHIPLINE_CODER_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(http_agent, "pause", lambda _: 0.0)
    with pytest.raises(Unavailable, match="does not answer"):
        await HttpAgent().start(job("agent/a"), "r/k", Path())
