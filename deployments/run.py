"""Running a main coroutine until it ends or a signal asks it to; and what must end properly even then."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_signal(main: Coroutine[Any, Any, int | None]) -> int:
    """Run ``main`` and return its exit code. The first SIGINT, SIGTERM or SIGHUP cancels it, later ones are ignored.

    A main that was cancelled gives 128 + the signal's number, as a shell would say it.
    """
    received: list[signal.Signals] = []
    try:
        with asyncio.Runner() as runner:
            return runner.run(_guarded(main, received)) or 0
    except asyncio.CancelledError:
        return 128 + (received[0] if received else signal.SIGINT)
    except KeyboardInterrupt:  # before the handlers stood: nothing had been started
        return 128 + signal.SIGINT
    finally:
        main.close()


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` though this task is cancelled meanwhile; the cancellation follows when it is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001, S110 (it is raised below, by result())
            pass
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result


@contextlib.asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose first real error is raised by itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _guarded(main: Coroutine[Any, Any, int | None], received: list[signal.Signals]) -> int | None:
    loop = asyncio.get_running_loop()
    # A task of its own: asyncio's runner cancels the outermost one by its own handler until ours stand.
    task = asyncio.ensure_future(main)

    def on(number: signal.Signals) -> None:
        received.append(number)
        if len(received) == 1 and not task.done():
            task.cancel()
        else:
            sys.stderr.write("already stopping\n")

    for number in SIGNALS:
        loop.add_signal_handler(number, on, number)
    return await task
