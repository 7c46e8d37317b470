"""What a person presses in Prefect's UI, told to the ledger; and what the ledger says, told to Prefect."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from contextvars import ContextVar
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound, Pause
from prefect.states import Suspended

from ledger.interrupts import cancel_run, lift_pause, pause_run, standing_switch, words
from ledger.models import EventType, Level, Run
from ledger.runs import note_run
from ledger.timeline import event
from shipline.errors import IllegalTransition, ShiplineError
from tasks import control, leftovers
from tasks.context import close_context, context
from tasks.proof import end_all
from tasks.state import get_run

log = logging.getLogger(__name__)

PREFECT = "Prefect"
LOOK = 1.0  # seconds between two looks at the flow run's state
RETRY = "Retry from the UI"  # what the button writes into the state
_resumed: ContextVar[bool] = ContextVar("resumed", default=False)


def was_resumed() -> bool:
    """Whether the flow run of this process had been suspended before."""
    return _resumed.get()


def flow_run() -> FlowRun | None:
    """The flow run that carries the run here; None outside of any."""
    now = FlowRunContext.get()
    return now.flow_run if now is not None else None


async def take_up(run_id: str) -> None:
    """Tell the ledger who carries the run now. A Resume or Retry pressed after the pause takes the pause back."""
    store = (await context()).store
    mine = flow_run()
    if mine is None:
        return
    carrier = leftovers.this_process().model_dump(by_alias=True)
    await store.collection(Run).update_one({"_id": run_id}, {"$set": {f"carriers.{mine.id}": carrier}})
    async with get_client() as client:
        states = await client.read_flow_run_states(mine.id)
    _resumed.set(any(each.name == "Resuming" for each in states))
    run = await get_run(run_id)
    if run.interrupt.paused and _wanted(run, states) and await standing_switch(store, run.repo) is None:
        await lift_pause(store, run_id, PREFECT)


async def put_down(run_id: str) -> None:
    """Tell the ledger that this process no longer carries the run."""
    mine = flow_run()
    if mine is not None:
        runs = (await context()).store.collection(Run)
        # Resume may have started the next process of this flow run already.
        own = {"_id": run_id, f"carriers.{mine.id}.pid": os.getpid()}
        await runs.update_one(own, {"$unset": {f"carriers.{mine.id}": ""}})


def _wanted(run: Run, states: list[State[Any]]) -> bool:
    """Whether a person's press that started this attempt is younger than the pause."""
    asked = [each for each in states if each.is_scheduled()]
    if not asked:
        return False
    last = max(asked, key=lambda each: each.timestamp)
    pressed = last.name == "Resuming" or (last.name == "AwaitingRetry" and last.message == RETRY)
    return pressed and (run.interrupt.since is None or last.timestamp > run.interrupt.since)


async def watch(run_id: str) -> None:
    """Look at the flow run and its stages until cancelled: what is pressed there becomes the ledger's word."""
    mine = flow_run()
    if mine is None:
        return
    wanted = FlowRunFilter.model_validate(
        {"operator": "or_", "id": {"any_": [mine.id]}, "parent_flow_run_id": {"any_": [mine.id]}}
    )
    begun, away = mine.state.timestamp if mine.state else None, False
    async with get_client() as client:
        while True:
            await asyncio.sleep(LOOK)
            try:
                found = await client.read_flow_runs(flow_run_filter=wanted)
                await _heed_prefect(run_id, mine, [each for each in found if _is_news(each, mine, begun)], found)
                away = False
            except Exception as error:  # noqa: BLE001 (Prefect is away: the ledger alone stops a run, and is enough)
                if not away:
                    log.warning("Prefect's buttons are not seen: %s", error, extra={"runId": run_id})
                away = True


def _is_news(each: FlowRun, mine: FlowRun, begun: Any) -> bool:
    # A stage of an earlier attempt keeps the state that it was left in.
    return each.state is not None and (each.id == mine.id or begun is None or each.state.timestamp > begun)


async def _heed_prefect(run_id: str, mine: FlowRun, news: list[FlowRun], found: list[FlowRun]) -> None:
    store = (await context()).store
    try:
        for each in news:
            assert each.state is not None
            if each.state.is_cancelling() or (each.id == mine.id and each.state.is_cancelled()):
                await cancel_run(store, run_id, PREFECT, f"Cancel was pressed on flow run {each.name}")
                return
            if each.state.is_paused():
                await pause_run(store, run_id, PREFECT, f"{_button(each.state)} was pressed on flow run {each.name}")
                return
        if all(each.id != mine.id for each in found):
            await pause_run(store, run_id, PREFECT, f"flow run {mine.name} was deleted")
    except IllegalTransition:
        return  # it has ended meanwhile: there is nothing to stop


def _button(state: State[Any]) -> str:
    return "Suspend" if state.state_details.pause_reschedule else "Pause"


async def note_suspended(run_id: str) -> None:
    """Prefect stopped the flow at a task boundary before the watch saw why: the ledger is told now."""
    mine = flow_run()
    name = mine.name if mine is not None else run_id
    try:
        await pause_run((await context()).store, run_id, PREFECT, f"Suspend was pressed on flow run {name}")
    except IllegalTransition as ended:
        log.info("%s", ended, extra={"runId": run_id})


async def suspend(run: Run) -> None:
    """Leave a worker's flow run suspended, so that Prefect's Resume button goes on with it. Raises Pause then.

    A flow run that no worker carries cannot be suspended: this returns, and the flow ends by itself.
    """
    mine = flow_run()
    if mine is None or mine.deployment_id is None:
        return
    state: State[Any] = Suspended(pause_key=str(uuid.uuid4()), message=f"{words(run)}.")
    async with get_client() as client:
        try:
            now = (await client.read_flow_run(mine.id)).state
        except ObjectNotFound:
            return
        if now is not None and now.is_paused() and now.state_details.pause_reschedule:
            state = now  # Suspend was pressed, with the time limit that the person chose
        else:  # Pause keeps a process waiting, and there will be none
            force = now is not None and now.is_paused()
            answer = await client.set_flow_run_state(mine.id, state, force=force)
            if answer.state is None or not answer.state.is_paused():
                log.warning("Prefect did not suspend the flow run: %s", answer.details, extra={"runId": run.id})
                return
            state = answer.state
        if not (await get_run(run.id)).interrupt.paused:  # taken back while we went: nobody else will wake it
            await client.resume_flow_run(mine.id)
    raise Pause(state=state)


async def clean_up(run: Run) -> None:
    """The cancelled run's own agents and processes end before its flow does."""
    ctx = await context()
    mine = flow_run()
    own = {str(mine.id)} if mine is not None else set()
    if run.interrupt.by == PREFECT and not await _worker_ends(mine):
        await end_all(ctx, run, within=control.WITHIN, but=own)  # nobody else is there to prove it
        return
    await leftovers.cancel_agents(ctx, run.id)
    await leftovers.end_processes(ctx, run.id)


async def _worker_ends(mine: FlowRun | None) -> bool:
    """Whether a worker was told to cancel this very flow run: its hook proves the end then."""
    if mine is None or mine.deployment_id is None:
        return False
    async with get_client() as client:
        now = (await client.read_flow_run(mine.id)).state
    return now is not None and now.is_cancelling()


async def on_cancellation(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 (Prefect names them)
    """After Cancel in Prefect: the worker has ended the process, and the ledger may not know yet. Proves the end."""
    run_id = (flow_run.parameters or {}).get("run_id")
    if run_id is None or flow_run.parent_task_run_id is not None:
        return
    reason = f"Cancel was pressed on flow run {flow_run.name}"
    try:
        await control.cancel(str(run_id), by=PREFECT, reason=reason, but={str(flow_run.id)})
    except ShiplineError as error:
        log.warning("%s", error, extra={"runId": run_id})
    finally:
        await close_context()


async def on_crashed(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 (Prefect names them)
    """The process that carried the run died: the timeline says so, and how to go on."""
    run_id = (flow_run.parameters or {}).get("run_id")
    if run_id is None or flow_run.parent_task_run_id is not None:
        return
    try:
        store = (await context()).store
        run = await store.get(Run, str(run_id))
        if run.outcome is None:
            said = f"Flow run {flow_run.name} crashed: {state.message}. Go on: shipline resume {run_id}"
            told = event(
                EventType.STEP_FAILED, run.state, said, level=Level.WARNING, event_id=f"{flow_run.id}:{state.id}"
            )
            await note_run(store, run.id, {}, told)
    except ShiplineError as error:
        log.warning("%s", error, extra={"runId": run_id})
    finally:
        await close_context()
