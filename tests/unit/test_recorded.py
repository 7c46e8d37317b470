"""Recorded agents repeat what was said, and say so when they were asked something else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ledger.models import AgentInput, AgentJob, AgentType, Size, Spec
from shipline.config import Settings
from shipline.errors import AgentError, ConfigError, NoRecording
from tasks.agents.recorded import RecordedCoder, RecordedPlanner
from tasks.agents.recording import find_recording, fingerprint, place
from tasks.agents.registry import coder, planner, require_known

IDEA = "Make it so"


def _job(who: AgentType = AgentType.DEVELOPER_IMPLEMENTER, node: str = "leaf", round_: str = "1") -> AgentJob:
    asked = AgentInput(repo="o/r", objective="Implement: it")
    return AgentJob(type=who, idea=IDEA, size=Size.SMALL, node_key=node, round=round_, input=asked)


def _record(folder: Path, job: AgentJob, **answer: object) -> Path:
    (folder / "demo").mkdir(exist_ok=True)
    header = {"name": "demo", "idea": IDEA, "repository": "o/r"}
    (folder / "demo" / "recording.yaml").write_text(yaml.safe_dump(header))
    where = folder / "demo" / "answers" / place(job)
    where.mkdir(parents=True)
    (where / "answer.yaml").write_text(yaml.safe_dump(answer))
    return where


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "old.py").write_text("a = 1\nb = 2\n")
    return folder


async def test_a_change_is_written_edited_and_deleted(tmp_path: Path, workspace: Path) -> None:
    edits = [{"path": "old.py", "old": "b = 2", "new": "b = 3"}]
    where = _record(tmp_path, _job(), summary="It is so", edits=edits, delete=["gone.py"], usage={"usd": 0.5})
    (where / "files" / "pkg").mkdir(parents=True)
    (where / "files" / "pkg" / "new.py").write_text("new = True\n")
    (workspace / "gone.py").write_text("")

    agent = RecordedCoder(tmp_path)
    result = await agent.result(await agent.start(_job(), "key", workspace))

    assert (workspace / "old.py").read_text() == "a = 1\nb = 3\n"
    assert (workspace / "pkg" / "new.py").read_text() == "new = True\n"
    assert not (workspace / "gone.py").exists()
    assert (result.output.changeset_summary, result.usage.usd, result.replayed) == ("It is so", 0.5, True)


@pytest.mark.parametrize("old", ["c = 9", " = "])
async def test_an_anchor_that_is_not_there_exactly_once_is_refused(tmp_path: Path, workspace: Path, old: str) -> None:
    _record(tmp_path, _job(), edits=[{"path": "old.py", "old": old, "new": "x"}])
    with pytest.raises(AgentError, match=r"stands there [02] times"):
        await RecordedCoder(tmp_path).start(_job(), "key", workspace)


async def test_an_edit_never_leaves_the_repository(tmp_path: Path, workspace: Path) -> None:
    (tmp_path / "secret").write_text("keep")
    _record(tmp_path, _job(), edits=[{"path": "../secret", "old": "keep", "new": "lost"}])
    with pytest.raises(AgentError, match="leads out"):
        await RecordedCoder(tmp_path).start(_job(), "key", workspace)
    assert (tmp_path / "secret").read_text() == "keep"


async def test_a_request_that_changed_warns_and_fails_when_strict(tmp_path: Path, workspace: Path) -> None:
    _record(tmp_path, _job(), request="000000000000")
    agent = RecordedCoder(tmp_path)
    result = await agent.result(await agent.start(_job(), "key", workspace))
    assert "was asked something else" in result.warnings[0]
    with pytest.raises(AgentError, match="was asked something else"):
        await RecordedCoder(tmp_path, strict=True).start(_job(), "key", workspace)


async def test_the_same_request_does_not_warn(tmp_path: Path, workspace: Path) -> None:
    _record(tmp_path, _job(), request=fingerprint(_job()))
    agent = RecordedCoder(tmp_path, strict=True)
    assert (await agent.result(await agent.start(_job(), "key", workspace))).warnings == []


async def test_what_was_never_said_cannot_be_repeated(tmp_path: Path, workspace: Path) -> None:
    _record(tmp_path, _job(round_="2"))
    with pytest.raises(NoRecording, match=r"for leaf, round 1"):
        await RecordedCoder(tmp_path).start(_job(round_="1"), "key", workspace)


async def test_a_round_that_nobody_recorded_repeats_the_latest_before_it(tmp_path: Path, workspace: Path) -> None:
    _record(tmp_path, _job())
    agent = RecordedCoder(tmp_path)
    told = await agent.result(await agent.start(_job(round_="3"), "key", workspace))
    assert told.warnings == ["developer-implementer repeats for leaf what it said in round 1."]
    with pytest.raises(AgentError, match="repeats for leaf"):
        await RecordedCoder(tmp_path, strict=True).start(_job(round_="3"), "key", workspace)


async def test_answers_about_the_run_are_found_by_its_size(tmp_path: Path) -> None:
    job = _job(AgentType.SPEC_WRITER, node="run")
    where = _record(tmp_path, job, answer={"title": "T"})
    assert where.parent.name == "plan-small"
    result = await RecordedPlanner(tmp_path).ask(job, Spec)
    assert result.output.answer == {"title": "T"}


def test_an_idea_is_known_whatever_its_case_and_spaces(tmp_path: Path) -> None:
    _record(tmp_path, _job())
    assert find_recording(tmp_path, "  make IT\n so ") is not None
    assert find_recording(tmp_path, "make it otherwise") is None


def test_an_unknown_idea_is_refused_with_what_to_configure(tmp_path: Path) -> None:
    settings = Settings(recordings=tmp_path)
    with pytest.raises(NoRecording, match=r"SHIPLINE_PLANNER and SHIPLINE_CODER"):
        require_known(settings, "anything")


def test_an_agent_of_ones_own_is_imported_by_its_path(tmp_path: Path) -> None:
    settings = Settings(recordings=tmp_path, planner="tests.unit.test_recorded:YesPlanner")
    assert planner(settings).knows("anything")


@pytest.mark.parametrize(
    ("value", "words"), [("nemotron", "not an agent of this version"), ("no.such:Thing", "cannot be")]
)
def test_an_agent_that_is_not_there_is_named(tmp_path: Path, value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        coder(Settings(recordings=tmp_path, coder=value))


class YesPlanner:
    """Somebody's own agent."""

    def knows(self, idea: str) -> bool:
        return bool(idea)
