"""Quality: what is run on a target repository, and what it says. Every check reports; none raises."""

from __future__ import annotations

from tasks.quality.environment import EnvironmentFailed, TargetEnvironment, target_environment
from tasks.quality.settings import DeploySettings, TargetSettings, read_target_settings
from tasks.quality.suite import check_all, check_change, check_whole

__all__ = [
    "DeploySettings",
    "EnvironmentFailed",
    "TargetEnvironment",
    "TargetSettings",
    "check_all",
    "check_change",
    "check_whole",
    "read_target_settings",
    "target_environment",
]
