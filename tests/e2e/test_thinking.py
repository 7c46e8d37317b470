"""Agents that think, from idea to release: Nemotron plans, Cursor's cloud or a local agent writes, all of them ours.

The servers take their thoughts from the recording, so the result must be the tree that the recorded agents make.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_catalog.catalog import recordings_folder
from tasks.agents.recorded import RecordedCoder
from tests.e2e.conftest import IDEA, ROOT, environment, git, new_repository, script, shipline
from tests.e2e.ground import Ground
from tests.services import acp_recorded, cursor, nim
from tests.services.acp_recorded import think
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
        """Do what was recorded for the work that the agent's name tells."""
        while self.held:  # noqa: ASYNC110 (what a test holds, in another thread)
            await asyncio.sleep(0.1)
        words, work.tokens = await think(self.coder, work.name, place, work.prompt)
        return words


@pytest.fixture(scope="module")
def recorded(stack: Path) -> str:
    """The tree that the recorded agents make."""
    repo = new_repository(stack, "replayed")
    said = script(stack, BEGIN.format(idea=IDEA, repo=repo))
    assert json.loads(said.out.strip().splitlines()[-1])[1] == "succeeded", said.err[-3000:]
    return _tree(_bare(stack, repo))


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
    ground: Ground, planner: tuple[Nim, str], cloud: tuple[Cursor, Thoughts, str], recorded: str
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

    assert _tree(bare) == recorded


def test_a_local_agent_makes_the_same_tree(ground: Ground, planner: tuple[Nim, str], recorded: str) -> None:
    thinking = {
        "SHIPLINE_PLANNER": "nemotron", "SHIPLINE_PLANNER_URL": planner[1], "NVIDIA_API_KEY": nim.KEY,
        "SHIPLINE_CODER": "acp", "SHIPLINE_ACP_COMMAND": shlex.join([sys.executable, acp_recorded.__file__]),
        "SHIPLINE_ACP_PATHS": json.dumps([str(ROOT)]),
    }  # fmt: skip
    repo = new_repository(ground.home, "thought-here")
    said = script(ground.home, BEGIN.format(idea=IDEA, repo=repo), timeout=300, **thinking)
    assert said.code == 0, said.err[-3000:]
    run, outcome, error, tag = json.loads(said.out.strip().splitlines()[-1])
    assert (outcome, error, tag) == ("succeeded", None, "v0.2.0")
    assert _tree(_bare(ground.home, repo)) == recorded
    spent = list(ground.ledger["agent_runs"].find({"runId": run, "ref": {"$ne": None}}))
    assert {each["usage"]["inputTokens"] for each in spent} == {acp_recorded.TOOK}


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
