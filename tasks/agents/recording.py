"""A recording on disk: the answers that agents once gave to one idea, found by (idea, role, node key, round)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from ledger.models import AgentJob, AgentType, Model, Size, Usage
from shipline.errors import AgentError, InvalidInput, NoRecording
from shipline.ids import digest

PLANNERS = frozenset(
    {
        AgentType.SPEC_WRITER,
        AgentType.ROADMAP_DECOMPOSER,
        AgentType.ACCEPTANCE_CRITERIA_AUTHOR,
        AgentType.ISSUE_PLANNER,
        AgentType.QA_TESTER,
        AgentType.SECURITY_AUDITOR,
        AgentType.RELEASE_MANAGER,
    }
)


class Edit(Model):
    """One replacement in one file; ``old`` stands there exactly once."""

    path: str
    old: str
    new: str


class RecordedAnswer(Model):
    """One ``answer.yaml``. ``request`` is the digest of the request it answered, where that was recorded."""

    request: str | None = None
    usage: Usage = Field(default_factory=Usage)
    summary: str = ""
    notes: str = ""
    answer: dict[str, Any] | None = None
    edits: list[Edit] = Field(default_factory=list)
    delete: list[str] = Field(default_factory=list)


class Header(Model):
    """``recording.yaml``."""

    name: str
    idea: str
    repository: str
    about: str = ""


@dataclass(frozen=True)
class Recording:
    """One recording: its header and its folder."""

    header: Header
    folder: Path

    def answer(self, job: AgentJob) -> tuple[RecordedAnswer, Path]:
        """The answer to ``job`` and the folder it lies in; NoRecording when there is none."""
        folder = self.folder / "answers" / place(job)
        file = folder / "answer.yaml"
        if not file.is_file():
            raise NoRecording(
                f"The recording {self.header.name!r} has no answer of {job.type.value} for {job.node_key}, "
                f"round {job.round}.",
                "Recorded agents only repeat what was said once; configure agents that think to go on.",
            )
        try:
            found = RecordedAnswer.model_validate(yaml.safe_load(file.read_text()))
        except (yaml.YAMLError, ValidationError) as error:
            raise AgentError(f"{file} is not a recorded answer: {error}") from error
        return found, folder


def place(job: AgentJob) -> Path:
    """Where the answer to ``job`` lies, below ``answers/``. Answers about the whole run stand under its size."""
    node = f"plan-{job.size.value}" if job.type in PLANNERS else job.node_key
    return Path(node) / f"{job.round}.{job.type.value}"


def fingerprint(job: AgentJob) -> str:
    """The digest of what was asked, without what changes from run to run (numbers, branches, composed context)."""
    asked = job.input
    return digest(job.type, job.node_key, job.round, asked.objective, *asked.constraints, *asked.context_packs)


def read_recordings(folder: Path) -> list[Recording]:
    """Every recording in a folder, by name."""
    found = []
    for header in sorted(folder.glob("*/recording.yaml")):
        try:
            found.append(Recording(Header.model_validate(yaml.safe_load(header.read_text())), header.parent))
        except (yaml.YAMLError, ValidationError) as error:
            raise InvalidInput(f"{header} is not a recording: {error}") from error
    return found


def find_recording(folder: Path, idea: str) -> Recording | None:
    """The recording of ``idea``; case and white space do not matter."""
    wanted = _normal(idea)
    return next((each for each in read_recordings(folder) if _normal(each.header.idea) == wanted), None)


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


__all__ = ["Header", "RecordedAnswer", "Recording", "Size", "find_recording", "fingerprint", "place", "read_recordings"]
