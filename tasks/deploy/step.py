"""Deploying a release, and keeping the ledger's word on what runs where."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.models import Deployment, DeploymentStatus, EffectKind, Model, ReleaseInfo, UserSettings
from shipline.config import running_stack
from shipline.ids import digest
from tasks.deploy import process
from tasks.deploy.process import DeployFailed
from tasks.deploy.retire import retire
from tasks.git import clone, discard
from tasks.quality import read_target_settings, target_environment
from tasks.scratch import remote
from tasks.slots import only_one
from tasks.state import Here, get_settings, here
from tasks.step import step


class Deployed(Model):
    """What came of a deployment. ``pid`` and ``started`` name the process; ``said`` is its health answer."""

    target: str
    url: str | None = None
    pid: int | None = None
    started: float | None = None
    said: str = ""


@step(name="deploy", task_run_name="deploy {run_id}")
async def deploy(run_id: str, release: ReleaseInfo, again: str = "") -> Deployment | None:
    """Send the release where the settings say, check its health, and retire what ran there before.

    ``again`` names what asked for another deployment of the same release; the same name deploys once. None when the
    repository has no deploy command. DeployFailed leaves the version before it running.
    """
    at = await here(run_id)
    settings = await get_settings(at.run)
    # Two runs on one repository: each must find what the other left running, and retire it.
    async with only_one(run_id, f"deploy {at.run.repo} to {settings.deployment_env}"):
        return await _deploy(at, settings, release, again)


async def _deploy(at: Here, settings: UserSettings, release: ReleaseInfo, again: str) -> Deployment | None:
    run_id = at.run.id
    folder = at.ctx.settings.home / "deployments" / at.run.repo.replace("/", "-") / _named(release.tag, again)
    label = digest(run_id, release.tag, settings.deployment_env, *([again] if again else []))
    log = at.ctx.settings.home / "logs" / f"deployment-{label}.log"
    before = await _current(at, settings.deployment_env)

    async def look() -> Deployed | None:
        found = process.find(label)
        if found is not None:  # it may be half started: its port is unknown, so it is started anew
            await process.stop(found.pid, found.create_time())
        return None

    async def act() -> Deployed:
        made = await clone(await remote(at), release.tag, folder)
        wanted = read_target_settings(folder).deploy
        if wanted is None:
            await discard(made)
            return Deployed(target="none")
        environment = await target_environment(folder, at.ctx.settings.home / "environments")
        stack = running_stack(at.ctx.settings.home).get("stack_id")
        running = await process.start(label, folder, wanted.command, environment.python, log, stack)
        try:
            said = await process.wait_healthy(running, wanted.health, log)
        except DeployFailed:
            await process.stop(running.pid, running.started)
            raise
        return Deployed(target="process", url=running.url, pid=running.pid, started=running.started, said=said)

    done = await perform(
        at.ctx.store, Key(run_id, "run", "1", EffectKind.DEPLOY, _named(settings.deployment_env, again)),
        Deployed, act=act, look=look,
        say=lambda made: f"Deployed {release.tag} to {settings.deployment_env}: {made.url} says {made.said}"
        if made.url else "Nothing to deploy: the repository's pyproject.toml has no [tool.shipline.deploy]",
        phase=at.run.state,
    )  # fmt: skip
    if done.url is None:
        return None
    deployment = Deployment(
        id=label, run_id=run_id, project_id=at.run.project_id, repo=at.run.repo, environment=settings.deployment_env,
        target=done.target, version=release.version, sha=release.sha, status=DeploymentStatus.HEALTHY, url=done.url,
        pid=done.pid, pid_started=done.started, detail=done.said,
    )  # fmt: skip
    if await at.ctx.store.insert(deployment) and before is not None:
        await retire(at, before, DeploymentStatus.REPLACED)
    return deployment


def _named(what: str, again: str) -> str:
    return f"{what}-{again}" if again else what


async def _current(at: Here, environment: str) -> Deployment | None:
    return await at.ctx.store.find_one(
        Deployment,
        {"projectId": at.run.project_id, "environment": environment, "status": DeploymentStatus.HEALTHY},
        newest=True,
    )
