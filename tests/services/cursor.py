"""Cursor's cloud agents on this machine: the REST API v1 with its stream, over real git. Tests say what they do."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import subprocess
import tempfile
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.services import contract

KEY = "key_for_tests_only"
RETENTION = {"X-Cursor-Stream-Retention-Seconds": "3600"}


@dataclass
class Work:
    """What one run of an agent is: what it was told, where, and what became of it."""

    id: str
    agent: str
    name: str
    prompt: str
    url: str
    ref: str
    status: str = "CREATING"
    text: str = ""
    tokens: tuple[int, int] = (100, 20)
    events: list[tuple[str | None, str, dict[str, Any]]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def say(self, event: str, **data: Any) -> None:
        """Put something on the stream; beside most of it, under the same id, what only Cursor's own SDK reads."""
        name = None if event == "status" else f"{1000 + len(self.events)}-0"
        self.events.append((name, event, data))
        if event in ("assistant", "thinking", "tool_call"):
            self.events.append((name, "interaction_update", {"type": f"{event}-delta", "delta": data}))
        self.changed.set()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.status not in ("CREATING", "RUNNING")


Doing = Callable[[Work, Path], Awaitable[str]]


@dataclass(frozen=True)
class Fault:
    """A refusal for the next requests that fit: ``what`` is matched against ``METHOD path``."""

    what: str
    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False  # the work is done first, and the answer lost
    body: Any = None  # of somebody else than Cursor: a proxy's page; it is held against nothing
    always: bool = False


async def _nothing(_work: Work, _place: Path) -> str:
    return "Changed nothing"


@dataclass
class Cursor:
    """The server. ``doing`` is what an agent does in its clone; it returns its last words."""

    token: str  # what Cursor's own integration may push with
    doing: Doing = _nothing
    faults: deque[Fault] = field(default_factory=deque)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, Work] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)  # what did not fit the contract
    tells_usage: bool = True
    resumed: list[str | None] = field(default_factory=list)  # the Last-Event-ID of each stream that was asked for
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def app(self) -> Starlette:
        """The routes."""
        agent, run = "/v1/agents/{id}", "/v1/agents/{id}/runs/{run}"
        routes: list[tuple[str, str, Any]] = [
            ("POST", "/v1/agents", self._create), ("GET", agent, self._agent), ("POST", f"{agent}/runs", self._say),
            ("GET", run, self._run), ("GET", f"{run}/stream", self._stream), ("POST", f"{run}/cancel", self._cancel),
            ("GET", f"{agent}/usage", self._usage), ("GET", f"{agent}/artifacts", self._artifacts),
            ("POST", f"{agent}/archive", self._archive), ("POST", f"{agent}/unarchive", self._unarchive),
            ("GET", "/v1/models", self._models),
            ("GET", "/v1/me", self._me),
        ]  # fmt: skip
        return Starlette(routes=[Route(path, self._door(call), methods=[method]) for method, path, call in routes])

    def started(self) -> list[str]:
        """The names of the agents, in the order in which they were started."""
        return [str(each["name"]) for each in self.agents.values()]

    def used(self) -> tuple[int, int]:
        """The tokens of all runs that ended."""
        ended = [each.tokens for each in self.runs.values() if each.ended]
        return sum(took for took, _ in ended), sum(gave for _, gave in ended)

    def _door(self, call: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            said = f"{request.method} {request.url.path}"
            self.calls.append(said)
            await self._hold_request(request)
            fault = next((each for each in self.faults if re.fullmatch(each.what, said)), None)
            if fault is not None and not fault.always:
                self.faults.remove(fault)
            if fault is not None and fault.body is not None:
                return Response(fault.body, fault.status, fault.headers)
            answer = await self._answered(request, call, fault)
            self._hold_answer(request, answer)
            return answer

        return handle

    async def _answered(
        self, request: Request, call: Callable[[Request], Awaitable[Response]], fault: Fault | None
    ) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return self._refuse(401, "unauthorized", "Invalid API key")
        if fault is None:
            return await call(request)
        if fault.after:
            await call(request)
        return self._refuse(fault.status, fault.code, "As the test wants it", fault.headers)

    async def _hold_request(self, request: Request) -> None:
        if contract.known():
            given = await request.body()
            self.misfits += contract.request_faults(
                request.method, request.url.path, dict(request.query_params), dict(request.headers),
                json.loads(given) if given else None,
            )  # fmt: skip

    def _hold_answer(self, request: Request, answer: Response) -> None:
        if contract.known():
            body = json.loads(bytes(answer.body)) if isinstance(answer, JSONResponse) else None
            headers = {name.lower(): value for name, value in answer.headers.items()}
            self.misfits += contract.answer_faults(request.method, request.url.path, answer.status_code, headers, body)

    def _refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
        limits = {"Retry-After": "0", "X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"}
        told = {**limits, **(headers or {})} if status == 429 else headers
        return JSONResponse({"error": {"code": code, "message": message}}, status, told)

    def _answer(self, body: Any, status: int = 200) -> Response:
        return JSONResponse(body, status)

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        agent_id = body.get("agentId") or f"bc-{uuid.uuid4()}"
        if agent_id in self.agents:
            return self._refuse(409, "agent_id_conflict", "There is an agent with this id")
        repo = body["repos"][0]
        name = body.get("name", "Untitled")
        self.agents[agent_id] = {
            "id": agent_id, "name": name, "status": "ACTIVE", "env": {"type": "cloud"}, "repos": body["repos"],
            "url": f"https://cursor.com/agents/{agent_id}", "createdAt": _now(), "updatedAt": _now(),
            "workOnCurrentBranch": body.get("workOnCurrentBranch", False),
            "autoCreatePR": body.get("autoCreatePR", False),
        }  # fmt: skip
        work = self._begin(agent_id, name, body["prompt"]["text"], repo["url"], repo["startingRef"])
        answer = {"agent": self.agents[agent_id], "run": self._shape(work)}
        return self._answer(answer, 201)

    def _begin(self, agent_id: str, name: str, prompt: str, url: str, ref: str) -> Work:
        work = Work(f"run-{uuid.uuid4()}", agent_id, name, prompt, url, ref)
        self.runs[work.id] = work
        self.agents[agent_id]["latestRunId"] = work.id
        task = asyncio.get_running_loop().create_task(self._work(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return work

    async def _work(self, work: Work) -> None:
        work.status = "RUNNING"
        work.say("status", runId=work.id, status="RUNNING")
        work.say("thinking", text="Where to begin?")
        work.say("assistant", text="I look around.")
        look = {"callId": "call-1", "name": "read_file", "args": {"path": "README.md"}}
        work.say("tool_call", **look, status="running")
        work.say("tool_call", **look, status="completed", result={"success": {"content": "# Here"}})
        status, words = "FINISHED", ""
        try:
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "clone"
                await self._git(Path(folder), "clone", "--quiet", "--branch", work.ref, work.url, str(place))
                words = await self.doing(work, place)
                if not work.ended:
                    await self._publish(work, place)
        except Exception as error:  # noqa: BLE001 (an agent that fails ends as ERROR, with its words)
            status, words = "ERROR", str(error)
        if work.ended:
            return
        work.text = words or "Done"
        work.status = status
        work.say("result", runId=work.id, status=status, text=work.text, durationMs=5)
        work.say("done")

    async def _publish(self, work: Work, place: Path) -> None:
        await self._git(place, "add", "--all")
        who = ("-c", "user.name=Cursor Agent", "-c", "user.email=cursoragent@cursor.com")
        await self._git(place, *who, "commit", "--quiet", "--allow-empty", "-m", "Work of the agent")
        await self._git(place, "push", "--quiet", "origin", f"HEAD:refs/heads/{work.ref}")

    async def _git(self, place: Path, *words: str) -> None:
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        config = ("-c", f"http.extraHeader=Authorization: Basic {basic}")
        done = await asyncio.to_thread(
            subprocess.run, ["git", *config, *words], cwd=place, capture_output=True, text=True,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"}, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)

    async def _agent(self, request: Request) -> Response:
        found = self.agents.get(request.path_params["id"])
        return self._answer(found) if found else self._refuse(404, "agent_not_found", "No such agent")

    async def _say(self, request: Request) -> Response:
        body = await request.json()
        agent = self.agents[request.path_params["id"]]
        if agent["status"] == "ARCHIVED":
            return self._refuse(409, "agent_archived", "Unarchive it first")
        latest = self.runs[agent["latestRunId"]]
        if not latest.ended:
            return self._refuse(409, "agent_busy", "A run is active")
        work = self._begin(latest.agent, latest.name, body["prompt"]["text"], latest.url, latest.ref)
        return self._answer({"run": self._shape(work)}, 201)

    async def _run(self, request: Request) -> Response:
        found = self.runs.get(request.path_params["run"])
        return self._answer(self._shape(found)) if found else self._refuse(404, "run_not_found", "No such run")

    def _shape(self, work: Work) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "id": work.id, "agentId": work.agent, "status": work.status, "createdAt": work.began.isoformat(),
            "updatedAt": _now(),
        }  # fmt: skip
        if work.ended:
            shape |= {"durationMs": 1500, "result": work.text or "Stopped",
                      "git": {"branches": [{"repoUrl": work.url.partition("//")[2], "branch": work.ref}]}}  # fmt: skip
        return shape

    async def _stream(self, request: Request) -> Response:
        work, after = self.runs[request.path_params["run"]], request.headers.get("last-event-id")
        self.resumed.append(after)
        ids = [each[0] for each in work.events]
        if after and after not in ids:
            return self._refuse(400, "invalid_last_event_id", "No such event of this run")
        begin = len(ids) - ids[::-1].index(after) if after else 0
        return StreamingResponse(self._lines(work, begin), media_type="text/event-stream", headers=RETENTION)

    async def _lines(self, work: Work, at: int) -> AsyncIterator[str]:
        yield self._frame(None, "status", {"runId": work.id, "status": work.status})
        while True:
            for number, (name, event, data) in enumerate(work.events[at:], start=at):
                at = number + 1
                if event == "cut":
                    return
                if event != "status":
                    yield self._frame(name, event, data)
                if event == "done":
                    return
            if work.ended:
                return
            work.changed.clear()
            try:
                await asyncio.wait_for(work.changed.wait(), 1)
            except TimeoutError:
                yield self._frame(None, "heartbeat", {})

    def _frame(self, name: str | None, event: str, data: dict[str, Any]) -> str:
        if contract.known():
            self.misfits += contract.frame_faults(event, name, data)
        head = f"id: {name}\n" if name else ""
        return f"{head}event: {event}\ndata: {json.dumps(data)}\n\n"

    async def _cancel(self, request: Request) -> Response:
        work = self.runs[request.path_params["run"]]
        if work.ended:
            return self._refuse(409, "run_not_cancellable", "The run is over")
        work.status = "CANCELLED"
        work.say("result", runId=work.id, status="CANCELLED")
        return self._answer({"id": work.id})

    async def _usage(self, request: Request) -> Response:
        if not self.tells_usage:
            return self._refuse(403, "feature_unavailable", "Usage is in early access")
        mine = [each for each in self.runs.values() if each.agent == request.path_params["id"]]
        runs = [{"id": each.id, "usage": _tokens(*each.tokens)} for each in mine]
        total = _tokens(sum(each.tokens[0] for each in mine), sum(each.tokens[1] for each in mine))
        return self._answer({"totalUsage": total, "runs": runs})

    async def _artifacts(self, _: Request) -> Response:
        item = {"path": "artifacts/notes.md", "sizeBytes": 12, "updatedAt": _now()}
        return self._answer({"items": [item]})

    async def _archive(self, request: Request) -> Response:
        agent = self.agents[request.path_params["id"]]
        agent["status"] = "ARCHIVED"
        return self._answer({"id": agent["id"]})

    async def _unarchive(self, request: Request) -> Response:
        agent = self.agents[request.path_params["id"]]
        agent["status"] = "ACTIVE"
        return self._answer({"id": agent["id"]})

    async def _models(self, _: Request) -> Response:
        item = {"id": "composer-2", "displayName": "Composer 2"}
        return self._answer({"items": [item]})

    async def _me(self, _: Request) -> Response:
        return self._answer({"apiKeyName": "tests", "createdAt": _now(), "userEmail": "a@example.com"})


def _tokens(took: int, gave: int) -> dict[str, int]:
    return {
        "inputTokens": took, "outputTokens": gave, "cacheWriteTokens": 0, "cacheReadTokens": 0,
        "totalTokens": took + gave,
    }  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat()
