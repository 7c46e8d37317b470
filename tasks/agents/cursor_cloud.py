"""Coding agents in Cursor's cloud: each works on a scratch branch of the repository, on a machine of Cursor's.

Its id is made from the effect that it works for, so that whoever asks for it again finds it instead of starting
another; what it says is followed by stream, and where that fails by asking.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ledger.models import AgentJob, AgentOutput, AgentResult, Usage, now
from shipline.config import load_settings
from shipline.errors import AgentError, ShiplineError, Unavailable
from tasks.agents.answering import answer_in, split_words
from tasks.agents.cursor_api import CursorAgent, CursorApi, CursorRun
from tasks.agents.cursor_errors import CursorRefused, Decision, in_words
from tasks.agents.material import tokens
from tasks.agents.ports import AgentEvent, AgentFailed, AgentRef
from tasks.agents.settings import CoderSettings, coder_settings, web_url

NAMESPACE = uuid.UUID("5f0c3f7e-6c2b-5a57-9d0e-6f6f5a1d7c11")
POLL = 5.0  # seconds between two looks at a run whose stream is of no use
MOST_STREAMED = 50_000_000  # characters of an agent that floods; from there on it is only asked whether it has ended
NOT_TOLD = "Cursor does not tell what this agent used; tokens are estimated from what was said."
log = logging.getLogger(__name__)


def agent_id(key: str) -> str:
    """The id of the agent that works for an effect."""
    return f"bc-{uuid.uuid5(NAMESPACE, key)}"


class CursorCloud:
    """The coding port over REST. ``input.branch`` of a job is the branch that it works on."""

    on_branch = True

    def __init__(self) -> None:
        self._prompts: dict[str, str] = {}  # what was said to those started here, for an estimate

    def knows(self, idea: str) -> bool:  # noqa: ARG002 (the port)
        """It thinks, so it knows any."""
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:  # noqa: ARG002 (it works elsewhere)
        """Begin on the job's branch. Started before, it is found again."""
        settings = coder_settings()
        ref = AgentRef(id=agent_id(key))
        self._prompts[ref.id] = job.context
        body: dict[str, Any] = {
            "agentId": ref.id, "name": key[:100], "prompt": {"text": job.context},
            "repos": [{"url": _address(job), "startingRef": str(job.input.branch)}],
            "workOnCurrentBranch": True, "autoCreatePR": False,
        }  # fmt: skip
        if settings.cursor_model:
            body["model"] = {"id": settings.cursor_model}
        async with _api(settings) as api:
            try:
                await api.create(body)
            except CursorRefused as error:
                if error.decision is not Decision.ATTACH:
                    raise in_words(error) from error
                log.info("%s was started before and is found again", ref.id)
        return ref

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """Say something more, also to one that was put away. AgentError while it works on what it was told before."""
        async with _api(coder_settings()) as api:
            try:
                try:
                    await api.say(ref.id, text)
                except CursorRefused as error:
                    if error.decision is not Decision.REVIVE:
                        raise
                    await api.unarchive(ref.id)
                    await api.say(ref.id, text)
            except CursorRefused as error:
                raise in_words(error) from error

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """What its newest run says, by stream."""
        async with _api(coder_settings()) as api:
            run = await _newest(api, ref)
            async for each in api.stream(ref.id, run.id, after):
                text = str(each.data.get("text") or each.data.get("name") or each.data.get("status") or "")
                if each.id and text:
                    yield AgentEvent(id=each.id, text=text)

    async def result(self, ref: AgentRef) -> AgentResult:
        """Wait for its end, however long ago it was started. One that works longer than it may is cancelled."""
        settings = coder_settings()
        within = timedelta(seconds=settings.agent_seconds)
        async with _api(settings) as api:
            try:
                run = await _ended(api, ref, await _newest(api, ref), within)
                usage, warnings = await self._used(api, ref, run, settings)
                left = await _left(api, ref)
            except CursorRefused as error:
                raise in_words(error) from error
            await _put_away(api, ref)
        if run.status != "FINISHED":
            words, hint = _came_to_nothing(ref, run, within)
            raise AgentFailed(words, hint, usage=usage, account=ref.id)
        text = run.result or ""
        subject, notes = split_words(text)
        output = AgentOutput(changeset_summary=subject, notes=notes, answer=answer_in(text), artifacts_out=left)
        return AgentResult(output=output, usage=usage, account=ref.id, warnings=warnings)

    async def artifacts(self, ref: AgentRef) -> list[str]:
        """Paths below its ``artifacts/``."""
        async with _api(coder_settings()) as api:
            return await _left(api, ref)

    async def usage(self, ref: AgentRef) -> Usage:
        """What it used so far, estimated where Cursor does not tell."""
        settings = coder_settings()
        async with _api(settings) as api:
            return (await self._used(api, ref, await _newest(api, ref), settings))[0]

    async def cancel(self, ref: AgentRef) -> None:
        """Stop it; what has ended, or was never there, is stopped."""
        async with _api(coder_settings()) as api:
            try:
                run_id = (await api.agent(ref.id)).latest_run_id
                if run_id is not None:
                    await api.cancel(ref.id, run_id)
            except CursorRefused as error:
                if error.decision is Decision.MISSING:
                    return
                if error.decision is not Decision.OVER:
                    raise in_words(error) from error
            await _put_away(api, ref)

    async def _used(
        self, api: CursorApi, ref: AgentRef, run: CursorRun, settings: CoderSettings
    ) -> tuple[Usage, list[str]]:
        seconds, warnings = (run.duration_ms or 0) / 1000, []
        try:
            told = await api.usage(ref.id)
            took, gave = told.input_tokens + told.cache_read_tokens + told.cache_write_tokens, told.output_tokens
        except CursorRefused as error:
            if error.decision not in (Decision.ESTIMATE, Decision.CONFIGURE, Decision.MISSING):
                raise
            took, gave, warnings = tokens(self._prompts.get(ref.id, "")), tokens(run.result or ""), [NOT_TOLD]
        usd = (took * settings.coder_usd_in + gave * settings.coder_usd_out) / 1_000_000
        return Usage(input_tokens=took, output_tokens=gave, usd=usd, seconds=seconds), warnings


def _address(job: AgentJob) -> str:
    return f"{web_url(load_settings().github_api_url)}/{job.input.repo}"


def _api(settings: CoderSettings) -> CursorApi:
    return CursorApi(settings.cursor_api_url, settings.require_cursor_key())


async def _newest(api: CursorApi, ref: AgentRef) -> CursorRun:
    agent: CursorAgent = await api.agent(ref.id)
    if agent.latest_run_id is None:
        raise AgentError(f"Cursor's agent {ref.id} has no run.", "Retry the issue.")
    return await api.run(ref.id, agent.latest_run_id)


async def _ended(api: CursorApi, ref: AgentRef, run: CursorRun, within: timedelta) -> CursorRun:
    """Follow a run to its end, or until its time is up: then it is cancelled, and returned as it was."""
    until, ear = run.created_at + within, _Ear()
    while not run.ended:
        left = (until - now()).total_seconds()
        if left <= 0:
            with suppress(ShiplineError):
                await api.cancel(ref.id, run.id)
            return run
        try:
            async with asyncio.timeout(left):
                if not await _listen(api, ref, run, ear):
                    await asyncio.sleep(POLL)
        except TimeoutError:
            pass
        run = await api.run(ref.id, run.id)
    return run


@dataclass
class _Ear:
    """What was heard of a run: up to which event, and how many characters in all."""

    after: str | None = None
    heard: int = 0


async def _listen(api: CursorApi, ref: AgentRef, run: CursorRun, ear: _Ear) -> bool:
    """Wait as long as the stream says something; False where it is of no use, and the run is to be asked for."""
    while ear.heard < MOST_STREAMED:
        before = ear.after
        try:
            async for each in api.stream(ref.id, run.id, ear.after):
                ear.after, ear.heard = each.id or ear.after, ear.heard + len(str(each.data))
                if each.event in ("result", "done", "error"):
                    return each.event != "error"
                if ear.heard >= MOST_STREAMED:
                    break
        except Unavailable:
            if ear.after == before:  # broken off without a word: not again at once
                return False
        except CursorRefused as error:
            if error.decision not in (Decision.POLL, Decision.AGAIN):
                raise
            ear.after = None  # what it does not know it cannot go on after
            return False
        else:
            return False
    return False


async def _left(api: CursorApi, ref: AgentRef) -> list[str]:
    try:
        return await api.artifacts(ref.id)
    except CursorRefused:
        return []  # a list of extras, which nothing depends on


async def _put_away(api: CursorApi, ref: AgentRef) -> None:
    """Archive an agent that has done its work, or will do no more: lists stay short."""
    with suppress(ShiplineError):
        await api.archive(ref.id)


def _came_to_nothing(ref: AgentRef, run: CursorRun, within: timedelta) -> tuple[str, str]:
    if run.ended:
        return f"Cursor's agent {ref.id} ended as {run.status}: {_last(run)}.", "Retry the issue."
    return (
        f"Cursor's agent {ref.id} did not end within {within.total_seconds() / 60:.0f} minutes.",
        "It was cancelled. Retry, or make the issue smaller; SHIPLINE_AGENT_SECONDS is the limit.",
    )


def _last(run: CursorRun) -> str:
    return " ".join((run.result or "it said nothing").split())[:300].rstrip(".")
