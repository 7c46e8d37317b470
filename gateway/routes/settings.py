"""Settings (the notes, Milestone 13): a project's, and the user's for all that set nothing themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from pydantic.alias_generators import to_camel

from gateway.access import Admin, Looker
from gateway.shapes import Body, BudgetIn, ProjectId
from ledger.models import (
    Budget,
    DeploymentStrategy,
    DeploymentTarget,
    EffectiveSettings,
    Executor,
    Model,
    Project,
    Source,
)
from tasks.administration import change_settings, project_settings

router = APIRouter(prefix="/api", tags=["Settings"])
AS_A_WORD = Field(strict=False)  # JSON has no better way to name one of several


class SettingsIn(Body):
    """What to change; what is not sent stays."""

    deployment_strategy: Annotated[DeploymentStrategy, AS_A_WORD] | None = None
    deployment_target: Annotated[DeploymentTarget, AS_A_WORD] | None = None
    deployment_env: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    auto_merge_regression: bool | None = None
    require_approval: bool | None = None
    approve_every_merge: bool | None = None
    recheck_integration: bool | None = None
    coverage_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    max_rounds: Annotated[int, Field(ge=1, le=20)] | None = None
    executor: Annotated[Executor, AS_A_WORD] | None = None
    licences_allow: Annotated[str, Field(max_length=2000)] | None = None
    licences_deny: Annotated[str, Field(max_length=2000)] | None = None
    licences_ask: Annotated[str, Field(max_length=2000)] | None = None
    budget: BudgetIn = Field(default_factory=BudgetIn)

    @property
    def sent(self) -> dict[str, Any]:
        """The fields that the caller wrote."""
        found = {name: getattr(self, name) for name in self.model_fields_set}
        return found | ({"budget": self.budget.budget} if "budget" in found else {})


class SettingsOut(Model):
    """What holds, and by field the level it comes from."""

    deployment_strategy: str
    deployment_target: str
    deployment_env: str
    auto_merge_regression: bool
    require_approval: bool
    approve_every_merge: bool
    recheck_integration: bool
    coverage_percent: float
    max_rounds: int
    executor: str
    licences_allow: str
    licences_deny: str
    licences_ask: str
    budget: Budget
    sources: dict[str, Source]


@router.get("/settings")
async def of_user(_: Looker) -> SettingsOut:
    """What holds where a project sets nothing itself."""
    return _out(await project_settings(None))


@router.patch("/settings")
async def change_users(body: SettingsIn, who: Admin) -> SettingsOut:
    """Change what was sent; null leaves a value to the default."""
    return _out(await change_settings(None, body.sent, by=who.name))


@router.get("/projects/{id}/settings")
async def of_project(request: Request, id: ProjectId, _: Looker) -> SettingsOut:
    """What holds for a project, and which level each value comes from."""
    project = await request.app.state.store.get(Project, id)
    return _out(await project_settings(project.repo))


@router.patch("/projects/{id}/settings")
async def change_projects(request: Request, id: ProjectId, body: SettingsIn, who: Admin) -> SettingsOut:
    """Change what was sent; null leaves a value to the user's settings."""
    project = await request.app.state.store.get(Project, id)
    return _out(await change_settings(project.repo, body.sent, by=who.name))


def _out(found: EffectiveSettings) -> SettingsOut:
    """What holds."""
    told = {name: getattr(found, name) for name in SettingsOut.model_fields}
    return SettingsOut(**told | {"sources": {to_camel(name): source for name, source in found.sources.items()}})
