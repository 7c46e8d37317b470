"""Signing in at a local agent that wants to know who we are, without a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from acp.exceptions import RequestError
from acp.schema import InitializeResponse

from shipline.errors import ConfigError
from tasks.agents.settings import CoderSettings

AUTH_REQUIRED = -32000  # the protocol's code of an error


async def let_in(
    link: Any, about: InitializeResponse, settings: CoderSettings, call: Callable[[], Awaitable[Any]]
) -> Any:
    """Make a call; where the agent wants to know who we are first, tell it and make it again."""
    try:
        return await call()
    except RequestError as error:
        if error.code != AUTH_REQUIRED:
            raise
    await link.authenticate(method_id=way_to_sign_in(about.auth_methods or [], settings))
    return await call()


def way_to_sign_in(methods: Sequence[Any], settings: CoderSettings) -> str:
    """The id of the method that is configured, else of the first that needs nobody at a terminal; ConfigError."""
    offered = [str(each.id) for each in methods]
    named = ", ".join(offered) or "none"
    if settings.acp_auth is not None:
        if settings.acp_auth not in offered:
            words = f"The agent has no way to sign in that is called {settings.acp_auth!r} (it offers {named})."
            raise ConfigError(words, "Correct SHIPLINE_ACP_AUTH.")
        return settings.acp_auth
    for each in methods:
        kind = getattr(each, "type", "agent")
        given = all(var.name in settings.acp_env or var.optional for var in getattr(each, "vars", []))
        if kind == "agent" or (kind == "env_var" and given):
            return str(each.id)
    raise ConfigError(
        f"The agent wants somebody to sign in, and offers no way that needs no person (it offers {named}).",
        "Sign in by hand once and let it see that (SHIPLINE_ACP_PATHS), or give it its key by SHIPLINE_ACP_ENV.",
    )
