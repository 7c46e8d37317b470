"""One repository of a host: what every room of its verbs stands on."""

from __future__ import annotations

from typing import Any

from shipline.errors import InvalidInput, NotFound
from tasks.github.client import GitHubHost


class About:
    """One repository of a host. ``name`` is ``owner/name``."""

    def __init__(self, host: GitHubHost, name: str) -> None:
        owner, _, short = name.partition("/")
        if not owner or not short or "/" in short:
            raise InvalidInput(f"{name!r} is not a repository.", "Write it as owner/name.")
        self.host = host
        self.owner, self.name, self.full_name = owner, short, name
        self._at = {"owner": owner, "repo": short}
        # githubkit builds its answers from GitHub's schema at run time; mypy could check nothing through them.
        self._rest: Any = host.client.rest

    async def about(self) -> Any:
        """The repository itself; NotFound when it does not exist or the token may not see it."""
        try:
            return (await self.host.ask(lambda: self._rest.repos.async_get(**self._at))).parsed_data
        except NotFound:
            raise NotFound(
                f"There is no repository {self.full_name} on {self.host.api_url}, or the token may not see it.",
                "Check the name and the token's access.",
            ) from None

    async def permission(self, login: str) -> str:
        """What an account may do here: ``admin``, ``maintain``, ``write``, ``triage``, ``read`` or ``none``.

        A role of an organization's own is told as what it was made from.
        """
        try:
            found = await self.host.ask(
                lambda: self._rest.repos.async_get_collaborator_permission_level(**self._at, username=login)
            )
        except NotFound:
            return "none"
        # ``permission`` knows no maintainers: they are writers there.
        return "maintain" if found.parsed_data.role_name == "maintain" else str(found.parsed_data.permission)

    async def dispatch(self, event_type: str, payload: dict[str, Any]) -> None:
        """Start the workflows that wait for this type; GitHub answers with no id."""
        await self.host.ask(
            lambda: self._rest.repos.async_create_dispatch_event(
                **self._at, event_type=event_type, client_payload=payload
            )
        )
