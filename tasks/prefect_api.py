"""Prefect's REST API, as much as control needs of it, over plain HTTP: importing Prefect costs seconds."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shipline.backoff import TRIES, pause
from shipline.config import Settings
from shipline.errors import Unavailable

DEPLOYMENT = "deliver/deliver"
LIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
PAGE = 200
TIMEOUT = httpx.Timeout(10.0, connect=3.0)  # seconds for one request
BUSY = 503  # a server on SQLite answers so while another write goes on; nothing was done


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
        return (await self.all_live()).get(run_id, [])

    async def all_live(self) -> dict[str, list[FlowRun]]:
        """The same for every run, by its id."""
        found: dict[str, list[FlowRun]] = defaultdict(list)
        offset = 0
        while True:
            asked = {
                "flow_runs": {"state": {"type": {"any_": list(LIVE)}}},
                "sort": "ID_DESC", "limit": PAGE, "offset": offset,
            }  # fmt: skip
            page = (await self._ask("POST", "flow_runs/filter", asked)).json()
            for each in page:
                if run_id := (each.get("parameters") or {}).get("run_id"):
                    found[str(run_id)].append(_flow_run(each))
            if len(page) < PAGE:
                return found
            offset += PAGE

    async def last_delivery(self, run_id: str) -> FlowRun | None:
        """The newest flow run that was to deliver the run to its end, in whatever state; None when there is none."""
        tagged = {"flow_runs": {"tags": {"all_": [run_id]}, "parent_task_run_id": {"is_null_": True}}}
        tagged |= {"flows": {"name": {"any_": ["deliver"]}}}
        asked = {**tagged, "sort": "EXPECTED_START_TIME_DESC", "limit": 1}
        page = (await self._ask("POST", "flow_runs/filter", asked)).json()
        return _flow_run(page[0]) if page else None

    async def check(self) -> None:
        """Say so when the server does not answer."""
        await self._ask("GET", "admin/version")

    async def deployment(self, name: str = DEPLOYMENT) -> str:
        """The id of a deployment, by default of the one that delivers a run."""
        answer = await self._ask("GET", f"deployments/name/{name}", good=(200, 404))
        if answer.status_code == 404:
            raise Unavailable(
                f"Prefect knows no deployment {name}.",
                "Start the stack (`shipline up`), or run `prefect deploy --all`.",
            )
        return str(answer.json()["id"])

    async def deployment_names(self) -> set[str]:
        """What is registered, by name without its flow's."""
        return {str(each["name"]) for each in (await self._ask("POST", "deployments/filter", {"limit": PAGE})).json()}

    async def variable(self, name: str) -> str | None:
        """The text of one of the server's variables; None when there is none."""
        answer = await self._ask("GET", f"variables/name/{name}", good=(200, 404))
        return str(answer.json()["value"]) if answer.status_code == 200 else None

    async def keep_variable(self, name: str, value: str) -> None:
        """Make a variable, or give it this text."""
        made = await self._ask("POST", "variables/", {"name": name, "value": value}, good=(201, 409))
        if made.status_code != 201:
            await self._ask("PATCH", f"variables/name/{name}", {"value": value}, good=(204,))

    async def start(
        self, deployment: str, run_id: str, *, flow: str = "deliver", once: str | None = None, **parameters: Any
    ) -> str:
        """Hand a run to a worker; the id of the new flow run. The same ``once`` gives the same flow run."""
        given = {"run_id": run_id, **parameters}
        return await self.operate(deployment, f"{flow} {run_id}", [run_id], given, once=once)

    async def operate(
        self, deployment: str, name: str, tags: list[str], parameters: dict[str, Any], *, once: str | None = None
    ) -> str:
        """Start a flow run of any deployment; its id. The same ``once`` gives the same flow run.

        It has its ``name`` from the first moment: one that waits for a worker is to be found too.
        """
        body: dict[str, Any] = {"name": name, "parameters": parameters, "tags": ["shipline", *tags]}
        if once is not None:
            body["idempotency_key"] = once
        answer = await self._ask("POST", f"deployments/{deployment}/create_flow_run", body, good=(200, 201))
        return str(answer.json()["id"])

    async def cancel(self, flow_run: str) -> None:
        """Ask for a flow run's end. One that has no process is cancelled at once."""
        await self._set_state(flow_run, {"type": "CANCELLING", "name": "Cancelling"})

    async def resume(self, flow_run: str) -> bool:
        """Let a worker take a suspended flow run up again; False when Prefect says that it cannot."""
        answer = await self._ask("POST", f"flow_runs/{flow_run}/resume", good=(200, 201, 404))
        return answer.status_code == 201

    async def bury(self, flow_run: str, state: str, message: str) -> None:
        """End a flow run (``CANCELLED``, ``CRASHED``) whose process is known to be gone."""
        told = {"type": state, "name": state.capitalize(), "message": message}
        await self._set_state(flow_run, told, force=True)

    async def keep_limit(self, name: str, limit: int, decay: float) -> None:
        """Make a global limit whose slots come back, ``decay`` a second; one that is there gets these numbers."""
        numbers = {"limit": limit, "slot_decay_per_second": decay}
        path = f"v2/concurrency_limits/{name}"
        found = await self._ask("GET", path, good=(200, 404))
        if found.status_code == 404:  # 409: another worker was faster
            await self._ask("POST", "v2/concurrency_limits/", {"name": name, **numbers}, good=(200, 201, 409))
        elif {key: found.json().get(key) for key in numbers} != numbers:
            await self._ask("PATCH", path, numbers, good=(204,))

    async def take_slot(self, name: str) -> bool | None:
        """Take one slot of a global limit; False when none is free, None when there is no such limit."""
        body = {"names": [name], "slots": 1, "mode": "rate_limit"}
        answer = await self._ask("POST", "v2/concurrency_limits/increment", body, good=(200, 423))
        return None if answer.status_code == 200 and not answer.json() else answer.status_code == 200

    async def _set_state(self, flow_run: str, state: dict[str, Any], *, force: bool = False) -> None:
        body = {"state": state, "force": force}
        await self._ask("POST", f"flow_runs/{flow_run}/set_state", body, good=(200, 201, 404))

    async def _ask(self, method: str, path: str, body: Any = None, good: tuple[int, ...] = (200,)) -> httpx.Response:
        answer = await self._send(method, path, body)
        for attempt in range(1, TRIES):
            if answer.status_code != BUSY:
                break
            await asyncio.sleep(pause(attempt))
            answer = await self._send(method, path, body)
        if answer.status_code not in good:
            raise Unavailable(f"Prefect refused {path} ({answer.status_code}: {answer.text[:200]}).")
        return answer

    async def _send(self, method: str, path: str, body: Any) -> httpx.Response:
        try:
            return await self._client.request(method, f"{self._url}/{path}", json=body)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"Prefect at {self._url} does not answer ({type(error).__name__}).", "Start the stack: `shipline up`."
            ) from None


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
