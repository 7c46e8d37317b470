"""The adapter that docs/agents.md shows is one: it works, and the loop goes on while it does."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tasks.agents.ports import AgentFailed, CodingAgent
from tests.integration.agents.behaviour import job

DOCS = Path(__file__).parents[3] / "docs" / "agents.md"


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CodingAgent:
    """A new one of the class in the docs; ``my-agent`` does what the file ``act`` says."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    place: dict[str, Any] = {}
    exec(compile(code, str(DOCS), "exec"), place)
    program = tmp_path / "bin" / "my-agent"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho begun >> ../begun\n. ../act\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    (tmp_path / "tree").mkdir()
    coder: CodingAgent = place["Coder"]()
    return coder


def acts(tmp_path: Path, what: str) -> Path:
    """Tell ``my-agent`` what to do; where it does it."""
    (tmp_path / "act").write_text(what)
    return tmp_path / "tree"


async def test_it_works_once_and_says_what_it_did(sample: CodingAgent, tmp_path: Path) -> None:
    tree = acts(tmp_path, "echo made > made.txt\necho Wrote the file\n")
    ref = await sample.start(job("main"), "k", tree)
    assert await sample.start(job("main"), "k", tree) == ref
    assert (await sample.result(ref)).output.changeset_summary == "Wrote the file\n"
    assert (tree / "made.txt").read_text() == "made\n"
    assert (tmp_path / "begun").read_text() == "begun\n"


async def test_the_loop_goes_on_and_a_cancel_ends_it(sample: CodingAgent, tmp_path: Path) -> None:
    ref = await sample.start(job("main"), "k", acts(tmp_path, "exec sleep 600\n"))
    waiting = asyncio.ensure_future(sample.result(ref))
    await asyncio.sleep(0)  # the loop would not come back from an adapter that blocks it
    assert not waiting.done()
    await sample.cancel(ref)
    with pytest.raises(AgentFailed, match="ended with -9"):
        await waiting
