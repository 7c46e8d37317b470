"""Reading a repository's files and history for those who are to work on it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from ledger.models import Model
from shipline.errors import NotFound
from tasks.github.repo import Repo

LARGEST = 400_000  # bytes of a file that is read


class PullSummary(Model):
    """A merged pull request, as its author told it."""

    number: int
    title: str
    body: str
    author: str


class Reader(Repo):
    """A repository with the verbs that only read its content."""

    async def paths(self, ref: str) -> list[str]:
        """The paths of all files (GitHub lists 100,000 at most)."""
        call = self._rest.git.async_get_tree
        found = (await self.host.ask(lambda: call(**self._at, tree_sha=ref, recursive="1"))).parsed_data
        return [str(each.path) for each in found.tree if each.type == "blob"]

    async def text(self, ref: str, path: str) -> str | None:
        """A file as text; None where it is missing, too large, or no text."""
        call = self._rest.repos.async_get_content
        try:
            found: Any = (await self.host.ask(lambda: call(**self._at, path=quote(path), ref=ref))).parsed_data
        except NotFound:
            return None
        if isinstance(found, list) or getattr(found, "type", "") != "file" or found.size > LARGEST:
            return None
        try:
            return base64.b64decode(found.content).decode()
        except (UnicodeDecodeError, ValueError):
            return None

    async def merged_pulls(self, most: int) -> list[PullSummary]:
        """The newest merged pull requests."""
        call = self._rest.pulls.async_list
        asked = {"state": "closed", "sort": "updated", "direction": "desc", "per_page": min(100, most * 4)}
        listed = (await self.host.ask(lambda: call(**self._at, **asked))).parsed_data
        merged = [each for each in listed if each.merged_at][:most]
        return [
            PullSummary(
                number=each.number, title=each.title, body=str(each.body or ""),
                author=str(each.user.login) if each.user else "ghost",
            )
            for each in merged
        ]  # fmt: skip
