"""Prefect's REST API, as much as control needs of it, over plain HTTP: importing Prefect costs seconds."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shipline.config import Settings
from shipline.errors import Unavailable

DEPLOYMENT = "deliver/deliver"
LIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
PAGE = 200
TIMEOUT = 10.0  # seconds for one request


@dataclass(frozen=True)
class FlowRun:
    """One flow run of a run. ``nested``: a stage inside of another flow run, which ends with it."""

    id: str
    name: str
    state_type: str
    state_name: str
    nested: bool
    on_worker: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.state_name}, {self.id})"


class Prefect:
    """One connection to the server. Raises Unavailable, in words, when it does not answer or refuses."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url, self._client = url, client

    async def live(self, run_id: str) -> list[FlowRun]:
        """The flow runs of a run that have not ended, suspended ones among them."""
        found: list[FlowRun] = []
        offset = 0
        while True:
            asked = {
                "flow_runs": {"state": {"type": {"any_": list(LIVE)}}},
                "sort": "ID_DESC", "limit": PAGE, "offset": offset,
            }  # fmt: skip
            page = (await self._ask("POST", "flow_runs/filter", asked)).json()
            found += [_flow_run(each) for each in page if (each.get("parameters") or {}).get("run_id") == run_id]
            if len(page) < PAGE:
                return found
            offset += PAGE

    async def deployment(self) -> str:
        """The id of the deployment that delivers a run."""
        answer = await self._ask("GET", f"deployments/name/{DEPLOYMENT}", good=(200, 404))
        if answer.status_code == 404:
            raise Unavailable(
                f"Prefect knows no deployment {DEPLOYMENT}.",
                "Start the stack (`shipline up`), or run `prefect deploy --all`.",
            )
        return str(answer.json()["id"])

    async def start(self, deployment: str, run_id: str, **parameters: Any) -> str:
        """Hand a run to a worker; the id of the new flow run."""
        body = {"parameters": {"run_id": run_id, **parameters}, "tags": ["shipline", run_id]}
        answer = await self._ask("POST", f"deployments/{deployment}/create_flow_run", body, good=(200, 201))
        return str(answer.json()["id"])

    async def cancel(self, flow_run: str) -> None:
        """Ask for a flow run's end. One that has no process is cancelled at once."""
        await self._set_state(flow_run, {"type": "CANCELLING", "name": "Cancelling"})

    async def bury(self, flow_run: str, message: str) -> None:
        """Mark a flow run cancelled whose process is known to be gone."""
        await self._set_state(flow_run, {"type": "CANCELLED", "name": "Cancelled", "message": message}, force=True)

    async def _set_state(self, flow_run: str, state: dict[str, Any], *, force: bool = False) -> None:
        body = {"state": state, "force": force}
        await self._ask("POST", f"flow_runs/{flow_run}/set_state", body, good=(200, 201, 404))

    async def _ask(self, method: str, path: str, body: Any = None, good: tuple[int, ...] = (200,)) -> httpx.Response:
        try:
            answer = await self._client.request(method, f"{self._url}/{path}", json=body)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"Prefect at {self._url} does not answer ({type(error).__name__}).", "Start the stack: `shipline up`."
            ) from None
        if answer.status_code not in good:
            raise Unavailable(f"Prefect refused {path} ({answer.status_code}: {answer.text[:200]}).")
        return answer


@asynccontextmanager
async def prefect(settings: Settings) -> AsyncIterator[Prefect]:
    """The server that the configuration names; ConfigError when it names none."""
    async with httpx.AsyncClient(timeout=TIMEOUT, auth=_auth(), headers=_key()) as client:
        yield Prefect(settings.require_prefect().rstrip("/"), client)


def _auth() -> tuple[str, str] | None:
    name, colon, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return (name, password) if colon else None


def _key() -> dict[str, str]:
    key = os.environ.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _flow_run(found: dict[str, Any]) -> FlowRun:
    return FlowRun(
        id=str(found["id"]), name=str(found["name"]), state_type=str(found["state_type"]),
        state_name=str(found["state_name"]), nested=found.get("parent_task_run_id") is not None,
        on_worker=found.get("deployment_id") is not None,
    )  # fmt: skip
