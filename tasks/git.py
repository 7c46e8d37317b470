"""Git on this machine: clones to work in, merges to resolve, commits to push. The token never touches the disk."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.lease import still_ours
from shipline.backoff import TRIES, pause
from shipline.errors import OutcomeUnknown, ShiplineError
from shipline.redact import redact_text

IDENTITY = {
    "GIT_AUTHOR_NAME": "Shipline",
    "GIT_AUTHOR_EMAIL": "shipline@users.noreply.github.com",
    "GIT_COMMITTER_NAME": "Shipline",
    "GIT_COMMITTER_EMAIL": "shipline@users.noreply.github.com",
}
# Hooks and a person's own settings must not change what we commit; certificates and proxies must still work.
_QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_CALM = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.file.allow=never"),
    # git has no time limit of its own: a line that carries nothing for a minute is given up.
    *("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"),
)

# What git says when the line or the server failed. A refusal (401, 403, 404, not a fast-forward) says other things.
_LINE = re.compile(
    r"returned error: (?:429|5\d\d)|RPC failed; (?:HTTP (?:429|5\d\d)|curl (?:18|28|52|55|56|92))|early EOF"
    r"|hung up|Connection (?:reset|refused|timed out)|Empty reply from server|Recv failure|Send failure"
    r"|Failed to connect|Could not resolve host|unexpected disconnect|transfer closed",
)


class GitError(ShiplineError):
    """git said no; the message holds its own words."""


class GitUnreachable(GitError):
    """The line to GitHub failed, not the request: it may be tried again, and a push may even have arrived."""


class PatchDoesNotApply(GitError):
    """A stored change does not fit the commit it was made on."""


@dataclass(frozen=True)
class Remote:
    """Where to clone from, and the token that may."""

    url: str
    token: str

    def environment(self) -> dict[str, str]:
        """The credentials as git configuration of one process."""
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }


@dataclass(frozen=True)
class Clone:
    """A clone that belongs to one step of one node."""

    path: Path
    remote: Remote

    async def git(self, *args: str, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run git here without the token: an agent may have been here, and a clone's configuration runs programs."""
        return await run_git(*args, cwd=self.path, stdin=stdin, env=env)

    async def head(self) -> str:
        """The commit that is checked out."""
        return (await self.git("rev-parse", "HEAD")).strip()

    async def merge(self, commit: str) -> list[str]:
        """Start merging ``commit`` without committing; the paths that conflict (none when it is clean)."""
        try:
            await self.git("merge", "--no-commit", "--no-ff", commit, env=IDENTITY)
        except GitError:
            named = await self.git("diff", "--name-only", "--diff-filter=U", "-z")
            conflicts = [each for each in named.split("\0") if each]
            if not conflicts:
                raise
            return conflicts
        return []

    async def stage(self) -> None:
        """Put everything that differs from HEAD, untracked files too, into the index."""
        await self.git("add", "--all")

    async def patch(self) -> str:
        """Everything that differs from HEAD as one binary-safe patch."""
        await self.stage()
        return await self.git("diff", "--cached", "--binary", "--full-index", "HEAD")

    async def commit(self, patch: str, message: str, also_parent: str | None = None) -> str:
        """Commit ``patch`` and what is staged on HEAD (a merge commit with another parent); returns the commit."""
        if patch:
            try:
                await self.git("apply", "--index", "--binary", "-", stdin=patch)
            except GitError as error:
                raise PatchDoesNotApply(f"The stored change no longer applies: {error.message}") from error
        tree = (await self.git("write-tree")).strip()
        parents = ["-p", "HEAD", *(["-p", also_parent] if also_parent else [])]
        told = redact_text(message)  # an agent's words are in it
        made = await self.git("commit-tree", tree, *parents, "-F", "-", stdin=told, env=IDENTITY)
        return made.strip()

    async def push(self, commit: str, branch: str) -> None:
        """Move ``branch`` on GitHub forward to ``commit``; refused when somebody pushed in between.

        Raises OutcomeUnknown when the line failed: GitHub may have taken the commit without our hearing of it.
        """
        still_ours()
        try:
            await self.git("push", "--quiet", "origin", f"{commit}:refs/heads/{branch}", env=self.remote.environment())
        except GitError as error:
            # curl repeats a request by itself, so that even a refusal may only mean that the first one had arrived.
            if await self._stands(branch) == commit:
                return
            if isinstance(error, GitUnreachable):
                raise OutcomeUnknown(f"The push to {branch} was cut off: {error.message}") from error
            raise

    async def _stands(self, branch: str) -> str | None:
        """The commit at which ``branch`` stands on GitHub; None when it cannot be asked."""
        try:
            said = await self.git("ls-remote", "origin", f"refs/heads/{branch}", env=self.remote.environment())
        except GitError:
            return None
        return said.split()[0] if said.strip() else None


async def clone(remote: Remote, ref: str, folder: Path) -> Clone:
    """A fresh clone of ``remote`` at ``ref`` (a branch or a commit); what stood in ``folder`` is removed."""
    made = Clone(folder, remote)
    for attempt in range(1, TRIES + 1):
        try:
            await _fetch(made)
            break
        except GitUnreachable:
            if attempt == TRIES:
                raise
            await asyncio.sleep(pause(attempt))
    at = f"origin/{ref}" if await _is_branch(made, ref) else ref
    await made.git("checkout", "--quiet", "--detach", at)
    return made


async def _fetch(made: Clone) -> None:
    folder, remote = made.path, made.remote
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    await run_git(
        "clone", "--quiet", "--no-checkout", remote.url, str(folder), cwd=folder.parent, env=remote.environment()
    )


async def discard(made: Clone) -> None:
    """Remove a clone that is no longer needed."""
    await asyncio.to_thread(shutil.rmtree, made.path, ignore_errors=True)


async def _is_branch(made: Clone, ref: str) -> bool:
    found = await made.git("for-each-ref", "--format=x", f"refs/remotes/origin/{ref}")
    return bool(found.strip())


async def run_git(*args: str, cwd: Path, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run git and return what it prints; GitError with its own words when it fails."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *_CALM,
        *args,
        cwd=cwd,
        env={**os.environ, **_QUIET, **(env or {})},
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate(stdin.encode() if stdin is not None else None)
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        said = redact_text((err or out).decode(errors="replace").strip())
        kind = GitUnreachable if _LINE.search(said) else GitError
        raise kind(f"git {args[0]} failed: {said or f'exit code {process.returncode}'}")
    return out.decode(errors="surrogateescape")
