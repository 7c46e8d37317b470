"""Putting a recorded change into a worktree: as a patch, or as the files and edits that a person wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

from shipline.errors import AgentError
from tasks.agents.recording import Edit, RecordedAnswer
from tasks.git import GitError, PatchDoesNotApply, run_git


async def apply_patch(patch: Path, workspace: Path) -> None:
    """The whole change, on the files of HEAD: what a merge in progress has left is taken back first, since a patch that
    resolves a conflict leads from HEAD to the whole result. Raises PatchDoesNotApply.
    """
    await run_git("read-tree", "--reset", "-u", "HEAD", cwd=workspace)
    await _apply(patch, workspace)


async def resolve_as_then(patch: Path, workspace: Path) -> None:
    """Of a patch that resolved a conflict between other files, the part about those that conflict now: the rest of the
    merge stays as it is, or the patch would take back what is new in it. Raises PatchDoesNotApply.
    """
    named = await run_git("diff", "--name-only", "-z", "--diff-filter=U", cwd=workspace)
    paths = [path for path in named.split("\0") if path]
    for path in paths:
        (workspace / path).unlink(missing_ok=True)
    await run_git("reset", "--quiet", "HEAD", "--", *paths, cwd=workspace)
    known = await run_git("ls-files", "-z", "--", *paths, cwd=workspace)
    await run_git(
        "checkout-index", "--index", "--force", "--", *(path for path in known.split("\0") if path), cwd=workspace
    )
    await _apply(patch, workspace, *(f"--include={path}" for path in paths))


async def _apply(patch: Path, workspace: Path, *only: str) -> None:
    try:
        await run_git("apply", "--index", "--binary", *only, str(patch), cwd=workspace)
    except GitError as error:
        raise PatchDoesNotApply(
            f"The recorded change does not fit: {error.message}", "The repository is not the one that was recorded."
        ) from error


def write_files(answer: RecordedAnswer, folder: Path, workspace: Path) -> None:
    """Write the files of an answer, make its edits, and remove what it deletes."""
    files = folder / "files"
    if files.is_dir():
        shutil.copytree(files, workspace, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in answer.edits:
        _edit(edit, workspace)
    for path in answer.delete:
        (workspace / path).unlink(missing_ok=True)


def _edit(edit: Edit, workspace: Path) -> None:
    file = (workspace / edit.path).resolve()
    if not file.is_relative_to(workspace.resolve()):
        raise AgentError(f"The recorded edit of {edit.path} leads out of the repository.")
    text = file.read_text() if file.is_file() else ""
    if text.count(edit.old) != 1:
        raise AgentError(
            f"The recorded edit of {edit.path} does not fit: its anchor stands there {text.count(edit.old)} times.",
            "The repository is not the one that was recorded.",
        )
    file.write_text(text.replace(edit.old, edit.new))
