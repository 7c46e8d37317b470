"""One leaf's work: an agent in a clone, guards on what it made, one commit pushed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ledger.effects import Key, perform
from ledger.issues import change_issue, get_issue
from ledger.models import (
    AgentJob,
    AgentResult,
    AgentType,
    Effect,
    EffectKind,
    EffectStatus,
    Executor,
    Issue,
    IssueStatus,
)
from shipline.errors import AgentError, NotFound
from shipline.ids import digest
from tasks.actions.elsewhere import code_there
from tasks.agents.ask import compose, journal
from tasks.agents.registry import CODEMOD, coder
from tasks.agents.starting import start_agent
from tasks.agents.working import work_in
from tasks.answers import Produced
from tasks.git import Clone, clone, discard
from tasks.github.shapes import Sha
from tasks.guarding import guard, merged_by_git
from tasks.metering import metered
from tasks.scratch import produce_on_branch, remote, works_elsewhere
from tasks.state import Here, here
from tasks.step import step
from tasks.texts import commit_message, trailers
from tasks.workplaces import owner_mark, workplaces


@step(name="implement", task_run_name="implement {key}")
async def implement(run_id: str, key: str) -> str:
    """Ask the node's agent for the change, guard it, commit it, push it; returns the new head."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch = _branch(issue)
    round_ = str(issue.round)
    await change_issue(
        at.ctx.store, run_id, key, {"status": IssueStatus.IN_PROGRESS},
        expect={"status": IssueStatus.NEW, "round": issue.round},
        msg=f"{issue.agent} works on #{issue.number} {issue.title}",
    )  # fmt: skip
    objective = f"Implement: {issue.title}"
    job = await compose(at.ctx, at.run, AgentType(issue.agent), objective, issue=issue, round_=round_)
    agent_key = Key(run_id, key, round_, EffectKind(f"agent.{issue.agent}"))

    async def work() -> Produced:
        produced = await produce(at, job, agent_key, branch)
        if not produced.patch:
            raise AgentError(f"{issue.agent} changed nothing for {key}.", "Retry, or make the issue clearer.")
        return produced

    lonely = at.ctx.settings.coder == CODEMOD  # it works in our own process, and is gone with it
    produced = await journal(at.ctx, at.run, agent_key, job, work, Produced, lambda done: done.result, lonely=lonely)
    return await _push(at, issue, produced, round_)


@step(name="resolve-conflict", task_run_name="resolve {key}")
async def resolve_conflict(run_id: str, key: str) -> str:
    """Merge the base into the node's branch with an agent's help where they conflict; returns the new head."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch, base = _branch(issue), str(issue.base)
    tip = await at.repo.branch_sha(base)
    if tip is None:
        raise NotFound(f"Branch {base} of {at.run.repo} is gone.", "Restore it, then retry.")
    round_ = await _conflict_round(at, key, tip)
    objective = f"Resolve the conflict of {issue.title} with its parent branch"
    job = await compose(at.ctx, at.run, AgentType.DEVELOPER_IMPLEMENTER, objective, issue=issue, round_=round_)
    anew = f".{issue.round}" if issue.round > 1 else ""  # who is retried is asked anew
    agent_key = Key(run_id, key, f"{round_}{anew}", EffectKind.AGENT_CONFLICT, tip[:12])

    async def work() -> Produced:
        return await produce(at, job, agent_key, branch, tip)

    produced = await journal(at.ctx, at.run, agent_key, job, work, Produced, lambda done: done.result)
    return await _push(at, issue, produced, round_)


async def produce(at: Here, job: AgentJob, key: Key, branch: str, merged: str | None = None) -> Produced:
    """Let the agent work on the branch's head: in a clone of ours, or where the run's executor is."""
    agent = coder(at.ctx.settings)
    if works_elsewhere(agent):
        return await produce_on_branch(at, job, key, branch, merged, agent, workplace(at, key.node, "scratch"))
    if at.run.executor is Executor.ACTIONS:
        base = await at.repo.branch_sha(branch)
        if base is None:
            raise NotFound(f"Branch {branch} of {at.run.repo} is gone.", "Restore it, then retry.")
        coded = await code_there(at.ctx, at.run, key, job, branch, base, merged)
        result = await metered(AgentResult.model_validate(coded.result))
        return Produced(result=result, base=base, merged=merged, patch=coded.patch)
    made = await clone(await remote(at), branch, workplace(at, key.node, key.kind.rpartition(".")[2]))
    try:
        base = await made.head()
        result, patch = await work_in(made, agent, partial(start_agent, at.ctx, agent, job, key), merged)
    finally:
        await discard(made)
    return Produced(result=await metered(result), base=base, merged=merged, patch=patch)


async def _push(at: Here, issue: Issue, produced: Produced, round_: str) -> str:
    branch = _branch(issue)
    trailer = trailers(at.run.id, issue.key, round_)

    async def look() -> Sha | None:
        commits = await at.repo.commits_since(produced.base, branch)
        return next((Sha(sha=each.sha) for each in commits if trailer in each.commit.message), None)

    async def act() -> Sha:
        theirs = await at.repo.branch_sha(branch)
        made = await clone(await remote(at), produced.base, workplace(at, issue.key, "push"))
        try:
            message = commit_message(issue, at.run.id, round_, produced.result.output.changeset_summary)
            merge = await merged_by_git(made, produced.merged) if produced.merged else None
            commit = await made.commit(produced.patch, message, produced.merged)
            await guard(at, made, issue, produced.base, commit, digest(produced.patch, produced.base), merge)
            if theirs not in (None, produced.base):  # a person pushed while the agent worked
                commit = await _beside(made, commit, str(theirs), f"Merge what was pushed to {branch}\n\n{trailer}\n")
            await made.push(commit, branch)
        finally:
            await discard(made)
        return Sha(sha=commit)

    pushed = await perform(
        at.ctx.store, Key(at.run.id, issue.key, round_, EffectKind.PUSH, digest(produced.patch, produced.base)), Sha,
        act=act, look=look, say=lambda done: f"Pushed {done.sha[:7]} to {branch}", phase=at.run.state,
    )  # fmt: skip
    await change_issue(at.ctx.store, at.run.id, issue.key, {"head": pushed.sha}, expect={"head": issue.head})
    return pushed.sha


async def _beside(made: Clone, commit: str, theirs: str, message: str) -> str:
    """Our commit merged with what somebody pushed meanwhile; nothing of theirs is lost."""
    await made.git("checkout", "--quiet", "--detach", commit)
    conflicts = await made.merge(theirs)
    if conflicts:
        raise AgentError(
            f"Somebody pushed {theirs[:7]} while the agent worked, and the two conflict in {', '.join(conflicts)}.",
            "Retry: the agent is asked again, on top of it.",
        )
    return await made.commit("", message, theirs)


async def _conflict_round(at: Here, key: str, tip: str) -> str:
    earlier = await at.ctx.store.find(
        Effect, {"runId": at.run.id, "nodeKey": key, "kind": "agent.conflict", "status": EffectStatus.SUCCEEDED}
    )
    others = [each for each in earlier if not each.id.endswith(tip[:12])]
    return f"conflict-{len(others) + 1}"


def workplace(at: Here, key: str, what: str) -> Path:
    """The folder of one step of one node in this process; removed when the step ends."""
    return workplaces(at.ctx.settings.home, at.run.id) / f"{key}-{what}{owner_mark()}"


def _branch(issue: Issue) -> str:
    if issue.branch is None:
        raise NotFound(f"{issue.key} has no branch yet.", "Make the branch first.")
    return issue.branch
