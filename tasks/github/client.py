"""The connection to a GitHub host (github.com, Enterprise, or the sandbox: only the base URL differs)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Self, TypeVar

import httpx
from githubkit import GitHub, TokenAuthStrategy
from githubkit.exception import (
    GitHubException,
    GraphQLFailed,
    RateLimitExceeded,
    RequestError,
    RequestFailed,
    RequestTimeout,
)
from githubkit.retry import RetryOption

from shipline.errors import ConfigError, NotFound, ShiplineError, Unavailable

T = TypeVar("T")
MAX_TRIES = 5


class GitHubError(ShiplineError):
    """GitHub answered and said no. ``status`` is its HTTP status."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class _Pool(httpx.AsyncHTTPTransport):
    """A connection pool that outlives the client githubkit makes for each request."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """The request is over; the pool stays."""

    async def aclose(self) -> None:
        """The same, by the other door."""

    async def drain(self) -> None:
        """Close the connections for good."""
        await super().aclose()


class GitHubHost:
    """One host and one identity."""

    def __init__(self, api_url: str, token: str) -> None:
        self.api_url = api_url.rstrip("/")
        self.token = token
        self._pool = _Pool(retries=1)
        self.client: GitHub[TokenAuthStrategy] = GitHub(
            TokenAuthStrategy(token),
            base_url=self.api_url + "/",
            timeout=httpx.Timeout(30),
            http_cache=False,
            async_transport=self._pool,
            auto_retry=retry_later,
            user_agent="shipline",
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.drain()

    async def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """One GraphQL request."""
        answer = await self.ask(lambda: self.client.async_graphql(query, variables))
        return dict(answer)

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make one call; what GitHub refuses becomes an error with a sentence that says what to do."""
        try:
            return await call()
        except RequestFailed as error:
            raise explain(error) from error
        except GraphQLFailed as error:
            raise GitHubError(200, f"GitHub refused a GraphQL request: {error}") from error
        except (RequestError, RequestTimeout) as error:
            raise Unavailable(
                f"GitHub at {self.api_url} does not answer ({error}).", "See `shipline doctor`."
            ) from error


def retry_later(error: GitHubException, count: int) -> RetryOption:
    """Five tries, exponential with jitter; a rate limit waits as long as it says; what cannot heal fails at once."""
    if count >= MAX_TRIES:
        return RetryOption(do_retry=False)
    if isinstance(error, RateLimitExceeded):
        return RetryOption(do_retry=True, retry_after=error.retry_after)
    server_side = isinstance(error, RequestFailed) and error.response.status_code >= 500
    if server_side or (isinstance(error, RequestError) and not isinstance(error, RequestFailed)):
        pause = 0.5 * 2**count * random.uniform(0.5, 1.5)  # noqa: S311 (jitter, not a secret)
        return RetryOption(do_retry=True, retry_after=timedelta(seconds=pause))
    return RetryOption(do_retry=False)


def explain(error: RequestFailed) -> ShiplineError:
    """GitHub's refusal as one of ours, with its own words in it."""
    status = error.response.status_code
    said = _message(error)
    where = f"{error.request.method} {error.request.url.path}"
    if status == 401:
        return ConfigError(f"GitHub does not accept the token ({said}).", "Set SHIPLINE_GITHUB_TOKEN to a valid one.")
    if status == 403:
        return GitHubError(
            status, f"GitHub forbids {where}: {said}.", "Give the token (or App) the permission it names."
        )
    if status == 404:
        return NotFound(f"GitHub has nothing at {where}.", "Check the repository's name and the token's access to it.")
    return GitHubError(status, f"GitHub answered {status} to {where}: {said}")


def _message(error: RequestFailed) -> str:
    try:
        body = error.response.json()
    except ValueError:
        return error.response.text[:200]
    details = [
        str(item.get("message", item)) if isinstance(item, dict) else str(item) for item in body.get("errors") or []
    ]
    return "; ".join([str(body.get("message", "")), *details]).strip("; ")
