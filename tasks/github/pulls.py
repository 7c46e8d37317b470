"""The verbs on pull requests and their reviews."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tasks.github.about import About
from tasks.github.client import GitHubError
from tasks.github.shapes import Comment, PullRef

READY = """mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id})
  { pullRequest { number isDraft } } }"""
MERGED_AS = """query($id: ID!) { node(id: $id) { ... on PullRequest { mergeCommit { oid } } } }"""


class Pulls(About):
    """Pull requests, from draft to merge, and reviews."""

    async def open_pull(self, head: str, base: str, title: str, body: str) -> PullRef:
        """A draft pull request; where a repository has no drafts, an open one."""
        data: dict[str, Any] = {"title": title, "head": head, "base": base, "body": body, "draft": True}
        try:
            made = await self.host.ask(lambda: self._rest.pulls.async_create(**self._at, data=data))
        except GitHubError as error:
            if error.status != 422 or "draft" not in error.message.lower():
                raise
            made = await self.host.ask(lambda: self._rest.pulls.async_create(**self._at, data={**data, "draft": False}))
        return _pull(made.parsed_data)

    async def find_pull(self, head: str, base: str, but: Collection[int] = ()) -> PullRef | None:
        """The pull request from ``head`` to ``base``, whatever its state; the oldest of several, ``but`` left out."""
        found = await self.host.ask(
            lambda: self._rest.pulls.async_list(
                **self._at, state="all", head=f"{self.owner}:{head}", base=base, sort="created", direction="asc"
            )
        )
        numbers = [pull.number for pull in found.parsed_data if pull.number not in but]
        return await self.pull(numbers[0]) if numbers else None

    async def pull(self, number: int) -> PullRef:
        """A pull request as it stands."""
        found = await self.host.ask(lambda: self._rest.pulls.async_get(**self._at, pull_number=number))
        pull = _pull(found.parsed_data)
        if not found.parsed_data.merged:
            return pull
        # REST stopped telling the merge commit with version 2026-03-10; GraphQL still does.
        node = (await self.host.graphql(MERGED_AS, {"id": pull.node_id}, repo=self.full_name))["node"]
        return pull.model_copy(update={"merged_sha": str(node["mergeCommit"]["oid"])})

    async def mark_ready(self, node_id: str) -> None:
        """Turn a draft into a pull request that may merge (GraphQL: REST cannot)."""
        await self.host.graphql(READY, {"id": node_id}, repo=self.full_name)

    async def merge_pull(self, number: int, sha: str, title: str, message: str) -> str:
        """Merge with a merge commit, only if the head is still ``sha``; returns the merge commit."""
        data: dict[str, Any] = {
            "sha": sha, "merge_method": "merge", "commit_title": title, "commit_message": message,
        }  # fmt: skip
        merged = await self.host.ask(lambda: self._rest.pulls.async_merge(**self._at, pull_number=number, data=data))
        return str(merged.parsed_data.sha)

    async def review(self, number: int, sha: str, body: str, comments: list[dict[str, Any]]) -> Comment:
        """A review that comments on a commit (nobody may approve a pull request of their own)."""
        data: dict[str, Any] = {"commit_id": sha, "body": body, "event": "COMMENT", "comments": comments}
        made = await self.host.ask(
            lambda: self._rest.pulls.async_create_review(**self._at, pull_number=number, data=data)
        )
        return Comment(id=made.parsed_data.id)

    async def reword_review(self, number: int, review_id: int, body: str) -> None:
        """Give a review another text (GitHub lets nobody delete one that was submitted)."""
        await self.host.ask(
            lambda: self._rest.pulls.async_update_review(
                **self._at, pull_number=number, review_id=review_id, data={"body": body}
            )
        )

    async def find_review(self, number: int, marker: str) -> Comment | None:
        """The oldest review whose body holds ``marker``."""
        pages = self._rest.paginate(self._rest.pulls.async_list_reviews, **self._at, pull_number=number)
        async for found in pages:
            if marker in str(found.body or ""):
                return Comment(id=found.id)
        return None


def _pull(found: Any) -> PullRef:
    return PullRef(
        number=found.number,
        node_id=found.node_id,
        head=found.head.sha,
        draft=bool(found.draft),
        open=found.state == "open",
    )
