"""A recording on disk: the answers that agents once gave to one idea, found by (idea, role, node key, round).

One that ``shipline record`` wrote also holds where the run began, in which order its branches were made and merged, and
what it ended in; one that a person wrote needs only the answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from ledger.models import AgentJob, AgentType, Model, Move, Size, Usage
from shipline.errors import AgentError, InvalidInput, NoRecording, NotFound
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


HEADER, ANSWER, PATCH = "recording.yaml", "answer.yaml", "change.patch"
_NUMBER = re.compile(r"#\d+\b")  # of an issue or a pull request


class Edit(Model):
    """One replacement in one file; ``old`` stands there exactly once."""

    path: str
    old: str
    new: str


class RecordedAnswer(Model):
    """One ``answer.yaml``. ``request`` is the digest of the request it answered, where that was recorded.

    ``base_tree`` (and ``merged_tree``, for a conflict that was resolved) are the trees that the change was made on.
    """

    request: str | None = None
    usage: Usage = Field(default_factory=Usage)
    summary: str = ""
    notes: str = ""
    answer: dict[str, Any] | None = None
    base_tree: str | None = None
    merged_tree: str | None = None
    edits: list[Edit] = Field(default_factory=list)
    delete: list[str] = Field(default_factory=list)


class Base(Model):
    """The files that the run began with. ``bundle`` names the git bundle beside the header, when they are kept."""

    commit: str
    tree: str
    bundle: str | None = None


class Rules(Model):
    """The settings of the run's project that decide what passes; see ``UserSettings``."""

    coverage_percent: float
    max_rounds: int


class Header(Model):
    """``recording.yaml``. What comes after ``about`` is there when a run was recorded; ``missing`` says what is not."""

    name: str
    idea: str
    repository: str
    about: str = ""
    of_run: str | None = None
    size: Size | None = None
    dry_run: bool = False
    base: Base | None = None
    rules: Rules | None = None
    version: str | None = None
    release_day: str | None = None
    spec_path: str | None = None
    moves: list[Move] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """One recording: its header and its folder."""

    header: Header
    folder: Path

    def answer(self, job: AgentJob) -> tuple[RecordedAnswer, Path]:
        """The answer to ``job`` and the folder it lies in; NoRecording when there is none.

        A person's retry asks in a round that nobody recorded: then it is the answer of the latest round before it.
        """
        folder = next((each for each in self._places(job) if (each / ANSWER).is_file()), None)
        file = folder / ANSWER if folder else None
        if folder is None or file is None:
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

    def _places(self, job: AgentJob) -> list[Path]:
        rounds = [str(number) for number in range(int(job.round), 0, -1)] if job.round.isdecimal() else [job.round]
        return [self.folder / "answers" / place(job.model_copy(update={"round": each})) for each in rounds]


def place(job: AgentJob) -> Path:
    """Where the answer to ``job`` lies, below ``answers/``. Answers about the whole run stand under its size."""
    node = f"plan-{job.size.value}" if job.type in PLANNERS else job.node_key
    return Path(node) / f"{job.round}.{job.type.value}"


def fingerprint(job: AgentJob) -> str:
    """The digest of what was asked, without what changes from run to run (numbers, branches, composed context)."""
    asked = job.input
    objective = _NUMBER.sub("#", asked.objective)
    return digest(job.type, job.node_key, job.round, objective, *asked.constraints, *asked.context_packs)


def read_recordings(folder: Path) -> list[Recording]:
    """Every recording in a folder, by name."""
    return [read_recording(header.parent) for header in sorted(folder.glob(f"*/{HEADER}"))]


def read_recording(folder: Path) -> Recording:
    """The recording in this very folder; NotFound or InvalidInput when there is none that can be read."""
    file = folder / HEADER
    if not file.is_file():
        raise NotFound(f"{folder} holds no {HEADER}.", "`shipline record RUN` makes a recording.")
    try:
        return Recording(Header.model_validate(yaml.safe_load(file.read_text())), folder)
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidInput(f"{file} is not a recording: {error}") from error


def find_recording(folder: Path, idea: str) -> Recording | None:
    """The recording of ``idea``; case and white space do not matter."""
    wanted = _normal(idea)
    return next((each for each in read_recordings(folder) if _normal(each.header.idea) == wanted), None)


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


class _Readable(yaml.SafeDumper):
    """Text of several lines as a block, so that a person can read and change it."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _block)


def as_yaml(model: Model) -> str:
    """A model as YAML, without what is as it is by default."""
    values: dict[str, Any] = model.model_dump(mode="json", exclude_defaults=True)
    return str(yaml.dump(values, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=100))
