"""Carrying out an errand: our coding agent works on a branch that somebody else named.

On a scratch branch (``agent/…``) whoever asked applies the guards. On another they are applied here, and nothing is
pushed that they stop: an agent that works on a branch is given one of its own for that.
"""

from __future__ import annotations

from ledger import errands
from ledger.models import AgentInput, AgentJob, AgentResult, AgentType, Errand, Size
from ledger.rules.branches import INTEGRATION, REGRESSION
from shipline.errors import AgentError, InvalidInput, NotFound
from shipline.ids import digest
from tasks.agents.ports import AgentFailed, AgentRef, CodingAgent
from tasks.agents.registry import HTTP, RECORDED, coder
from tasks.context import Context
from tasks.git import Clone, Remote, clone, discard
from tasks.github.repo import Repo
from tasks.guarding import in_words
from tasks.guards import GuardContext, check_guards, read_change
from tasks.scratch import SCRATCH, remove_branch, take, works_elsewhere
from tasks.workplaces import owner_mark, workplaces

TRAILER = "Shipline-Errand"
REFUSED = (
    "Nothing was pushed, and nobody can let it pass here. Ask for it on a scratch branch (agent/…) and look at it "
    "yourself, or as an issue of a run, whose change a person may let pass."
)


async def accept(ctx: Context, who: str, key: str, repo: str, branch: str, task: str, context: str) -> Errand:
    """Keep a request, once for each of ``who``'s keys. Raises InvalidInput where it cannot be done."""
    require_coder(ctx)
    about = await Repo(ctx.github, repo).about()
    if branch in (about.default_branch, INTEGRATION, REGRESSION):
        raise InvalidInput(f"{branch} is not a branch to work on.", "Make one beside it, and merge when it is good.")
    if await Repo(ctx.github, repo).branch_sha(branch) is None:
        raise NotFound(f"{repo} has no branch {branch}.", "Make it first.")
    wanted = Errand(id=f"e-{digest(who, key)}", repo=repo, branch=branch, task=task, context=context)
    return await errands.ask(ctx.store, wanted)


def require_coder(ctx: Context) -> None:
    """InvalidInput unless there is an agent here that can work for others."""
    if ctx.settings.coder in (RECORDED, HTTP):
        raise InvalidInput(
            f"The coding agent here is {ctx.settings.coder!r}, which cannot work for others.",
            "Set SHIPLINE_CODER for the gateway to one that can (docs/agents.md).",
        )


async def carry_out(ctx: Context, errand: Errand) -> AgentResult:
    """Let the agent work, and push what it made. What was pushed already, by a process that died then, is found.

    AgentFailed says what an agent used whose work is of no use, also when a guard stopped it.
    """
    repo = Repo(ctx.github, errand.repo)
    remote = Remote(str((await repo.about()).clone_url), await ctx.github.git_token(errand.repo))
    agent = coder(ctx.settings)
    made = await clone(remote, errand.branch, workplaces(ctx.settings.home, errand.id) / f"errand{owner_mark()}")
    try:
        base = errand.base or await made.head()
        await errands.note(ctx.store, errand, base=base)
        if not works_elsewhere(agent):
            result = await agent.result(await _start(ctx, agent, errand, errand.branch, made))
            head = await _pushed(repo, errand, base) or await _push(errand, made, result)
        elif errand.branch.startswith(SCRATCH):
            result = await agent.result(await _start(ctx, agent, errand, errand.branch, made))
            head = await repo.branch_sha(errand.branch)
        else:
            result, head = await _beside(ctx, agent, repo, errand, base, made)
    finally:
        await discard(made)
    await errands.note(ctx.store, errand, head=None if head == base else head)
    return result


async def _beside(
    ctx: Context, agent: CodingAgent, repo: Repo, errand: Errand, base: str, made: Clone
) -> tuple[AgentResult, str | None]:
    """Let an agent that works on a branch do so on a scratch branch, and take only its files from there."""
    scratch = f"{SCRATCH}errand/{errand.key}"
    try:
        if await repo.branch_sha(scratch) is None:
            await made.push(base, scratch)
        result = await agent.result(await _start(ctx, agent, errand, scratch, made))
        await take(made, scratch, base)
        head = await _pushed(repo, errand, base) or await _push(errand, made, result)
    except AgentError:  # begun anew it begins on another
        await remove_branch(repo, scratch)
        raise
    await remove_branch(repo, scratch)
    return result, head


async def _start(ctx: Context, agent: CodingAgent, errand: Errand, branch: str, made: Clone) -> AgentRef:
    job = AgentJob(
        type=AgentType.DEVELOPER_IMPLEMENTER, idea=errand.task, size=Size.SMALL, node_key=errand.id,
        input=AgentInput(repo=errand.repo, branch=branch, objective=errand.task),
        context=errand.context or errand.task,
    )  # fmt: skip
    ref = await agent.start(job, errand.key, made.path)
    await errands.note(ctx.store, errand, ref=ref.id)
    return ref


async def _pushed(repo: Repo, errand: Errand, base: str) -> str | None:
    commits = await repo.commits_since(base, errand.branch)
    return next((each.sha for each in commits if f"{TRAILER}: {errand.id}" in each.commit.message), None)


async def _push(errand: Errand, made: Clone, result: AgentResult) -> str | None:
    patch = await made.patch()
    if not patch:
        return None
    base = await made.head()
    await made.git("reset", "--quiet", "--hard", base)
    subject = result.output.changeset_summary or errand.task.splitlines()[0][:200]
    commit = await made.commit(patch, f"{subject}\n\n{TRAILER}: {errand.id}\n")
    if not errand.branch.startswith(SCRATCH):
        stopped = check_guards(await read_change(made.path, base, commit), GuardContext())
        if stopped:
            named = "; ".join([await in_words(each, made) for each in stopped])
            raise AgentFailed(f"A guard stopped the change: {named}.", REFUSED, usage=result.usage)
    await made.push(commit, errand.branch)
    return commit
