"""A coding agent in a clone: what it is given, and what is taken back. The same in a worker and in GitHub Actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from ledger.models import AgentResult
from tasks.agents.ports import AgentFailed, AgentRef, CodingAgent
from tasks.git import Clone

Start = Callable[[Path], Awaitable[AgentRef]]


async def work_in(made: Clone, agent: CodingAgent, start: Start, merged: str | None = None) -> tuple[AgentResult, str]:
    """Let the agent work in the clone, in the middle of a merge of ``merged``; its result, and all of it as a patch."""
    conflicts = await made.merge(merged) if merged else []
    result = await agent.result(await start(made.path))
    require_resolved(made, conflicts, result)
    return result, await made.patch()


def require_resolved(made: Clone, conflicts: Iterable[str], result: AgentResult) -> None:
    """AgentFailed when a file that conflicted still holds a marker: ``result`` came to nothing."""
    for path in conflicts:
        file = made.path / path
        if file.is_file() and "<<<<<<< " in file.read_text(errors="replace"):
            words, hint = f"The agent left the conflict in {path} unresolved.", "Retry, or resolve it by hand."
            raise AgentFailed(words, hint, usage=result.usage, account=result.account)
