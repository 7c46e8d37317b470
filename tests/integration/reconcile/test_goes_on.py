"""A person interferes while a run is stopped, or in the middle of its work, and it goes on to a sane end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ledger.failpoints import SIGNAL, VARIABLE
from ledger.issues import read_tree
from ledger.models import Issue, IssueStatus, Outcome, Run
from ledger.queries import events
from ledger.store import Store
from ledger.timeline import verify
from tasks.context import context
from tests.crash.scenario import HERE, Ground
from tests.integration.reconcile.conftest import Person

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]

KEPT = {"epic", "bye", "service"}
ANSWERS = Path("pebble") / "answers"


@pytest.fixture(scope="session")
def two_leaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crash scenario's recording with two of its leaves, side by side under the epic, and no defect."""
    folder = tmp_path_factory.mktemp("recordings") / "recordings"
    shutil.copytree(HERE / "recordings", folder)
    plans = folder / ANSWERS / "plan-small"
    for role, field in (("roadmap-decomposer", "nodes"), ("acceptance-criteria-author", "criteria"),
                        ("issue-planner", "order")):  # fmt: skip
        file = plans / f"1.{role}" / "answer.yaml"
        told = yaml.safe_load(file.read_text())
        told["answer"][field] = _kept(told["answer"][field])
        file.write_text(yaml.safe_dump(told, sort_keys=False))
    good = folder / ANSWERS / "service.d1" / "1.developer-implementer" / "files" / "pebble" / "stamp.py"
    bad = folder / ANSWERS / "service" / "1.infra-deploy-engineer" / "files" / "pebble" / "stamp.py"
    shutil.copy(good, bad)
    return folder


def _kept(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _free(value) for key, value in found.items() if key in KEPT}
    nodes = [each for each in found if each["key"] in KEPT]
    return [each | ({"parent": "epic"} if "parent" in each else {}) for each in nodes]


def _free(order: Any) -> Any:
    """Side by side: in the scenario one waits for the other."""
    return {**order, "dependencies": []} if isinstance(order, dict) else order


@dataclass
class Delivery:
    """A run and the process that delivers it."""

    ground: Ground
    store: Store
    run: Run
    ann: Person
    recordings: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self, stop_at: str = "", by: str = "SIGKILL") -> None:
        """Deliver until the fail point."""
        stops = {VARIABLE: stop_at, SIGNAL: by} if stop_at else {}
        self.process = await self.ground.start(self.run.id, SHIPLINE_RECORDINGS=str(self.recordings), **stops)

    async def end(self) -> int:
        """Wait for the process."""
        assert self.process is not None
        return await self.process.wait()

    async def frozen(self) -> None:
        """Wait until the process has stopped itself."""
        assert self.process is not None
        while Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    async def node(self, key: str) -> Issue:
        """A node as the ledger has it."""
        return (await read_tree(self.store, self.run.id))[key]

    async def ended(self) -> Run:
        """The run as it ended; the chain is whole and every issue is closed."""
        run = await self.store.get(Run, self.run.id)
        assert (await verify(self.store, run.id))[1] == []
        if run.outcome is Outcome.SUCCEEDED:
            for issue in (await read_tree(self.store, run.id)).issues:
                assert issue.status is IssueStatus.DONE
                assert (await self.ann.issue(int(issue.number or 0)))["state"] == "closed"
        return run

    async def told(self) -> str:
        """The timeline."""
        return "\n".join(each.msg for each in await events(self.store, self.run.id))

    async def on_integration(self, path: str) -> bool:
        """Whether a file came through."""
        answer = await self.ann.client.get(f"/repos/{self.run.repo}/contents/{path}", params={"ref": "integration"})
        return answer.status_code == 200


@pytest.fixture
async def delivery(ground: Ground, ann: httpx.AsyncClient, two_leaves: Path) -> Delivery:
    run = await ground.new_run()
    return Delivery(ground, (await context()).store, run, Person(ann, run.repo), two_leaves)


@pytest.fixture(autouse=True)
def _nothing_is_left(delivery: Delivery) -> Iterator[None]:
    yield
    process = delivery.process
    if process is not None and process.returncode is None:
        process.kill()


async def test_changed_while_it_was_dead(delivery: Delivery) -> None:
    """A commit pushed, an issue closed, a branch deleted; started again, everything is in the release."""
    await delivery.start("pull.open:outcome:3")  # the epic's, then both leaves'
    assert await delivery.end() == -signal.SIGKILL
    bye, service = await delivery.node("bye"), await delivery.node("service")
    await delivery.ann.commit(str(bye.branch), "by-hand.txt")
    await delivery.ann.set_issue(int(bye.number or 0), "closed")
    await delivery.ann.delete_branch(str(service.branch))

    await delivery.start()
    await delivery.end()
    run = await delivery.ended()
    assert run.outcome is Outcome.SUCCEEDED, f"{run.error}\n{await delivery.told()}"
    assert await delivery.on_integration("by-hand.txt")
    assert await delivery.on_integration("deploy/pebble.service")
    told = await delivery.told()
    for words in ("moved by hand", "closed by ann although it is not done", "was deleted by hand; restored at"):
        assert words in told


async def test_merged_and_pushed_to_in_the_middle(delivery: Delivery) -> None:
    """One leaf merged by a person, a commit pushed to the other while its agent's work goes out."""
    await delivery.start("pull.open:outcome:3", "SIGSTOP")
    await delivery.frozen()
    bye, service = await delivery.node("bye"), await delivery.node("service")
    pulls = await delivery.ann.say("GET", "pulls")
    number = next(each["number"] for each in pulls if each["head"]["ref"] == bye.branch)
    merged = await delivery.ann.merge(number)
    await delivery.ann.commit(str(service.branch), "by-hand.txt")
    delivery.thaw()

    assert await delivery.end() == 0
    assert (await delivery.ended()).outcome is Outcome.SUCCEEDED
    assert (await delivery.node("bye")).merged_sha == merged
    assert await delivery.on_integration("by-hand.txt")
    assert f"#{number} was merged by ann by hand" in await delivery.told()


async def test_closed_in_the_middle_and_retried(delivery: Delivery) -> None:
    """A pull request closed by a person stops its node alone; told to go on, the run reopens it."""
    await delivery.start("pull.open:outcome:3", "SIGSTOP")
    await delivery.frozen()
    pulls = await delivery.ann.say("GET", "pulls")
    branch = str((await delivery.node("bye")).branch)
    number = next(each["number"] for each in pulls if each["head"]["ref"] == branch)
    await delivery.ann.set_pull(number, "closed")
    delivery.thaw()
    assert await delivery.end() == 1
    run = await delivery.ended()
    assert run.outcome is Outcome.FAILED
    assert f"#{number} was closed by ann without a merge" in str(run.error)
    service = await delivery.node("service")  # it went on alone; siblings merge in order, so it waits for the other
    assert service.failure is None
    assert service.tested_head is not None

    await delivery.start()
    assert await delivery.end() == 0
    assert (await delivery.ended()).outcome is Outcome.SUCCEEDED


async def test_pushed_to_while_the_agents_work_goes_out(delivery: Delivery) -> None:
    """A commit that lands on the branch between the agent's answer and our push: both are merged, nothing is lost."""
    await delivery.start("push:intent", "SIGSTOP")
    await delivery.frozen()
    for key in ("bye", "service"):
        node = await delivery.node(key)
        if node.branch:
            await delivery.ann.commit(node.branch, f"{key}-by-hand.txt")
    delivery.thaw()
    assert await delivery.end() == 0
    assert (await delivery.ended()).outcome is Outcome.SUCCEEDED
    assert await delivery.on_integration("bye-by-hand.txt") or await delivery.on_integration("service-by-hand.txt")
    assert await delivery.on_integration("pebble/bye.py")
