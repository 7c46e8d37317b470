"""Deploying what was released before: the same release once more, or an earlier one."""

from __future__ import annotations

from semver import Version

from ledger.models import Deployment, DeploymentStatus, Run
from shipline.errors import InvalidInput, NotFound
from tasks.deploy.step import deploy
from tasks.state import Here, get_settings, here


async def deploy_again(run_id: str, asked: str) -> Deployment | None:
    """Deploy a run's release again and retire what runs there now; the same ``asked`` does it once.

    NotFound when the run has no release.
    """
    run = await _released(run_id)
    assert run.release is not None
    return await deploy(run_id, run.release, asked)


async def roll_back(run_id: str, to: str = "") -> Deployment | None:
    """Deploy an earlier release than the one that runs in the run's environment, and retire that one.

    ``to`` names the version; without it, it is the one that was deployed there before. Twice is once for the same
    deployment. NotFound when nothing runs there, or there is no such release.
    """
    at = await here(run_id)
    environment = (await get_settings(at.run)).deployment_env
    history = await _history(at, environment)
    current = next((each for each in history if each.status is DeploymentStatus.HEALTHY), None)
    if current is None:
        raise NotFound(f"Nothing of {at.run.repo} runs in {environment}.", "Deploy a release first.")
    wanted = to.removeprefix("v")
    older = await (_named(at, current, wanted) if wanted else _before(at, current, history))
    assert older.release is not None
    return await deploy(older.id, older.release, f"instead-of-{current.id}")


async def _before(at: Here, current: Deployment, history: list[Deployment]) -> Run:
    # By version, not by time: after a rollback the newest deployment is of an old release.
    good = [each for each in history if each.status is not DeploymentStatus.FAILED]
    older_ones = [each for each in good if Version.parse(each.version) < Version.parse(current.version)]
    before = max(older_ones, key=lambda each: Version.parse(each.version), default=None)
    if before is None:
        raise NotFound(
            f"There is no release before v{current.version} in {current.environment} of {at.run.repo}.",
            "Nothing was changed.",
        )
    return await _released(before.run_id)


async def _named(at: Here, current: Deployment, version: str) -> Run:
    found = await at.ctx.store.find_one(Run, {"projectId": at.run.project_id, "release.version": version}, newest=True)
    if found is None:
        raise NotFound(f"{at.run.repo} has no release v{version}.", "Nothing was changed.")
    if Version.parse(version) >= Version.parse(current.version):
        raise InvalidInput(
            f"v{version} is not earlier than v{current.version}, which runs in {current.environment}.",
            f"Deploy it with shipline deploy {found.id}.",
        )
    return found


async def _released(run_id: str) -> Run:
    run = (await here(run_id)).run
    if run.release is None:
        raise NotFound(f"Run {run_id} has no release.", "Only what was released can be deployed.")
    return run


async def _history(at: Here, environment: str) -> list[Deployment]:
    """What was deployed there, the newest first."""
    query = {"projectId": at.run.project_id, "environment": environment}
    return await at.ctx.store.find(Deployment, query, [("created_at", -1)])
