"""What a planning agent and a coding agent are to Shipline. To add one is to write another class like these."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from ledger.models import AgentJob, AgentResult, Model, Usage
from shipline.errors import AgentError


class AgentRef(Model):
    """A started agent: enough to find it again from another process."""

    id: str


class AgentEvent(Model):
    """Something an agent said while it worked; ``id`` resumes the stream after it."""

    id: str
    text: str


class AgentFailed(AgentError):
    """An agent that worked and came to nothing. What it used counts all the same; ``account`` as of a result."""

    def __init__(self, message: str, hint: str = "", *, usage: Usage, account: str | None = None) -> None:
        super().__init__(message, hint)
        self.usage, self.account = usage, account


class PlanningAgent(Protocol):
    """Answers in JSON that fits ``schema``: ``AgentResult.output.answer`` parses with it."""

    def knows(self, idea: str) -> bool:
        """Whether this agent can work on the idea at all (a recording knows only its own)."""
        ...

    async def ask(self, job: AgentJob, schema: type[Model]) -> AgentResult:
        """One question, one typed answer. Raises AgentError when there is none."""
        ...


class CodingAgent(Protocol):
    """Works in a git worktree (``workspace``); it commits nothing and holds no token of ours.

    One that works elsewhere has an attribute ``on_branch`` that is true: it is given a scratch branch of the
    repository in ``input.branch`` of its job instead, with what it begins from, and leaves its work there.
    """

    def knows(self, idea: str) -> bool:
        """Whether this agent can work on the idea at all."""
        ...

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        """Begin; the same ``key`` never begins twice."""
        ...

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """Say something more to an agent that works or has finished."""
        ...

    def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """What it says, after the event with id ``after``."""
        ...

    async def result(self, ref: AgentRef) -> AgentResult:
        """Wait for its end. Raises AgentError when it failed: AgentFailed where it is known what it used."""
        ...

    async def artifacts(self, ref: AgentRef) -> list[str]:
        """What it left besides the change."""
        ...

    async def usage(self, ref: AgentRef) -> Usage:
        """What it cost so far."""
        ...

    async def cancel(self, ref: AgentRef) -> None:
        """Stop it; stopped already is fine."""
        ...
