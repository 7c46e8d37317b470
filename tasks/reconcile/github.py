"""The verbs of GitHub that only reconcile needs, on one repository."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from shipline.errors import NotFound
from tasks.github.client import GitHubError
from tasks.github.repo import Repo
from tasks.github.shapes import PullRef

PAGE = 100
GONE = 410


def _at(repo: Repo) -> tuple[Any, dict[str, str]]:
    # githubkit builds its answers from GitHub's schema at run time; mypy could check nothing through them.
    return repo.host.client.rest, {"owner": repo.owner, "repo": repo.name}


async def get_issue(repo: Repo, number: int) -> Any | None:
    """An issue or pull request, with who closed it; None when it was deleted."""
    rest, at = _at(repo)
    try:
        return (await repo.host.ask(lambda: rest.issues.async_get(**at, issue_number=number))).parsed_data
    except NotFound:
        return None
    except GitHubError as error:
        if error.status != GONE:
            raise
        return None


async def get_pull(repo: Repo, number: int) -> tuple[PullRef, str]:
    """A pull request, and who merged it (nothing when it is not merged)."""
    pull = await repo.pull(number)
    if pull.merged_sha is None:
        return pull, ""
    rest, at = _at(repo)
    found = (await repo.host.ask(lambda: rest.pulls.async_get(**at, pull_number=number))).parsed_data
    return pull, login(found.merged_by)


async def reopen_pull(repo: Repo, number: int) -> None:
    """Open a closed pull request again. GitHubError 422 when its branches do not allow it."""
    rest, at = _at(repo)
    await repo.host.ask(lambda: rest.pulls.async_update(**at, pull_number=number, data={"state": "open"}))


async def list_issues(repo: Repo, since: datetime) -> list[Any]:
    """The issues with our label that changed since then, oldest first."""
    rest, at = _at(repo)
    asked = {"state": "all", "labels": "shipline", "direction": "asc", "since": since}
    pages = rest.paginate(rest.issues.async_list_for_repo, **at, **asked, per_page=PAGE)
    return await repo.host.ask(lambda: _all(pages))


async def list_branches(repo: Repo) -> dict[str, str]:
    """Every branch and its head."""
    rest, at = _at(repo)
    pages = rest.paginate(rest.repos.async_list_branches, **at, per_page=PAGE)
    return {each.name: str(each.commit.sha) for each in await repo.host.ask(lambda: _all(pages))}


async def list_open_pulls(repo: Repo) -> set[int]:
    """The numbers of the open pull requests."""
    rest, at = _at(repo)
    pages = rest.paginate(rest.pulls.async_list, **at, state="open", per_page=PAGE)
    return {each.number for each in await repo.host.ask(lambda: _all(pages))}


async def list_comments(repo: Repo, since: datetime) -> list[Any]:
    """Every comment of the repository's issues and pull requests that changed since then, oldest first."""
    rest, at = _at(repo)
    pages = rest.paginate(rest.issues.async_list_comments_for_repo, **at, since=since, per_page=PAGE)
    return await repo.host.ask(lambda: _all(pages))


async def list_reviews(repo: Repo, number: int) -> list[Any]:
    """The reviews of a pull request, oldest first; none when it is gone."""
    rest, at = _at(repo)
    pages = rest.paginate(rest.pulls.async_list_reviews, **at, pull_number=number, per_page=PAGE)
    with suppress(NotFound):
        return await repo.host.ask(lambda: _all(pages))
    return []


def login(user: Any) -> str:
    """Who, by their login; GitHub does not always know."""
    return str(user.login) if user else "somebody"


async def _all(pages: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in pages]
