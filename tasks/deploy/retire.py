"""Ending what runs: a release that is replaced, or that nobody needs any more. Imports no Prefect."""

from __future__ import annotations

from ledger.models import Deployment, DeploymentStatus, EventType
from ledger.runs import note_run
from ledger.timeline import event
from tasks.deploy.targets import target_of
from tasks.deploy.telling import say
from tasks.state import Here, here


async def stop_deployment(run_id: str) -> Deployment | None:
    """End what the run deployed (the demo's last act); None when nothing runs."""
    at = await here(run_id)
    found = await at.ctx.store.find_one(Deployment, {"runId": run_id, "status": DeploymentStatus.HEALTHY})
    if found is None:
        return None
    await retire(at, found, DeploymentStatus.STOPPED)
    return found


async def retire(at: Here, old: Deployment, status: DeploymentStatus) -> None:
    """Stop a deployment and say in the ledger, and on GitHub, what became of it."""
    await target_of(old.target).stop(old)
    changed = await at.ctx.store.change(
        Deployment, old.id, {"status": status}, expect={"status": DeploymentStatus.HEALTHY}
    )
    if changed is not None:
        told = event(
            EventType.STEP_COMPLETED, "RELEASE", f"Deployment of v{old.version} is {status}",
            event_id=f"{old.id}:{status}",
        )  # fmt: skip
        await note_run(at.ctx.store, old.run_id, {}, told)
    await say(at, old.github_id, old.id, "inactive", f"v{old.version} is {status}")
