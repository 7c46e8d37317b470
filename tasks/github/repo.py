"""The verbs on one repository, each one or two requests. Effects are made of these; they keep no state."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Collection
from typing import Any

from ledger.models import Model
from shipline.errors import InvalidInput, NotFound
from tasks.github.client import GitHubError, GitHubHost

READY = """mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id})
  { pullRequest { number isDraft } } }"""


MERGED_AS = """query($id: ID!) { node(id: $id) { ... on PullRequest { mergeCommit { oid } } } }"""


class IssueRef(Model):
    """An issue on GitHub: its number in the repository and its id in the world; ``nested`` when it is a sub-issue."""

    number: int
    id: int
    nested: bool = False


class IssueSeen(Model):
    """An issue as a person sees it."""

    number: int
    title: str
    body: str
    open: bool
    labels: list[str]


class PullRef(Model):
    """A pull request and where it stands. ``merged_sha`` is the merge commit, once there is one."""

    number: int
    node_id: str
    head: str
    draft: bool
    open: bool
    merged_sha: str | None = None


class Sha(Model):
    """A commit."""

    sha: str


class Comment(Model):
    """A comment or a review, by its id."""

    id: int


class ReleaseRef(Model):
    """A release: its id, its page, where its files are uploaded, and those that are there whole, by name."""

    id: int
    url: str
    upload_url: str
    files: dict[str, int]


class DeploymentRef(Model):
    """GitHub's record of a deployment."""

    id: int


class Repo:
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

    # Branches and commits

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

    # Issues

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

    # Pull requests

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

    # Releases

    async def release(self, tag: str) -> ReleaseRef | None:
        """The release of ``tag``, or None."""
        try:
            found = await self.host.ask(lambda: self._rest.repos.async_get_release_by_tag(**self._at, tag=tag))
        except NotFound:
            return None
        told = found.json()  # its schema does not know the state of an upload that was cut off
        files = {str(each["name"]): int(each["id"]) for each in told["assets"] if each["state"] == "uploaded"}
        where = str(told["upload_url"]).partition("{")[0]
        return ReleaseRef(id=told["id"], url=told["html_url"], upload_url=where, files=files)

    async def create_release(self, tag: str, sha: str, name: str, body: str) -> str:
        """A release, with its tag at ``sha``; returns its page."""
        made = await self.host.ask(
            lambda: self._rest.repos.async_create_release(
                **self._at, tag_name=tag, target_commitish=sha, name=name, body=body
            )
        )
        return str(made.parsed_data.html_url)

    async def upload_file(self, release: ReleaseRef, name: str, content: bytes, kind: str) -> int:
        """Put a file beside a release, in place of what an upload that was cut off left; its id."""
        listed = await self.host.ask(
            lambda: self._rest.repos.async_list_release_assets(**self._at, release_id=release.id, per_page=100)
        )
        for each in listed.json():
            if each["name"] == name and each["state"] != "uploaded":
                await self.delete_file(each["id"])
        made = await self.host.ask(
            lambda: self.host.client.arequest(
                "POST", release.upload_url, params={"name": name}, content=content, headers={"Content-Type": kind}
            )
        )
        return int(made.json()["id"])

    async def delete_file(self, number: int) -> None:
        """Remove a file of a release; gone already is fine."""
        with contextlib.suppress(NotFound):
            await self.host.ask(lambda: self._rest.repos.async_delete_release_asset(**self._at, asset_id=number))

    # Deployments

    async def create_deployment(self, ref: str, environment: str, mark: str) -> DeploymentRef:
        """GitHub's record of a deployment that we do; ``mark`` is what it is found by."""
        data: dict[str, Any] = {
            "ref": ref, "environment": environment, "auto_merge": False, "required_contexts": [],
            "description": f"{ref} by Shipline", "payload": {"shipline": mark},
        }  # fmt: skip
        made = await self.host.ask(lambda: self._rest.repos.async_create_deployment(**self._at, data=data))
        return DeploymentRef(id=made.json()["id"])

    async def find_deployment(self, environment: str, mark: str) -> DeploymentRef | None:
        """The oldest record with this mark."""
        pages = self._rest.paginate(self._rest.repos.async_list_deployments, **self._at, environment=environment)
        found = [each.id async for each in pages if mark in str(each.payload)]
        return DeploymentRef(id=min(found)) if found else None

    async def delete_deployment(self, number: int) -> None:
        """Remove a record; GitHub keeps one that may be what runs, so it is told first that it is not."""
        with contextlib.suppress(NotFound):
            await self.tell_deployment(number, "inactive", None, "It was made twice")
            await self.host.ask(lambda: self._rest.repos.async_delete_deployment(**self._at, deployment_id=number))

    async def tell_deployment(self, number: int, state: str, url: str | None, said: str) -> int:
        """Say what became of a deployment; the id of the word."""
        data: dict[str, Any] = {"state": state, "description": said[:140], "auto_inactive": False}
        if url:
            data["environment_url"] = url
        made = await self.host.ask(
            lambda: self._rest.repos.async_create_deployment_status(**self._at, deployment_id=number, data=data)
        )
        return int(made.json()["id"])

    async def deployment_states(self, number: int) -> dict[str, int]:
        """Every state that was told of a deployment, with the oldest word's id."""
        pages = self._rest.paginate(
            self._rest.repos.async_list_deployment_statuses, **self._at, deployment_id=number
        )  # newest first
        return {str(each.state): int(each.id) async for each in pages}


def _ref(found: Any) -> IssueRef:
    return IssueRef(number=found.number, id=found.id, nested=bool(found.parent_issue_url))


def _pull(found: Any) -> PullRef:
    return PullRef(
        number=found.number,
        node_id=found.node_id,
        head=found.head.sha,
        draft=bool(found.draft),
        open=found.state == "open",
    )
