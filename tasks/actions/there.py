"""A step on the runner: what is asked is fetched, done, and told. It knows no ledger, and no secret while it works.

Three jobs of one workflow: *begin* and *report* hold the shared secret, *work* holds none: what an agent wrote, or a
test that it wrote, runs there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

import httpx

from gha.messages import (
    CHORES,
    Checked,
    Coded,
    Controls,
    StepKind,
    Ticket,
    key_for,
)
from ledger.models import Model, Spec
from shipline.backoff import TRIES, pause
from shipline.config import Settings, load_settings
from shipline.errors import ConfigError, ShiplineError, Unavailable
from tasks.actions.concluding import PHASE, Done

T = TypeVar("T")
WITHIN = 20.0  # seconds for an answer
LOOK = 3.0  # seconds between two looks at the controls
PATIENCE = 1800.0  # seconds that a paused step waits before it leaves, to be asked for again


class Stopped(ShiplineError):
    """A person cancelled the run, or paused it for longer than a runner waits."""


async def fetch(url: str, dispatch_id: str, secret: str) -> Ticket:
    """What is to be done."""
    answer = await _get(f"{url.rstrip('/')}/api/dispatches/{dispatch_id}/job", key_for("job", dispatch_id, secret))
    return Ticket.model_validate(answer.json())


async def carry_out(ticket: Ticket, url: str, workspace: Path, log: Path) -> Done:
    """Do it, as long as the run may go on; what goes wrong is part of the answer."""
    with log.open("a") as lines:
        say = partial(_say, lines, ticket)
        try:
            await _may_begin(ticket, url, say)
            say(f"{ticket.event_type} begins")
            body, metrics = await _stoppable(ticket, url, _do(ticket, workspace))
        except Stopped as stopped:
            say(str(stopped), "warning")
            return Done(state="CANCELLED", error=str(stopped))
        except ShiplineError as error:
            say(str(error), "error")
            return Done(state="FAILED", error=str(error))
        except Exception as error:  # noqa: BLE001 (the boundary: whatever it is, whoever waits must hear of it)
            say(f"{type(error).__name__}: {error}", "error")
            return Done(state="FAILED", error=f"{type(error).__name__}: {error}")
        say(f"{ticket.event_type} is done")
        return Done(state="COMPLETED", body=body, metrics=metrics)


async def _do(ticket: Ticket, workspace: Path) -> tuple[str, dict[str, Any]]:
    job, settings = ticket.job, load_settings()
    if job.kind is StepKind.HELLO:
        return "{}", {}
    if job.kind in CHORES.values():
        from tasks.actions.chores import do_chore

        return json.dumps(await do_chore(ticket, workspace)), {}
    if job.kind is StepKind.ASK:
        return await _ask(ticket, settings), {}
    if job.kind is StepKind.CODE:
        return await _code(ticket, settings, workspace), {}
    return await _check(ticket, settings, workspace)


async def _ask(ticket: Ticket, settings: Settings) -> str:
    from tasks import answers
    from tasks.agents.registry import planner

    job = ticket.job
    schema = Spec if job.answer == Spec.__name__ else getattr(answers, job.answer or "", None)
    if job.agent is None or not (isinstance(schema, type) and issubclass(schema, Model)):
        raise ConfigError(f"The runner's Shipline knows no answer {job.answer!r}.", "Install the version that asks.")
    return (await planner(settings).ask(job.agent, schema)).model_dump_json(by_alias=True)


async def _code(ticket: Ticket, settings: Settings, workspace: Path) -> str:
    from tasks.agents.ports import AgentRef
    from tasks.agents.registry import coder
    from tasks.agents.working import work_in
    from tasks.git import Clone, Remote

    job, agent = ticket.job, coder(settings)
    asked = job.agent
    if asked is None:
        raise ConfigError("The request names no agent.", "Install the version of Shipline that asks.")
    made = Clone(workspace, Remote("", ""))
    started: list[AgentRef] = []

    async def start(place: Path) -> AgentRef:
        started.append(await agent.start(asked, ticket.dispatch_id, place))
        return started[0]

    try:
        result, patch = await work_in(made, agent, start, job.merged)
    except asyncio.CancelledError:
        for ref in started:  # nobody comes back for it: the runner is gone in a moment
            await agent.cancel(ref)
        raise
    return Coded(result=result.model_dump(mode="json", by_alias=True), patch=patch).model_dump_json(by_alias=True)


async def _check(ticket: Ticket, settings: Settings, workspace: Path) -> tuple[str, dict[str, Any]]:
    from tasks.quality import check_all

    job = ticket.job
    reports = await check_all(
        workspace, settings.home / "environments", whole=job.whole, minimum=job.coverage_percent, timeout=job.seconds,
        standards=job.standards,
    )  # fmt: skip
    metrics = {f"{each.check}.{name}": value for each in reports for name, value in each.metrics.items()}
    return Checked(reports=reports).model_dump_json(by_alias=True), metrics


async def _may_begin(ticket: Ticket, url: str, say: partial[None]) -> None:
    waited = 0.0
    while True:
        said = await _controls(ticket, url)
        if said.cancelled:
            raise Stopped("The run was cancelled, or nobody waits for this step any more.")
        if not said.paused:
            return
        if waited == 0:
            say("the run is paused; waiting")
        if waited >= PATIENCE:
            raise Stopped("The run is paused for longer than a runner waits; the step is asked for again later.")
        await asyncio.sleep(LOOK)
        waited += LOOK


async def _stoppable(ticket: Ticket, url: str, work: Coroutine[Any, Any, T]) -> T:
    """Await the work. A cancelled run ends it within seconds; a paused one sees it through and begins no other."""
    task = asyncio.ensure_future(work)
    while True:
        done, _ = await asyncio.wait({task}, timeout=LOOK)
        if done:
            return task.result()
        if (await _controls(ticket, url)).cancelled:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            raise Stopped("The run was cancelled while this step was under way.")


async def _controls(ticket: Ticket, url: str) -> Controls:
    """What the run's people want. When nobody answers the step goes on: its outcome can still be refused."""
    where = f"{url.rstrip('/')}/api/dispatches/{ticket.dispatch_id}/controls.json"
    try:
        answer = await _get(where, ticket.controls_key, tries=1)
    except Unavailable:
        return Controls()
    return Controls.model_validate(answer.json())


async def _get(url: str, key: str, *, tries: int = TRIES) -> httpx.Response:
    answer = await _once(url, key)
    for attempt in range(1, tries):
        if isinstance(answer, httpx.Response):
            break
        await asyncio.sleep(pause(attempt))
        answer = await _once(url, key)
    if isinstance(answer, str):
        raise Unavailable(f"{url} does not answer ({answer}).", "Is the variable SHIPLINE_URL the gateway's address?")
    if answer.status_code in (401, 403):
        raise ConfigError(
            f"{url} does not take our key.", "The secret SHIPLINE_DISPATCH_SECRET must be the one Shipline has."
        )
    if answer.status_code != 200:
        raise ShiplineError(f"{url} answered {answer.status_code}: {answer.text[:200]}", "Ask for the step again.")
    return answer


async def _once(url: str, key: str) -> httpx.Response | str:
    """The answer, or in a word why there is none."""
    try:
        async with httpx.AsyncClient(timeout=WITHIN) as client:
            answer = await client.get(url, headers={"Authorization": f"Bearer {key}"})
    except httpx.HTTPError as error:
        return type(error).__name__
    return str(answer.status_code) if answer.status_code >= 500 else answer


def _say(lines: TextIO, ticket: Ticket, msg: str, level: str = "info") -> None:
    """One JSON line (the notes, §1.2), on the job's log and in the artifact."""
    line = json.dumps({
        "runId": ticket.run_id, "nodeId": ticket.node_id, "phase": PHASE,
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "msg": msg,
    })  # fmt: skip
    print(line, file=sys.stdout, flush=True)  # noqa: T201 (the job's log)
    print(line, file=lines, flush=True)
