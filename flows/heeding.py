"""A flow that heeds a person: the ledger's word at every effect, and Prefect's buttons while it runs.

``stage`` makes a function of a run a Prefect flow. Whichever flow is outermost carries the run: it tells the ledger
which process it is, watches what is pressed in Prefect, and ends in words that Prefect's UI understands.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.states import Cancelled, Completed

from flows import pressed
from flows.pressed import LOOK
from ledger.interrupts import heed, words
from ledger.models import Run
from shipline.errors import IllegalTransition, Interrupted
from tasks.context import context
from tasks.state import get_run

F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])

_carried: ContextVar[bool] = ContextVar("carried", default=False)


def stage(name: str) -> Callable[[F], F]:
    """Make an async function of ``run_id`` a flow that a person can stop, from here and from Prefect."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        async def heeding(*args: Any, **kwargs: Any) -> Any:
            run_id = str(inspect.signature(function).bind(*args, **kwargs).arguments["run_id"])
            if _carried.get():
                return await _within(run_id, lambda: function(*args, **kwargs))
            return await _outermost(run_id, lambda: function(*args, **kwargs))

        make = flow(
            name=name, flow_run_name=f"{name} {{run_id}}", persist_result=False,
            on_cancellation=[pressed.on_cancellation], on_crashed=[pressed.on_crashed],
        )  # fmt: skip
        return cast(F, make(heeding))  # a Flow is called as its function is

    return decorate


async def walk(run_id: str, each: Callable[[str], Coroutine[Any, Any, Any]]) -> Any:
    """One stage of the outermost flow. Raises Interrupted when a person stopped the run meanwhile."""
    await heed((await context()).store, run_id)
    # Prefect gives a resumed flow run the old ends of its stages instead of running them again.
    run_it = getattr(each, "fn", each) if pressed.was_resumed() else each
    came = await run_it(run_id)
    await heed((await context()).store, run_id)
    return came


async def _within(run_id: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    try:
        return await work()
    except (Interrupted, IllegalTransition):
        stopped = words(await get_run(run_id))
        if not stopped:
            raise
        return Completed(name=stopped.split(" ", 1)[0], message=f"{stopped}.")


async def _outermost(run_id: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    token = _carried.set(True)
    try:
        while True:
            try:
                async with _carrying(run_id):
                    await heed((await context()).store, run_id)
                    return await work()
            except (Interrupted, IllegalTransition, Pause) as stop:
                if isinstance(stop, Pause):
                    await pressed.note_suspended(run_id)
                end = await _end(run_id, stop)
                if end is not None:
                    return end
    finally:
        _carried.reset(token)


async def _end(run_id: str, stop: BaseException) -> State[Any] | None:
    """How the flow run ends; None when the pause was taken back meanwhile and the work goes on."""
    run = await get_run(run_id)
    if run.interrupt.cancelled:
        await pressed.clean_up(run)
        return Cancelled(message=f"{words(run)}.")
    if isinstance(stop, IllegalTransition):
        raise stop
    if not run.interrupt.paused:
        if isinstance(stop, Pause):
            raise stop
        return None
    await pressed.suspend(run)
    return Completed(name="Paused", message=_how_to_go_on(run))


def _how_to_go_on(run: Run) -> str:
    return f"{words(run)}. Go on: shipline resume {run.id}"


@asynccontextmanager
async def _carrying(run_id: str) -> AsyncIterator[None]:
    await pressed.take_up(run_id)
    watching = asyncio.create_task(pressed.watch(run_id))
    try:
        yield
    finally:
        while not watching.done():  # a request that is under way may swallow one cancellation
            watching.cancel()
            await asyncio.wait({watching}, timeout=LOOK)
        await pressed.put_down(run_id)
