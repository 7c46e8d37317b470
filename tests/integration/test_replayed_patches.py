"""A recorded change put into a real worktree: on the files it was made on, and on others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from ledger.models import AgentInput, AgentJob, AgentType, Size
from shipline.errors import AgentError
from tasks.agents.recorded import RecordedCoder
from tasks.agents.recording import place
from tasks.git import PatchDoesNotApply

JOB = AgentJob(
    type=AgentType.DEVELOPER_IMPLEMENTER, idea="Make it so", size=Size.SMALL, node_key="leaf",
    input=AgentInput(repo="o/r", objective="Do it"),
)  # fmt: skip
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
WHO = {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(at: Path, *args: str, fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        ["git", *args], cwd=at, env={**os.environ, **QUIET, **WHO}, capture_output=True, text=True, check=False
    )
    assert done.returncode in fine, done.stdout + done.stderr
    return done.stdout.strip()


def commit(repo: Path, **files: str | None) -> str:
    for name, text in files.items():
        (repo / name).unlink(missing_ok=True) if text is None else (repo / name).write_text(text)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "x")
    return git(repo, "rev-parse", "HEAD")


def tree(repo: Path, commit: str = "HEAD") -> str:
    return git(repo, "rev-parse", f"{commit}^{{tree}}")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """`mine` and `theirs` have both changed `both`; `theirs` also brings a file of its own."""
    made = tmp_path / "repo"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch", "base")
    commit(made, both="one\n", calm="calm\n")
    for branch, files in (("mine", {"both": "mine\n"}), ("theirs", {"both": "theirs\n", "new": "new\n"})):
        git(made, "switch", "--quiet", "-c", branch, "base")
        commit(made, **files)
    git(made, "switch", "--quiet", "mine")
    return made


def record(folder: Path, patch: str, **answer: str) -> Path:
    """A recording of one change."""
    where = folder / "demo" / "answers" / place(JOB)
    where.mkdir(parents=True)
    header = {"name": "demo", "idea": JOB.idea, "repository": "o/r"}
    (folder / "demo" / "recording.yaml").write_text(yaml.safe_dump(header))
    (where / "answer.yaml").write_text(yaml.safe_dump({"summary": "so", **answer}))
    (where / "change.patch").write_text(patch)
    return folder


def resolution(repo: Path, folder: Path) -> Path:
    """`theirs` merged into `mine` and resolved by a third word, recorded as a patch on `mine`."""
    git(repo, "merge", "--no-commit", "--no-ff", "theirs", fine=(1,))
    (repo / "both").write_text("ours\n")
    git(repo, "add", "--all")
    patch = git(repo, "diff", "--cached", "--binary", "--full-index", "HEAD") + "\n"
    git(repo, "reset", "--quiet", "--hard")
    return record(folder, patch, base_tree=tree(repo), merged_tree=tree(repo, "theirs"))


async def merge_again(repo: Path, folder: Path, *, strict: bool = False) -> list[str]:
    git(repo, "merge", "--no-commit", "--no-ff", "theirs", fine=(1,))
    agent = RecordedCoder(folder, strict=strict)
    result = await agent.result(await agent.start(JOB, "key", repo))
    git(repo, "add", "--all")
    return result.warnings


def files(repo: Path) -> dict[str, str]:
    return {name: (repo / name).read_text() for name in git(repo, "ls-files").split()}


async def test_a_conflict_is_resolved_as_it_was(repo: Path, tmp_path: Path) -> None:
    folder = resolution(repo, tmp_path / "recordings")
    assert await merge_again(repo, folder, strict=True) == []
    assert files(repo) == {"both": "ours\n", "calm": "calm\n", "new": "new\n"}


async def test_on_other_files_only_the_conflict_is_taken_and_it_warns(repo: Path, tmp_path: Path) -> None:
    folder = resolution(repo, tmp_path / "recordings")
    git(repo, "switch", "--quiet", "theirs")
    commit(repo, new="newer\n", more="more\n")
    git(repo, "switch", "--quiet", "mine")
    [warning] = await merge_again(repo, folder)
    assert "finds other files for leaf" in warning
    assert "MERGE_HEAD" in warning
    assert files(repo) == {"both": "ours\n", "calm": "calm\n", "new": "newer\n", "more": "more\n"}
    git(repo, "reset", "--quiet", "--hard")
    with pytest.raises(AgentError, match="finds other files for leaf"):
        await merge_again(repo, folder, strict=True)


async def test_a_conflict_about_a_file_that_one_side_removed_is_resolved_too(repo: Path, tmp_path: Path) -> None:
    git(repo, "switch", "--quiet", "mine")
    commit(repo, both=None)
    folder = resolution(repo, tmp_path / "recordings")
    git(repo, "switch", "--quiet", "theirs")
    commit(repo, new="newer\n")
    git(repo, "switch", "--quiet", "mine")
    assert await merge_again(repo, folder)
    assert files(repo) == {"both": "ours\n", "calm": "calm\n", "new": "newer\n"}


async def test_a_change_that_does_not_fit_is_said_in_a_sentence(repo: Path, tmp_path: Path) -> None:
    patch = "--- a/both\n+++ b/both\n@@ -1 +1 @@\n-nobody wrote this\n+x\n"
    folder = record(tmp_path / "recordings", patch)
    with pytest.raises(PatchDoesNotApply, match="does not fit"):
        await RecordedCoder(folder).start(JOB, "key", repo)
    assert files(repo)["both"] == "mine\n"


async def test_a_patch_never_leaves_the_worktree(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("keep\n")
    patch = "--- a/../keep\n+++ b/../keep\n@@ -1 +1 @@\n-keep\n+lost\n"
    folder = record(tmp_path / "recordings", patch)
    with pytest.raises(PatchDoesNotApply):
        await RecordedCoder(folder).start(JOB, "key", repo)
    assert (tmp_path / "keep").read_text() == "keep\n"
