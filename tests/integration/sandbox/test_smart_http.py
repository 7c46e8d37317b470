"""Real git against the sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.integration.sandbox.support import GitError, Repo, bare, commit_file, git, read, with_token


async def _clone(repo: Repo, folder: Path, *flags: str) -> Path:
    about = await read(repo.rest.repos.async_get(**repo.at))
    await asyncio.to_thread(git, folder, "clone", "--quiet", *flags, with_token(about.clone_url), "work")
    return folder / "work"


async def test_clone_commit_push(repo: Repo, tmp_path: Path) -> None:
    work = await _clone(repo, tmp_path)
    assert (work / "src" / "app.py").is_file()
    assert not (work / ".git" / "shallow").exists()
    assert git(work, "branch", "--show-current") == "main"
    git(work, "switch", "--quiet", "--create", "task/1-a")
    sha = commit_file(work, "new.txt", "new\n")
    await asyncio.to_thread(git, work, "push", "--quiet", "origin", "task/1-a")
    assert await repo.head("task/1-a") == sha
    made = await repo.open_pull("task/1-a")
    newer = commit_file(work, "newer.txt", "newer\n")
    await asyncio.to_thread(git, work, "push", "--quiet", "origin", "task/1-a")
    assert (await repo.get_pull(made.number)).head.sha == newer
    await repo.rest.pulls.async_merge(**repo.at, pull_number=made.number)
    await asyncio.to_thread(git, work, "fetch", "--quiet", "origin", "main", f"refs/pull/{made.number}/head")
    assert git(work, "rev-parse", "origin/main") == await repo.head()


async def test_a_big_push_is_compressed_and_read(repo: Repo, tmp_path: Path) -> None:
    work = await _clone(repo, tmp_path)
    for number in range(60):
        git(work, "branch", f"many/{number}-{'x' * 40}")
    commit_file(work, "big.txt", "".join(f"{n} {n * n}\n" for n in range(200_000)))
    await asyncio.to_thread(git, work, "push", "--quiet", "--all", "origin")
    assert await repo.head() == git(work, "rev-parse", "main")
    again = tmp_path / "again"
    again.mkdir()
    await _clone(repo, again, "--depth=1")


async def test_refused_pushes(repo: Repo, tmp_path: Path) -> None:
    work = await _clone(repo, tmp_path)
    await repo.put("main", "theirs.txt", "theirs\n")
    commit_file(work, "ours.txt", "ours\n")
    with pytest.raises(GitError, match=r"rejected|non-fast-forward"):
        await asyncio.to_thread(git, work, "push", "--quiet", "origin", "main")
    with pytest.raises(GitError, match="refusing to delete"):
        await asyncio.to_thread(git, work, "push", "--quiet", "origin", ":main")
    with pytest.raises(GitError, match="hidden ref"):
        await asyncio.to_thread(git, work, "push", "--quiet", "origin", "main:refs/pull/1/head")


async def test_no_entrance_without_the_token(repo: Repo, tmp_path: Path) -> None:
    path = f"/operator/{repo.name}.git/info/refs?service=git-upload-pack"
    answer = await bare(repo.url, "GET", path, token=None)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="GitHub"')
    assert (await bare(repo.url, "GET", path)).status_code == 200
    url = f"{repo.url}/operator/{repo.name}.git"
    with pytest.raises(GitError, match="Authentication failed"):
        await asyncio.to_thread(git, tmp_path, "clone", "--quiet", with_token(url, "wrong"), "work")
    with pytest.raises(GitError, match="not found"):
        await asyncio.to_thread(
            git, tmp_path, "clone", "--quiet", with_token(f"{repo.url}/operator/absent.git"), "work"
        )
