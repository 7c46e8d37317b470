"""The port of the deployment targets: what each can do with a release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.effects import Key
from ledger.models import Deployment, Model, ReleaseInfo
from shipline.errors import ShiplineError
from tasks.quality.settings import DeploySettings
from tasks.state import Here

HEALTH_SECONDS = 20.0  # in which a release must become healthy


class DeployFailed(ShiplineError):
    """The release did not start, or did not become healthy."""


@dataclass(frozen=True)
class Order:
    """A release on its way to an environment. ``folder`` holds its files, ``label`` is what it is found by."""

    at: Here
    key: Key
    label: str
    environment: str
    release: ReleaseInfo
    folder: Path
    log: Path
    wanted: DeploySettings | None = None

    @property
    def health(self) -> str:
        """The path that answers 200 when all is well."""
        return self.wanted.health if self.wanted else "/"


class Deployed(Model):
    """What came of a deployment: a process (``pid``, ``started``) or a ``container``; ``said`` is its health answer."""

    target: str
    url: str | None = None
    pid: int | None = None
    started: float | None = None
    container: str | None = None
    said: str = ""


class Target(Protocol):
    """A place where releases run. A new one starts beside the one that runs, which goes when the new one is healthy."""

    name: str

    def lacks(self, folder: Path, wanted: DeploySettings | None) -> str | None:
        """Why there is nothing to deploy in ``folder``; None when there is."""

    async def find(self, label: str) -> str | None:
        """What an attempt that was cut off left running, as a person would look for it."""

    async def clear(self, label: str) -> None:
        """End that."""

    async def start(self, order: Order) -> Deployed:
        """Start it and wait until it is healthy. DeployFailed when it is not: then nothing of it runs."""

    async def runs(self, deployment: Deployment) -> bool:
        """Whether it still does; False where that cannot be known."""

    async def stop(self, deployment: Deployment) -> None:
        """End it; ended already is fine."""
