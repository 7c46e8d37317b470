"""The connection to a GitHub host (github.com, Enterprise, or the sandbox: only the base URL differs)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import httpx
from githubkit import GitHub, Response
from githubkit.auth.base import BaseAuthStrategy
from githubkit.exception import GraphQLFailed, RequestError, RequestFailed
from githubkit.utils import UNSET
from pydantic import ValidationError

from ledger.lease import still_ours
from shipline.errors import OutcomeUnknown, Unavailable
from shipline.redact import redact
from tasks.github.errors import GitHubError, RateLimited, place, refusal, words
from tasks.github.identity import Identity, about
from tasks.github.limiter import Limiter, WriteThrottler
from tasks.github.retry import CAP, Fault, Then, decide, fault_of, repeatable, told, wait

__all__ = ["Client", "GitHubError", "GitHubHost"]

T = TypeVar("T")
TIMEOUT = 30.0  # seconds for one answer
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_HINT = "See `shipline doctor`, and retry when it is back."


class _Pool(httpx.AsyncHTTPTransport):
    """A connection pool that outlives the client githubkit makes for each request."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, unless it writes under a lease that may be another worker's by now."""
        if request.method not in ("GET", "HEAD"):
            still_ours()
        return await super().handle_async_request(request)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """The request is over; the pool stays."""

    async def aclose(self) -> None:
        """The same, by the other door."""

    async def drain(self) -> None:
        """Close the connections for good."""
        await super().aclose()


class _Failed(Exception):
    """One try failed; ``response`` is what came back, if anything whole did."""

    def __init__(self, fault: Fault, said: str, response: httpx.Response | None = None) -> None:
        super().__init__(said)
        self.fault, self.said, self.response = fault, said, response
        self.told = told(response) if response is not None else None


class _Answer(Response[Any, Any]):
    """An answer whose data may not be what GitHub's schema promises."""

    def __init__(self, response: httpx.Response, model: Any, may_repeat: bool) -> None:
        super().__init__(response, model)
        self._may_repeat = may_repeat

    @property
    def parsed_data(self) -> Any:
        """The data as githubkit models it; in words, and as an unknown outcome where it followed a write."""
        try:
            return super().parsed_data
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            said = f"GitHub's answer to {place(self.raw_request)} is not as its schema says ({where}: {first['msg']})"
            if self._may_repeat:
                raise GitHubError(
                    self.status_code, f"{said}.", "Check which version of GitHub this host runs."
                ) from None
            raise OutcomeUnknown(f"{said}.", _HINT) from None


class Client(GitHub[BaseAuthStrategy]):
    """githubkit, with each request made as the table of retries says. Raises ShiplineErrors only."""

    def _check_rate_limit(self, response: Response[Any, Any]) -> None:
        """Left to the table, which knows the limits that bear no header, and times that are dates."""

    async def arequest(self, method: str, url: Any, **more: Any) -> Any:
        """One request, tried again where that is safe and may help.

        Raises NotFound, ConfigError and GitHubError for what GitHub refuses, RateLimited when it says to wait longer
        than a quarter of an hour, Unavailable when it does not answer, and OutcomeUnknown when a request that makes
        something went out and its answer was lost.
        """
        path = httpx.URL(str(url)).path
        if "json" in more and "/app/" not in path:  # an App's own webhook secret is sent there, and is meant to be
            more["json"] = redact(more["json"])  # titles, comments, bodies: an agent may have written them
        may_repeat = repeatable(method, path, more.get("json"))
        attempt = 1
        while True:
            try:
                return _Answer(await self._once(method, url, more), more.get("response_model", Any), may_repeat)
            except _Failed as failed:
                then = decide(failed.fault, may_repeat, attempt)
                if then in (Then.LOOK, Then.FAIL):
                    raise self._error(failed, f"{method} {path}", then) from failed.__cause__
                seconds = wait(then, attempt, failed.told)
                if seconds > CAP:
                    raise self._limited(failed, seconds) from failed.__cause__
            await asyncio.sleep(seconds)
            attempt += 1

    async def _once(self, method: str, url: Any, more: dict[str, Any]) -> httpx.Response:
        try:
            answer = await super().arequest(method, url, **more)
        except RequestFailed as error:
            raw = error.response.raw_response
            raise _Failed(fault_of(raw), words(raw), raw) from error
        except RequestError as error:
            if not isinstance(error.exc, httpx.HTTPError):
                raise error.exc from None  # no failure of the network
            fault = Fault.UNREACHABLE if isinstance(error.exc, _NO_CONNECTION) else Fault.LOST
            raise _Failed(fault, f"{type(error.exc).__name__} {error.exc}".strip()) from error
        if more.get("response_model", UNSET) is not UNSET:
            _check_readable(answer.raw_response)
        return answer.raw_response

    def _error(self, failed: _Failed, where: str, then: Then) -> Exception:
        response = failed.response
        if response is not None and failed.fault is Fault.REFUSED:
            return refusal(response)
        if failed.fault in (Fault.RATE_LIMIT, Fault.BUSY):
            return self._limited(failed, wait(Then.AS_TOLD, 1, failed.told))
        answer = f"answered {response.status_code}" if response is not None else "gave no answer"
        said = f"GitHub at {self.config.base_url.host} {answer} to {where} ({failed.said})"
        if then is Then.LOOK:
            return OutcomeUnknown(f"{said}; it may have been done.", _HINT)
        return Unavailable(f"{said}.", _HINT)

    def _limited(self, failed: _Failed, seconds: float) -> RateLimited:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        host = self.config.base_url.host
        return RateLimited(f"GitHub at {host} takes no more requests before {when} ({failed.said}).", until)


def _check_readable(response: httpx.Response) -> None:
    """Raise when a body is not the JSON that was promised, or says that GraphQL's own rate limit is used up."""
    try:
        body = response.json() if response.content else None
    except ValueError as error:
        raise _Failed(Fault.LOST, f"a body that is no JSON: {response.text[:60]!r}") from error
    errors = body.get("errors") if isinstance(body, dict) else None
    for each in errors if isinstance(errors, list) else []:
        if isinstance(each, dict) and each.get("type") in ("RATE_LIMIT", "RATE_LIMITED"):
            raise _Failed(Fault.RATE_LIMIT, str(each.get("message")), response)


class GitHubHost:
    """One host and one identity. Writes wait for the limiter, where there is one."""

    def __init__(
        self, api_url: str, identity: Identity, *, limiter: Limiter | None = None, timeout: float = TIMEOUT
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self.identity = identity
        self._pool = _Pool(retries=1)  # for connections that do not come about; never for a request that went out
        self._limiter = limiter
        self._login: str | None = None
        self.client = Client(
            identity.strategy(),
            base_url=self.api_url + "/",
            timeout=httpx.Timeout(timeout),
            http_cache=False,
            async_transport=self._pool,
            auto_retry=False,
            throttler=WriteThrottler(limiter),
            user_agent="shipline",
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._limiter is not None:
            await self._limiter.close()
        await self._pool.drain()

    async def login(self) -> str:
        """Who we are on this host, asked once."""
        if self._login is None:
            self._login = await self.ask(lambda: self.identity.login(self.client))
        return self._login

    async def graphql(self, query: str, variables: dict[str, Any], *, repo: str) -> dict[str, Any]:
        """One GraphQL request, about a repository: an App has a token for each."""
        with about(repo):
            answer = await self.ask(lambda: self.client.async_graphql(query, variables))
        return dict(answer)

    async def git_token(self, repo: str) -> str:
        """What git signs in with at this repository; an App's is good for an hour."""
        return await self.identity.git_token(self.client, repo)

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make one call; see ``Client.arequest`` for what it raises."""
        try:
            return await call()
        except GraphQLFailed as error:
            said = "; ".join(each.message for each in error.response.errors or [])
            raise GitHubError(200, f"GitHub refused a GraphQL request: {said}") from error
