"""The same on a real Docker engine, started here: without a bridge, and with images that hold nothing but busybox."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from socket import AF_UNIX
from socket import socket as Socket
from typing import Any

import docker
import pytest

from ledger.models import Deployment, DeploymentStatus, Outcome, Run
from shipline.errors import Unavailable
from tasks.deploy.again import roll_back
from tasks.deploy.on_docker import LABEL, DockerTarget
from tasks.deploy.process import free_port
from tasks.deploy.retire import stop_deployment
from tests.integration.deploy.conftest import Bench

pytestmark = pytest.mark.timeout(300)

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY . /www
CMD ["/bin/busybox", "sh", "/www/start.sh"]
"""
START = "exec /bin/busybox httpd -f -p $HOST:$PORT -h /www\n"
CRACKED = "echo the bell is cracked; exit 3\n"
IMAGE = {"Dockerfile": DOCKERFILE, "start.sh": START, "healthz": "well\n"}


@pytest.fixture(scope="session")
def socket() -> Iterator[str]:
    """The address of an engine of this test's own; it needs root."""
    folder = Path(tempfile.mkdtemp(prefix="shipline-docker-"))
    address = f"unix://{folder}/docker.sock"
    words = [
        "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs", "--host", address,
        "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid"),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        engine = subprocess.Popen(["dockerd", *words], stdout=log, stderr=log)
    try:
        _wait(engine, folder / "docker.sock", folder / "log")
        yield address
    finally:
        engine.terminate()
        engine.wait(60)
        # It leaves the network namespaces of its containers mounted there.
        for each in (folder / "exec" / "netns").glob("*"):
            subprocess.run(["umount", str(each)], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(engine: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    """Until it listens; it tells nobody when it does."""
    for _ in range(600):
        if engine.poll() is not None:
            break
        with Socket(AF_UNIX) as probe:
            if probe.connect_ex(str(socket)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"dockerd does not answer: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
async def engine(socket: str, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """The engine, as the target that the project is deployed to."""
    monkeypatch.setenv("DOCKER_HOST", socket)
    busybox = shutil.which("busybox")
    assert busybox, "busybox-static is not installed"
    shutil.copy(busybox, bench.folder / "busybox")
    client = docker.DockerClient(base_url=socket)
    yield client
    for run in bench.runs:
        await stop_deployment(run.id)
    client.close()


async def _deployed(bench: Bench, run: Run) -> Deployment:
    found = await bench.store.find_one(Deployment, {"runId": run.id}, newest=True)
    assert found is not None
    return found


async def test_a_release_runs_as_a_container_gives_way_and_comes_back(bench: Bench, engine: Any) -> None:
    first = await bench.merged({**IMAGE, "sound.txt": "ding"}, "Ring")
    await bench.settings(deployment_target="docker")
    first = await bench.release(first)
    assert first.outcome is Outcome.SUCCEEDED, first.error
    one = await _deployed(bench, first)
    assert (one.target, one.detail, await bench.sound(one.url)) == ("docker", "well", "ding")
    (container,) = engine.containers.list()
    assert container.id == one.container
    assert (container.labels[LABEL], container.labels["shipline.version"]) == (one.id, "0.2.0")

    second = await bench.release(await bench.merged({"sound.txt": "dong"}, "Ring lower"))
    two = await _deployed(bench, second)
    assert (await bench.sound(two.url), await bench.sound(one.url)) == ("dong", "")
    assert [each.id for each in engine.containers.list(all=True)] == [two.container]

    images = len(engine.images.list())
    back = await roll_back(second.id)
    assert back is not None
    assert (back.version, await bench.sound(back.url)) == ("0.2.0", "ding")
    assert len(engine.images.list()) == images  # what ran is started, nothing is built anew

    bad = await bench.release(await bench.merged({"start.sh": CRACKED, "sound.txt": "crack"}, "Crack it"))
    assert bad.outcome is Outcome.FAILED
    assert "the bell is cracked" in str(bad.error)
    assert f"Rolled back to v0.2.0, which runs on at {back.url}. Defect #" in str(bad.error)
    assert (await _deployed(bench, bad)).status is DeploymentStatus.FAILED
    assert [each.id for each in engine.containers.list(all=True)] == [back.container]
    assert await bench.sound(back.url) == "ding"


async def test_what_an_attempt_left_is_found_by_label_and_removed(bench: Bench, engine: Any, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    shutil.copy(bench.folder / "busybox", folder / "busybox")
    for name, text in IMAGE.items():
        (folder / name).write_text(text)
    image, _ = await asyncio.to_thread(engine.images.build, path=str(folder), network_mode="host")
    made = await asyncio.to_thread(
        engine.containers.run, image.id, ["/bin/busybox", "sleep", "600"], detach=True, network_mode="host",
        labels={LABEL: "half-started"},
    )  # fmt: skip
    target = DockerTarget()
    assert await target.find("half-started") == f"container {made.short_id}"
    await target.clear("half-started")
    assert await target.find("half-started") is None


async def test_without_an_engine_it_is_said_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="No Docker engine answers") as said:
        await DockerTarget().find("x")
    assert "set deployment_target to process" in str(said.value)
