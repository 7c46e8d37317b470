"""The parts of webhook payloads that we read, checked once. What else GitHub sends is kept, and not looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shipline.errors import InvalidInput, first_problem

P = TypeVar("P", bound=BaseModel)


class _Named(BaseModel):
    full_name: str


class _Login(BaseModel):
    login: str


class Told(BaseModel):
    """What nearly every payload has."""

    action: str = ""
    repository: _Named
    sender: _Login

    @property
    def repo(self) -> str:
        """``owner/name``."""
        return self.repository.full_name


class _Label(BaseModel):
    name: str


class _Numbered(BaseModel):
    number: int


class IssueLabeled(Told):
    """``issues`` with the action ``labeled``."""

    issue: _Numbered
    label: _Label


class _Comment(BaseModel):
    id: int
    body: str
    user: _Login


class Commented(Told):
    """``issue_comment``."""

    issue: _Numbered
    comment: _Comment


class IssueTold(Told):
    """``issues``, whatever the action."""

    issue: _Numbered


class PullTold(Told):
    """``pull_request``, whatever the action."""

    pull_request: _Numbered


class _Review(BaseModel):
    id: int


class Reviewed(PullTold):
    """``pull_request_review``: which one; what it says is asked of GitHub."""

    review: _Review


class SubIssueTold(Told):
    """``sub_issues``: one of the two may be in another repository, and is then left out or told by its id alone."""

    parent_issue: _Numbered | None = None
    sub_issue: _Numbered | None = None


class _Deployment(BaseModel):
    sha: str
    environment: str
    created_at: datetime


class _DeploymentState(BaseModel):
    state: str
    target_url: str | None = None
    updated_at: datetime


class Deployed(Told):
    """``deployment``, and ``deployment_status`` with how it goes."""

    deployment: _Deployment
    deployment_status: _DeploymentState | None = None


class _Owner(BaseModel):
    login: str = ""
    slug: str = ""  # of an enterprise


class _Installation(BaseModel):
    id: int
    account: _Owner


class InstallationTold(BaseModel):
    """``installation`` and ``installation_repositories``, which are about no single repository."""

    action: str
    installation: _Installation


class Pushed(Told):
    """``push``. ``after`` is forty zeros when the branch was deleted."""

    ref: str
    after: str


class _App(BaseModel):
    slug: str


class _Check(BaseModel):
    head_sha: str
    status: str
    conclusion: str | None = None
    name: str = ""
    app: _App | None = None
    html_url: str | None = None
    display_title: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    created_at: datetime | None = None


class CheckRun(Told):
    """``check_run``."""

    check_run: _Check


class CheckSuite(Told):
    """``check_suite``."""

    check_suite: _Check


class WorkflowRun(Told):
    """``workflow_run``."""

    workflow_run: _Check


class WorkflowJob(Told):
    """``workflow_job``."""

    workflow_job: _Check


class Status(Told):
    """``status``: a commit status."""

    sha: str
    context: str
    state: str
    target_url: str | None = None
    updated_at: datetime


class _Progress(BaseModel):
    runId: str
    nodeId: str | None = None
    phase: str
    state: str
    progress: float | None = None
    metrics: dict[str, Any] = {}
    artifacts: list[str] = []


class Dispatched(Told):
    """``repository_dispatch``; its ``action`` is the event type."""

    client_payload: dict[str, Any] | None = None


def read(model: type[P], payload: dict[str, Any]) -> P:
    """The payload as the model has it; InvalidInput names the first part that is not as GitHub sends it."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(f"The payload is not as GitHub sends it: {first_problem(error)}.") from None


def progress(payload: dict[str, Any]) -> _Progress:
    """The status callback of the notes, §9.2."""
    try:
        return _Progress.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(f"The status is not as the notes have it: {first_problem(error)}.") from None
