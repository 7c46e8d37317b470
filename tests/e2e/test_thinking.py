"""Agents that think, from idea to release: Nemotron plans, Cursor's cloud writes, each behind a server of ours.

The servers take their thoughts from the recording, so the result must be the tree that the recorded agents make.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_catalog.catalog import recordings_folder
from ledger.models import AgentInput, AgentJob, AgentType, Size
from tasks.agents.recorded import RecordedCoder
from tests.e2e.conftest import IDEA, ROOT, environment, git, new_repository, script, shipline
from tests.e2e.ground import Ground
from tests.services import cursor, nim
from tests.services.cursor import Cursor, Work
from tests.services.nim import Nim, Says, from_recording
from tests.services.served import served

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]
BEGIN = """
import json
from flows import deliver_now
run = deliver_now({idea!r}, repo={repo!r}, size="small")
print(json.dumps([run.id, run.outcome, run.error, run.release and run.release.tag]))
"""
GO_ON = """
import json
from flows import continue_now
run = continue_now({run!r})
print(json.dumps([run.id, run.outcome, run.error, run.release and run.release.tag]))
"""


class Thoughts:
    """What the recorded coding agents did, done in the clone of one that thinks. ``held`` keeps all of them waiting."""

    def __init__(self) -> None:
        self.coder = RecordedCoder(recordings_folder())
        self.held = False

    async def __call__(self, work: Work, place: Path) -> str:
        """Do what was recorded for the node, the round and the role that the agent's name tells."""
        while self.held:  # noqa: ASYNC110 (what a test holds, in another thread)
            await asyncio.sleep(0.1)
        _, node, round_, kind = work.name.split("/")[:4]
        conflict = kind == "agent.conflict"
        role = AgentType.DEVELOPER_IMPLEMENTER if conflict else AgentType(kind.removeprefix("agent."))
        job = AgentJob(
            type=role, idea=IDEA, size=Size.SMALL, node_key=node, round=round_,
            input=AgentInput(repo="demo/tally", objective=""),
        )  # fmt: skip
        ref = await self.coder.start(job, work.name, place)
        result = await self.coder.result(ref)
        work.tokens = (result.usage.input_tokens, result.usage.output_tokens)
        answer = f"\n\n```json\n{json.dumps(result.output.answer)}\n```" if result.output.answer else ""
        return f"{result.output.changeset_summary or 'Done'}\n\n{result.output.notes}{answer}"


@pytest.fixture
def ground(stack: Path) -> Iterator[Ground]:
    """The running stack."""
    made = Ground(stack)
    yield made
    made.mongo.close()
    made.prefect.close()


@pytest.fixture
def planner() -> Iterator[tuple[Nim, str]]:
    """Nemotron, and where it is."""
    made = Nim(answer=from_recording(recordings_folder() / "tally-budgets", "small"))
    with served(made.app) as url:
        yield made, f"{url}/v1"


@pytest.fixture
def cloud(ground: Ground) -> Iterator[tuple[Cursor, Thoughts, str]]:
    """Cursor's cloud, what its agents think, and where it is."""
    thoughts = Thoughts()
    made = Cursor(ground.told["github_token"], doing=thoughts)
    with served(made.app) as url:
        yield made, thoughts, url


def test_the_tree_is_that_of_the_recording_and_a_killed_worker_finds_its_agents_again(
    ground: Ground, planner: tuple[Nim, str], cloud: tuple[Cursor, Thoughts, str]
) -> None:
    (nemotron, planner_url), (agents, thoughts, cloud_url), stack = planner, cloud, ground.home
    thinking = {
        "SHIPLINE_PLANNER": "nemotron", "SHIPLINE_PLANNER_URL": planner_url, "NVIDIA_API_KEY": nim.KEY,
        "SHIPLINE_CODER": "cursor-cloud", "SHIPLINE_CURSOR_API_URL": cloud_url, "CURSOR_API_KEY": cursor.KEY,
    }  # fmt: skip
    nemotron.script.extend([Says("Let me think about it."), Says(status=503, body={"error": "busy"})])
    repo = new_repository(stack, "thought")

    thoughts.held = True
    words = [sys.executable, "-c", BEGIN.format(idea=IDEA, repo=repo)]
    first = subprocess.Popen(words, cwd=ROOT, env=environment(stack, **thinking), stdout=subprocess.DEVNULL)
    _until(lambda: len(agents.agents) >= 1, "an agent works in the cloud")
    first.send_signal(signal.SIGKILL)
    first.wait()
    thoughts.held = False

    run = ground.ledger["runs"].find_one({"repo": repo})["_id"]
    said = script(stack, GO_ON.format(run=run), timeout=300, **thinking)
    assert said.code == 0, said.err[-3000:]
    assert json.loads(said.out.strip().splitlines()[-1]) == [run, "succeeded", None, "v0.2.0"]

    names = agents.started()
    assert len(names) == len(set(names)), "nobody was started twice"
    assert agents.misfits == []
    _counts_what_was_told(ground, run, nemotron, agents)
    bare = _bare(stack, repo)
    assert git(bare, "for-each-ref", "refs/heads/agent") == ""

    recorded = new_repository(stack, "replayed")
    said = script(stack, BEGIN.format(idea=IDEA, repo=recorded))
    assert json.loads(said.out.strip().splitlines()[-1])[1] == "succeeded", said.err[-3000:]
    assert _tree(bare) == _tree(_bare(stack, recorded))


def _counts_what_was_told(ground: Ground, run: str, nemotron: Nim, agents: Cursor) -> None:
    spent = [each["usage"] for each in ground.ledger["agent_runs"].find({"runId": run})]
    told = [*nemotron.used, agents.used()]
    assert sum(each["inputTokens"] for each in spent) == sum(took for took, _ in told)
    assert sum(each["outputTokens"] for each in spent) == sum(gave for _, gave in told)
    shown = shipline(ground.home, "budget", run, "--json").last_json
    assert shown["spent"]["tokens"] == sum(took + gave for took, gave in told)


def _until(done: object, what: str) -> None:
    for _ in range(600):
        if callable(done) and done():
            return
        time.sleep(0.2)
    raise AssertionError(f"waited, and not: {what}")


def _bare(home: Path, repo: str) -> Path:
    return home / "sandbox" / "repos" / f"{repo}.git"


def _tree(bare: Path) -> str:
    return git(bare, "rev-parse", "v0.2.0^{tree}").strip()
