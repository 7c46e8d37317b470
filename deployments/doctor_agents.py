"""Whether the agents that are configured can be had: their endpoints answer, take the key and have the models."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable

import httpx

from ledger.models import AgentType
from shipline.config import Settings
from shipline.errors import ConfigError, ShiplineError
from tasks.agents.recording import PLANNERS
from tasks.agents.registry import ACP, CURSOR_CLOUD, HTTP, NEMOTRON, RECORDED, coder, planner
from tasks.agents.settings import Endpoint, coder_settings, endpoint_of, planner_settings
from tasks.fence import usable

WITHIN = 2.5  # seconds for an answer
SHOWN = 5  # models of an endpoint that are named


def load(settings: Settings) -> None:
    """Import what the configured agents are made of. What is wrong with them is for ``agents`` to say."""
    for make in (planner, coder):
        with contextlib.suppress(Exception):
            make(settings)


async def agents(settings: Settings) -> str:
    """What they are, in a line. Raises ShiplineError with what is wrong."""
    planner(settings)  # both raise what is wrong with them
    coder(settings)
    looks: list[Awaitable[str]] = [_planner(settings), _coder(settings)]
    return ", ".join(await asyncio.gather(*looks))


async def _planner(settings: Settings) -> str:
    if settings.planner != NEMOTRON:
        return f"planner {_word(settings.planner)}"
    ours = planner_settings()
    asked = {(each.url, each.model): each for each in (endpoint_of(ours, who) for who in AgentType if who in PLANNERS)}
    await asyncio.gather(*(_require_model(each) for each in asked.values()))
    return "planner nemotron (" + ", ".join(f"{each.model} at {each.url}" for each in asked.values()) + ")"


async def _require_model(at: Endpoint) -> None:
    key = at.key.get_secret_value() if at.key else "none"
    async with httpx.AsyncClient(timeout=WITHIN, headers={"Authorization": f"Bearer {key}"}) as client:
        try:
            answer = await client.get(f"{at.url}/models")
        except httpx.HTTPError as error:
            raise ShiplineError(
                f"{at.url} does not answer ({type(error).__name__}).", "Look at SHIPLINE_PLANNER_URL."
            ) from error
    if answer.status_code in (401, 403):
        raise ConfigError(f"{at.url} does not take our key.", "Set NVIDIA_API_KEY to a key that is good for it.")
    try:
        known = [str(each["id"]) for each in answer.json()["data"]]
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{at.url}/models answered {answer.status_code}, and not with a list of models.",
            "SHIPLINE_PLANNER_URL ends in /v1 as a rule.",
        ) from None
    if at.model not in known:
        some = ", ".join(known[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
        raise ConfigError(f"{at.url} has no model {at.model}.", f"It has {some or 'none'}: set SHIPLINE_PLANNER_MODEL.")


async def _coder(settings: Settings) -> str:
    if settings.coder == ACP:
        return f"coder acp ({' '.join(coder_settings().require_acp_command())}; {await _fenced()})"
    if settings.coder == HTTP:
        return await _behind_http()
    if settings.coder != CURSOR_CLOUD:
        return f"coder {_word(settings.coder)}"
    from tasks.agents.cursor_api import CursorApi
    from tasks.agents.cursor_errors import CursorRefused, in_words

    ours = coder_settings()
    async with CursorApi(ours.cursor_api_url, ours.require_cursor_key()) as api:
        try:
            name = await api.me()
            if ours.cursor_model and ours.cursor_model not in await api.models():
                raise ConfigError(f"Cursor has no model {ours.cursor_model}.", "Correct SHIPLINE_CURSOR_MODEL.")
        except CursorRefused as error:
            raise in_words(error) from error
    return f"coder cursor-cloud (key {name!r}, {ours.cursor_model or 'the default model'})"


async def _fenced() -> str:
    if coder_settings().acp_fence == "off":
        return "its fence is turned off"
    return "behind a fence" if await asyncio.to_thread(usable) else "no bwrap that works, so without a fence"


async def _behind_http() -> str:
    from tasks.agents.http_agent import HttpAgent

    await HttpAgent().check()
    return f"coder http ({coder_settings().require_coder_url()})"


def _word(value: str) -> str:
    return "recorded (thinking is replayed)" if value == RECORDED else value
