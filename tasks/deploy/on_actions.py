"""The Actions target: the repository's own workflow deploys, in a protected environment, known to the cloud by OIDC."""

from __future__ import annotations

import re
from pathlib import Path

from ledger.models import Deployment, DeploymentTarget
from shipline.errors import AgentError
from tasks.actions.chores import DEPLOY
from tasks.actions.elsewhere import NoAnswer, deploy_there
from tasks.deploy.ports import Deployed, DeployFailed, Order
from tasks.quality.settings import DeploySettings

_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+")


class ActionsTarget:
    """What ``.github/shipline/deploy.sh`` reaches. Its exit is the health check; what it prints last, where it is."""

    name = DeploymentTarget.ACTIONS.value

    def lacks(self, folder: Path, wanted: DeploySettings | None) -> str | None:  # noqa: ARG002 (the port's shape)
        """Why there is nothing to deploy."""
        return None if (folder / DEPLOY).is_file() else f"the repository has no {DEPLOY}"

    async def find(self, label: str) -> str | None:  # noqa: ARG002
        """A workflow that is on its way is found by its dispatch, and waited for."""
        return None

    async def clear(self, label: str) -> None:
        """So there is nothing to end."""

    async def start(self, order: Order) -> Deployed:
        """Ask for the workflow and wait for what it says."""
        at = order.at
        try:
            done = await deploy_there(at.ctx, at.run, order.key, order.release.sha, order.environment)
        except (AgentError, NoAnswer) as error:
            raise DeployFailed(error.message) from error
        addresses = _ADDRESS.findall(done.said)
        where = addresses[-1] if addresses else order.release.url
        return Deployed(target=self.name, url=where, said=done.said[-200:])

    async def runs(self, deployment: Deployment) -> bool:  # noqa: ARG002
        """Nobody here can know: what was there before is deployed once more."""
        return False

    async def stop(self, deployment: Deployment) -> None:
        """The script that deploys the next one replaces it."""
