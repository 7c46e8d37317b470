"""What happens, in order. ``deliver.py`` is the whole story; each stage has a file of its own.

Scripts use the plain functions here; they need a running stack (``shipline up``) or the environment variables of one::

    from flows import deliver_now
    run = deliver_now("Let people …", repo="demo/tally")

Importing this module does not import Prefect; calling it does.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, TypeVar

from ledger.models import Run, RunState, Size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ledger.models import Proof
    from tasks.control import Resumed

T = TypeVar("T")

STAGES = ("spec", "plan", "execute", "qa", "merge", "release")

BY = "a script"

__all__ = [
    "STAGES", "RunState", "advance_now", "allow_now", "cancel_now", "continue_now", "deliver_now", "pause_all_now",
    "pause_now", "resume_all_now", "resume_now", "retry_now", "stage_now", "submit_now",
]  # fmt: skip


def deliver_now(idea: str, *, repo: str, size: Size | str = Size.MEDIUM, dry_run: bool = False) -> Run:
    """Deliver an idea to ``repo`` (``owner/name``) and return the run as it ended.

    Raises InvalidInput, NotFound or NoRecording before anything is made; a run that fails on the way is returned with
    ``outcome`` failed and its ``error``.
    """
    return asyncio.run(_deliver(idea, repo, Size(size), dry_run))


def submit_now(idea: str, *, repo: str, size: Size | str = Size.MEDIUM, dry_run: bool = False) -> str:
    """Store the idea and its run without working on it; returns the run's id."""
    return asyncio.run(_with_context(lambda: _submit(idea, repo, Size(size), dry_run))).id


def continue_now(run_id: str, *, dry_run: bool = False) -> Run:
    """Go on with a run from where it stands: after a failure, a restart, or a dry run."""
    return asyncio.run(_with_context(lambda: _continue(run_id, dry_run)))


def stage_now(stage: str, run_id: str) -> Run:
    """Run one stage (see ``STAGES``) of a run. A stage that is done already changes nothing."""
    return asyncio.run(_with_context(lambda: _stage(stage, run_id)))


def pause_now(run_id: str, *, reason: str = "", by: str = BY) -> Run:
    """Stop a run at its next effect; agents that work are left working."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.pause(run_id, by=by, reason=reason)))


def resume_now(run_id: str, *, by: str = BY) -> Resumed:
    """Hand a run that is paused, failed, only planned, or was cut off to a worker again; returns at once."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.resume(run_id, by=by)))


def cancel_now(run_id: str, *, reason: str = "", by: str = BY) -> Proof:
    """End a run for good; returns the proof once nothing of it runs, or what still does after a minute."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.cancel(run_id, by=by, reason=reason)))


def retry_now(run_id: str, key: str, *, by: str = BY) -> Resumed:
    """Try one node again that stopped with a failure; the others are left as they are."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.retry(run_id, key, by=by)))


def allow_now(run_id: str, key: str, *, by: str = BY) -> Resumed:
    """Let the change of a node pass that a guard stopped: this change, this once."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.allow(run_id, key, by=by)))


def advance_now(run_id: str, *, by: str = BY) -> Resumed:
    """Move a run to its next stage; IllegalTransition names what is in the way."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.advance(run_id, by=by)))


def pause_all_now(*, reason: str = "", repo: str | None = None, by: str = BY) -> list[Run]:
    """Pause every run (of ``repo``) that has not ended, and let those that are started later wait."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.pause_all(by=by, reason=reason, repo=repo)))


def resume_all_now(*, repo: str | None = None, by: str = BY) -> list[Resumed]:
    """Let runs start again, and go on with every paused one (of ``repo``)."""
    from tasks import control

    return asyncio.run(_with_context(lambda: control.resume_all(by=by, repo=repo)))


async def _deliver(idea: str, repo: str, size: Size, dry_run: bool) -> Run:
    async def both() -> Run:
        await _reach_prefect()  # before anything is made
        run = await _submit(idea, repo, size, dry_run)
        return await _continue(run.id, dry_run)

    return await _with_context(both)


async def _submit(idea: str, repo: str, size: Size, dry_run: bool) -> Run:
    from tasks.submit import submit

    return await submit(idea, repo, size=size, dry_run=dry_run)


async def _continue(run_id: str, dry_run: bool) -> Run:
    await _reach_prefect()
    from flows.deliver import deliver

    # A failed flow is Prefect's to show; a script reads the run, which holds the sentence.
    await deliver(run_id, dry_run=dry_run, return_state=True)  # type: ignore[call-arg]  # it is a Flow
    return await _read(run_id)


async def _stage(stage: str, run_id: str) -> Run:
    await _reach_prefect()
    from flows.stages import flow_of

    await flow_of(stage)(run_id)
    return await _read(run_id)


async def _read(run_id: str) -> Run:
    from tasks.state import get_run

    return await get_run(run_id)


async def _with_context(work: Callable[[], Awaitable[T]]) -> T:
    from tasks.context import close_context

    try:
        return await work()
    finally:
        await close_context()


async def _reach_prefect() -> None:
    """Prefect reads its address when it is imported, so it must be in the environment before. Raises Unavailable when
    nobody answers there: Prefect itself would try for half a minute, and then say so in a traceback.
    """
    from shipline.config import load_settings
    from tasks.prefect_api import prefect

    settings = load_settings()
    os.environ.setdefault("PREFECT_API_URL", settings.require_prefect())
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "6")  # a server that is restarted meanwhile: two minutes
    async with prefect(settings) as server:
        await server.check()
