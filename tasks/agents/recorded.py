"""Recorded agents: both ports, answered from a recording. Nobody thinks; everything around them is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from ledger.models import AgentJob, AgentOutput, AgentResult, Model, Usage
from shipline.errors import AgentError, NoRecording
from tasks.agents.applying import apply_patch, resolve_as_then, write_files
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.agents.recording import PATCH, RecordedAnswer, Recording, find_recording, fingerprint, place
from tasks.git import run_git


class _Recorded:
    def __init__(self, folder: Path, *, strict: bool = False) -> None:
        self._folder = folder
        self._strict = strict

    def knows(self, idea: str) -> bool:
        """Whether there is a recording of this idea."""
        return find_recording(self._folder, idea) is not None

    def _find(self, job: AgentJob) -> tuple[RecordedAnswer, Path, list[str]]:
        found = find_recording(self._folder, job.idea)
        if found is None:
            raise NoRecording("No recording matches this idea.", "See `shipline run --help` for agents that think.")
        answer, folder = found.answer(job)
        if folder != found.folder / "answers" / place(job):
            words = (
                f"{job.type.value} repeats for {job.node_key} what it said in round {folder.name.partition('.')[0]}."
            )
            return answer, folder, self._warn(words)
        return answer, folder, self._compare(job, answer, found)

    def _compare(self, job: AgentJob, answer: RecordedAnswer, recording: Recording) -> list[str]:
        asked = fingerprint(job)
        if answer.request in (None, asked):
            return []
        return self._warn(
            f"{job.type.value} was asked something else for {job.node_key} than when {recording.header.name!r} "
            f"was recorded ({asked}, then {answer.request})."
        )

    def _warn(self, words: str) -> list[str]:
        if self._strict:
            raise AgentError(words, "Record it again, or replay without --strict.")
        return [words]


class RecordedPlanner(_Recorded):
    """The planning port, replayed."""

    async def ask(self, job: AgentJob, schema: type[Model]) -> AgentResult:  # noqa: ARG002 (the caller parses)
        """The recorded answer to ``job``."""
        answer, _, warnings = await asyncio.to_thread(self._find, job)
        if answer.answer is None:
            raise NoRecording(f"The recorded answer of {job.type.value} for {job.node_key} holds no `answer`.")
        return AgentResult(
            output=AgentOutput(changeset_summary=answer.summary, notes=answer.notes, answer=answer.answer),
            usage=answer.usage,
            replayed=True,
            warnings=warnings,
        )


class RecordedCoder(_Recorded):
    """The coding port, replayed: a patch is applied, or files written and edits made, as the agent once did."""

    def __init__(self, folder: Path, *, strict: bool = False) -> None:
        super().__init__(folder, strict=strict)
        self._results: dict[str, AgentResult] = {}

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        """Replay the change into ``workspace`` at once."""
        answer, folder, warnings = await asyncio.to_thread(self._find, job)
        other_files = await self._compare_files(job, answer, workspace)
        if (folder / PATCH).is_file():
            in_part = bool(other_files) and answer.merged_tree is not None
            await (resolve_as_then if in_part else apply_patch)(folder / PATCH, workspace)
        else:
            await asyncio.to_thread(write_files, answer, folder, workspace)
        self._results[key] = AgentResult(
            output=AgentOutput(changeset_summary=answer.summary, notes=answer.notes, answer=answer.answer),
            usage=answer.usage,
            replayed=True,
            warnings=warnings + other_files,
        )
        return AgentRef(id=key)

    async def _compare_files(self, job: AgentJob, answer: RecordedAnswer, workspace: Path) -> list[str]:
        """A warning for what was checked out (or is being merged) and is not what the change was made on."""
        warnings: list[str] = []
        for ref, then in (("HEAD", answer.base_tree), ("MERGE_HEAD", answer.merged_tree)):
            if then is None:
                continue
            now = (await run_git("rev-parse", f"{ref}^{{tree}}", cwd=workspace)).strip()
            if now != then:
                warnings += self._warn(
                    f"{job.type.value} finds other files for {job.node_key} than when it was recorded "
                    f"({ref}: tree {now[:12]}, then {then[:12]})."
                )
        return warnings

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """A recording cannot be talked to."""
        raise AgentError(
            f"{ref.id} is a recording and cannot be told {text[:40]!r}.", "Configure an agent that thinks."
        )

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """One line: what the change was said to be."""
        if after is None and ref.id in self._results:
            yield AgentEvent(id="1", text=self._results[ref.id].output.changeset_summary)

    async def result(self, ref: AgentRef) -> AgentResult:
        """What ``start`` replayed. A result belongs to the process that started it: after a crash, start again."""
        try:
            return self._results[ref.id]
        except KeyError:
            raise AgentError(
                f"{ref.id} was replayed in another process.", "Start it again; it is a recording."
            ) from None

    async def artifacts(self, ref: AgentRef) -> list[str]:  # noqa: ARG002
        """A recording leaves nothing besides the change."""
        return []

    async def usage(self, ref: AgentRef) -> Usage:
        """What it once cost."""
        return (await self.result(ref)).usage

    async def cancel(self, ref: AgentRef) -> None:
        """Nothing runs."""
