"""A coding agent in a clone: what it is given, and what is taken back. The same in a worker and in GitHub Actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from ledger.models import AgentResult
from shipline.errors import AgentError
from tasks.agents.ports import AgentRef, CodingAgent
from tasks.git import Clone

Start = Callable[[Path], Awaitable[AgentRef]]


async def work_in(made: Clone, agent: CodingAgent, start: Start, merged: str | None = None) -> tuple[AgentResult, str]:
    """Let the agent work in the clone, in the middle of a merge of ``merged``; its result, and all of it as a patch."""
    conflicts = await made.merge(merged) if merged else []
    result = await agent.result(await start(made.path))
    require_resolved(made, conflicts)
    return result, await made.patch()


def require_resolved(made: Clone, conflicts: Iterable[str]) -> None:
    """AgentError when a file that conflicted still holds a marker."""
    for path in conflicts:
        file = made.path / path
        if file.is_file() and "<<<<<<< " in file.read_text(errors="replace"):
            raise AgentError(f"The agent left the conflict in {path} unresolved.", "Retry, or resolve it by hand.")
