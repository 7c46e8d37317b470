"""Work of an agent that is elsewhere: it gets a scratch branch, and only what our guards let pass leaves it.

The branch is named after the effect, so a worker that comes later finds it and what the agent made there.
"""

from __future__ import annotations

import logging
from pathlib import Path

from ledger.effects import Key
from ledger.models import AgentJob
from shipline.errors import NotFound, ShiplineError
from tasks.agents.ports import CodingAgent
from tasks.agents.starting import start_agent
from tasks.agents.working import require_resolved
from tasks.answers import Produced
from tasks.git import IDENTITY, Clone, Remote, clone, discard
from tasks.github.repo import Repo
from tasks.metering import metered
from tasks.state import Here

SCRATCH = "agent/"
log = logging.getLogger(__name__)


def works_elsewhere(agent: CodingAgent) -> bool:
    """Whether the agent is given a branch, and not a folder."""
    return bool(getattr(agent, "on_branch", False))


def scratch_branch(key: Key) -> str:
    """Where the agent of an effect works."""
    what = key.kind.rpartition(".")[2]
    return f"{SCRATCH}{key.run_id}/{key.node}/{key.round}-{what}"


async def remote(at: Here) -> Remote:
    """Where the run's repository is cloned from."""
    return Remote(str((await at.repo.about()).clone_url), await at.ctx.github.git_token(at.run.repo))


async def produce_on_branch(
    at: Here, job: AgentJob, key: Key, branch: str, merged: str | None, agent: CodingAgent, place: Path
) -> Produced:
    """Let the agent work on a scratch branch that begins at the branch's head, in the middle of a merge of ``merged``.

    What began before is taken up: then the base is the commit that it began at, whatever was pushed since.
    """
    scratch = scratch_branch(key)
    made = await clone(await remote(at), branch, place)
    try:
        base, conflicts = await _begin(at, made, scratch, branch, merged)
        asked = job.model_copy(update={"input": job.input.model_copy(update={"branch": scratch})})
        result = await metered(await agent.result(await start_agent(at.ctx, agent, asked, key, made.path)))
        await take(made, scratch, base)
        require_resolved(made, conflicts, result)
        patch = await made.patch()
    finally:
        await discard(made)
    await remove_branch(at.repo, scratch)
    return Produced(result=result, base=base, merged=merged, patch=patch)


async def _begin(at: Here, made: Clone, scratch: str, branch: str, merged: str | None) -> tuple[str, list[str]]:
    """Make the scratch branch, unless it is there; the base, and the paths that conflict there."""
    base = await made.head()
    begun = await at.repo.branch_sha(scratch)
    conflicts = await made.merge(merged) if merged else []
    if begun is None:
        start = base
        if merged:  # with the markers in it: resolving them is the agent's work
            await made.stage()
            start = await made.commit("", f"Merge {merged[:12]} into {branch}, to be resolved\n", merged)
        await made.push(start, scratch)
    else:
        base = (await made.git("merge-base", base, f"origin/{scratch}")).strip()
    return base, conflicts


async def take(made: Clone, scratch: str, base: str) -> None:
    """The agent's files as a change that is not committed, on the base."""
    await made.git("reset", "--quiet", "--hard", base, env=IDENTITY)
    await made.git("fetch", "--quiet", "origin", f"refs/heads/{scratch}", env=made.remote.environment())
    await made.git("read-tree", "--reset", "-u", "FETCH_HEAD")


async def remove_scratch(repo: Repo, run_id: str) -> list[str]:
    """Remove what the agents of a run that is over worked on; the branches that could not be."""
    left = []
    for branch in await repo.branches_below(f"{SCRATCH}{run_id}/"):
        try:
            await repo.delete_branch(branch)
        except NotFound:
            continue
        except ShiplineError as error:
            left.append(f"{branch} ({error.message})")
    return left


async def remove_branch(repo: Repo, scratch: str) -> None:
    """Nobody needs it any more. It is no loss when it stays: the next agent of this effect finds it again."""
    try:
        await repo.delete_branch(scratch)
    except NotFound:
        return
    except ShiplineError as error:
        log.warning("the scratch branch %s stays: %s", scratch, error)
