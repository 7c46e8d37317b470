"""Local agents over the Agent Client Protocol: the behaviour of every adapter, and what it means that they are ours."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from ledger.models import AgentJob, AgentResult
from shipline.errors import AgentError, ConfigError
from tasks import fence
from tasks.agents import acp_agent
from tasks.agents.acp_agent import AGAIN, CUT_OFF, NOT_TOLD, AcpAgent
from tasks.agents.local_place import FOLDER, Place, forget_old
from tasks.agents.ports import AgentFailed, AgentRef, CodingAgent
from tasks.git import IDENTITY, Clone, Remote, run_git
from tests.integration.agents.behaviour import Behaviour, Can, _until, job

AGENT = Path(__file__).parents[2] / "services" / "acp_agent.py"


@dataclass
class LocalBench:
    """The adapter with the scripted agent behind it."""

    control: Path
    home: Path

    def adapter(self) -> CodingAgent:
        return AcpAgent()

    def acts(self, what: str) -> None:
        (self.control / "acts").write_text(what)

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[tuple[Path, str]]:
        folder = self.control / name
        folder.mkdir()
        await run_git("init", "--quiet", cwd=folder)
        await run_git("commit", "--quiet", "--allow-empty", "-m", "Begin", cwd=folder, env=IDENTITY)
        (folder / "README.md").write_text("# Here\n")
        yield folder, "main"

    def job(self, branch: str) -> AgentJob:
        return job(branch)

    async def fresh(self, place: Path) -> None:
        await run_git("checkout", "--quiet", "--force", "HEAD", cwd=place)

    async def made(self, place: Path, branch: str) -> str | None:
        file = place / "made.txt"
        return file.read_text() if file.is_file() else None

    def started(self) -> int:
        return self.log().count("new")

    def log(self) -> list[str]:
        """What the agent was asked."""
        file = self.control / "log"
        return file.read_text().splitlines() if file.is_file() else []

    def stopped(self) -> bool:
        return not self.living()

    def living(self) -> list[int]:
        """Processes of agents, and of theirs."""
        found = []
        for each in psutil.process_iter():
            try:
                ours = each.environ().get("HOME", "").startswith(str(self.home / FOLDER))
                if ours and each.status() != psutil.STATUS_ZOMBIE:
                    found.append(each.pid)
            except psutil.Error:
                continue
        return found

    def place_of(self, ref: AgentRef) -> Place:
        """What is known of an agent."""
        return Place(self.home / FOLDER / ref.id)


def told(result: AgentResult) -> list[str]:
    """What the agent run warns of, but that there is no fence."""
    return [each for each in result.warnings if each != fence.NONE]


@pytest.fixture
def bench(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> LocalBench:
    """The agent, configured."""
    monkeypatch.setenv("SHIPLINE_ACP_COMMAND", shlex.join([sys.executable, str(AGENT), str(tmp_path)]))
    monkeypatch.setenv("SHIPLINE_ACP_PATHS", json.dumps([f"{tmp_path}:rw"]))
    return LocalBench(tmp_path, home)


class TestAcp(Behaviour):
    """All of it; only that our death is also theirs."""

    adapter = "acp"
    cannot: ClassVar = {Can.LISTEN: "no: a run asks a new agent in a new round"}

    @pytest.mark.parametrize("how", ["resume", "load", "neither"])
    async def test_after_a_restart_it_is_found_again(self, bench: LocalBench, how: str) -> None:  # type: ignore[override]
        (bench.control / "takes-up").write_text(how)
        bench.acts("hangs")
        async with bench.place("restarted") as (place, branch):
            first = AcpAgent()
            ref = await first.start(job(branch), "r/restarted", place)
            await _until(lambda: any(line.startswith("prompt") for line in bench.log()))
            process = bench.place_of(ref).process()
            assert process is not None
            os.kill(process.pid, signal.SIGTERM)  # as the kernel tells it when we die
            with pytest.raises(AgentError, match="The local agent failed"):
                await first.result(ref)
            bench.place_of(ref).note(stopped=False)  # we would have been dead, and noted nothing
            assert bench.stopped()
            (bench.place_of(ref).tree / "half.txt").write_text("half\n")
            bench.acts("writes")
            again = AcpAgent()
            result = await again.result(await again.start(job(branch), "r/restarted", place))
            assert await bench.made(place, branch) == "made\n"
            assert (place / "half.txt").read_text() == "half\n"
        assert bench.started() == (2 if how == "neither" else 1)
        assert (AGAIN in told(result)) is (how == "neither")
        assert CUT_OFF in told(result)
        assert result.usage.input_tokens > 100
        assert [line.split()[0] for line in bench.log()].count(how) == (0 if how == "neither" else 1)


async def test_what_it_does_to_git_stays_in_its_tree(bench: LocalBench) -> None:
    bench.acts("writes")
    async with bench.place("hooked") as (place, branch):
        agent = bench.adapter()
        ref = await agent.start(job(branch), "r/hooked", place)
        await agent.result(ref)
        assert (bench.place_of(ref).tree / ".git" / "hooks" / "pre-commit").is_file()
        assert not (place / ".git" / "hooks" / "pre-commit").exists()
        assert "made.txt" in await Clone(place, Remote("", "")).patch()


async def test_it_sees_none_of_our_variables_but_those_it_is_given(
    bench: LocalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEIR_KEY", "theirs")
    monkeypatch.setenv("SHIPLINE_GITHUB_TOKEN", "ghp_ours")
    monkeypatch.setenv("SHIPLINE_ACP_ENV", '["THEIR_KEY"]')
    bench.acts("hangs")
    agent = bench.adapter()
    async with bench.place("seen") as (place, branch):
        ref = await agent.start(job(branch), "r/seen", place)
        await _until(lambda: any(line.startswith("prompt") for line in bench.log()))
        seen = [psutil.Process(pid).environ() for pid in bench.living()]
        await agent.cancel(ref)
    assert len(seen) >= 2
    for each in seen:
        assert each["THEIR_KEY"] == "theirs"
        assert "SHIPLINE_GITHUB_TOKEN" not in each
        assert "SHIPLINE_ACP_COMMAND" not in each


@pytest.mark.parametrize(
    ("asks", "answer", "words"),
    [
        ("edit made.txt", "allow_once", None), ("execute .", "allow_once", None),
        ("edit ../elsewhere", "reject_once", "outside the tree"), ("read /etc/passwd", "reject_once", "outside"),
        ("fetch page", "reject_once", "fetch"),
    ],
)  # fmt: skip
async def test_what_it_may_do_is_decided_here(bench: LocalBench, asks: str, answer: str, words: str | None) -> None:
    bench.acts(f"asks {asks}")
    agent = bench.adapter()
    async with bench.place("asks") as (place, branch):
        result = await agent.result(await agent.start(job(branch), f"r/{asks}", place))
    assert f"answer {answer}" in bench.log()
    assert [str(words) in each for each in told(result)] == ([True] if words else [])


@pytest.mark.parametrize(("acts", "words"), [("refuses", "stopped \\(refusal\\)"), ("dies", "The local agent failed")])
async def test_an_end_that_is_none_is_said(bench: LocalBench, acts: str, words: str) -> None:
    bench.acts(acts)
    agent = bench.adapter()
    async with bench.place(acts) as (place, branch):
        ref = await agent.start(job(branch), f"r/{acts}", place)
        with pytest.raises(AgentError, match=words):
            await agent.result(ref)
        bench.acts("writes")
        again = await agent.start(job(branch), f"r/{acts}", place)  # a retry begins on fresh files
        assert (await agent.result(again)).output.changeset_summary == "Wrote the file"


async def test_usage_that_is_not_told_is_estimated_and_said_to_be(bench: LocalBench) -> None:
    bench.acts("untold")
    agent = bench.adapter()
    async with bench.place("untold") as (place, branch):
        result = await agent.result(await agent.start(job(branch), "r/untold", place))
    assert told(result) == [NOT_TOLD]
    assert result.usage.input_tokens > 0


async def test_another_version_of_the_protocol_is_said(bench: LocalBench) -> None:
    (bench.control / "version").write_text("2")
    bench.acts("writes")
    agent = bench.adapter()
    async with bench.place("another") as (place, branch):
        with pytest.raises(AgentError, match="speaks version 2"):
            await agent.result(await agent.start(job(branch), "r/version", place))


@pytest.mark.parametrize(
    ("command", "words"), [("", "No local agent"), ("no-such-agent acp", "not installed"), ("'open", "no command")]
)
async def test_a_command_that_cannot_be_is_named(
    bench: LocalBench, monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    monkeypatch.setenv("SHIPLINE_ACP_COMMAND", command)
    with pytest.raises(ConfigError, match=words):
        await bench.adapter().start(job("main"), "r/none", Path())


async def test_what_ended_long_ago_is_forgotten(bench: LocalBench) -> None:
    bench.acts("writes")
    agent = bench.adapter()
    async with bench.place("old") as (place, branch):
        ref = await agent.start(job(branch), "r/old", place)
        await agent.result(ref)
    forget_old(bench.home, 1)
    assert bench.place_of(ref).folder.is_dir()
    forget_old(bench.home, 0)
    assert not bench.place_of(ref).folder.exists()


async def test_cancel_asks_it_to_stop_before_it_is_ended(bench: LocalBench) -> None:
    bench.acts("hangs")
    agent = bench.adapter()
    async with bench.place("told") as (place, branch):
        ref = await agent.start(job(branch), "r/told", place)
        await _until(lambda: any(line.startswith("prompt") for line in bench.log()))
        await agent.cancel(ref)
        assert bench.log()[-1] == "cancel"
        assert bench.stopped()
        with pytest.raises(AgentFailed, match="was cancelled") as failed:
            await agent.result(ref)
    assert (failed.value.usage.input_tokens, failed.value.usage.output_tokens) == (70, 7)


async def test_one_that_does_not_heed_a_cancel_is_ended_all_the_same(
    bench: LocalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acp_agent, "GRACE", 0.2)
    bench.acts("deaf")
    agent = bench.adapter()
    async with bench.place("deaf") as (place, branch):
        ref = await agent.start(job(branch), "r/deaf", place)
        await _until(lambda: any(line.startswith("prompt") for line in bench.log()))
        await agent.cancel(ref)
        with pytest.raises(AgentFailed, match="was cancelled") as failed:
            await agent.result(ref)
    assert bench.log()[-1] == "cancel"
    assert bench.stopped()
    assert failed.value.usage.input_tokens > 0, "an estimate"


@pytest.mark.parametrize(("acts", "used"), [("refuses", (30, 3)), ("dies", None), ("fails", None)])
async def test_what_a_failed_one_used_is_told_or_estimated(
    bench: LocalBench, acts: str, used: tuple[int, int] | None
) -> None:
    bench.acts(acts)
    agent = bench.adapter()
    async with bench.place("used") as (place, branch):
        ref = await agent.start(job(branch), f"r/used/{acts}", place)
        with pytest.raises(AgentFailed) as failed:
            await agent.result(ref)
        bench.acts("writes")
        result = await agent.result(await agent.start(job(branch), f"r/used/{acts}", place))
    found = failed.value.usage
    assert (found.input_tokens, found.output_tokens) == used if used else found.input_tokens >= 5
    assert (result.usage.input_tokens, result.usage.output_tokens) == (100, 20)
    assert result.account != failed.value.account, "the retry begins on fresh files, and counts from nothing"


@pytest.mark.parametrize(
    ("ways", "given", "auth", "taken"),
    [("agent", [], "", "agent_login"), ("none", ["THEIR_KEY"], "", "key"), ("agent", [], "key", "key")],
)
async def test_one_that_wants_to_know_who_we_are_is_told(
    bench: LocalBench, monkeypatch: pytest.MonkeyPatch, ways: str, given: list[str], auth: str, taken: str
) -> None:
    (bench.control / "locked").write_text(ways)
    monkeypatch.setenv("SHIPLINE_ACP_ENV", json.dumps(given))
    if auth:
        monkeypatch.setenv("SHIPLINE_ACP_AUTH", auth)
    bench.acts("writes")
    agent = bench.adapter()
    async with bench.place("opened") as (place, branch):
        await agent.result(await agent.start(job(branch), "r/locked", place))
    assert bench.log()[:2] == [f"authenticate {taken}", "new"]


@pytest.mark.parametrize(("auth", "words"), [("", "no way that needs no person"), ("magic", "called 'magic'")])
async def test_a_way_in_that_is_none_is_said(
    bench: LocalBench, monkeypatch: pytest.MonkeyPatch, auth: str, words: str
) -> None:
    (bench.control / "locked").write_text("none")
    if auth:
        monkeypatch.setenv("SHIPLINE_ACP_AUTH", auth)
    bench.acts("writes")
    agent = bench.adapter()
    async with bench.place("shut") as (place, branch):
        ref = await agent.start(job(branch), "r/shut", place)
        with pytest.raises(ConfigError, match=words) as shut:
            await agent.result(ref)
    assert "tty, key" in str(shut.value)
    assert bench.stopped()
