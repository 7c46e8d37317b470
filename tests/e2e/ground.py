"""A running stack with agents that can be held up, as a person at the terminal and one in Prefect's UI meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil
from pymongo import MongoClient

from tests.e2e.conftest import IDEA, Said, new_repository, shipline

CODER = "tests.e2e.slow_agent:SlowCoder"
STAGES = ("deliver/deliver", "spec/spec", "execute/execute")
LATE = 240.0  # seconds after which nothing will happen any more


@dataclass(frozen=True)
class Ground:
    """The stack on ``home``; its workers ask the slow agent."""

    home: Path

    @cached_property
    def told(self) -> dict[str, Any]:
        """Where everything is."""
        return dict(json.loads((self.home / "stack.json").read_text()))

    @cached_property
    def mongo(self) -> MongoClient[dict[str, Any]]:
        """The connection to it."""
        return MongoClient(self.told["mongodb_uri"], tz_aware=True)

    @cached_property
    def ledger(self) -> Any:
        """The ledger's database."""
        return self.mongo["shipline"]

    @cached_property
    def prefect(self) -> httpx.Client:
        """Prefect's REST API, as its UI calls it."""
        return httpx.Client(base_url=self.told["prefect_api_url"], timeout=30)

    def close(self) -> None:
        """Let go of both connections."""
        self.mongo.close()
        self.prefect.close()

    def run(self, *words: str) -> Said:
        """One command of ours."""
        return shipline(self.home, *words, SHIPLINE_CODER=CODER)

    def hold(self, *, on: bool) -> None:
        """Let agents think until told otherwise."""
        place = self.home / "agents"
        place.mkdir(exist_ok=True)
        if on:
            (place / "hold").touch()
        else:
            (place / "hold").unlink(missing_ok=True)

    def fail(self, node: str, *, on: bool) -> None:
        """Let the agent of a node fail."""
        mark = self.home / "agents" / f"fail-{node}"
        mark.parent.mkdir(exist_ok=True)
        mark.touch() if on else mark.unlink(missing_ok=True)

    def begin(self, name: str) -> str:
        """Start a small run on a repository of its own; its id."""
        said = self.run("run", IDEA, "--repo", new_repository(self.home, name), "--size", "small", "--detach", "--json")
        assert said.code == 0, said.err
        return str(said.last_json["_id"])

    def document(self, run: str) -> dict[str, Any]:
        """The run in the ledger."""
        return dict(self.ledger["runs"].find_one({"_id": run}))

    def ended(self, run: str, outcome: str = "succeeded", within: float = 240) -> None:
        """Wait until the run has its outcome."""
        until(lambda: self.document(run)["outcome"] is not None, f"{run} ends", within)
        found = self.document(run)
        assert found["outcome"] == outcome, found["error"]

    def agents_at_work(self, run: str) -> list[dict[str, Any]]:
        """The agents of a run that were started and think."""
        return list(self.ledger["agent_runs"].find({"runId": run, "status": "running", "ref": {"$ne": None}}))

    def wait_for_agent(self, run: str) -> dict[str, Any]:
        """Wait until a coding agent of the run thinks; its agent run."""
        until(lambda: bool(self.agents_at_work(run)), f"an agent of {run} works", 120)
        return self.agents_at_work(run)[0]

    def agent_process(self, ref: str) -> int:
        """The process of an agent."""
        for file in (self.home / "agents").glob("*/agent.json"):
            told = json.loads(file.read_text())
            if told["key"] == ref:
                return int(told["pid"])
        raise AssertionError(f"no agent {ref}")

    def agents_of(self, run: str) -> list[int]:
        """Every agent's process of a run that lives."""
        told = [json.loads(file.read_text()) for file in (self.home / "agents").glob("*/agent.json")]
        return [each["pid"] for each in told if each["key"].startswith(run) and alive(each["pid"])]

    def effects(self, run: str) -> set[tuple[str, str, int]]:
        """The effects of a run: key, status, attempts."""
        return {(each["_id"], each["status"], each["attempts"]) for each in self.ledger["effects"].find({"runId": run})}

    def flow_runs(self, run: str, *, nested: bool = False) -> list[dict[str, Any]]:
        """The flow runs of a run, newest first; the stages inside of others only when asked for."""
        found = self.ask("POST", "/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 200}).json()
        ours = [each for each in found if each["parameters"].get("run_id") == run]
        return [each for each in ours if (each["parent_task_run_id"] is not None) == nested]

    def flow_run(self, run: str) -> dict[str, Any]:
        """The newest flow run that carries the run."""
        return self.flow_runs(run)[0]

    def state(self, flow_run: str) -> str:
        """A flow run's state as the UI shows it: type and name."""
        answer = self.ask("GET", f"/flow_runs/{flow_run}")
        if answer.status_code == 404:
            return "gone"
        return f"{answer.json()['state_type']} {answer.json()['state_name']}"

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request of the UI. A server on SQLite answers 503, or late, when it is busy; a person asks again."""
        until = time.monotonic() + LATE
        while True:
            try:
                answer = self.prefect.request(method, path, json=body)
                if answer.status_code != 503 or time.monotonic() > until:
                    return answer
            except httpx.ReadTimeout:
                if method != "GET" or time.monotonic() > until:
                    raise
            time.sleep(0.5)

    def press(self, flow_run: str, state: dict[str, Any], *, force: bool = True) -> str:
        """Set a state as the UI's buttons do; what Prefect said of it."""
        answer = self.ask("POST", f"/flow_runs/{flow_run}/set_state", {"state": state, "force": force})
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["status"])

    def becomes(self, flow_run: str, *wanted: str, within: float = LATE) -> None:
        """Wait for a state of a flow run."""
        until(lambda: self.state(flow_run) in wanted, f"{flow_run} becomes {wanted}", within)


def alive(pid: int) -> bool:
    """Whether the process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def until(holds: Callable[[], bool], what: str, within: float = LATE) -> float:
    """Wait until ``holds``; the seconds it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within:
            raise AssertionError(f"waited {within:.0f} s, and not: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


@contextmanager
def slow_agents(home: Path) -> Iterator[Ground]:
    """Let the stack's workers ask the slow agent as long as this lasts."""
    ground = Ground(home)
    changed: dict[str, Any] = {}
    for name in STAGES:
        found = ground.ask("GET", f"/deployments/name/{name}").raise_for_status().json()
        before = changed[found["id"]] = found["job_variables"]
        asked = {"job_variables": {**before, "env": {**before.get("env", {}), "SHIPLINE_CODER": CODER}}}
        ground.ask("PATCH", f"/deployments/{found['id']}", asked).raise_for_status()
    try:
        yield ground
    finally:
        ground.hold(on=False)
        for deployment, before in changed.items():
            ground.ask("PATCH", f"/deployments/{deployment}", {"job_variables": before}).raise_for_status()
        ground.close()
