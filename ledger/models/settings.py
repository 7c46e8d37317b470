"""What a person sets of how Shipline works, and what holds after that."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import Field

from ledger.models.base import Model, Stamped
from ledger.models.budget import Budget
from ledger.models.revision import Revision
from ledger.models.run import Executor


class DeploymentStrategy(StrEnum):
    """When a release is deployed: by itself, or when a person says so."""

    ON_RELEASE = "on-release"
    MANUAL = "manual"


class DeploymentTarget(StrEnum):
    """Where a release runs: a process of this machine, a container, or what the repository's own workflow reaches."""

    PROCESS = "process"
    DOCKER = "docker"
    ACTIONS = "actions"


class Source(StrEnum):
    """Which level a value comes from; an earlier one goes before a later one."""

    PROJECT = "project"
    USER = "user"
    DEFAULT = "default"


class UserSettings(Stamped):
    """The settings of one level: a project's, or the user's for all of them (the notes, Milestone 13).

    ``require_approval``: a person lets the epic merge into integration; ``approve_every_merge``: all below it, too.
    ``recheck_integration``: its checks run again after the epic merged, even when that very tree was tested.
    Licences are SPDX ids or ``package:NAME``, with commas between.

    What is None is decided by the level behind it. ``history`` has the newest changes last. ``layered`` is missing in
    documents of a time when a project held a value for everything.
    """

    COLLECTION: ClassVar[str] = "settings"

    project_id: str | None = None
    deployment_strategy: DeploymentStrategy | None = None
    deployment_target: DeploymentTarget | None = None
    deployment_env: str | None = Field(default=None, min_length=1, max_length=60)
    auto_merge_regression: bool | None = None
    require_approval: bool | None = None
    approve_every_merge: bool | None = None
    recheck_integration: bool | None = None
    coverage_percent: float | None = Field(default=None, ge=0, le=100)
    max_rounds: int | None = Field(default=None, ge=1, le=20)
    executor: Executor | None = None
    licences_allow: str | None = Field(default=None, max_length=2000)
    licences_deny: str | None = Field(default=None, max_length=2000)
    licences_ask: str | None = Field(default=None, max_length=2000)
    budget: Budget = Field(default_factory=Budget)
    history: list[Revision] = Field(default_factory=list)
    layered: bool = True

    @classmethod
    def from_mongo(cls, found: dict[str, Any]) -> Self:
        """The stored level. Of an old document only what a person had changed counts as set."""
        return super().from_mongo(found if "layered" in found else _only_what_was_set(found))


class EffectiveSettings(Model):
    """What holds for a project: every value, and by field the level it comes from (``budget.usd`` for a limit)."""

    deployment_strategy: DeploymentStrategy = DeploymentStrategy.ON_RELEASE
    deployment_target: DeploymentTarget = DeploymentTarget.PROCESS
    deployment_env: str = "local"
    auto_merge_regression: bool = True
    require_approval: bool = False
    approve_every_merge: bool = False
    recheck_integration: bool = False
    coverage_percent: float = 80.0
    max_rounds: int = 3
    executor: Executor = Executor.WORKER
    licences_allow: str = ""
    licences_deny: str = ""
    licences_ask: str = ""
    budget: Budget = Field(default_factory=Budget)
    sources: dict[str, Source] = Field(default_factory=dict)
    history: list[Revision] = Field(default_factory=list)


# What every document held before there were levels, whether a person had said so or not.
_ONCE: dict[str, Any] = {
    "deploymentEnv": "local", "autoMergeRegression": True, "requireApproval": False, "coveragePercent": 80,
    "maxRounds": 3, "executor": "worker",
}  # fmt: skip


def _only_what_was_set(found: dict[str, Any]) -> dict[str, Any]:
    changed = {name.replace("_", "").lower() for each in found.get("history", []) for name in each["changes"]}
    kept = {
        name: value
        for name, value in found.items()
        if name not in _ONCE or value != _ONCE[name] or name.lower() in changed
    }
    # It named the only target there was, and nobody could change it.
    return {
        name: value for name, value in kept.items() if name != "deploymentStrategy" or value in list(DeploymentStrategy)
    }
