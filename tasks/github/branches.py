"""The verbs on branches and commits, and on files in them."""

from __future__ import annotations

import base64
from typing import Any

from shipline.errors import NotFound
from tasks.github.about import About


class Branches(About):
    """Branches, commits, files and tags."""

    async def branch_sha(self, branch: str) -> str | None:
        """The head of a branch, or None when there is no such branch."""
        try:
            found = await self.host.ask(lambda: self._rest.git.async_get_ref(**self._at, ref=f"heads/{branch}"))
        except NotFound:
            return None
        return str(found.parsed_data.object_.sha)

    async def branches_below(self, prefix: str) -> list[str]:
        """The branches whose names begin with ``prefix``."""
        found = await self.host.ask(lambda: self._rest.git.async_list_matching_refs(**self._at, ref=f"heads/{prefix}"))
        return [str(each.ref).removeprefix("refs/heads/") for each in found.parsed_data]

    async def create_branch(self, branch: str, sha: str) -> str:
        """A new branch at ``sha``."""
        await self.host.ask(lambda: self._rest.git.async_create_ref(**self._at, ref=f"refs/heads/{branch}", sha=sha))
        return sha

    async def move_branch(self, branch: str, sha: str) -> str:
        """Move a branch forward to ``sha``; refused when that would lose a commit."""
        await self.host.ask(
            lambda: self._rest.git.async_update_ref(**self._at, ref=f"heads/{branch}", sha=sha, force=False)
        )
        return sha

    async def delete_branch(self, branch: str) -> None:
        """Remove a branch; NotFound when there is none."""
        await self.host.ask(lambda: self._rest.git.async_delete_ref(**self._at, ref=f"heads/{branch}"))

    async def merge_branch(self, base: str, head: str, message: str) -> str | None:
        """Merge ``head`` into the branch ``base`` on the server; None when there is nothing to merge."""
        answer = await self.host.ask(
            lambda: self._rest.repos.async_merge(**self._at, base=base, head=head, commit_message=message)
        )
        return None if answer.status_code == 204 else str(answer.parsed_data.sha)

    async def contains(self, head: str, base: str) -> bool:
        """Whether ``head`` contains everything of ``base``."""
        found = await self.host.ask(
            lambda: self._rest.repos.async_compare_commits(**self._at, basehead=f"{base}...{head}")
        )
        return bool(found.parsed_data.behind_by == 0)

    async def commits_since(self, base: str, head: str) -> list[Any]:
        """The commits of ``head`` that ``base`` lacks, oldest first (GitHub gives 250 at most)."""
        found = await self.host.ask(
            lambda: self._rest.repos.async_compare_commits(**self._at, basehead=f"{base}...{head}")
        )
        return list(found.parsed_data.commits)

    async def changed_files(self, base: str, head: str) -> set[str]:
        """The paths that ``head`` changed since it left ``base`` (GitHub names 300 at most)."""
        found = await self.host.ask(
            lambda: self._rest.repos.async_compare_commits(**self._at, basehead=f"{base}...{head}")
        )
        return {each.filename for each in found.parsed_data.files or []}

    async def tree_of(self, commit: str) -> str:
        """The tree of a commit: the same for the same files."""
        found = await self.host.ask(lambda: self._rest.git.async_get_commit(**self._at, commit_sha=commit))
        return str(found.parsed_data.tree.sha)

    async def empty_commit(self, parent: str, message: str) -> str:
        """A commit on ``parent`` that changes no file."""
        tree = await self.tree_of(parent)
        made = await self.host.ask(
            lambda: self._rest.git.async_create_commit(**self._at, message=message, tree=tree, parents=[parent])
        )
        return str(made.parsed_data.sha)

    async def put_file(self, branch: str, path: str, text: str, message: str) -> str:
        """Create a file on a branch in one commit, and return the commit."""
        body: dict[str, Any] = {
            "message": message,
            "content": base64.b64encode(text.encode()).decode(),
            "branch": branch,
        }
        made = await self.host.ask(
            lambda: self._rest.repos.async_create_or_update_file_contents(**self._at, path=path, data=body)
        )
        return str(made.parsed_data.commit.sha)

    async def file_exists(self, ref: str, path: str) -> bool:
        """Whether ``path`` is in the tree of ``ref``."""
        try:
            await self.host.ask(lambda: self._rest.repos.async_get_content(**self._at, path=path, ref=ref))
        except NotFound:
            return False
        return True

    async def tags(self) -> list[str]:
        """The names of all tags."""
        return [tag.name async for tag in self._rest.paginate(self._rest.repos.async_list_tags, **self._at)]
