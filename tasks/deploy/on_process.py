"""The process target: the repository's own command, in an environment with what it depends on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ledger.models import Deployment, DeploymentTarget
from shipline.config import running_stack
from tasks.deploy import process
from tasks.deploy.ports import Deployed, DeployFailed, Order
from tasks.quality.environment import target_environment
from tasks.quality.settings import DeploySettings


class ProcessTarget:
    """Processes of this machine."""

    name = DeploymentTarget.PROCESS.value

    def lacks(self, folder: Path, wanted: DeploySettings | None) -> str | None:  # noqa: ARG002 (the port's shape)
        """Why there is nothing to deploy."""
        return None if wanted else "the repository's pyproject.toml has no [tool.shipline.deploy]"

    async def find(self, label: str) -> str | None:
        """What was started under this label."""
        found = await asyncio.to_thread(process.find, label)
        return process.named(found) if found else None

    async def clear(self, label: str) -> None:
        """End it: it may be half started, and its port is unknown."""
        found = await asyncio.to_thread(process.find, label)
        if found is not None:
            await process.stop(found.pid, found.create_time())

    async def start(self, order: Order) -> Deployed:
        """Start the command; it is ended again when it does not become healthy."""
        home = order.at.ctx.settings.home
        environment = await target_environment(order.folder, home / "environments")
        stack = running_stack(home).get("stack_id")
        command = order.wanted.command if order.wanted else ""
        running = await process.start(order.label, order.folder, command, environment.python, order.log, stack)
        try:
            said = await process.wait_healthy(running, order.health, order.log)
        except DeployFailed:
            await process.stop(running.pid, running.started)
            raise
        return Deployed(target=self.name, url=running.url, pid=running.pid, started=running.started, said=said)

    async def runs(self, deployment: Deployment) -> bool:
        """Whether its process lives."""
        if deployment.pid is None or deployment.pid_started is None:
            return False
        return process.alive(deployment.pid, deployment.pid_started)

    async def stop(self, deployment: Deployment) -> None:
        """End its process."""
        if deployment.pid is not None and deployment.pid_started is not None:
            await process.stop(deployment.pid, deployment.pid_started)
