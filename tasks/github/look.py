"""Looking at pull requests: what they change, and what was said of them. Reads only; nothing here is an effect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger.models import Model
from shipline.errors import InvalidInput
from tasks.context import context
from tasks.github.client import GitHubHost
from tasks.github.identity import EVENTS, PERMISSIONS, AppIdentity
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
    """The permissions and webhook events that the App, or one of its installations, was not given, in words."""
    given = app.permissions.model_dump() if hasattr(app.permissions, "model_dump") else dict(app.permissions)
    levels = ("read", "write", "admin")

    def is_less(name: str, needed: str) -> bool:
        have = given.get(name)
        return have not in levels or levels.index(have) < levels.index(needed)

    missing = [f"{name}: {needed}" for name, needed in PERMISSIONS.items() if is_less(name, needed)]
    return missing + [f"event {each}" for each in EVENTS if each not in app.events]


class Accepted(Model):
    """An owner on whose repositories the App is installed, and what of its wishes they have not accepted yet."""

    installation_id: int
    account: str
    lacks: list[str]


class AppSeen(Model):
    """The App that we are: what it was not given, and where it is installed."""

    slug: str
    page: str
    lacks: list[str]
    installations: list[Accepted]


async def app_seen(host: GitHubHost) -> AppSeen:
    """The App, and its installations (at most ``MOST_FILES``). InvalidInput when a token is what we have."""
    if not isinstance(host.identity, AppIdentity):
        raise InvalidInput("No GitHub App is configured.", "Make one: shipline app create --help")
    app = await app_itself(host)
    rest: Any = host.client.rest
    found: list[Accepted] = []
    async for each in rest.paginate(rest.apps.async_list_installations, per_page=100):
        found.append(Accepted(installation_id=each.id, account=account_of(each), lacks=lacking(each)))
        if len(found) == MOST_FILES:
            break
    return AppSeen(slug=str(app.slug), page=str(app.html_url), lacks=lacking(app), installations=found)


def account_of(installation: Any) -> str:
    """Whose it is: a person's, an organization's, or an enterprise's."""
    return str(getattr(installation.account, "login", None) or getattr(installation.account, "slug", ""))


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
