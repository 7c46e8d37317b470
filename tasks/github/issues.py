"""The verbs on issues and their comments."""

from __future__ import annotations

import contextlib
from typing import Any

from shipline.errors import NotFound
from tasks.github.about import About
from tasks.github.client import GitHubError
from tasks.github.shapes import Comment, IssueRef, IssueSeen


class Issues(About):
    """Issues, their labels, their order and what is said on them."""

    async def create_label(self, name: str, color: str, description: str) -> None:
        """A label; one that is there already is left as it is."""
        try:
            await self.host.ask(
                lambda: self._rest.issues.async_create_label(
                    **self._at, name=name, color=color, description=description
                )
            )
        except GitHubError as error:
            if error.status != 422:
                raise

    async def create_issue(self, title: str, body: str, labels: list[str], parent: int | None) -> IssueRef:
        """A new issue, as a sub-issue of the one whose id is ``parent``."""
        data: dict[str, Any] = {"title": title, "body": body, "labels": labels}
        if parent is not None:
            data["parent_issue_id"] = parent
        made = await self.host.ask(lambda: self._rest.issues.async_create(**self._at, data=data))
        return _ref(made.parsed_data)

    async def issue(self, number: int) -> IssueSeen | None:
        """An issue as it stands; None when there is none (a pull request is none)."""
        try:
            answer = await self.host.ask(lambda: self._rest.issues.async_get(**self._at, issue_number=number))
        except NotFound:
            return None
        found = answer.parsed_data
        if found.pull_request:
            return None
        labels = [each if isinstance(each, str) else str(each.name) for each in found.labels]
        text = str(found.body or "")
        return IssueSeen(number=number, title=found.title, body=text, open=found.state == "open", labels=labels)

    async def find_issue(self, marker: str) -> IssueRef | None:
        """The oldest issue whose body holds ``marker``: by listing, since search lags."""
        pages = self._rest.paginate(
            self._rest.issues.async_list_for_repo, **self._at, state="all", labels="shipline", direction="asc"
        )
        async for issue in pages:
            if issue.pull_request is None or not issue.pull_request:
                body = issue.body or ""
                if isinstance(body, str) and marker in body:
                    return _ref(issue)
        return None

    async def remove_sub_issue(self, number: int, child_id: int) -> None:
        """Take the issue with id ``child_id`` from under issue ``number``; not there is fine."""
        with contextlib.suppress(NotFound):
            await self.host.ask(
                lambda: self._rest.issues.async_remove_sub_issue(**self._at, issue_number=number, sub_issue_id=child_id)
            )

    async def set_issue_state(self, number: int, state: str, reason: str | None = None) -> None:
        """Open or close an issue."""
        data: dict[str, Any] = {"state": state}
        if reason:
            data["state_reason"] = reason
        await self.host.ask(lambda: self._rest.issues.async_update(**self._at, issue_number=number, data=data))

    async def comment(self, number: int, body: str) -> Comment:
        """A comment on an issue or a pull request."""
        made = await self.host.ask(
            lambda: self._rest.issues.async_create_comment(**self._at, issue_number=number, body=body)
        )
        return Comment(id=made.parsed_data.id)

    async def find_comment(self, number: int, marker: str) -> Comment | None:
        """The oldest comment that holds ``marker``."""
        pages = self._rest.paginate(self._rest.issues.async_list_comments, **self._at, issue_number=number)
        async for found in pages:
            if marker in str(found.body or ""):
                return Comment(id=found.id)
        return None

    async def delete_comment(self, comment_id: int) -> None:
        """Remove a comment; gone already is fine."""
        with contextlib.suppress(NotFound):
            await self.host.ask(lambda: self._rest.issues.async_delete_comment(**self._at, comment_id=comment_id))


def _ref(found: Any) -> IssueRef:
    return IssueRef(number=found.number, id=found.id, nested=bool(found.parent_issue_url))
