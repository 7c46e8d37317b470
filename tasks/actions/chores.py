"""Steps that are done on GitHub itself, with the token of the workflow: each may be asked for again, and does it once.

A run of ours does these in its worker, where the ledger makes them exactly-once. Here they are for people and for
workflows of their own (``POST /github/dispatch``); what changes on GitHub comes back to the ledger by webhooks.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import Field, ValidationError

from gha.messages import StepKind, Ticket
from ledger.models import Model
from shipline.errors import ConfigError, InvalidInput, ShiplineError, first_problem
from tasks.confine import run_confined
from tasks.github.client import GitHubHost
from tasks.github.identity import TokenIdentity
from tasks.github.repo import Repo
from tasks.github.required import required_checks, seen_checks
from tasks.quality.reports import tail
from tasks.texts import marker

DEPLOY = ".github/shipline/deploy.sh"  # the repository's own; it gets ENVIRONMENT and SHIPLINE_OIDC_TOKEN
DEPLOY_SECONDS = 3000.0


class Wanted(Model):
    """An issue as the plan has it."""

    number: int = Field(gt=0)
    title: str | None = None
    labels: list[str] = Field(default_factory=list)
    closed: bool | None = None


class Sync(Model):
    """``issues.sync``."""

    issues: list[Wanted]


class Branch(Model):
    """``branch.manage``: ``branch`` is made at ``start`` where it is missing; ``pull`` gets the base ``base``."""

    branch: str = Field(min_length=1)
    start: str | None = None
    pull: int | None = None
    base: str | None = None


class Defect(Model):
    """``qa.defect.file``: filed once for each ``fingerprint``, below the issue ``parent``."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field(max_length=50_000)
    fingerprint: str = Field(pattern=r"^[A-Za-z0-9._-]{4,64}$")
    parent: int | None = None


class Gate(Model):
    """``merge.gate``: ``head`` is the commit that was tested, ``issue`` the one whose sub-issues must be closed."""

    pull: int = Field(gt=0)
    head: str = Field(pattern=r"^[0-9a-f]{40}$")
    issue: int | None = None


class Retention(Model):
    """``artifacts.retention``."""

    days: float = Field(default=14, ge=1)


async def do_chore(ticket: Ticket, workspace: Path) -> dict[str, Any]:
    """Do it with ``GITHUB_TOKEN`` on ``GITHUB_REPOSITORY``; what came of it. ShiplineError says what is in the way."""
    name, token = os.environ.get("GITHUB_REPOSITORY", ""), os.environ.get("GITHUB_TOKEN", "")
    if ticket.job.kind is StepKind.AUDIT:
        return ticket.job.params
    if not token:
        raise ConfigError("GITHUB_TOKEN is not set.", "The workflow pack sets it: shipline workflows install.")
    if ticket.job.kind is StepKind.DEPLOY:
        return await _deploy(workspace)
    host = GitHubHost(os.environ.get("GITHUB_API_URL", "https://api.github.com"), TokenIdentity(token))
    try:
        return await _CHORES[ticket.job.kind](Repo(host, name), ticket.job.params)
    finally:
        await host.close()


async def _sync(repo: Repo, params: dict[str, Any]) -> dict[str, Any]:
    changed = []
    for wanted in _read(Sync, params).issues:
        seen = await repo.issue(wanted.number)
        if seen is None:
            raise InvalidInput(f"{repo.full_name} has no issue #{wanted.number}.")
        values: dict[str, Any] = {}
        if wanted.title and wanted.title != seen.title:
            values["title"] = wanted.title
        if set(wanted.labels) - set(seen.labels):
            values["labels"] = sorted({*seen.labels, *wanted.labels})
        if wanted.closed is not None and wanted.closed == seen.open:
            values["state"] = "closed" if wanted.closed else "open"
        if values:
            await _call(repo, _rest(repo).issues.async_update, issue_number=wanted.number, **values)
            changed.append(wanted.number)
    return {"changed": changed}


async def _branch(repo: Repo, params: dict[str, Any]) -> dict[str, Any]:
    wanted = _read(Branch, params)
    sha = await repo.branch_sha(wanted.branch)
    if sha is None:
        start = wanted.start or wanted.base or str((await repo.about()).default_branch)
        tip = await repo.branch_sha(start)
        if tip is None:
            raise InvalidInput(f"{repo.full_name} has no branch {start}.", "Name one that is there as `start`.")
        sha = await repo.create_branch(wanted.branch, tip)
    if wanted.pull and wanted.base:
        await _call(repo, _rest(repo).pulls.async_update, pull_number=wanted.pull, base=wanted.base)
    return {"branch": wanted.branch, "sha": sha}


async def _defect(repo: Repo, params: dict[str, Any]) -> dict[str, Any]:
    wanted = _read(Defect, params)
    mark = marker("defect", wanted.fingerprint)
    found = await repo.find_issue(mark)
    if found is not None:
        return {"number": found.number, "new": False}
    labels = ["shipline", "defect"]
    for label in labels:
        await repo.create_label(label, "d73a4a" if label == "defect" else "5319e7", "Filed by Shipline")
    parent = await repo.issue(wanted.parent) if wanted.parent else None
    if wanted.parent and parent is None:
        raise InvalidInput(f"{repo.full_name} has no issue #{wanted.parent}.")
    made = await repo.create_issue(wanted.title, f"{wanted.body}\n\n{mark}", labels, await _id(repo, wanted.parent))
    return {"number": made.number, "new": True}


async def _gate(repo: Repo, params: dict[str, Any]) -> dict[str, Any]:
    wanted = _read(Gate, params)
    pull = await repo.pull(wanted.pull)
    if pull.merged_sha:
        return {"merged": pull.merged_sha}
    if pull.head != wanted.head:
        raise ShiplineError(
            f"#{wanted.pull} stands at {pull.head[:7]}, and {wanted.head[:7]} was tested.", "Test anew."
        )
    told = await _call(repo, _rest(repo).pulls.async_get, pull_number=wanted.pull)
    seen = await seen_checks(repo, wanted.head)
    names = await required_checks(repo, told["base"]["ref"])
    missing = [each for each in names if each not in seen or not seen[each].good]
    if missing:
        raise ShiplineError(f"#{wanted.pull} has no green {', '.join(missing)}.", "Ask again when it has.")
    if wanted.issue is not None:
        await _all_closed(repo, wanted.issue)
    if pull.draft:
        await repo.mark_ready(pull.node_id)
    merged = await repo.merge_pull(wanted.pull, wanted.head, f"Merge #{wanted.pull}", told["title"])
    return {"merged": merged}


async def _all_closed(repo: Repo, number: int) -> None:
    listed = await _call(repo, _rest(repo).issues.async_list_sub_issues, issue_number=number, per_page=100)
    left = [each["number"] for each in listed if each["state"] == "open"]
    if left:
        named = ", ".join(f"#{each}" for each in left)
        raise ShiplineError(f"#{number} waits for {named}.", "Close them first.")


async def _retention(repo: Repo, params: dict[str, Any]) -> dict[str, Any]:
    before = datetime.now(UTC) - timedelta(days=_read(Retention, params).days)
    removed = 0
    while True:
        listed = (await _call(repo, _rest(repo).actions.async_list_artifacts_for_repo, per_page=100))["artifacts"]
        old = [
            each["id"]
            for each in listed
            if each["name"].startswith("shipline-") and datetime.fromisoformat(each["created_at"]) < before
        ]
        for number in old:
            await _call(repo, _rest(repo).actions.async_delete_artifact, artifact_id=number)
        removed += len(old)
        if not old:
            return {"removed": removed}


async def _deploy(workspace: Path) -> dict[str, Any]:
    """Run the repository's own script, with a token by which the cloud knows this workflow, where one is to be had."""
    if not (workspace / DEPLOY).is_file():
        raise ConfigError(f"The repository has no {DEPLOY}.", "Write one: it gets ENVIRONMENT and SHIPLINE_OIDC_TOKEN.")
    env = {"ENVIRONMENT": os.environ.get("ENVIRONMENT", ""), "SHIPLINE_OIDC_TOKEN": await _identity()}
    done = await run_confined(["bash", DEPLOY], cwd=workspace, env=env, timeout=DEPLOY_SECONDS)
    if done.returncode != 0:
        raise ShiplineError(f"{DEPLOY} ended with {done.returncode}: {tail(done.words)}")
    return {"environment": env["ENVIRONMENT"], "said": tail(done.stdout)}


async def _identity() -> str:
    """The OIDC token of this job, for the audience ``SHIPLINE_OIDC_AUDIENCE``; empty where GitHub offers none."""
    url, bearer = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not (url and bearer):
        return ""
    audience = os.environ.get("SHIPLINE_OIDC_AUDIENCE", "shipline")
    async with httpx.AsyncClient(timeout=30) as client:
        asked = httpx.URL(url).copy_add_param("audience", audience)
        answer = await client.get(asked, headers={"Authorization": f"Bearer {bearer}"})
        return str(answer.raise_for_status().json()["value"])


async def _id(repo: Repo, number: int | None) -> int | None:
    return None if number is None else int((await _call(repo, _rest(repo).issues.async_get, issue_number=number))["id"])


async def _call(repo: Repo, method: Any, **values: Any) -> Any:
    """The JSON that one of githubkit's methods answers with; None where it answers nothing."""
    answer = await repo.host.ask(lambda: method(owner=repo.owner, repo=repo.name, **values))
    return answer.json() if answer.content else None


def _read(model: type[Any], params: dict[str, Any]) -> Any:
    try:
        return model.model_validate(params)
    except ValidationError as error:
        raise InvalidInput(f"The parameters do not fit: {first_problem(error)}.") from None


def _rest(repo: Repo) -> Any:
    return repo.host.client.rest


_CHORES: dict[StepKind, Callable[[Repo, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    StepKind.SYNC: _sync,
    StepKind.BRANCH: _branch,
    StepKind.DEFECT: _defect,
    StepKind.GATE: _gate,
    StepKind.RETENTION: _retention,
}
