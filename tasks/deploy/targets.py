"""The targets by name."""

from __future__ import annotations

from ledger.models import DeploymentTarget
from tasks.deploy.ports import Target


def target_of(name: str) -> Target:
    """The adapter of a target."""
    if name == DeploymentTarget.DOCKER:
        from tasks.deploy.on_docker import DockerTarget

        return DockerTarget()
    if name == DeploymentTarget.ACTIONS:
        from tasks.deploy.on_actions import ActionsTarget

        return ActionsTarget()
    from tasks.deploy.on_process import ProcessTarget

    return ProcessTarget()
