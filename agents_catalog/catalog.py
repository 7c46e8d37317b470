"""The catalog as it is shipped: agents, their onboarding documents, their prompts, and the recordings."""

from __future__ import annotations

from pathlib import Path

import yaml

from ledger.models import Agent, AgentType, OnboardingDoc

_FOLDER = Path(__file__).parent


def load_agents() -> list[Agent]:
    """The agents, in the order of their types. An agent's id is its type."""
    return [_read_agent(who) for who in AgentType]


def _read_agent(who: AgentType) -> Agent:
    found = yaml.safe_load((_FOLDER / "agents" / f"{who.value}.yaml").read_text("utf-8"))
    return Agent.model_validate({"id": who.value, **found})


def load_onboarding() -> list[OnboardingDoc]:
    """The documents that agents read first, by name. A document's id is ``onboarding/<name>.md``."""
    files = sorted((_FOLDER / "onboarding").glob("*.md"))
    return [OnboardingDoc(id=f"onboarding/{file.name}", text=file.read_text("utf-8")) for file in files]


def prompt(who: AgentType | str) -> str:
    """An agent's prompt: a ``str.format`` template of ``objective``, ``criteria``, ``context``, ``constraints``."""
    return (_FOLDER / "prompts" / f"{AgentType(who).value}.md").read_text("utf-8")


def recordings_folder() -> Path:
    """The folder of the recordings that ship with Shipline."""
    return _FOLDER / "recordings"
