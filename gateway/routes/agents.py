"""The twelve agents, and what they read first (the notes, §7.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gateway.access import Admin, Looker
from gateway.paging import LINKED, Paged
from gateway.shapes import AgentOut, OnboardingIn, OnboardingOut, agent_out, onboarding_out
from ledger.models import Agent, OnboardingDoc
from shipline.errors import NotFound
from tasks.administration import catalog, change_agent

router = APIRouter(prefix="/api/agents", tags=["Agents"])
AgentId = Annotated[str, Path(pattern=r"^[a-z-]{1,60}$", examples=["developer-implementer"])]


@router.get("", responses=LINKED)
async def listed(_: Looker, paging: Paged) -> list[AgentOut]:
    """The catalog."""
    return [agent_out(each) for each in paging.cut((await catalog())[0])]


@router.get("/{id}")
async def show(id: AgentId, _: Looker) -> AgentOut:
    """One agent."""
    return agent_out((await _found(id))[0])


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


async def _found(named: str) -> tuple[Agent, OnboardingDoc | None]:
    agents, documents = await catalog()
    agent = next((each for each in agents if named in (each.id, each.agent_id)), None)
    if agent is None:
        raise NotFound(f"There is no agent {named}.", f"There are: {', '.join(each.id for each in agents)}.")
    return agent, next((each for each in documents if each.id == agent.onboarding_doc_ref), None)
