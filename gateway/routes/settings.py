"""Settings (the notes, Milestone 13): a project's, and the user's for all that set nothing themselves."""

from __future__ import annotations

from fastapi import APIRouter, Request

from gateway.access import Admin, Looker
from gateway.shapes import ProjectId, SettingsIn, SettingsOut, settings_out
from ledger.models import Project
from tasks.administration import change_settings, project_settings

router = APIRouter(prefix="/api", tags=["Settings"])


@router.get("/settings")
async def of_user(_: Looker) -> SettingsOut:
    """What holds where a project sets nothing itself."""
    return settings_out(await project_settings(None))


@router.patch("/settings")
async def change_users(body: SettingsIn, who: Admin) -> SettingsOut:
    """Change what was sent; null leaves a value to the default."""
    return settings_out(await change_settings(None, body.sent, by=who.name))


@router.get("/projects/{id}/settings")
async def of_project(request: Request, id: ProjectId, _: Looker) -> SettingsOut:
    """What holds for a project, and which level each value comes from."""
    project = await request.app.state.store.get(Project, id)
    return settings_out(await project_settings(project.repo))


@router.patch("/projects/{id}/settings")
async def change_projects(request: Request, id: ProjectId, body: SettingsIn, who: Admin) -> SettingsOut:
    """Change what was sent; null leaves a value to the user's settings."""
    project = await request.app.state.store.get(Project, id)
    return settings_out(await change_settings(project.repo, body.sent, by=who.name))
