"""Deploying a release, and keeping the ledger's word on what runs where."""

from __future__ import annotations

from dataclasses import replace

from ledger.effects import Key, perform
from ledger.models import (
    Deployment,
    DeploymentStatus,
    Effect,
    EffectiveSettings,
    EffectKind,
    EffectStatus,
    EventType,
    Level,
    Model,
    ReleaseInfo,
    Run,
)
from ledger.rules.settings import deploys_by_itself, told
from ledger.runs import note_run
from ledger.timeline import event
from shipline.ids import digest
from tasks.deploy.ports import Deployed, DeployFailed, Order, Target
from tasks.deploy.retire import retire
from tasks.deploy.targets import target_of
from tasks.deploy.telling import announce, say
from tasks.git import clone, discard
from tasks.quality import read_target_settings
from tasks.scratch import remote
from tasks.slots import only_one
from tasks.state import Here, get_settings, here
from tasks.step import step

NOTHING = "none"  # the target where there is nothing to deploy


class Came(Model):
    """What came of a deployment, in words; ``failed`` when the release does not run, and what did before does."""

    deployment: Deployment | None = None
    failed: bool = False
    words: str


@step(name="deploy-release", task_run_name="deploy {run_id}")
async def deploy_release(run_id: str, release: ReleaseInfo) -> Came:
    """Deploy a release that is just out, unless the settings leave that to a person."""
    at = await here(run_id)
    settings = await get_settings(at.run)
    if not deploys_by_itself(settings):
        words = (
            f"{release.tag} is not deployed: deployment_strategy is {told(settings, 'deployment_strategy')}. "
            f"Deploy it with shipline deploy {run_id}."
        )
        note = event(EventType.STEP_COMPLETED, at.run.state, words, event_id=f"{run_id}/not-deployed")
        await note_run(at.ctx.store, run_id, {}, note)
        return Came(words=words)
    try:
        deployment = await _alone(at, settings, release, "")
    except DeployFailed as error:
        return Came(failed=True, words=error.message)
    words = f"Running at {deployment.url}" if deployment else "Not deployed: there is nothing to deploy"
    return Came(deployment=deployment, words=words)


@step(name="deploy", task_run_name="deploy {run_id}")
async def deploy(run_id: str, release: ReleaseInfo, again: str = "") -> Deployment | None:
    """Send the release where the settings say, check its health, and retire what ran there before.

    ``again`` names what asked for another deployment of the same release; the same name deploys once. None when the
    repository has nothing to deploy. DeployFailed, once what ran before runs again where it had ended.
    """
    at = await here(run_id)
    return await _alone(at, await get_settings(at.run), release, again)


async def _alone(at: Here, settings: EffectiveSettings, release: ReleaseInfo, again: str) -> Deployment | None:
    # Two runs on one repository: each must find what the other left running, and retire it.
    async with only_one(at.run.id, f"deploy {at.run.repo} to {settings.deployment_env}"):
        return await _deploy(at, settings, release, again)


async def _deploy(
    at: Here, settings: EffectiveSettings, release: ReleaseInfo, again: str, *, heals: bool = True
) -> Deployment | None:
    order, target = _order(at, settings, release, again), target_of(settings.deployment_target)
    lack, number = None, None
    known = await at.ctx.store.find_one(Effect, {"_id": str(order.key), "status": EffectStatus.SUCCEEDED})
    if known is None:  # else it may run in this very folder
        made = await clone(await remote(at), release.tag, order.folder)
        order = replace(order, wanted=read_target_settings(order.folder).deploy)
        lack = target.lacks(order.folder, order.wanted)
        if lack is not None:
            await discard(made)
    if lack is None and (known is None or Deployed.model_validate(known.outcome).target != NOTHING):
        number = await announce(at, order.label, release.tag, order.environment)
        await say(at, number, order.label, "in_progress", f"{release.tag} starts as {target.name}")
    try:
        done = await _performed(order, target, lack)
    except DeployFailed as error:
        raise await _failed(order, target, number, settings if heals else None, error) from error
    if done.url is None:
        return None
    return await _kept(order, done, number)


def _order(at: Here, settings: EffectiveSettings, release: ReleaseInfo, again: str) -> Order:
    home, environment = at.ctx.settings.home, settings.deployment_env
    label = digest(at.run.id, release.tag, environment, *([again] if again else []))
    return Order(
        at=at, key=Key(at.run.id, "run", "1", EffectKind.DEPLOY, _named(environment, again)), label=label,
        environment=environment, release=release,
        folder=home / "deployments" / at.run.repo.replace("/", "-") / _named(release.tag, again),
        log=home / "logs" / f"deployment-{label}.log",
    )  # fmt: skip


async def _performed(order: Order, target: Target, lack: str | None) -> Deployed:
    async def look() -> Deployed | None:
        await target.clear(order.label)  # half started at best: it is started anew
        return None

    async def act() -> Deployed:
        return Deployed(target=NOTHING, said=lack) if lack else await target.start(order)

    def words(made: Deployed) -> str:
        if made.url is None:
            return f"Nothing to deploy: {made.said}"
        return f"Deployed {order.release.tag} to {order.environment}: {made.url} says {made.said}"

    return await perform(
        order.at.ctx.store, order.key, Deployed, act=act, look=look, say=words, phase=order.at.run.state
    )


async def _kept(order: Order, done: Deployed, number: int | None) -> Deployment:
    """The ledger's word on what runs, which what ran before gives way to."""
    at, running = order.at, _deployment(order, done, number, DeploymentStatus.HEALTHY)
    if not await at.ctx.store.insert(running):  # it failed before, or was said before
        values = running.to_mongo()
        names = ("status", "url", "pid", "pidStarted", "container", "githubId", "detail", "target")
        failed = {"status": DeploymentStatus.FAILED}
        await at.ctx.store.change(Deployment, running.id, {name: values[name] for name in names}, expect=failed)
    await say(at, number, order.label, "success", done.said or "It is there", done.url)
    kept = await at.ctx.store.get(Deployment, running.id)
    if kept.status is DeploymentStatus.HEALTHY:
        for other in await _healthy(order, but=running.id):
            await retire(at, other, DeploymentStatus.REPLACED)
    return kept


async def _failed(
    order: Order, target: Target, number: int | None, settings: EffectiveSettings | None, error: DeployFailed
) -> DeployFailed:
    """Say everywhere that it failed; what ran before is started again where it has ended, with ``settings``."""
    at, release = order.at, order.release
    failed = _deployment(order, Deployed(target=target.name, said=error.message), number, DeploymentStatus.FAILED)
    await at.ctx.store.insert(failed)
    await say(at, number, order.label, "failure", error.message)
    before = await _healthy(order, but=order.label)
    back = await _back(order, before[0], settings) if before and settings else "Nothing ran there before."
    words = f"The deployment of {release.tag} to {order.environment} failed: {error.message} {back}"
    note = event(
        EventType.STEP_FAILED, at.run.state, words, level=Level.ERROR, data={"deployment": order.label, "back": back}
    )
    await note_run(at.ctx.store, at.run.id, {}, note)
    return DeployFailed(words)


async def _back(order: Order, before: Deployment, settings: EffectiveSettings) -> str:
    """See to it that what was there before is there; in words."""
    if await target_of(before.target).runs(before):
        return f"Rolled back to v{before.version}, which runs on at {before.url}."
    run = await order.at.ctx.store.get(Run, before.run_id)
    assert run.release is not None  # it was deployed
    again = f"after-{order.label}"
    try:
        restored = await _deploy(await here(run.id), settings, run.release, again, heals=False)
    except DeployFailed as error:
        return f"v{before.version}, which was there before, cannot be brought back: {error.message}"
    return f"Rolled back to v{before.version}, which was started again at {restored.url if restored else 'nowhere'}."


def _deployment(order: Order, done: Deployed, number: int | None, status: DeploymentStatus) -> Deployment:
    run, release = order.at.run, order.release
    return Deployment(
        id=order.label, run_id=run.id, project_id=run.project_id, repo=run.repo, environment=order.environment,
        target=done.target, version=release.version, sha=release.sha, status=status, url=done.url, pid=done.pid,
        pid_started=done.started, container=done.container, github_id=number, detail=done.said,
    )  # fmt: skip


def _named(what: str, again: str) -> str:
    return f"{what}-{again}" if again else what


async def _healthy(order: Order, but: str) -> list[Deployment]:
    """What the ledger says runs there, the newest first."""
    query = {
        "projectId": order.at.run.project_id, "environment": order.environment, "status": DeploymentStatus.HEALTHY,
        "_id": {"$ne": but},
    }  # fmt: skip
    return await order.at.ctx.store.find(Deployment, query, [("created_at", -1)])
