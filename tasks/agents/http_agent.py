"""A coding agent behind ``POST /adapters/cursor/execute``: another Shipline's gateway, or any server that speaks it.

It works on a scratch branch. The request carries the effect's key, so that one sent again starts nothing new.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from ledger.models import AgentJob, AgentOutput, AgentResult, Usage
from shipline.backoff import TRIES, pause
from shipline.errors import AgentError, ConfigError, ShiplineError, Unavailable, first_problem
from tasks.agents.execution import PATH, Execution
from tasks.agents.material import tokens
from tasks.agents.ports import AgentEvent, AgentFailed, AgentRef
from tasks.agents.settings import CoderSettings, coder_settings

WITHIN = 60.0  # seconds for an answer
LOOK = 2.0  # seconds between two looks
LONGEST = 120.0  # seconds that one answer may ask us to wait
LARGEST = 20_000_000  # bytes of an answer
NOT_TOLD = "The agent's server does not tell what it used; tokens are estimated from what was said."
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class HttpAgent:
    """The coding port over HTTP. ``input.branch`` of a job is the branch that it works on."""

    on_branch = True

    def __init__(self) -> None:
        self._prompts: dict[str, str] = {}  # what was said to those started here, for an estimate
        self._ended: dict[str, Execution] = {}  # those that a server answered at once

    def knows(self, idea: str) -> bool:  # noqa: ARG002 (the port)
        """Whoever is behind it may."""
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:  # noqa: ARG002 (it works elsewhere)
        """Begin on the job's branch, once for each key: the server sees to that."""
        settings = coder_settings()
        body = {
            "repo": job.input.repo, "branch": job.input.branch, "task": job.input.objective, "context": job.context,
        }  # fmt: skip
        # A server may as well do the work before it answers.
        limit = httpx.Timeout(WITHIN, read=settings.agent_seconds)
        said = await _ask(settings, "POST", PATH, body, {"Idempotency-Key": key}, limit)
        self._prompts[said.id] = job.context
        if said.ended:
            self._ended[said.id] = said
        return AgentRef(id=said.id)

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """Not offered: a run asks a new agent in a new round."""
        raise AgentError(f"{ref.id} is behind HTTP and cannot be told {text[:40]!r}.", "Retry the issue instead.")

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """What it said so far."""
        said = await self._look(ref, coder_settings())
        for number, line in enumerate(said.log[int(after or 0) :], int(after or 0) + 1):
            yield AgentEvent(id=str(number), text=line)

    async def result(self, ref: AgentRef) -> AgentResult:
        """Wait for its end. One that works longer than it may is cancelled."""
        settings = coder_settings()
        said = Execution(id=ref.id, status="working")
        try:
            async with asyncio.timeout(settings.agent_seconds):
                said = await self._look(ref, settings)
                while not said.ended:
                    await asyncio.sleep(LOOK)
                    said = await self._look(ref, settings)
        except TimeoutError:
            await self.cancel(ref)
            with contextlib.suppress(ShiplineError):  # what it says now that it was stopped
                said = await self._look(ref, settings)
            usage, _ = self._used(ref, said, settings)
            raise AgentFailed(
                f"The agent {ref.id} did not end within {settings.agent_seconds / 60:.1f} minutes.",
                "It was cancelled. Retry, or make the issue smaller; SHIPLINE_AGENT_SECONDS is the limit.",
                usage=usage, account=ref.id,
            ) from None  # fmt: skip
        usage, warnings = self._used(ref, said, settings)
        if said.status != "completed":
            why = " ".join((said.error or "it did not say why").split())[:500].rstrip(".")
            words = f"The agent {ref.id} {said.status}: {why}."
            raise AgentFailed(words, "Retry the issue.", usage=usage, account=ref.id)
        output = AgentOutput(
            changeset_summary=said.summary[:200], notes=said.notes, answer=said.answer, artifacts_out=said.artifacts
        )
        return AgentResult(output=output, usage=usage, account=ref.id, warnings=[*said.warnings, *warnings])

    async def artifacts(self, ref: AgentRef) -> list[str]:
        """What it says that it left."""
        return (await self._look(ref, coder_settings())).artifacts

    async def usage(self, ref: AgentRef) -> Usage:
        """What it used so far, estimated where the server does not tell."""
        settings = coder_settings()
        return self._used(ref, await self._look(ref, settings), settings)[0]

    async def cancel(self, ref: AgentRef) -> None:
        """Stop it; what has ended, or was never there, is stopped."""
        if ref.id not in self._ended:
            await _ask(coder_settings(), "POST", f"{PATH}/{ref.id}/cancel", missing_is_fine=True)

    async def check(self) -> None:
        """Whether the server answers and takes our token: ConfigError or Unavailable in words, at once."""
        await _ask(coder_settings(), "POST", f"{PATH}/none/cancel", missing_is_fine=True, tries=1)

    async def _look(self, ref: AgentRef, settings: CoderSettings) -> Execution:
        return self._ended.get(ref.id) or await _ask(settings, "GET", f"{PATH}/{ref.id}")

    def _used(self, ref: AgentRef, said: Execution, settings: CoderSettings) -> tuple[Usage, list[str]]:
        if said.usage is not None and said.usage.usd > 0:
            return said.usage, []  # priced by whoever pays for it
        found, warnings = said.usage, []
        if found is None:
            took, gave = tokens(self._prompts.get(ref.id, "")), tokens(f"{said.summary}{said.notes}")
            found, warnings = Usage(input_tokens=took, output_tokens=gave), [NOT_TOLD]
        usd = (found.input_tokens * settings.coder_usd_in + found.output_tokens * settings.coder_usd_out) / 1_000_000
        return found.model_copy(update={"usd": usd}), warnings


async def _ask(
    settings: CoderSettings, method: str, path: str, body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None, limit: httpx.Timeout | None = None, *, missing_is_fine: bool = False,
    tries: int = TRIES,
) -> Execution:  # fmt: skip
    """One request, sent again as long as that may help: every one of them may be."""
    url, token = settings.require_coder_url(), settings.coder_token
    given = {**(headers or {}), **({"Authorization": f"Bearer {token.get_secret_value()}"} if token else {})}
    async with httpx.AsyncClient(base_url=url, headers=given, timeout=limit or WITHIN) as client:
        for attempt in range(1, tries + 1):
            last = attempt == tries
            try:
                answer = await _read(client, method, path, body)
            except httpx.HTTPError as error:
                if last:
                    why = f"{url} does not answer ({type(error).__name__})."
                    raise Unavailable(why, "Retry when it does; the same work is not begun twice.") from error
                await asyncio.sleep(pause(attempt))
                continue
            wait = max(_after(answer), pause(attempt))
            if answer.status_code in _AGAIN and not last and wait <= LONGEST:
                await asyncio.sleep(wait)
                continue
            if answer.status_code == 404 and missing_is_fine:
                return Execution(id="none", status="cancelled")
            if answer.status_code >= 300:
                raise _refusal(url, method, answer)
            return _parsed(url, answer)
    raise AssertionError("the last try returns or raises")


async def _read(client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
    async with client.stream(method, path, json=body) as answer:
        content = b""
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > LARGEST:
                raise AgentError(f"{client.base_url} answers with more than {LARGEST:,} bytes.", "Retry the issue.")
    return httpx.Response(
        answer.status_code, headers={"retry-after": answer.headers.get("retry-after", "")}, content=content
    )


def _refusal(url: str, method: str, answer: httpx.Response) -> ShiplineError:
    status, said = answer.status_code, _words(answer)
    if status in (401, 403):
        return ConfigError(
            f"{url} does not take our token ({said}).", "Set SHIPLINE_CODER_TOKEN to one that may start work."
        )
    if status in (404, 405) and method == "POST":
        return ConfigError(f"{url} has no {PATH} ({said}).", "Correct SHIPLINE_CODER_URL.")
    if status < 400:
        return ConfigError(f"{url} sends us elsewhere ({status}).", "Set SHIPLINE_CODER_URL to the address itself.")
    if status in _AGAIN:
        return Unavailable(f"{url} answers {status} ({said}).", "Retry when it works; nothing is begun twice.")
    return AgentError(f"{url} answers {status}: {said}.", "Correct what it names, then retry.")


def _parsed(url: str, answer: httpx.Response) -> Execution:
    try:
        return Execution.model_validate_json(answer.content)
    except ValidationError as error:
        raise AgentError(
            f"{url} answers with what does not fit: {first_problem(error)}.", "Retry the issue."
        ) from error


def _words(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    if isinstance(body, dict):
        body = body.get("detail") or body.get("message") or body.get("error") or body
    return " ".join(str(body).split())[:300].rstrip(".") or "nothing more"


def _after(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else 0.0
