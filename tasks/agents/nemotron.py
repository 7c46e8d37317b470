"""Planning agents that think: NVIDIA's Nemotron, or any other model behind an OpenAI-compatible endpoint.

The answer's shape goes along as a JSON schema; what does not fit it is fed back, a few times. Every response is
counted when it arrives, also one that nothing comes of.
"""

from __future__ import annotations

import time
from asyncio import CancelledError, sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import APIConnectionError, AsyncOpenAI
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelAPIError, OutputTokenLimitExceeded, UnexpectedModelBehavior
from pydantic_ai.messages import ModelMessage, ModelResponse, ThinkingPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from ledger.models import AgentJob, AgentOutput, AgentResult, Model, Usage
from shipline.backoff import TRIES
from shipline.errors import AgentError
from tasks.agents.material import tokens
from tasks.agents.refusals import refusal, wait_before_again
from tasks.agents.settings import Endpoint, PlannerSettings, endpoint_of, planner_settings
from tasks.metering import asking, lost, seen_through, spent

THOUGHTS = 4000  # characters of an agent's reasoning that are kept
MINUTE = 60.0
# Of the client below the client: no connection was had, so nobody works on it.
NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
# Only what every such endpoint takes: NVIDIA's refuse a field that they do not know, and many templates a system
# message that is not the first.
PLAIN = OpenAIModelProfile(
    openai_chat_supports_max_completion_tokens=False, openai_chat_send_back_thinking_parts=False,
    supports_inline_system_prompts=False,
)  # fmt: skip

_next_free: dict[str, float] = {}  # by endpoint, when the next request may go; monotonic seconds


class Nemotron:
    """The planning port over chat completions."""

    def knows(self, idea: str) -> bool:  # noqa: ARG002 (the port)
        """It thinks, so it knows any."""
        return True

    async def ask(self, job: AgentJob, schema: type[Model]) -> AgentResult:
        """One typed answer. AgentError when none fits, ConfigError for key and model, Unavailable for what may heal."""
        settings = planner_settings()
        at = endpoint_of(settings, job.type)
        began = time.monotonic()
        async with _model(at, settings) as model:
            agent = Agent(
                model, output_type=NativeOutput(schema, name=schema.__name__), retries=settings.planner_repairs
            )
            try:
                done = await agent.run(job.context, model_settings=_told(at, settings))
            except OutputTokenLimitExceeded as error:
                raise AgentError(
                    f"{job.type.value} was cut off after {settings.planner_output_tokens} tokens.",
                    "Raise SHIPLINE_PLANNER_OUTPUT_TOKENS, or switch its reasoning off.",
                ) from error
            except UnexpectedModelBehavior as error:
                raise AgentError(
                    f"{job.type.value} gave no answer of the asked shape, and {settings.planner_repairs} corrections "
                    f"did not help: {_reason(error)}.", "Retry, or give the role another model (docs/agents.md).",
                ) from error  # fmt: skip
        thoughts = "\n\n".join(_thoughts(done.all_messages()))
        output = AgentOutput(answer=done.output.model_dump(mode="json", by_alias=True), notes=thoughts[:THOUGHTS])
        usage = model.used.model_copy(update={"seconds": time.monotonic() - began})
        return AgentResult(output=output, usage=usage)


class _Counted(WrapperModel):
    """A model that is asked no faster than it may be, again where that helps, and whose every response is counted."""

    def __init__(self, wrapped: OpenAIChatModel, at: Endpoint, settings: PlannerSettings) -> None:
        super().__init__(wrapped)
        self._at, self._ours = at, settings
        self.used = Usage()

    async def request(
        self, messages: list[ModelMessage], model_settings: ModelSettings | None, parameters: ModelRequestParameters
    ) -> ModelResponse:
        """One response."""
        attempt = 1
        while True:
            await _turn(self._at)
            out = self._estimate(messages)
            await asking(out)
            try:
                response = await super().request(messages, model_settings, parameters)
            except CancelledError:  # the endpoint works on it all the same
                await seen_through(lost(out, "left before it answered"), leaving=True)
                raise
            except ModelAPIError as error:
                if _may_have_arrived(error):
                    await seen_through(lost(out, "the line failed before it answered"))
                wait = wait_before_again(error, attempt)
                if wait is None or attempt == TRIES:
                    raise refusal(error, self._at.model, self._at.url) from error
                await sleep(wait)
                attempt += 1
                continue
            await seen_through(self._count(response))
            return response

    def _estimate(self, messages: list[ModelMessage]) -> Usage:
        parts = [part for each in messages for part in each.parts]
        took = tokens("".join(str(getattr(part, "content", "")) for part in parts))
        return Usage(input_tokens=took, usd=took * self._ours.planner_usd_in / 1_000_000)

    async def _count(self, response: ModelResponse) -> None:
        took, gave = response.usage.input_tokens, response.usage.output_tokens
        usd = (took * self._ours.planner_usd_in + gave * self._ours.planner_usd_out) / 1_000_000
        used = Usage(input_tokens=took, output_tokens=gave, usd=usd)
        self.used = self.used + used
        await spent(used)


def _may_have_arrived(error: ModelAPIError) -> bool:
    """Whether the endpoint may work on a request whose answer never came."""
    line = error.__cause__
    return isinstance(line, APIConnectionError) and type(line.__cause__).__name__ not in NEVER_SENT


@asynccontextmanager
async def _model(at: Endpoint, settings: PlannerSettings) -> AsyncIterator[_Counted]:
    key = at.key.get_secret_value() if at.key else "none"  # the client wants one, an endpoint of one's own may not
    async with AsyncOpenAI(base_url=at.url, api_key=key, timeout=settings.planner_seconds, max_retries=0) as client:
        yield _Counted(
            OpenAIChatModel(at.model, provider=OpenAIProvider(openai_client=client), profile=PLAIN), at, settings
        )


def _told(at: Endpoint, settings: PlannerSettings) -> OpenAIChatModelSettings:
    told = OpenAIChatModelSettings(max_tokens=settings.planner_output_tokens, framing_announcement="never")
    if at.switchable:
        body: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": at.reasoning}}
        if at.reasoning:
            body["reasoning_budget"] = at.reasoning_budget
        told["extra_body"] = body
    return told


async def _turn(at: Endpoint) -> None:
    """Wait until the endpoint may be asked by this process again."""
    if at.per_minute:
        free = max(_next_free.get(at.url, 0.0), time.monotonic())
        _next_free[at.url] = free + MINUTE / at.per_minute
        await sleep(free - time.monotonic())


def _thoughts(messages: list[ModelMessage]) -> list[str]:
    parts = [part for each in messages if isinstance(each, ModelResponse) for part in each.parts]
    return [part.content for part in parts if isinstance(part, ThinkingPart) and part.content]


def _reason(error: UnexpectedModelBehavior) -> str:
    cause = error.__cause__ or error
    return " ".join(str(cause).split())[:300].rstrip(".")
