"""The git history of a run's repository, read where it lies: the sandbox's own, or a bare clone made for the moment."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shipline.config import Settings
from shipline.errors import NotFound
from tasks.git import IDENTITY, GitError, Remote, run_git
from tasks.texts import trailers

BASE = "refs/heads/base"
# A root commit of the same files is the same commit wherever it is made.
_NO_TIME = {"GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z"}


class History:
    """A bare repository that nothing is written to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def git(self, *args: str) -> str:
        """Ask git."""
        return await run_git(*args, cwd=self._path)

    async def has(self, commit: str) -> bool:
        """Whether the commit is here."""
        try:
            await self.git("cat-file", "-e", f"{commit}^{{commit}}")
        except GitError:
            return False
        return True

    async def tree(self, commit: str) -> str | None:
        """The tree of a commit; None when the commit is not here."""
        return (await self.git("rev-parse", f"{commit}^{{tree}}")).strip() if await self.has(commit) else None

    async def contains(self, commit: str, other: str) -> bool:
        """Whether ``commit`` is ``other`` or came after it. Both must be here."""
        return not (await self.git("rev-list", "--max-count=1", f"{commit}..{other}")).strip()

    async def changed(self, old: str, new: str) -> dict[str, str]:
        """What differs from one tree to another: by path the mode and blob of now, or ``gone``."""
        raw = (await self.git("diff-tree", "-r", "-z", "--no-renames", old, new)).split("\0")
        found = {}
        for what, path in zip(raw[0::2], raw[1::2], strict=False):
            _, mode, _, blob, letter = what.removeprefix(":").split()
            found[path] = "gone" if letter == "D" else f"{mode} {blob}"
        return found

    async def strangers(self, base: str, head: str, run_id: str) -> list[str]:
        """The commits between two that another than this run made, as git's one-line log has them."""
        mine = trailers(run_id, "", "").splitlines()[0]
        said = await self.git("log", "--format=%h %s%x1f%B%x00", f"{base}..{head}")
        entries = [each.strip().split("\x1f") for each in said.split("\0") if each.strip()]
        return [line for line, message in entries if mine not in message.splitlines()]

    async def bundle(self, commit: str, file: Path) -> None:
        """Write a git bundle of the files of a commit, as one root commit: what is needed to begin there again."""
        tree = await self.tree(commit)
        with tempfile.TemporaryDirectory(prefix="shipline-base-") as folder:
            await run_git("init", "--quiet", "--bare", ".", cwd=Path(folder))
            borrowed = Path(folder) / "objects" / "info" / "alternates"
            borrowed.write_text(f"{(self._path / 'objects').resolve()}\n")
            made = await run_git(
                "commit-tree", str(tree), "-m", f"The files of {commit}", cwd=Path(folder), env={**IDENTITY, **_NO_TIME}
            )
            await run_git("update-ref", BASE, made.strip(), cwd=Path(folder))
            await run_git("bundle", "create", "--quiet", str(file.resolve()), BASE, cwd=Path(folder))


async def push_bundle(bundle: Path, remote: Remote, branch: str) -> str:
    """Make ``branch`` of an empty repository from a bundle that ``History.bundle`` wrote; returns its tree."""
    with tempfile.TemporaryDirectory(prefix="shipline-base-") as folder:
        at = Path(folder)
        await run_git("init", "--quiet", "--bare", ".", cwd=at)
        commit = (await run_git("bundle", "unbundle", str(bundle.resolve()), cwd=at)).split()[0]
        await run_git("push", "--quiet", remote.url, f"{commit}:refs/heads/{branch}", cwd=at, env=remote.environment())
        return (await run_git("rev-parse", f"{commit}^{{tree}}", cwd=at)).strip()


@asynccontextmanager
async def history_of(settings: Settings, repo: str, commit: str) -> AsyncIterator[History]:
    """The history of ``repo`` (``owner/name``) that holds ``commit``: the sandbox's, else what GitHub gives.

    Works with nothing running when the repository is the sandbox's. Raises NotFound when nobody has the commit, and
    what GitHub says.
    """
    here = History(settings.home / "sandbox" / "repos" / f"{repo.lower()}.git")
    if here._path.is_dir() and await here.has(commit):
        yield here
        return
    if settings.github_token is None:
        raise NotFound(
            f"{repo} is not in the sandbox of this machine.", "Set SHIPLINE_GITHUB_TOKEN to read it from GitHub."
        )
    with tempfile.TemporaryDirectory(prefix="shipline-history-") as folder:
        there = History(Path(folder))
        remote = await _remote(settings, repo)
        await run_git("clone", "--quiet", "--bare", remote.url, ".", cwd=Path(folder), env=remote.environment())
        if not await there.has(commit):
            raise NotFound(f"{repo} no longer has the commit {commit[:12]} that the run began with.")
        yield there


async def _remote(settings: Settings, repo: str) -> Remote:
    from tasks.github.client import GitHubHost
    from tasks.github.identity import identity_of
    from tasks.github.repo import Repo

    host = GitHubHost(settings.github_api_url, identity_of(settings))
    try:
        return Remote(str((await Repo(host, repo).about()).clone_url), await host.git_token(repo))
    finally:
        await host.close()
