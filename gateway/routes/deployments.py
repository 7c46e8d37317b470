"""Deployments of a project (the notes, §7.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from gateway.access import Deployer, Looker
from gateway.paging import LINKED, Paged
from gateway.shapes import Asked, DeployIn, DeploymentOut, ProjectId, RollbackIn, deployment_out
from ledger.models import Deployment, Project, Run
from ledger.store import Store
from shipline.errors import NotFound
from tasks.administration import project_settings
from tasks.deploy.asking import ask_deploy, ask_rollback

router = APIRouter(prefix="/api/projects/{id}", tags=["Deployments"])
DeploymentId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]


@router.post("/deploy", status_code=202)
async def deploy(request: Request, id: ProjectId, body: DeployIn, who: Deployer) -> Asked:
    """Deploy a release. Today a project has one environment, the one of its settings."""
    store: Store = request.app.state.store
    project = await store.get(Project, id)
    environment = (await project_settings(project.repo)).deployment_env
    if body.env != environment:
        raise NotFound(f"{project.repo} has no environment {body.env}.", f"It has {environment}.")
    version = body.version.removeprefix("v")
    run = await store.find_one(Run, {"projectId": id, "release.version": version}, newest=True)
    if run is None:
        raise NotFound(f"{project.repo} has no release {body.version}.")
    return Asked(run_id=run.id, flow_run_id=await ask_deploy(run.id, by=who.name))


@router.get("/deployments", responses=LINKED)
async def listed(request: Request, id: ProjectId, _: Looker, paging: Paged) -> list[DeploymentOut]:
    """The newest first."""
    store: Store = request.app.state.store
    await store.get(Project, id)
    found = await paging.found(store, Deployment, {"projectId": id}, [("created_at", -1), ("_id", 1)])
    return [deployment_out(each) for each in found]


@router.get("/deployments/{deploymentId}")
async def show(request: Request, id: ProjectId, deploymentId: DeploymentId, _: Looker) -> DeploymentOut:
    """One deployment."""
    return deployment_out(await _found(request.app.state.store, id, deploymentId))


@router.post("/deployments/{deploymentId}/rollback", status_code=202)
async def rollback(
    request: Request, id: ProjectId, deploymentId: DeploymentId, who: Deployer, body: RollbackIn | None = None
) -> Asked:
    """Go back from this deployment to the release before it, or to the earlier version that the body names."""
    store: Store = request.app.state.store
    found = await _found(store, id, deploymentId)
    to = (body.version or "").removeprefix("v") if body else ""
    if to and await store.find_one(Run, {"projectId": id, "release.version": to}) is None:
        raise NotFound(f"{found.repo} has no release v{to}.")
    return Asked(run_id=found.run_id, flow_run_id=await ask_rollback(found.run_id, by=who.name, to=to))


async def _found(store: Store, project_id: str, deployment_id: str) -> Deployment:
    found = await store.find_one(Deployment, {"_id": deployment_id, "projectId": project_id})
    if found is None:
        raise NotFound(f"The project has no deployment {deployment_id}.")
    return found
