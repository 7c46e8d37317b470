"""Handing a step to a Prefect work pool: its flow runs in a process of its own, on whichever machine has a worker."""

from __future__ import annotations

import asyncio
import logging
import time

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from ledger.interrupts import cancel_run, heed, pause_run, words
from ledger.issues import get_issue
from ledger.models import Run
from ledger.rules.steps import Step
from shipline.errors import ConfigError
from tasks.context import context
from tasks.slots import somebody_works_on
from tasks.state import mark_failed

log = logging.getLogger(__name__)

DEPLOYMENT = "leaf/leaf"
POLL = 0.5  # seconds between two looks at a flow run
GIVE_UP = 5  # flow runs of one step that died, before a person should look
START = 60.0  # seconds that a process may take from its start to its first word in the ledger


async def goes_to_a_pool() -> bool:
    """Whether the configuration hands steps to a work pool (``SHIPLINE_LEAVES=work-pool``)."""
    return (await context()).settings.leaves == "work-pool"


async def hand_out(run_id: str, step: Step) -> None:
    """Have the step done by a worker of the pool and wait for its end; a flow run that dies is followed by another.

    Two loops that hand out the same step get the same flow run. Raises Interrupted when the run is paused or cancelled
    meanwhile (the flow run reads the same word), ConfigError when Prefect knows no deployment ``leaf``.
    """
    store = (await context()).store
    round_ = (await get_issue(store, run_id, step.key)).round
    died = attempt = 0
    async with get_client() as client:
        while died < GIVE_UP:
            attempt += 1
            begun = await _start(run_id, step, f"{run_id}/{step.key}/{round_}/{step.kind}/{attempt}")
            if begun.state is not None and begun.state.is_final():
                died += begun.state.is_crashed()  # of an earlier loop: ended, and yet the step is to be done
                continue
            if begun.state is not None and begun.state.is_paused():  # pressed before the run went on
                await client.set_flow_run_state(begun.id, Cancelled(message="Another one does the step."), force=True)
                continue
            ended = await _end_of(client, begun, run_id, step)
            if ended.state is None or not (ended.state.is_crashed() or ended.state.is_failed()):
                return
            died += 1
            log.warning("A flow run died and is followed by another", extra={"runId": run_id, "nodeId": step.key})
    await mark_failed(run_id, step.key, f"The process of {step.kind} {step.key} died {GIVE_UP} times.")


async def _start(run_id: str, step: Step, key: str) -> FlowRun:
    parameters = {"run_id": run_id, "key": step.key, "kind": step.kind}
    try:
        return await run_deployment(  # type: ignore[no-any-return, misc]
            DEPLOYMENT,
            parameters=parameters,
            timeout=0,
            idempotency_key=key,
            tags=["shipline", run_id],
            flow_run_name=f"{step.kind} {step.key} of {run_id}",
        )
    except ObjectNotFound:
        raise ConfigError(
            f"Prefect knows no deployment {DEPLOYMENT}.", "Run `prefect deploy --all`, or unset SHIPLINE_LEAVES."
        ) from None


async def _end_of(client: PrefectClient, begun: FlowRun, run_id: str, step: Step) -> FlowRun:
    silent_since: float | None = None
    while True:
        seen = await client.read_flow_run(begun.id)
        await _heed_prefect(run_id, seen)
        if seen.state is not None and seen.state.is_final():
            return seen
        await heed((await context()).store, run_id)
        if seen.state is None or not seen.state.is_running() or await somebody_works_on(run_id, step.key):
            silent_since = None
        elif silent_since is None:
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > START:  # its worker died with it, so nobody told Prefect
            await client.set_flow_run_state(begun.id, Crashed(message="Its process is gone."), force=True)
        await asyncio.sleep(POLL)


async def _heed_prefect(run_id: str, seen: FlowRun) -> None:
    """What is pressed on a leaf's flow run is meant for the run, as on its stages."""
    state, store = seen.state, (await context()).store
    if state is None or not (state.is_cancelling() or state.is_cancelled() or state.is_paused()):
        return
    if words(await store.get(Run, run_id)):
        return  # said already: Prefect only follows
    if state.is_paused():
        await pause_run(store, run_id, "Prefect", f"Suspend was pressed on flow run {seen.name}")
    else:
        await cancel_run(store, run_id, "Prefect", f"Cancel was pressed on flow run {seen.name}")
