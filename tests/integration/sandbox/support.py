"""The sandbox as a process, a client that reads its answers with GitHub's own models, and git."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from githubkit import GitHub
from githubkit.exception import RequestFailed

ROOT = Path(__file__).parents[3]
TOKEN, REVIEWER = "sandbox-token", "reviewer-token"
FAULTS = "/_sandbox/faults"
VERSION = {"X-GitHub-Api-Version": "2026-03-10"}


class Server:
    """A running sandbox."""

    def __init__(self, data: Path, seed: Path, *more: str, port: int = 0) -> None:
        words = ["--data", str(data), "--port", str(port), "--token", TOKEN, "--user", f"reviewer={REVIEWER}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *words, "--seed", f"demo/tally={seed}", *more],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://127.0.0.1:"):
            raise RuntimeError(f"the sandbox did not start: {line!r} {self.stop()}")
        self.url = line.removeprefix("listening on ").strip()
        self.port = int(self.url.rpartition(":")[2])

    def stop(self) -> str:
        """End it kindly and return what it said on standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=10)[1]


@dataclass
class Repo:
    """One repository of the sandbox, as its owner sees it. ``rest`` is githubkit's, parsed by ``read``."""

    client: GitHub[Any]
    url: str
    name: str
    owner: str = "operator"

    @property
    def rest(self) -> Any:
        """githubkit builds its methods at run time; nothing of them could be checked."""
        return self.client.rest

    @property
    def at(self) -> dict[str, str]:
        """Where, in the words of every method."""
        return {"owner": self.owner, "repo": self.name}

    @property
    def api(self) -> str:
        """The path of the repository in the REST API."""
        return f"/repos/{self.owner}/{self.name}"

    async def head(self, branch: str = "main") -> str:
        """The commit of a branch."""
        found = await read(self.rest.git.async_get_ref(**self.at, ref=f"heads/{branch}"))
        return str(found.object_.sha)

    async def branch(self, name: str, start: str = "main") -> str:
        """A new branch."""
        sha = await self.head(start)
        await self.rest.git.async_create_ref(**self.at, ref=f"refs/heads/{name}", sha=sha)
        return sha

    async def put(self, branch: str, path: str, text: str, sha: str | None = None) -> str:
        """Write a file on a branch and return the commit."""
        body = {"message": f"Write {path}", "content": base64.b64encode(text.encode()).decode(), "branch": branch}
        body |= {"sha": sha} if sha else {}
        made = await read(self.rest.repos.async_create_or_update_file_contents(**self.at, path=path, data=body))
        return str(made.commit.sha)

    async def pull(self, head: str, base: str = "main", text: str = "text\n", **more: Any) -> Any:
        """A pull request from a new branch with one new file."""
        await self.branch(head, base)
        await self.put(head, f"{head}.txt", text)
        return await self.open_pull(head, base, **more)

    async def open_pull(self, head: str, base: str = "main", **more: Any) -> Any:
        """A pull request from a branch that is there."""
        data = {"title": f"Bring {head}", "head": head, "base": base, "body": "Why.", **more}
        return await read(self.rest.pulls.async_create(**self.at, data=data))

    async def get_pull(self, number: int) -> Any:
        """A pull request as it stands."""
        return await read(self.rest.pulls.async_get(**self.at, pull_number=number))

    async def issue(self, title: str = "An issue", **more: Any) -> Any:
        """A new issue."""
        return await read(self.rest.issues.async_create(**self.at, data={"title": title, **more}))

    async def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request without githubkit, to see the bare answer."""
        return await bare(self.url, method, self.api + path, **more)


async def read(call: Awaitable[Any]) -> Any:
    """The answer, parsed by the strict model that githubkit has for it."""
    return (await call).parsed_data


async def refused(call: Awaitable[Any]) -> tuple[int, dict[str, Any]]:
    """The status and body of a call that has to fail."""
    with pytest.raises(RequestFailed) as caught:
        await call
    body = caught.value.response.json()
    assert body["status"] == str(caught.value.response.status_code)
    assert body["documentation_url"].startswith("https://docs.github.com/")
    return caught.value.response.status_code, body


async def bare(url: str, method: str, path: str, token: str | None = TOKEN, **more: Any) -> httpx.Response:
    """One plain HTTP request."""
    headers = VERSION | ({"Authorization": f"Bearer {token}"} if token else {}) | more.pop("headers", {})
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        return await client.request(method, path, headers=headers, **more)


def git(folder: Path, *words: str) -> str:
    """Run git as a person with a clean configuration would."""
    person = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    names = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
             for what, value in (("NAME", "A Person"), ("EMAIL", "person@example.org"))}  # fmt: skip
    done = subprocess.run(
        ["git", *words], cwd=folder, env=os.environ | person | names, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GitError(done.stderr)
    return done.stdout.strip()


class GitError(Exception):
    """Git said no."""


def with_token(url: str, token: str = TOKEN) -> str:
    """A clone URL that holds the token, as a person would write it."""
    return url.replace("http://", f"http://x-access-token:{token}@")


def commit_file(folder: Path, path: str, text: str) -> str:
    """Write and commit a file in a clone."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"Write {path}")
    return git(folder, "rev-parse", "HEAD")


class Switchboard:
    """Sets faults, and says what became of them."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def set(self, fault: str, **more: Any) -> None:
        """One more fault."""
        answer = await bare(self._url, "POST", FAULTS, json={"fault": fault, **more})
        assert answer.status_code == 201, answer.text

    async def fired(self) -> list[int]:
        """How often each rule fired."""
        return [each["fired"] for each in (await bare(self._url, "GET", FAULTS)).json()]

    async def clear(self) -> None:
        """All is well again."""
        assert (await bare(self._url, "DELETE", FAULTS)).status_code == 204
