"""As whom we ask GitHub: a person's token, or an App's installation, narrowed to the repository that is asked about.

An App has one installation an owner. Which one a request needs is read from its path; GraphQL has no repository in its
path, so ``about`` says it. githubkit mints, keeps and renews the tokens (GitHub's last an hour).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from githubkit import GitHub, GitHubCore, TokenAuthStrategy
from githubkit.auth.app import AppAuth
from githubkit.auth.base import BaseAuthStrategy

from shipline.config import Settings
from shipline.errors import ConfigError

# What a token may do, and no more: contents for branches and merges, workflows because a release may contain one.
TOKEN_PERMISSIONS = {
    "actions": "write", "checks": "write", "contents": "write", "deployments": "write", "issues": "write",
    "metadata": "read", "pull_requests": "write", "statuses": "write", "workflows": "write",
}  # fmt: skip
# What the App is given: that, and what it only hears of. GitHub takes no event without the permission that covers it.
PERMISSIONS = {**TOKEN_PERMISSIONS, "merge_queues": "read"}
# The webhooks that an App of ours hears: those that something follows from (``tasks.hooks.work``), and the notes' §6.1.
EVENTS = (
    "issues", "issue_comment", "pull_request", "pull_request_review", "push", "check_run", "check_suite",
    "workflow_run", "workflow_job", "status", "repository_dispatch", "deployment", "deployment_status", "sub_issues",
    "merge_group",
)  # fmt: skip
_REPO = re.compile(r"/repos/(?P<repo>[^/]+/[^/]+)")
_about: ContextVar[str] = ContextVar("about", default="")


@contextmanager
def about(repo: str) -> Iterator[None]:
    """Requests made inside are about this repository, whatever their path says."""
    token = _about.set(repo)
    try:
        yield
    finally:
        _about.reset(token)


class Identity(Protocol):
    """Who we are."""

    @property
    def name(self) -> str:
        """For messages."""

    def strategy(self) -> BaseAuthStrategy:
        """How githubkit signs requests."""

    async def git_token(self, client: GitHub[Any], repo: str) -> str:
        """A token for git, for this repository."""

    async def login(self, client: GitHub[Any]) -> str:
        """What we are called where we act."""

    async def repositories(self, client: GitHub[Any], most: int) -> list[Any]:
        """What we may work on, as GitHub's models have it."""


@dataclass(frozen=True)
class TokenIdentity:
    """One token for everything."""

    token: str
    name: str = "a token"

    def strategy(self) -> BaseAuthStrategy:
        """The token itself."""
        return TokenAuthStrategy(self.token)

    async def git_token(self, client: GitHub[Any], repo: str) -> str:  # noqa: ARG002 (it is good for all)
        """The token itself."""
        return self.token

    async def login(self, client: GitHub[Any]) -> str:
        """The token's user."""
        rest: Any = client.rest
        return str((await rest.users.async_get_authenticated()).parsed_data.login)

    async def repositories(self, client: GitHub[Any], most: int) -> list[Any]:
        """The user's."""
        rest: Any = client.rest
        return await _some(rest.paginate(rest.repos.async_list_for_authenticated_user, per_page=100), most)


@dataclass(frozen=True)
class AppIdentity:
    """A GitHub App; ``key`` is its private key as PEM. ``installations`` remembers each repository's."""

    app_id: str
    key: str
    installations: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For messages."""
        return f"the App {self.app_id}"

    def forget(self, named: str) -> None:
        """Look up anew where it is installed: on a repository, or on all of an owner's."""
        for repo in list(self.installations):
            if named in (repo, repo.partition("/")[0]):
                self.installations.pop(repo, None)

    def strategy(self) -> BaseAuthStrategy:
        """By the repository that a request is about."""
        return _ByRepository(self)

    async def git_token(self, client: GitHub[Any], repo: str) -> str:
        """The token that requests about the repository are signed with; minted when there is none."""
        signed = httpx.Request("GET", client.config.base_url.join(f"repos/{repo}"))
        flow = _Flow(self, client).async_auth_flow(signed)
        outgoing = await anext(flow)
        async with httpx.AsyncClient(timeout=client.config.timeout) as plain:
            while outgoing is not signed:
                outgoing = await flow.asend(await plain.send(outgoing))
        await flow.aclose()
        return signed.headers["Authorization"].removeprefix("token ")

    async def login(self, client: GitHub[Any]) -> str:
        """The App's bot."""
        rest: Any = client.rest
        return f"{(await rest.apps.async_get_authenticated()).parsed_data.slug}[bot]"

    async def repositories(self, client: GitHub[Any], most: int) -> list[Any]:
        """Those of every installation."""
        rest: Any = client.rest
        found: list[Any] = []
        for each in await _some(rest.paginate(rest.apps.async_list_installations, per_page=100), most):
            data = {"permissions": {"metadata": "read"}}
            made = await rest.apps.async_create_installation_access_token(each.id, data=data)
            inside = client.with_auth(TokenAuthStrategy(made.parsed_data.token))  # held: its ``rest`` does not
            there: Any = inside.rest
            pages = there.paginate(
                there.apps.async_list_repos_accessible_to_installation, per_page=100,
                map_func=lambda answer: answer.parsed_data.repositories,
            )  # fmt: skip
            found += await _some(pages, most - len(found))
        return found


async def _some(pages: Any, most: int) -> list[Any]:
    found: list[Any] = []
    async for each in pages:
        if len(found) >= most:
            break
        found.append(each)
    return found


@dataclass
class _ByRepository(BaseAuthStrategy):
    identity: AppIdentity

    def get_auth_flow(self, github: GitHubCore[Any]) -> httpx.Auth:
        return _Flow(self.identity, github)


class _Flow(httpx.Auth):
    """One request: the installation is looked up once a repository, then githubkit does the rest."""

    def __init__(self, identity: AppIdentity, github: GitHubCore[Any]) -> None:
        self._identity, self._github = identity, github

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        found = _REPO.search(request.url.path)
        repo = _about.get() or (found["repo"] if found else "")
        app = AppAuth(self._github, self._identity.app_id, self._identity.key)
        if not repo or request.url.path.endswith("/installation"):
            request.headers["Authorization"] = f"Bearer {await app.aget_jwt()}"
            yield request
            return
        for last in (False, True):
            if repo not in self._identity.installations:
                asked = httpx.Request(
                    "GET", self._github.config.base_url.join(f"repos/{repo}/installation"),
                    headers={"Authorization": f"Bearer {await app.aget_jwt()}", "Accept": "application/json"},
                )  # fmt: skip
                answer = yield asked
                await answer.aread()
                self._identity.installations[repo] = self._number(repo, answer)
            narrowed = AppAuth(
                self._github, self._identity.app_id, self._identity.key,
                installation_id=self._identity.installations[repo], repositories=[repo.partition("/")[2]],
                permissions=TOKEN_PERMISSIONS,  # type: ignore[arg-type]
            )  # fmt: skip
            flow = narrowed.async_auth_flow(request)
            outgoing = await anext(flow)
            while True:
                answer = yield outgoing
                if not last and answer.status_code == (401 if outgoing is request else 404):
                    break  # an App that was installed again has another number, and the old one is good for nothing
                try:
                    outgoing = await flow.asend(answer)
                except StopAsyncIteration:
                    return
            await flow.aclose()
            self._identity.forget(repo)

    def _number(self, repo: str, answer: httpx.Response) -> int:
        if answer.status_code != 200:
            raise ConfigError(  # not NotFound: callers take that for a branch or an issue that is not there
                f"{self._identity.name} is not installed on {repo} ({answer.status_code}).",
                "Install it there: its page on GitHub, Install App.",
            )
        return int(answer.json()["id"])


@dataclass
class _Nobody(BaseAuthStrategy):
    missing: ConfigError

    def get_auth_flow(self, github: GitHubCore[Any]) -> httpx.Auth:  # noqa: ARG002 (githubkit's shape)
        """Asked for at each request, which goes no further."""
        raise self.missing


@dataclass(frozen=True)
class NoIdentity:
    """Nobody yet. The ledger can be worked with all the same; whoever asks GitHub hears what is missing."""

    missing: ConfigError
    name: str = "nobody"

    def strategy(self) -> BaseAuthStrategy:
        """One that signs nothing."""
        return _Nobody(self.missing)

    async def git_token(self, client: GitHub[Any], repo: str) -> str:  # noqa: ARG002
        """There is none."""
        raise self.missing

    async def login(self, client: GitHub[Any]) -> str:  # noqa: ARG002
        """There is none."""
        raise self.missing

    async def repositories(self, client: GitHub[Any], most: int) -> list[Any]:  # noqa: ARG002
        """None are known."""
        raise self.missing


def identity_or_nobody(settings: Settings) -> Identity:
    """Who is configured, else nobody."""
    try:
        return identity_of(settings)
    except ConfigError as missing:
        return NoIdentity(missing)


def identity_of(settings: Settings) -> Identity:
    """The App that is configured, else the token; ConfigError says what is missing."""
    if not settings.github_app_id:
        return TokenIdentity(settings.require_token())
    if settings.github_app_key is None:
        raise ConfigError("The GitHub App has no key.", "Set SHIPLINE_GITHUB_APP_KEY to the path of its private key.")
    try:
        key = settings.github_app_key.read_text()
    except OSError as error:
        raise ConfigError(f"The App's key {settings.github_app_key} cannot be read ({error.strerror}).") from None
    return AppIdentity(settings.github_app_id, key)
