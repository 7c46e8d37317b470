"""Agents that answer at once, and stand-ins for git and QA, for measuring what is between them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from ledger.models import AgentJob, AgentOutput, AgentResult, AgentType, CheckReport, Usage, Verdict
from tasks.agents.ports import AgentEvent, AgentRef
from tasks.git import Remote
from tasks.quality import TargetEnvironment

STUBBED = (
    "agents answer at once; git: no clones, no guards, a leaf's commit is made through REST instead of a push; "
    "QA: every check passes at once. The sandbox's REST and GraphQL, the ledger and Prefect are real"
)


class InstantCoder:
    """The coding port: everything is done, every review approves."""

    def knows(self, idea: str) -> bool:  # noqa: ARG002
        """Any idea will do."""
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:  # noqa: ARG002
        """Nothing to begin; the reference says which kind of answer is wanted."""
        return AgentRef(id=job.type)

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """It never has anything to add."""

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:  # noqa: ARG002
        """It says nothing."""
        nothing: tuple[AgentEvent, ...] = ()
        for event in nothing:
            yield event

    async def result(self, ref: AgentRef) -> AgentResult:
        """Approved, or done."""
        answer = {"verdict": "approve", "summary": "Fine."} if ref.id == AgentType.CODE_REVIEWER else None
        return AgentResult(output=AgentOutput(changeset_summary="Wrote the note.", answer=answer), replayed=True)

    async def artifacts(self, ref: AgentRef) -> list[str]:  # noqa: ARG002
        """None."""
        return []

    async def usage(self, ref: AgentRef) -> Usage:  # noqa: ARG002
        """Nothing was used."""
        return Usage()

    async def cancel(self, ref: AgentRef) -> None:
        """Nothing runs."""


class RestClone:
    """What the steps need of a clone, without one: commits are made by the git data API, one file each."""

    def __init__(self, remote: Remote, ref: str, path: Path) -> None:
        self.path = path
        self._ref = ref
        api, _, name = remote.url.removesuffix(".git").rpartition("/")
        api, _, owner = api.rpartition("/")
        self._base = f"{api}/repos/{owner}/{name}"
        self._headers = {"Authorization": f"Bearer {remote.token}"}

    async def head(self) -> str:
        """The commit of the ref."""
        found = await self._ask("GET", f"/commits/{self._ref}")
        return str(found["sha"])

    async def patch(self) -> str:
        """Any change will do, so long as it differs from others."""
        return f"a change in {self.path.name}"

    async def commit(self, patch: str, message: str, also_parent: str | None = None) -> str:  # noqa: ARG002
        """A commit on the ref with one more file."""
        tip = await self._ask("GET", f"/git/commits/{self._ref}")
        entry = {"path": f"notes/{self.path.name}.txt", "mode": "100644", "type": "blob", "content": patch}
        tree = await self._ask("POST", "/git/trees", {"base_tree": tip["tree"]["sha"], "tree": [entry]})
        body = {"message": message, "tree": tree["sha"], "parents": [self._ref]}
        return str((await self._ask("POST", "/git/commits", body))["sha"])

    async def push(self, commit: str, branch: str) -> None:
        """Move the branch."""
        await self._ask("PATCH", f"/git/refs/heads/{branch}", {"sha": commit})

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await _client().request(method, self._base + path, json=body, headers=self._headers)
        answer.raise_for_status()
        return dict(answer.json())


_clients: list[httpx.AsyncClient] = []


def _client() -> httpx.AsyncClient:
    return _clients[-1]


async def rest_clone(remote: Remote, ref: str, folder: Path) -> RestClone:
    """In place of ``tasks.git.clone``."""
    return RestClone(remote, ref, folder)


@contextlib.asynccontextmanager
async def git_and_qa_stubbed() -> AsyncIterator[None]:
    """While this lasts, steps clone nothing, push through REST, and every check passes."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        _clients.append(client)
        try:
            with _patched():
                yield
        finally:
            _clients.remove(client)


@contextlib.contextmanager
def _patched() -> Iterator[None]:
    async def environment(*_: object) -> TargetEnvironment:
        return TargetEnvironment(Path(shutil.which("python3") or "python3"))

    async def passes(*_: object) -> list[CheckReport]:
        return [CheckReport(check="tests", verdict=Verdict.PASSED, summary="stubbed")]

    async def guarded(*_: object) -> None:
        return None

    replaced: dict[str, Any] = {
        "tasks.implementing.clone": rest_clone,
        "tasks.pulls.clone": rest_clone,
        "tasks.checks.clone": rest_clone,
        "tasks.implementing._guard": guarded,
        "tasks.checks.target_environment": environment,
        "tasks.checks._change_suite": passes,
    }
    with contextlib.ExitStack() as all_of_them:
        for name, stub in replaced.items():
            all_of_them.enter_context(patch(name, stub))
        yield
