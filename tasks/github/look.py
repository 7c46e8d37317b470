"""Looking at pull requests: what they change, and what was said of them. Reads only; nothing here is an effect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger.models import Model
from tasks.context import context
from tasks.github.client import GitHubHost
from tasks.github.identity import EVENTS, PERMISSIONS
from tasks.github.repo import Repo

MOST_FILES = 300  # of a pull request; GitHub lists 3,000 at most, and nobody reads as many on one page


class FileChange(Model):
    """One file of a pull request. ``patch`` is None where GitHub gives none (binary, or very large)."""

    path: str
    status: str
    additions: int
    deletions: int
    patch: str | None = None


class Remark(Model):
    """Something said of a pull request; ``place`` is ``path:line`` when it is about a line."""

    author: str
    text: str
    at: datetime
    place: str = ""


async def files_of(repo: str, number: int) -> list[FileChange]:
    """What the pull request changes, a file each; at most ``MOST_FILES``. NotFound when it is not there."""
    view = _View((await context()).github, repo)
    return await view.files(number)


async def remarks_on(repo: str, number: int) -> list[Remark]:
    """Comments, reviews and remarks on lines, oldest first."""
    view = _View((await context()).github, repo)
    return sorted([*await view.comments(number), *await view.reviews(number)], key=lambda each: each.at)


async def repositories() -> list[tuple[str, str, bool]]:
    """What our identity may work on: full name, default branch, whether it is private; at most three hundred."""
    github = (await context()).github
    found = await github.ask(lambda: github.identity.repositories(github.client, MOST_FILES))
    return [(str(each.full_name), str(each.default_branch), bool(each.private)) for each in found]


async def app_itself(host: GitHubHost) -> Any:
    """The App that we are, as GitHub's model has it."""
    rest: Any = host.client.rest
    return (await host.ask(rest.apps.async_get_authenticated)).parsed_data


def lacking(app: Any) -> list[str]:
    """The permissions and webhook events that the App was not given, in words."""
    given = app.permissions.model_dump() if hasattr(app.permissions, "model_dump") else dict(app.permissions)
    levels = ("read", "write", "admin")

    def is_less(name: str, needed: str) -> bool:
        have = given.get(name)
        return have not in levels or levels.index(have) < levels.index(needed)

    missing = [f"{name}: {needed}" for name, needed in PERMISSIONS.items() if is_less(name, needed)]
    return missing + [f"event {each}" for each in EVENTS if each not in app.events]


class _View(Repo):
    """A repository with the verbs that only look."""

    async def files(self, number: int) -> list[FileChange]:
        found: list[FileChange] = []
        pages = self._rest.paginate(self._rest.pulls.async_list_files, **self._at, pull_number=number, per_page=100)
        async for each in pages:
            if len(found) == MOST_FILES:
                break
            patch = getattr(each, "patch", None)
            found.append(
                FileChange(
                    path=each.filename, status=str(each.status), additions=each.additions, deletions=each.deletions,
                    patch=patch if isinstance(patch, str) else None,
                )
            )  # fmt: skip
        return found

    async def comments(self, number: int) -> list[Remark]:
        pages = self._rest.paginate(self._rest.issues.async_list_comments, **self._at, issue_number=number)
        return [Remark(author=_login(each.user), text=str(each.body or ""), at=each.created_at) async for each in pages]

    async def reviews(self, number: int) -> list[Remark]:
        whole = self._rest.paginate(self._rest.pulls.async_list_reviews, **self._at, pull_number=number)
        lines = self._rest.paginate(self._rest.pulls.async_list_review_comments, **self._at, pull_number=number)
        found = [
            Remark(author=_login(each.user), text=str(each.body), at=each.submitted_at)
            async for each in whole
            if each.body and each.submitted_at
        ]
        return found + [
            Remark(author=_login(each.user), text=str(each.body), at=each.created_at, place=_place(each))
            async for each in lines
        ]


def _login(user: object) -> str:
    return str(getattr(user, "login", None) or "ghost")


def _place(remark: object) -> str:
    line = getattr(remark, "line", None)
    path = str(getattr(remark, "path", ""))
    return f"{path}:{line}" if isinstance(line, int) else path
