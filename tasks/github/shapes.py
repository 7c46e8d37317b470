"""What the verbs on a repository give back. Effects keep these as their outcomes."""

from __future__ import annotations

from ledger.models import Model


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
