"""Deploying what was released before: the same release once more, or the one before it."""

from __future__ import annotations

from semver import Version

from ledger.models import Deployment, DeploymentStatus, Run
from shipline.errors import NotFound
from tasks.deploy.step import deploy
from tasks.state import Here, get_settings, here


async def deploy_again(run_id: str, asked: str) -> Deployment | None:
    """Deploy a run's release again and retire what runs there now; the same ``asked`` does it once.

    NotFound when the run has no release.
    """
    run = (await here(run_id)).run
    if run.release is None:
        raise NotFound(f"Run {run_id} has no release.", "Only what was released can be deployed.")
    return await deploy(run_id, run.release, asked)


async def roll_back(run_id: str) -> Deployment | None:
    """Deploy the release before the one that runs in the run's environment, and retire that one.

    Twice is once for the same deployment. NotFound when nothing runs there, or nothing was deployed before it.
    """
    at = await here(run_id)
    environment = (await get_settings(at.run)).deployment_env
    history = await _history(at, environment)
    current = next((each for each in history if each.status is DeploymentStatus.HEALTHY), None)
    if current is None:
        raise NotFound(f"Nothing of {at.run.repo} runs in {environment}.", "Deploy a release first.")
    # By version, not by time: after a rollback the newest deployment is of an old release.
    older_ones = [each for each in history if Version.parse(each.version) < Version.parse(current.version)]
    before = max(older_ones, key=lambda each: Version.parse(each.version), default=None)
    if before is None:
        raise NotFound(
            f"There is no release before v{current.version} in {environment} of {at.run.repo}.", "Nothing was changed."
        )
    older = await at.ctx.store.get(Run, before.run_id)
    assert older.release is not None  # it was deployed
    return await deploy(older.id, older.release, f"instead-of-{current.id}")


async def _history(at: Here, environment: str) -> list[Deployment]:
    """What was deployed there, the newest first."""
    query = {"projectId": at.run.project_id, "environment": environment}
    return await at.ctx.store.find(Deployment, query, [("created_at", -1)])
