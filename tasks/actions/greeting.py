"""The first word to a repository's Actions: a run that is to work there does not begin when nobody answers."""

from __future__ import annotations

from tasks.actions.elsewhere import say_hello
from tasks.state import here
from tasks.step import step


@step(name="check-executor", task_run_name="check executor {run_id}")
async def check_executor(run_id: str) -> None:
    """Whether the repository's Actions are ready. Raises NoAnswer with what to do."""
    at = await here(run_id)
    await say_hello(at.ctx, at.run)
