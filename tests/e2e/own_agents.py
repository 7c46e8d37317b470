"""Agents of a person's own, as SHIPLINE_PLANNER and SHIPLINE_CODER name them: quick, and noting what they are asked."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ledger.models import AgentJob, AgentOutput, AgentResult, AgentType, Model, Usage
from tasks.agents.ports import AgentEvent, AgentRef

IDEA = "Let Tally say hello and goodbye."
BINARY = bytes(range(256)) * 4
TREE = [
    {"key": "epic", "type": "epic", "title": "Manners", "requirements": []},
    {"key": "hello", "type": "task", "title": "Say hello", "parent": "epic", "requirements": ["R1"],
     "files": ["tally/hello.py", "tests/test_hello.py", "docs/mark.bin"]},
    {"key": "goodbye", "type": "task", "title": "Say goodbye", "parent": "epic", "requirements": ["R2"],
     "files": ["tally/goodbye.py", "tests/test_goodbye.py"]},
]  # fmt: skip
ANSWERS: dict[AgentType, dict[str, Any]] = {
    AgentType.SPEC_WRITER: {
        "title": "Manners", "problem": "Tally is curt.", "goals": ["Be polite"], "acceptance_criteria": ["It greets"],
        "requirements": [{"id": "R1", "text": "It says hello"}, {"id": "R2", "text": "It says goodbye"}],
    },
    AgentType.ROADMAP_DECOMPOSER: {"nodes": TREE},
    AgentType.ACCEPTANCE_CRITERIA_AUTHOR: {"criteria": {"hello": ["It says it"], "goodbye": ["It says it"]}},
    AgentType.ISSUE_PLANNER: {"order": {"epic": {}, "hello": {}, "goodbye": {}}},
    AgentType.QA_TESTER: {
        "verdict": "pass", "summary": "Polite.\nAnd short: é, ß, 猫.",
        "criteria": [{"criterion": "It greets", "met": True, "evidence": "tests/test_hello.py"}],
    },
    AgentType.SECURITY_AUDITOR: {"summary": "Nothing to steal."},
    AgentType.RELEASE_MANAGER: {"headline": "Manners", "summary": "Tally greets.", "highlights": ["Hello, goodbye"]},
    AgentType.CODE_REVIEWER: {
        "verdict": "approve", "summary": "Fine.",
        "criteria": [{"criterion": "It says it", "met": True, "evidence": "its test"}],
    },
}  # fmt: skip


def _note(job: AgentJob) -> Usage:
    """One line a request in the file that the test names."""
    with Path(os.environ["ASKED"]).open("a") as out:
        out.write(f"{job.type} {job.node_key} {job.round}\n")
    return Usage(input_tokens=10, output_tokens=2, usd=0.01, seconds=1)


class Planner:
    """Plans one idea."""

    def knows(self, idea: str) -> bool:
        return idea == IDEA

    async def ask(self, job: AgentJob, schema: type[Model]) -> AgentResult:
        return AgentResult(output=AgentOutput(answer=ANSWERS[job.type], notes="of my own"), usage=_note(job))


class Coder:
    """Writes a module and its test; both leaves also sign the same line of the README, and so conflict."""

    def __init__(self) -> None:
        self._results: dict[str, AgentResult] = {}

    def knows(self, idea: str) -> bool:
        return idea == IDEA

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        output = AgentOutput(changeset_summary=f"{job.node_key}, as asked")
        if job.type is AgentType.CODE_REVIEWER:
            output = AgentOutput(answer=ANSWERS[job.type])
        elif job.round.startswith("conflict"):
            _sign(workspace, "Says hello and goodbye.")
        else:
            _write(workspace, job.node_key)
        self._results[key] = AgentResult(output=output, usage=_note(job))
        return AgentRef(id=key)

    async def result(self, ref: AgentRef) -> AgentResult:
        return self._results[ref.id]

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        raise NotImplementedError

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        yield AgentEvent(id="1", text="done")

    async def artifacts(self, ref: AgentRef) -> list[str]:
        return []

    async def usage(self, ref: AgentRef) -> Usage:
        return self._results[ref.id].usage

    async def cancel(self, ref: AgentRef) -> None:
        return


def _write(workspace: Path, word: str) -> None:
    (workspace / "tally" / f"{word}.py").write_text(
        f'"""Say {word}."""\n\n\ndef say() -> str:\n    """The word."""\n    return "{word}"\n'
    )
    (workspace / "tests" / f"test_{word}.py").write_text(
        f'"""{word.title()}."""\n\nimport unittest\n\nfrom tally.{word} import say\n\n\n'
        f"class SayTest(unittest.TestCase):\n    def test_it_says_so(self) -> None:\n"
        f'        self.assertEqual(say(), "{word}")\n'
    )
    if word == "hello":
        (workspace / "docs").mkdir(exist_ok=True)
        (workspace / "docs" / "mark.bin").write_bytes(BINARY)
    _sign(workspace, f"Says {word}.")


def _sign(workspace: Path, line: str) -> None:
    lines = (workspace / "README.md").read_text().splitlines(keepends=True)
    end = next((number for number, each in enumerate(lines) if each.startswith("## ")), len(lines))
    (workspace / "README.md").write_text("# Tally\n\n" + f"{line}\n\n" + "".join(lines[end:]))
