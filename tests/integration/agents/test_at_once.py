"""The agents that work while they are started, codemods and recordings: the behaviour of every adapter, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from ledger.models import AgentJob
from tasks import codemods
from tasks.agents import codemod
from tasks.agents.codemod import Codemod
from tasks.agents.ports import CodingAgent
from tasks.agents.recorded import RecordedCoder
from tasks.agents.recording import place as place_of_answer
from tasks.git import IDENTITY, run_git
from tests.integration.agents.behaviour import Behaviour, Can, job

AT_ONCE = {
    Can.FOUND: "no: it is carried out once more, on the same files",
    Can.ENDLESS: "no: it has ended by the time that it was started",
    Can.FLOOD: "no: it says a line for each file at most",
}


@dataclass
class FolderBench:
    """A worktree, and an agent that has ended when it was started."""

    control: Path
    what: str = "writes"
    begun: int = 0

    def acts(self, what: str) -> None:
        self.what = what

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[tuple[Path, str]]:
        folder = self.control / name
        folder.mkdir()
        (folder / "made.py").write_text("def old():\n    return 1\n")
        await run_git("init", "--quiet", cwd=folder)
        await run_git("add", "--all", cwd=folder)
        await run_git("commit", "--quiet", "-m", "Begin", cwd=folder, env=IDENTITY)
        yield folder, "main"

    async def fresh(self, place: Path) -> None:
        await run_git("reset", "--quiet", "--hard", cwd=place)
        await run_git("clean", "--quiet", "-fd", cwd=place)

    def started(self) -> int:
        return self.begun

    def stopped(self) -> bool:
        return True


class CodemodBench(FolderBench):
    """A codemod renames; one that does nothing sorts what is sorted."""

    OBJECTIVES: ClassVar = {
        "writes": "Implement: Rename made.old to made", "nothing": "Implement: Sort imports",
        "fails": "Implement: Rename made.absent to made",
    }  # fmt: skip

    def adapter(self) -> CodingAgent:
        return Codemod()

    def job(self, branch: str) -> AgentJob:
        asked = job(branch)
        return asked.model_copy(
            update={"input": asked.input.model_copy(update={"objective": self.OBJECTIVES[self.what]})}
        )

    async def made(self, place: Path, branch: str) -> str | None:
        return "made\n" if "def made" in (place / "made.py").read_text() else None


class RecordedBench(FolderBench):
    """A recording writes what it wrote; one that fails edits what is not there."""

    def adapter(self) -> CodingAgent:
        bench = self

        class Counted(RecordedCoder):
            def _find(self, job: AgentJob) -> Any:
                bench.begun += 1
                return super()._find(job)

        return Counted(self.control / "recordings")

    def job(self, branch: str) -> AgentJob:
        asked = job(branch)
        folder = self.control / "recordings" / "mine"
        answers = folder / "answers" / place_of_answer(asked)
        (answers / "files").mkdir(parents=True, exist_ok=True)
        header = {"name": "mine", "idea": asked.idea, "repository": "demo/tally"}
        (folder / "recording.yaml").write_text(yaml.safe_dump(header))
        said: dict[str, Any] = {"summary": "Wrote the file", "usage": {"inputTokens": 7, "outputTokens": 2}}
        if self.what == "fails":
            said["edits"] = [{"path": "made.py", "old": "no good", "new": "x"}]
        (answers / "answer.yaml").write_text(yaml.safe_dump(said))
        (answers / "files" / "made.txt").unlink(missing_ok=True)
        if self.what == "writes":
            (answers / "files" / "made.txt").write_text("made\n")
        return asked

    async def made(self, place: Path, branch: str) -> str | None:
        file = place / "made.txt"
        return file.read_text() if file.is_file() else None


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderBench:
    """The one of the class that asks."""
    if request.cls is TestRecorded:
        return RecordedBench(tmp_path)
    made, known = CodemodBench(tmp_path), codemods.understand

    def understand(objective: str) -> Any:
        made.begun += 1
        return known(objective)

    monkeypatch.setattr(codemod, "understand", understand)
    return made


class TestCodemod(Behaviour):
    """What does not think does not talk."""

    adapter = "codemod"
    says = "Rename made.old to made"
    fails = "absent"
    cannot: ClassVar = {
        Can.USAGE: "no: it uses nothing", Can.LISTEN: "no: it understands its commands alone", **AT_ONCE,
    }  # fmt: skip


class TestRecorded(Behaviour):
    """The same, but that it tells what was once used."""

    adapter = "recorded"
    fails = "its anchor stands there 0 times"
    cannot: ClassVar = {
        Can.LISTEN: "no: a recording cannot be talked to", Can.ONCE: "no: it is replayed once more, to the same files",
        **AT_ONCE,
    }  # fmt: skip
