"""The Docker target: an image of the repository's Dockerfile, run as a container that is found by its label.

The container is told where to listen by ``HOST`` and ``PORT``. Where the engine has a bridge, its port is published on
127.0.0.1; where it has none, the container shares the machine's network.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ledger.models import Deployment, DeploymentTarget
from shipline.errors import Unavailable
from shipline.redact import redact_text
from tasks.deploy.health import wait_healthy
from tasks.deploy.ports import Deployed, DeployFailed, Order
from tasks.deploy.process import HOST, free_port
from tasks.quality.settings import DeploySettings

T = TypeVar("T")

LABEL = "shipline.deployment"
INSIDE = 8080  # the port to listen on where the image names none and the network is the container's own
STOP_SECONDS = 3
PROCESSES = 512  # of one container: a release is made of an agent's words too
_HINT = "Start one, name it in DOCKER_HOST, or set deployment_target to process."


class DockerTarget:
    """Containers of the engine that ``DOCKER_HOST`` names, else of this machine's own."""

    name = DeploymentTarget.DOCKER.value

    def lacks(self, folder: Path, wanted: DeploySettings | None) -> str | None:  # noqa: ARG002 (the port's shape)
        """Why there is nothing to deploy."""
        return None if (folder / "Dockerfile").is_file() else "the repository has no Dockerfile"

    async def find(self, label: str) -> str | None:
        """The container that bears this label."""
        found = await _with_engine(lambda engine: _labelled(engine, label))
        return f"container {found[0].short_id}" if found else None

    async def clear(self, label: str) -> None:
        """Remove every container that bears this label."""

        def remove(engine: Any) -> None:
            for each in _labelled(engine, label):
                each.remove(force=True)

        await _with_engine(remove)

    async def start(self, order: Order) -> Deployed:
        """Build the image where it is not there yet, run it, and remove it again when it does not become healthy."""
        container, url = await _with_engine(lambda engine: _run(engine, order, _image(engine, order)))

        async def alive() -> bool:
            return await _status(container.id) == "running"

        async def tail() -> str:
            said = await _with_engine(lambda _: container.logs(tail=1).decode(errors="replace").strip())
            return redact_text(said) or "it said nothing"

        try:
            said = await wait_healthy(url + order.health, alive, tail)
        except DeployFailed:
            await _with_engine(lambda _: container.remove(force=True))
            raise
        return Deployed(target=self.name, url=url, container=container.id, said=said)

    async def runs(self, deployment: Deployment) -> bool:
        """Whether its container runs."""
        return await _status(deployment.container) == "running"

    async def stop(self, deployment: Deployment) -> None:
        """Stop and remove its container; the image stays, for a rollback."""

        def end(engine: Any) -> None:
            found = _container(engine, deployment.container)
            if found is not None:
                found.stop(timeout=STOP_SECONDS)
                found.remove(force=True)

        await _with_engine(end)


async def _with_engine(work: Callable[[Any], T]) -> T:
    """Do it with the engine, in a thread. Unavailable when there is none, DeployFailed in its words when it refuses."""
    return await asyncio.to_thread(_now_with_engine, work)


def _now_with_engine(work: Callable[[Any], T]) -> T:
    docker = importlib.import_module("docker")  # it takes a while, and most have no engine
    errors = docker.errors
    try:
        engine = docker.from_env(timeout=600)
        with contextlib.closing(engine):
            engine.ping()
            return work(engine)
    except errors.BuildError as error:
        lines = [str(each["stream"]).strip() for each in error.build_log if "stream" in each]
        said = " / ".join(line for line in lines[-3:] if line)
        raise DeployFailed(redact_text(f"The image cannot be built: {error.msg} ({said})")) from error
    except (errors.APIError, errors.ImageNotFound) as error:
        raise DeployFailed(redact_text(f"The Docker engine refuses: {error.explanation or error}")) from error
    except errors.DockerException as error:
        raise Unavailable(f"No Docker engine answers: {error}.", _HINT) from None
    except OSError as error:  # requests' own errors are among these
        raise Unavailable(f"The Docker engine does not answer: {error}.", _HINT) from None


async def _status(container: str | None) -> str:
    def look(engine: Any) -> str:
        found = _container(engine, container)
        return str(found.status) if found is not None else "gone"

    return await _with_engine(look)


def _container(engine: Any, container: str | None) -> Any | None:
    if container is None:
        return None
    not_found = importlib.import_module("docker").errors.NotFound
    try:
        return engine.containers.get(container)
    except not_found:
        return None


def _labelled(engine: Any, label: str) -> list[Any]:
    return list(engine.containers.list(all=True, filters={"label": f"{LABEL}={label}"}))


def _image(engine: Any, order: Order) -> Any:
    """The image of the release, by its commit: a rollback starts what ran, and not what is built anew."""
    tag = f"{_name(order.at.run.repo)}:{order.release.tag.replace('+', '_')}-{order.release.sha[:12]}"
    found = engine.images.list(filters={"reference": tag})
    if found:
        return found[0]
    network = {} if _bridged(engine) else {"network_mode": "host"}
    made, _ = engine.images.build(path=str(order.folder), tag=tag, rm=True, forcerm=True, **network)
    return made


def _name(repo: str) -> str:
    """A name that the engine takes for an image."""
    return "shipline/" + "/".join(
        re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") or "x" for part in repo.split("/")
    )


def _run(engine: Any, order: Order, image: Any) -> tuple[Any, str]:
    labels = {LABEL: order.label, "shipline.run": order.at.run.id, "shipline.version": order.release.version}
    if _bridged(engine):
        inside, where = _port(image), "0.0.0.0"  # noqa: S104 (inside of the container)
        network: dict[str, Any] = {"ports": {f"{inside}/tcp": (HOST, None)}}
    else:
        inside, where, network = free_port(), HOST, {"network_mode": "host"}
    container = engine.containers.run(
        image.id, detach=True, labels=labels, environment={"HOST": where, "PORT": str(inside)},
        security_opt=["no-new-privileges"], pids_limit=PROCESSES, **network,
    )  # fmt: skip
    if not _bridged(engine):
        return container, f"http://{HOST}:{inside}"
    container.reload()
    bound = container.ports.get(f"{inside}/tcp") or [{"HostPort": "0"}]  # it ended at once, and says so when asked
    return container, f"http://{HOST}:{bound[0]['HostPort']}"


def _port(image: Any) -> int:
    """The first port that the image exposes."""
    exposed = sorted(int(each.partition("/")[0]) for each in image.attrs["Config"].get("ExposedPorts") or {})
    return exposed[0] if exposed else INSIDE


def _bridged(engine: Any) -> bool:
    return any(each.name == "bridge" for each in engine.networks.list())
