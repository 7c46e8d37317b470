"""How issues hang together: as GitHub's sub-issues and dependencies, and in words where a server has none.

An older Enterprise Server answers 404 to what it does not know, and ignores a field that it does not know. What
Shipline goes by is in its ledger; these are for the people who read the repository.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from shipline.errors import NotFound
from tasks.github.client import GitHubError
from tasks.github.repo import Repo
from tasks.github.shapes import IssueRef

# In whose absence what is said instead.
SUB_ISSUES = "This GitHub has no sub-issues; each issue says in its text which one it belongs under."
DEPENDENCIES = "This GitHub has no issue dependencies; a comment says what each issue waits for."


class Linked(Repo):
    """A repository with the verbs that tie its issues together."""

    async def put_under(self, child: IssueRef, parent: IssueRef) -> bool:
        """Make an issue a sub-issue, where it is not one; False where words had to do."""
        if child.nested:
            return True
        call = self._rest.issues.async_add_sub_issue
        if await self._tell(lambda: call(**self._at, issue_number=parent.number, sub_issue_id=child.id)):
            return True
        await self._require_lack(parent.number, self._rest.issues.async_list_sub_issues)
        words, seen = f"Under #{parent.number}.", await self.issue(child.number)
        if seen is not None and words not in seen.body:
            body = f"{words}\n\n{seen.body}"
            await self.host.ask(
                lambda: self._rest.issues.async_update(**self._at, issue_number=child.number, data={"body": body})
            )
        return False

    async def block(self, number: int, by: IssueRef, mark: str) -> bool:
        """Say that issue ``number`` waits for another; False where it is said in a comment, found again by ``mark``."""
        call = self._rest.issues.async_add_blocked_by_dependency
        if await self._tell(lambda: call(**self._at, issue_number=number, issue_id=by.id)):
            return True
        await self._require_lack(number, self._rest.issues.async_list_dependencies_blocked_by)
        if await self.find_comment(number, mark) is None:
            await self.comment(number, f"Waits for #{by.number}.\n{mark}")
        return False

    async def _tell(self, call: Callable[[], Awaitable[Any]]) -> bool:
        """False when there is nothing at that address. A 422 says that it was so already."""
        try:
            await self.host.ask(call)
        except NotFound:
            return False
        except GitHubError as error:
            if error.status != 422:
                raise
        return True

    async def _require_lack(self, number: int, listing: Any) -> None:
        """Raises NotFound unless the issue is there and it is the feature that is missing."""
        try:
            await self.host.ask(lambda: listing(**self._at, issue_number=number, per_page=1))
        except NotFound:
            if await self.issue(number) is not None:
                return
        raise NotFound(
            f"GitHub does not find an issue that was to be linked with #{number} of {self.full_name}.",
            "Look whether somebody removed or moved it, then retry.",
        )
