"""Check runs, which only Apps may make, and the commit statuses that anybody with write access may."""

from __future__ import annotations

from typing import Any

from ledger.models import Model
from tasks.github.client import GitHubError
from tasks.github.repo import Repo

MOST = 50  # annotations that GitHub takes in one request
FORBIDDEN = 403
Annotation = dict[str, Any]


class Posted(Model):
    """What was put beside a commit: a check run by its id, or a status (``status``) where check runs are refused."""

    id: int
    status: bool = False


async def find_check(repo: Repo, sha: str, name: str, external_id: str) -> tuple[int, bool, int] | None:
    """Id, whether it is completed, and the number of its annotations, of the oldest check run with ``external_id``."""
    rest = _rest(repo)
    told = (
        await repo.host.ask(
            lambda: rest.checks.async_list_for_ref(
                owner=repo.owner, repo=repo.name, ref=sha, check_name=name, filter_="all", per_page=100
            )
        )
    ).json()
    mine = [each for each in told["check_runs"] if each["external_id"] == external_id]
    if not mine:
        return None
    oldest = min(mine, key=lambda each: int(each["id"]))
    return int(oldest["id"]), oldest["status"] == "completed", int(oldest["output"]["annotations_count"])


async def complete_check(
    repo: Repo, sha: str, name: str, external_id: str, conclusion: str, output: dict[str, Any],
    annotations: list[Annotation],
) -> int:  # fmt: skip
    """A completed check run with all of its annotations; one that was left half-made is gone on with. Its id."""
    found = await find_check(repo, sha, name, external_id)
    done = {"status": "completed", "conclusion": conclusion}
    if found is None:
        first = annotations[:MOST]
        ends = done if len(annotations) <= MOST else {"status": "in_progress"}
        body = {
            "name": name, "head_sha": sha, "external_id": external_id, **ends,
            "output": {**output, "annotations": first},
        }  # fmt: skip
        made = (await _ask(repo, "async_create", data=body)).json()
        found = int(made["id"]), ends is done, len(first)
    number, completed, count = found
    while not completed:
        batch = annotations[count : count + MOST]
        count += len(batch)
        completed = count >= len(annotations)
        body = {"output": {**output, "annotations": batch}, **(done if completed else {})}
        await _ask(repo, "async_update", check_run_id=number, data=body)
    return number


async def close_check(repo: Repo, number: int, summary: str) -> None:
    """Say of a check run that it does not count."""
    output = {"title": "Posted twice by mistake", "summary": summary}
    await _ask(
        repo, "async_update", check_run_id=number,
        data={"status": "completed", "conclusion": "skipped", "output": output, "external_id": ""},
    )  # fmt: skip


async def find_status(repo: Repo, sha: str, context: str) -> int | None:
    """The id of the newest status of that context."""
    rest = _rest(repo)
    told = (
        await repo.host.ask(
            lambda: rest.repos.async_get_combined_status_for_ref(
                owner=repo.owner, repo=repo.name, ref=sha, per_page=100
            )
        )
    ).json()
    return next((int(each["id"]) for each in told["statuses"] if each["context"] == context), None)


async def set_status(repo: Repo, sha: str, context: str, state: str, description: str) -> int:
    """A new status of a commit; its id."""
    rest = _rest(repo)
    body = {"state": state, "context": context, "description": description[:140]}  # GitHub takes no more
    made = await repo.host.ask(
        lambda: rest.repos.async_create_commit_status(owner=repo.owner, repo=repo.name, sha=sha, data=body)
    )
    return int(made.json()["id"])


def may_not(error: GitHubError) -> bool:
    """Whether it is our kind of token that GitHub refuses, and not the request."""
    return error.status == FORBIDDEN


async def _ask(repo: Repo, verb: str, **values: Any) -> Any:
    method = getattr(_rest(repo).checks, verb)
    return await repo.host.ask(lambda: method(owner=repo.owner, repo=repo.name, **values))


def _rest(repo: Repo) -> Any:
    return repo.host.client.rest
