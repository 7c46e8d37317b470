"""A project's settings (the notes, Milestone 13)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from gateway.access import Admin, Looker
from gateway.shapes import ProjectId
from ledger.models import Budget, Executor, Model, UserSettings
from tasks.administration import change_settings, project_settings
from tasks.code import project

router = APIRouter(prefix="/api/projects/{id}/settings", tags=["Settings"])


class SettingsIn(Model):
    """What is to change; what is left out stays as it is."""

    coverage_percent: Annotated[float | None, Field(ge=0, le=100)] = None
    max_rounds: Annotated[int | None, Field(ge=1, le=20)] = None
    executor: Executor | None = None
    auto_merge_regression: bool | None = None
    deployment_env: Annotated[str | None, Field(min_length=1, max_length=60)] = None
    budget: Budget | None = None


class SettingsOut(Model):
    """What decides for a project."""

    coverage_percent: float
    max_rounds: int
    executor: Executor
    auto_merge_regression: bool
    deployment_env: str
    budget: Budget


@router.get("")
async def show(id: ProjectId, _: Looker) -> SettingsOut:
    """As they stand."""
    return _out(await project_settings((await project(id)).repo))


@router.put("")
async def change(id: ProjectId, body: SettingsIn, who: Admin) -> SettingsOut:
    """Change some; runs heed it from now on."""
    values = {name: getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}
    return _out(await change_settings((await project(id)).repo, values, by=who.name))


def _out(found: UserSettings) -> SettingsOut:
    return SettingsOut(**{name: getattr(found, name) for name in SettingsOut.model_fields})
