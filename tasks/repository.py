"""Before anything else: the long-lived branches of the repository."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.models import EffectKind, Model
from ledger.rules.branches import INTEGRATION
from ledger.runs import note_run
from shipline.errors import InvalidInput
from tasks.github.client import GitHubError
from tasks.github.repo import Repo
from tasks.github.shapes import Sha
from tasks.slots import only_one
from tasks.state import here
from tasks.step import step


class Updated(Model):
    """A branch after another was merged into it. ``sha`` is None when the two conflict."""

    sha: str | None
    conflict: bool = False


@step(name="prepare-repository", task_run_name="prepare {run_id}")
async def prepare_repository(run_id: str) -> str:
    """Make ``integration`` where it is missing and bring it up to the default branch; returns its head."""
    at = await here(run_id)
    if at.run.base_sha:
        return at.run.base_sha
    default = str((await at.repo.about()).default_branch)
    source = await at.repo.branch_sha(default)
    if source is None:
        raise InvalidInput(f"{at.run.repo} has no commit on {default}.", "Push a first commit, then run again.")
    await ensure_branch(run_id, INTEGRATION, source)

    async def look() -> Sha | None:
        head = await at.repo.branch_sha(INTEGRATION)
        return Sha(sha=head) if head and await at.repo.contains(head, source) else None

    async def act() -> Sha:
        merged = await at.repo.merge_branch(INTEGRATION, default, f"Bring {INTEGRATION} up to {default}")
        return Sha(sha=merged or str(await at.repo.branch_sha(INTEGRATION)))

    async with only_one(run_id, f"merge into {INTEGRATION} of {at.run.repo}"):
        head = await perform(
            at.ctx.store, Key(run_id, "run", "1", EffectKind.BRANCH_UPDATE, INTEGRATION), Sha, act=act, look=look,
            say=lambda done: f"{INTEGRATION} holds all of {default} ({done.sha[:7]})", phase=at.run.state,
        )  # fmt: skip
    await note_run(at.ctx.store, run_id, {"baseSha": head.sha})
    return head.sha


async def ensure_branch(run_id: str, branch: str, sha: str) -> str:
    """A long-lived branch, made at ``sha`` where it is missing; returns its head."""
    at = await here(run_id)

    async def look() -> Sha | None:
        return await _head(at.repo, branch)

    async def act() -> Sha:
        try:
            return await look() or Sha(sha=await at.repo.create_branch(branch, sha))
        except GitHubError as error:
            found = await look() if error.status == 422 else None  # somebody else has made it in between
            if found is None:
                raise
            return found

    made = await perform(
        at.ctx.store, Key(run_id, "run", "1", EffectKind.BRANCH_CREATE, branch), Sha, act=act, look=look,
        say=lambda done: f"Branch {branch} stands at {done.sha[:7]}", phase=at.run.state,
    )  # fmt: skip
    return made.sha


async def _head(repo: Repo, branch: str) -> Sha | None:
    sha = await repo.branch_sha(branch)
    return Sha(sha=sha) if sha else None
