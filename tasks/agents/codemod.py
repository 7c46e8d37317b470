"""The coding agent that does not think: it carries out an issue whose title is a codemod, and refuses any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from ledger.models import AgentJob, AgentOutput, AgentResult, Usage
from shipline.errors import AgentError
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.codemods import understand
from tasks.git import run_git


class Codemod:
    """The coding port over ``tasks.codemods``. It works at once and costs nothing; begun anew, it does the same."""

    def __init__(self) -> None:
        self._results: dict[str, AgentResult] = {}

    def knows(self, idea: str) -> bool:  # noqa: ARG002 (the port)
        """Only the issue's title says; what it cannot do it refuses then."""
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        """Change the workspace as the objective says. AgentError when no codemod does that."""
        done = key in self._results and await run_git("status", "--porcelain", cwd=workspace)
        if not done:
            change = understand(job.input.objective)
            told = await asyncio.to_thread(change, workspace)
            said = job.input.objective.removeprefix("Implement: ").strip()[:200]
            self._results[key] = AgentResult(output=AgentOutput(changeset_summary=said, notes="\n".join(told)))
        return AgentRef(id=key)

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """It understands its commands alone."""
        raise AgentError(f"{ref.id} is a codemod and cannot be told {text[:40]!r}.", "Retry the issue instead.")

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """What it did, in a line."""
        if after is None and ref.id in self._results:
            yield AgentEvent(id="1", text=self._results[ref.id].output.changeset_summary)

    async def result(self, ref: AgentRef) -> AgentResult:
        """What ``start`` did. After a crash, start again."""
        try:
            return self._results[ref.id]
        except KeyError:
            raise AgentError(f"{ref.id} was carried out in another process.", "Start it again.") from None

    async def artifacts(self, ref: AgentRef) -> list[str]:  # noqa: ARG002
        """Nothing besides the change."""
        return []

    async def usage(self, ref: AgentRef) -> Usage:  # noqa: ARG002
        """It costs nothing."""
        return Usage()

    async def cancel(self, ref: AgentRef) -> None:
        """It has ended by the time that it can be named."""
