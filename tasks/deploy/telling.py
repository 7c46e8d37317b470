"""GitHub's record of a deployment, and the words that are said of it: on its way, there, failed, replaced."""

from __future__ import annotations

from typing import Literal

from ledger.effects import Key, perform
from ledger.models import EffectKind, Model
from shipline.errors import ConfigError, NotFound
from tasks.github.errors import GitHubError
from tasks.github.shapes import DeploymentRef
from tasks.state import Here

State = Literal["in_progress", "success", "failure", "inactive"]
NONE = 0  # the id where GitHub keeps no record


class Word(Model):
    """Something said of a deployment."""

    id: int
    state: str


async def announce(at: Here, label: str, ref: str, environment: str) -> int | None:
    """The number of GitHub's record, made once; None where GitHub keeps none, which the timeline says."""

    async def look() -> DeploymentRef | None:
        return await at.repo.find_deployment(environment, label)

    async def act() -> DeploymentRef:
        try:
            return await at.repo.create_deployment(ref, environment, label)
        except (NotFound, ConfigError, GitHubError):  # not allowed, or not known to an older server
            return DeploymentRef(id=NONE)

    async def undo(second: DeploymentRef) -> None:
        if second.id != NONE:
            await at.repo.delete_deployment(second.id)

    def words(done: DeploymentRef) -> str:
        kept = f"GitHub's deployment {done.id}" if done.id else "GitHub keeps no record of it"
        return f"{ref} goes to {environment}: {kept}"

    made = await perform(
        at.ctx.store, Key(at.run.id, "run", "1", EffectKind.DEPLOYMENT_CREATE, label), DeploymentRef, act=act,
        look=look, undo=undo, say=words, phase=at.run.state,
    )  # fmt: skip
    return made.id or None


async def say(at: Here, number: int | None, label: str, state: State, said: str, url: str | None = None) -> None:
    """Tell GitHub where the deployment stands, once a state."""
    if number is None:
        return
    known = number

    async def look() -> Word | None:
        told = await at.repo.deployment_states(known)
        return Word(id=told[state], state=state) if state in told else None

    async def act() -> Word:
        return Word(id=await at.repo.tell_deployment(known, state, url, said), state=state)

    await perform(
        at.ctx.store, Key(at.run.id, "run", "1", EffectKind.DEPLOYMENT_STATUS, f"{label}-{state}"), Word, act=act,
        look=look, say=lambda done: f"GitHub's deployment {known} is {done.state}", phase=at.run.state,
    )  # fmt: skip
