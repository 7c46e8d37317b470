"""A node's branch: made from its parent's head when work on it starts, and kept up to date with it."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.issues import change_issue, get_issue
from ledger.models import EffectKind
from ledger.rules.branches import spec_path
from shipline.errors import NotFound
from tasks.github.client import GitHubError
from tasks.github.shapes import Sha
from tasks.opening import make_branch
from tasks.repository import Updated
from tasks.state import here
from tasks.step import step
from tasks.texts import plan_message, spec_text, trailers


@step(name="prepare-branch", task_run_name="branch of {key}")
async def prepare_branch(run_id: str, key: str) -> str:
    """The node's branch, made where it is missing. The parent's branch must have been made before."""
    at = await here(run_id)
    return await make_branch(at, await get_issue(at.ctx.store, run_id, key))


@step(name="commit-spec", task_run_name="spec of {key}")
async def commit_spec(run_id: str, key: str) -> str:
    """The first commit of the epic's branch: the spec, as a document."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch, spec = issue.branch, at.run.spec
    if branch is None or spec is None:
        raise NotFound(f"{key} has no branch or no spec yet.", "Run the plan stage again.")
    repeated = at.run.replay and at.run.replay.spec_path  # a number in a path would make another tree
    path = repeated or spec_path(branch)

    async def look() -> Sha | None:
        head = await at.repo.branch_sha(branch)
        return Sha(sha=head) if head and await at.repo.file_exists(branch, path) else None

    async def act() -> Sha:
        message = f"Spec: {spec.title} (#{issue.number})\n\n{trailers(run_id, key, 'spec')}\n"
        return Sha(sha=await at.repo.put_file(branch, path, spec_text(spec), message))

    made = await perform(
        at.ctx.store, Key(run_id, key, "1", EffectKind.COMMIT_SPEC), Sha, act=act, look=look,
        say=lambda done: f"Spec committed as {path} ({done.sha[:7]})", phase=at.run.state,
    )  # fmt: skip
    await change_issue(at.ctx.store, run_id, key, {"head": made.sha}, expect={"testedHead": None, "head": issue.head})
    return made.sha


@step(name="commit-plan", task_run_name="plan of {key}")
async def commit_plan(run_id: str, key: str) -> str:
    """One commit without files that holds the node's plan: what a dry run leaves on a branch."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch, base = issue.branch, issue.base
    if branch is None or base is None:
        raise NotFound(f"{key} has no branch yet.", "Make the branch first.")
    trailer = trailers(run_id, key, "plan")

    async def look() -> Sha | None:
        commits = await at.repo.commits_since(base, branch)
        mine = [each.sha for each in commits if trailer in each.commit.message]
        return Sha(sha=mine[-1]) if mine else None

    async def act() -> Sha:
        head = await at.repo.branch_sha(branch)
        if head is None:
            raise NotFound(f"Branch {branch} is gone.", "Restore it, then retry.")
        commit = await at.repo.empty_commit(head, plan_message(issue, run_id))
        return Sha(sha=await at.repo.move_branch(branch, commit))

    made = await perform(
        at.ctx.store, Key(run_id, key, "1", EffectKind.COMMIT_PLAN), Sha, act=act, look=look,
        say=lambda done: f"Plan of #{issue.number} committed ({done.sha[:7]})", phase=at.run.state,
    )  # fmt: skip
    await change_issue(at.ctx.store, run_id, key, {"head": made.sha}, expect={"testedHead": None, "head": issue.head})
    return made.sha


@step(name="update-branch", task_run_name="update {key}")
async def update_branch(run_id: str, key: str) -> Updated:
    """Bring the node's branch up to its base. ``conflict`` is true when a person or an agent must resolve it."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    branch, base = issue.branch, issue.base
    if branch is None or base is None:
        raise NotFound(f"{key} has no branch yet.", "Make the branch first.")
    tip, head = await at.repo.branch_sha(base), await at.repo.branch_sha(branch)
    if tip is None or head is None:
        raise NotFound(f"Branch {base if tip is None else branch} of {at.run.repo} is gone.", "Restore it, then retry.")
    if await at.repo.contains(head, tip):
        await change_issue(at.ctx.store, run_id, key, {"head": head}, expect={"head": issue.head})
        return Updated(sha=head)

    async def look() -> Updated | None:
        now = await at.repo.branch_sha(branch)
        return Updated(sha=now) if now and await at.repo.contains(now, tip) else None

    async def act() -> Updated:
        message = f"Merge {base} into {branch}\n\n{trailers(run_id, key, 'update')}\n"
        try:
            return Updated(sha=await at.repo.merge_branch(branch, tip, message) or head)
        except GitHubError as error:
            if error.status != 409:
                raise
            return Updated(sha=None, conflict=True)

    done = await perform(
        at.ctx.store, Key(run_id, key, str(issue.round), EffectKind.BRANCH_UPDATE, f"{head[:7]}-{tip[:7]}"), Updated,
        act=act, look=look,
        say=lambda made: f"{branch} conflicts with {base}" if made.conflict else f"{branch} brought up to {base}",
        phase=at.run.state,
    )  # fmt: skip
    if done.sha:
        await change_issue(at.ctx.store, run_id, key, {"head": done.sha}, expect={"head": issue.head})
    return done
