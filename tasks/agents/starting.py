"""Starting a coding agent so that any process can cancel it from then on."""

from __future__ import annotations

from pathlib import Path

from ledger.effects import Key
from ledger.models import AgentJob, AgentRun, AgentRunStatus
from shipline.errors import Interrupted
from tasks.agents.ports import AgentRef, CodingAgent
from tasks.context import Context


async def start_agent(ctx: Context, agent: CodingAgent, job: AgentJob, key: Key, workspace: Path) -> AgentRef:
    """Start the agent of the effect ``key`` and note in the ledger what its port calls it.

    Raises Interrupted when the run was cancelled just then; the agent is cancelled with it.
    """
    ref = await agent.start(job, str(key), workspace)
    noted = await ctx.store.change(AgentRun, str(key), {"ref": ref.id}, expect={"status": AgentRunStatus.RUNNING})
    if noted is None:
        await agent.cancel(ref)
        raise Interrupted(f"Run {key.run_id} was cancelled while {job.type.value} started.")
    return ref
