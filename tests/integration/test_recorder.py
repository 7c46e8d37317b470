"""Recording a run: from a real ledger and real git into a folder, and back into a worktree."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.models import (
    AgentInput,
    AgentJob,
    AgentOutput,
    AgentResult,
    AgentRun,
    AgentRunStatus,
    AgentType,
    Effect,
    EffectKind,
    EffectStatus,
    Issue,
    IssueStatus,
    IssueType,
    Lease,
    Outcome,
    Replay,
    Run,
    Size,
    Usage,
    issue_id,
    now,
)
from ledger.runs import create_run, end_run, note_run
from ledger.store import Store
from shipline import redact
from shipline.config import Settings
from shipline.errors import ConfigError, InvalidInput
from tasks.agents.ask import compose
from tasks.agents.asked import stamp
from tasks.agents.recorded import RecordedCoder, RecordedPlanner
from tasks.agents.recorder import record
from tasks.agents.recording import fingerprint, read_recording
from tasks.answers import Produced
from tasks.context import Context
from tasks.replaying import recorded_ending
from tasks.texts import trailers

IDEA = "Make it so"
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
WHO = {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
BINARY = bytes(range(256))


def git(at: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=at, env={**os.environ, **QUIET, **WHO}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()  # not as text: a line that ends with CR LF is to stay one


@dataclass
class Ground:
    """A ledger, a home with the sandbox's bare repository in it, and one run of it that did one leaf."""

    store: Store
    settings: Settings
    work: Path
    run: Run
    base: str
    patch: str

    async def record(self, name: str = "mine") -> Path:
        await record(self.store, self.settings, self.run.id, self.settings.home / "out" / name)
        return self.settings.home / "out" / name

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            (self.work / f"{name}.txt").write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", message)
        git(self.work, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/integration")
        return git(self.work, "rev-parse", "HEAD").strip()

    async def effect(self, node: str, kind: str, outcome: dict[str, Any] | None, **values: Any) -> Effect:
        key = f"{self.run.id}/{node}/1/{kind}"
        status = EffectStatus.SUCCEEDED if outcome is not None else EffectStatus.FAILED
        made = Effect(
            id=key, run_id=self.run.id, node_key=node, kind=kind, status=status, outcome=outcome,
            lease=Lease(owner="", until=now()), **values,
        )  # fmt: skip
        await self.store.insert(made)
        return made

    async def answer(self, who: AgentType, node: str, outcome: dict[str, Any] | None, **values: Any) -> AgentJob:
        made = await self.effect(node, f"agent.{who}", outcome, **values)
        asked = AgentInput(repo="o/r", objective=f"Do {node} (#7)")
        about = AgentRun(
            id=made.id, run_id=self.run.id, agent_id=who, project_id=self.run.project_id, node_key=node, round="1",
            input=asked, status=AgentRunStatus.COMPLETED,
        )  # fmt: skip
        await self.store.insert(about)
        return AgentJob(type=who, idea=IDEA, size=Size.SMALL, node_key=node, input=asked)


@pytest.fixture
async def ground(store: Store, tmp_path: Path) -> Ground:
    home = tmp_path / "home"
    bare, work = home / "sandbox" / "repos" / "o" / "r.git", tmp_path / "work"
    bare.mkdir(parents=True)
    work.mkdir()
    git(bare, "init", "--quiet", "--bare")
    git(work, "init", "--quiet", "--initial-branch", "integration")
    git(work, "remote", "add", "origin", str(bare))
    run = await create_run(store, IDEA, "O/R", "main", size=Size.SMALL)
    made = Ground(store, Settings(home=home), work, run, "", "")
    made.base = made.commit("Begin", old="one\ntwo\n", gone="x\n")
    (work / "old.txt").write_text("one\nthree\r\n")
    (work / "gone.txt").unlink()
    (work / "new.bin").write_bytes(BINARY)
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    git(work, "add", "--all")
    made.patch = git(work, "diff", "--cached", "--binary", "--full-index", "HEAD")
    await note_run(store, run.id, {"baseSha": made.base})
    return made


def _produced(ground: Ground, **values: Any) -> dict[str, Any]:
    output = AgentOutput(changeset_summary="It is so", notes="first\nsecond é")
    result = AgentResult(output=output, usage=Usage(input_tokens=3, usd=0.25))
    made = Produced(result=result, base=ground.base, patch=ground.patch)
    return made.model_copy(update=values).model_dump(mode="json")


async def test_a_change_comes_back_whole_from_its_recording(ground: Ground) -> None:
    job = await ground.answer(AgentType.DEVELOPER_IMPLEMENTER, "leaf", _produced(ground))
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    wanted = git(ground.work, "write-tree")
    git(ground.work, "reset", "--quiet", "--hard", ground.base)

    folder = await ground.record()
    agent = RecordedCoder(folder.parent, strict=True)
    result = await agent.result(await agent.start(job, "key", ground.work))

    git(ground.work, "add", "--all")
    assert git(ground.work, "write-tree") == wanted
    assert (ground.work / "new.bin").read_bytes() == BINARY
    assert (result.output.changeset_summary, result.output.notes) == ("It is so", "first\nsecond é")
    assert (result.usage.input_tokens, result.usage.usd, result.replayed, result.warnings) == (3, 0.25, True, [])
    assert yaml.safe_load((folder / "answers/leaf/1.developer-implementer/answer.yaml").read_text())["request"]


async def test_a_planners_answer_comes_back_as_it_was(ground: Ground) -> None:
    answer = {"title": "T", "text": "a\n  b\n\nc  \n", "numbers": [1, 0.5, None, True]}
    outcome = AgentResult(output=AgentOutput(answer=answer)).model_dump(mode="json")
    job = await ground.answer(AgentType.SPEC_WRITER, "run", outcome)
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    folder = await ground.record()
    assert (await RecordedPlanner(folder.parent, strict=True).ask(job, AgentInput)).output.answer == answer


async def test_a_run_that_failed_is_recorded_and_says_what_is_missing(ground: Ground) -> None:
    await ground.answer(AgentType.DEVELOPER_IMPLEMENTER, "leaf", _produced(ground))
    await ground.answer(AgentType.CODE_REVIEWER, "leaf", None, error="AgentError: it went home\nmore")
    await end_run(ground.store, ground.run.id, Outcome.FAILED, error="leaf: it went home")

    folder = await ground.record()
    header = read_recording(folder).header

    assert header.missing == [
        "What comes after IDEA_SUBMITTED, where the run stopped: leaf: it went home",
        "An answer of code-reviewer for leaf: AgentError: it went home",
    ]
    assert (header.idea, header.repository, header.size, header.of_run) == (IDEA, "O/R", Size.SMALL, ground.run.id)
    assert recorded_ending(read_recording(folder)).outcome == "failed"
    assert header.base is not None
    assert header.base.tree == git(ground.work, "rev-parse", f"{ground.base}^{{tree}}").strip()
    # The bundle stands alone: another repository can take it in and has the files.
    other = ground.work.parent / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    commit = git(other, "bundle", "unbundle", str(folder / "base.bundle")).split()[0]
    assert git(other, "rev-parse", f"{commit}^{{tree}}").strip() == header.base.tree


async def test_a_repository_that_is_gone_is_said_and_the_answers_are_kept(ground: Ground) -> None:
    await ground.answer(AgentType.DEVELOPER_IMPLEMENTER, "leaf", _produced(ground))
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    repos = ground.settings.home / "sandbox" / "repos"
    repos.rename(ground.settings.home / "elsewhere")
    folder = await ground.record()
    header = read_recording(folder).header
    assert header.base is None
    assert "O/R is not in the sandbox of this machine" in header.missing[0]
    assert (folder / "answers/leaf/1.developer-implementer/change.patch").read_bytes().decode() == ground.patch


async def test_nothing_is_written_over_and_nothing_half_written_is_left(ground: Ground) -> None:
    with pytest.raises(InvalidInput, match="has not ended"):
        await ground.record()
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    folder = await ground.record()
    before = (folder / "recording.yaml").read_text()
    with pytest.raises(InvalidInput, match="exists already"):
        await ground.record()
    assert (folder / "recording.yaml").read_text() == before
    for bad in ("../out", ".hidden", "a b"):
        with pytest.raises(InvalidInput):
            await ground.record(bad)
    # An answer that cannot be read stops the recorder half-way.
    await ground.answer(AgentType.DEVELOPER_IMPLEMENTER, "leaf", {"not": "an answer"})
    with pytest.raises(ValueError, match="Produced"):
        await ground.record("second")
    assert [each.name for each in folder.parent.iterdir()] == ["mine"]
    (ground.settings.home / "a-file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        await record(ground.store, ground.settings, ground.run.id, ground.settings.home / "a-file" / "mine")


async def test_no_secret_is_written(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first is masked by the ledger, the second became known as a secret only later.
    patch = ground.patch + f"\n+token ghp_{'a' * 36}\n+hunter2hunter2\n"
    await ground.answer(AgentType.DEVELOPER_IMPLEMENTER, "leaf", _produced(ground, patch=patch))
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    monkeypatch.setattr(redact, "_known", {"hunter2hunter2"})
    folder = await ground.record()
    written = "".join(each.read_text() for each in folder.rglob("*") if each.suffix in (".patch", ".yaml"))
    assert "hunter2" not in written
    assert "ghp_" not in written
    assert "A secret in answers/leaf/1.developer-implementer/change.patch" in read_recording(folder).header.missing[0]


async def test_commits_of_others_are_counted(ground: Ground) -> None:
    git(ground.work, "reset", "--quiet", "--hard", ground.base)
    ground.commit(f"Ours\n\n{trailers(ground.run.id, 'leaf', '1')}\n", mine="1")
    ground.commit("Theirs", other="1")
    head = ground.commit(f"Release\n\n{trailers(ground.run.id, 'run', 'release')}\n", version="1")
    release = {"version": "0.2.0", "tag": "v0.2.0", "sha": head, "url": "u", "auditSeq": 1, "auditHash": "h"}
    await note_run(ground.store, ground.run.id, {"release": release})
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    folder = await ground.record()
    header = read_recording(folder).header
    assert header.version == "0.2.0"
    assert [line for line in header.missing if "1 commit(s)" in line and "Theirs" in line]
    assert [line for line in header.missing if "The day that the changelog names" in line]
    released = recorded_ending(read_recording(folder)).released
    assert released is not None
    assert set(released.changed) == {"mine.txt", "other.txt", "version.txt"}


async def test_git_decides_what_a_branch_was_made_with(ground: Ground) -> None:
    """By the clock `b` was made after `a` had merged; but the commit that it was made from does not have it."""
    moment = now()
    git(ground.work, "reset", "--quiet", "--hard", ground.base)
    merged = ground.commit("Merge a", a="1")
    shared: dict[str, Any] = {"run_id": ground.run.id, "project_id": ground.run.project_id, "repo": "O/R", "title": "T"}
    for key, parent, branch in (("epic", None, "epic/1-t"), ("a", "epic", "task/2-t"), ("b", "epic", "task/3-t")):
        fields: dict[str, Any] = {
            "branch": branch,
            "base": "epic/1-t" if parent else "integration",
            "status": IssueStatus.DONE,
        }
        kind = IssueType.TASK if parent else IssueType.EPIC
        made = Issue(id=issue_id(ground.run.id, key), key=key, parent=parent, type=kind, **shared, **fields)
        await ground.store.insert(made)
    done = [("a", EffectKind.BRANCH_CREATE, ground.base), ("a", EffectKind.PULL_MERGE, merged)]
    for number, (node, what, sha) in enumerate([*done, ("b", EffectKind.BRANCH_CREATE, ground.base)]):
        at = moment + timedelta(seconds=number)
        await ground.effect(node, what, {"sha": sha}, created_at=at, updated_at=at)
    await end_run(ground.store, ground.run.id, Outcome.CANCELLED)
    moves = read_recording(await ground.record()).header.moves
    assert [(move.do, move.node) for move in moves] == [("branch", "a"), ("branch", "b"), ("merge", "a")]
    assert {move.onto for move in moves} == {"epic"}


async def test_answers_written_by_hand_are_stamped_in_place(ground: Ground, tmp_path: Path) -> None:
    job = await ground.answer(AgentType.DEVELOPER_IMPLEMENTER, "leaf", _produced(ground))
    place = tmp_path / "hand" / "answers" / "leaf" / "1.developer-implementer"
    place.mkdir(parents=True)
    header = {"name": "hand", "idea": IDEA, "repository": "o/r"}
    (tmp_path / "hand" / "recording.yaml").write_text(yaml.safe_dump(header))
    (place / "answer.yaml").write_text("# by hand\nsummary: >-\n  It is\n  so\n")
    for _ in range(2):
        assert await stamp(ground.store, ground.run.id, tmp_path / "hand") == ["leaf/1.developer-implementer"]
    said = (place / "answer.yaml").read_text()
    assert said == f"request: {fingerprint(job)}\n# by hand\nsummary: >-\n  It is\n  so\n"
    # A number that changes from run to run is no other request, other words are.
    assert fingerprint(job) == fingerprint(_asked(job, "Do leaf (#12)"))
    assert fingerprint(job) != fingerprint(_asked(job, "Do more (#7)"))


def _asked(job: AgentJob, objective: str) -> AgentJob:
    return job.model_copy(update={"input": job.input.model_copy(update={"objective": objective})})


async def test_a_replay_never_asks_an_agent_that_thinks(ground: Ground) -> None:
    replay = Replay(recording="mine").model_dump(by_alias=True)
    run = await note_run(ground.store, ground.run.id, {"replay": replay})
    for settings in (Settings(planner="my:Planner"), Settings(coder="my:Coder")):
        ctx = Context(settings, ground.store, None, None)  # type: ignore[arg-type]  # GitHub and tests are not needed
        with pytest.raises(ConfigError, match="repeats the recording 'mine'"):
            await compose(ctx, run, AgentType.SPEC_WRITER, "Write")
