"""Which agents are configured: ``SHIPLINE_PLANNER`` and ``SHIPLINE_CODER`` name an adapter or a class of yours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from pydantic import ImportString, TypeAdapter, ValidationError

from agents_catalog.catalog import recordings_folder
from shipline.config import Settings
from shipline.errors import ConfigError, NoRecording
from tasks.agents.cursor_cloud import CursorCloud
from tasks.agents.http_agent import HttpAgent
from tasks.agents.ports import CodingAgent, PlanningAgent
from tasks.agents.recorded import RecordedCoder, RecordedPlanner

HOW = (
    "Recorded agents replay one idea (`shipline demo`). For others set SHIPLINE_PLANNER and SHIPLINE_CODER to agents "
    "that think; the README's section 'Agents that think' says how."
)

RECORDED, NEMOTRON = "recorded", "nemotron"
CURSOR_CLOUD, ACP, HTTP, CODEMOD = "cursor-cloud", "acp", "http", "codemod"

_coders: dict[tuple[str, Path, bool], CodingAgent] = {}


def planner(settings: Settings) -> PlanningAgent:
    """The configured planning agent."""
    if settings.planner == RECORDED:
        return RecordedPlanner(folder(settings), strict=settings.strict_replay)
    if settings.planner == NEMOTRON:
        from tasks.agents.nemotron import Nemotron  # it takes a second or two to import

        return Nemotron()
    return cast(PlanningAgent, _yours("SHIPLINE_PLANNER", settings.planner))


def coder(settings: Settings) -> CodingAgent:
    """The configured coding agent, the same one every time: it remembers what it started."""
    key = (settings.coder, folder(settings), settings.strict_replay)
    if key not in _coders:
        if settings.coder == RECORDED:
            _coders[key] = RecordedCoder(folder(settings), strict=settings.strict_replay)
        elif settings.coder == CURSOR_CLOUD:
            _coders[key] = CursorCloud()
        elif settings.coder == HTTP:
            _coders[key] = HttpAgent()
        elif settings.coder == CODEMOD:
            from tasks.agents.codemod import Codemod  # it takes half a second to import

            _coders[key] = Codemod()
        elif settings.coder == ACP:
            from tasks.agents.acp_agent import AcpAgent  # it takes half a second to import

            _coders[key] = AcpAgent()
        else:
            _coders[key] = cast(CodingAgent, _yours("SHIPLINE_CODER", settings.coder))
    return _coders[key]


def only_replays(settings: Settings) -> bool:
    """Whether nobody thinks: then nobody reads either, and nothing needs to be gathered for it."""
    return settings.planner == RECORDED and settings.coder == RECORDED


def folder(settings: Settings) -> Path:
    """Where recordings are looked for (``SHIPLINE_RECORDINGS``, else the ones that come with Shipline)."""
    return settings.recordings or recordings_folder()


def require_known(settings: Settings, idea: str) -> None:
    """Refuse, before anything is made, an idea that the configured agents cannot work on."""
    if not (planner(settings).knows(idea) and coder(settings).knows(idea)):
        raise NoRecording("No recording matches this idea, and the configured agents only replay.", HOW)


def _yours(variable: str, value: str) -> Any:
    if ":" not in value and "." not in value:
        raise ConfigError(
            f"{variable}={value} is not an agent of this version.",
            "docs/agents.md names those there are; the import path of a class of yours (my_agents:Planner) is one too.",
        )
    try:
        made = TypeAdapter(ImportString[Any]).validate_python(value)
    except ValidationError as error:
        raise ConfigError(f"{variable}={value} cannot be imported: {error.errors()[0]['msg']}.") from error
    return made()
