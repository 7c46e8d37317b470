"""The twelve agents, and what they read first (the notes, §7.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from gateway.access import Admin, Looker
from gateway.paging import LINKED, Paged
from gateway.shapes import AgentOut, Body, OnboardingIn, OnboardingOut, agent_out, onboarding_out
from ledger.models import Agent, Model, OnboardingDoc
from shipline.errors import NotFound
from tasks.administration import LONGEST, catalog, change_agent, write_onboarding

router = APIRouter(prefix="/api/agents", tags=["Agents"])
Line = Annotated[str, Field(min_length=1, max_length=2000)]
Lines = Annotated[list[Line], Field(max_length=50)]


class AgentIn(Body):
    """What is to change of an agent."""

    enabled: bool | None = None
    goals: Lines | None = None
    tools: Lines | None = None
    constraints: Lines | None = None
    guardrails: Lines | None = None
    context_packs: Lines | None = None


class DocumentIn(Model):
    """A document's new text; ``version`` is the one that was read before writing."""

    text: str = Field(min_length=1, max_length=LONGEST, pattern=r"\S")
    version: int = Field(ge=1, le=2**31 - 1)


AgentId = Annotated[str, Path(pattern=r"^[a-z-]{1,60}$", examples=["developer-implementer"])]


@router.get("", responses=LINKED)
async def listed(_: Looker, paging: Paged) -> list[AgentOut]:
    """The catalog."""
    return [agent_out(each) for each in paging.cut((await catalog())[0])]


@router.get("/{id}")
async def show(id: AgentId, _: Looker) -> AgentOut:
    """One agent."""
    return agent_out((await _found(id))[0])


@router.put("/{id}")
async def set_agent(id: AgentId, body: AgentIn, who: Admin) -> AgentOut:
    """Switch it on or off, or change its lists; what is left out stays as it is."""
    agent, _ = await _found(id)
    values = {name: getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}
    return agent_out(await change_agent(agent.type, values, by=who.name))


@router.get("/{id}/onboarding")
async def onboarding(id: AgentId, _: Looker) -> OnboardingOut:
    """What it reads first."""
    return onboarding_out(*await _found(id))


@router.put("/{id}/onboarding")
async def change(id: AgentId, body: OnboardingIn, who: Admin) -> OnboardingOut:
    """Let it read another document, or other context packs."""
    agent, _ = await _found(id)
    known = {each.id for each in (await catalog())[1]}
    if body.onboarding_doc_ref not in known:
        raise NotFound(f"There is no document {body.onboarding_doc_ref}.", f"There are: {', '.join(sorted(known))}.")
    values = {"onboarding_doc_ref": body.onboarding_doc_ref, "context_packs": body.context_packs}
    await change_agent(agent.type, values, by=who.name)
    return onboarding_out(*await _found(id))


@router.put("/{id}/onboarding/text")
async def write(id: AgentId, body: DocumentIn, who: Admin) -> OnboardingOut:
    """A new version of what it reads first; all agents that read this document do. Refused when another person wrote
    one meanwhile.
    """
    agent, document = await _found(id)
    if document is None:
        raise NotFound(f"{agent.id} reads no document.")
    return onboarding_out(agent, await write_onboarding(document.id, body.text, by=who.name, version=body.version))


async def _found(named: str) -> tuple[Agent, OnboardingDoc | None]:
    agents, documents = await catalog()
    agent = next((each for each in agents if named in (each.id, each.agent_id)), None)
    if agent is None:
        raise NotFound(f"There is no agent {named}.", f"There are: {', '.join(each.id for each in agents)}.")
    return agent, next((each for each in documents if each.id == agent.onboarding_doc_ref), None)
