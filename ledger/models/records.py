"""The smaller documents: ideas, projects, dispatches, deliveries, CI, deployments, documents, messages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from ledger.models.base import ASCENDING, DESCENDING, Document, Index, Model, Stamped, now
from ledger.models.revision import DocVersion
from ledger.models.spec import Plan


class Idea(Stamped):
    """What a person wrote."""

    COLLECTION: ClassVar[str] = "ideas"

    text: str
    repo: str
    options: dict[str, Any] = Field(default_factory=dict)


class Project(Stamped):
    """A connected repository."""

    COLLECTION: ClassVar[str] = "projects"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("repo", ASCENDING),), unique=True),)

    repo: str
    name: str
    default_branch: str


class Dispatch(Stamped):
    """A ``repository_dispatch``; ``id`` is a UUIDv7, ``key`` what whoever asked calls it.

    One that carries out a step has a ``job``; ``about`` is the effect it is for, and ``outcome`` what came back first,
    by the way that ``outcome_by`` names.
    """

    COLLECTION: ClassVar[str] = "dispatches"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("key", ASCENDING),), unique=True),
        Index((("runId", ASCENDING), ("about", ASCENDING))),
    )

    key: str
    sent: bool = False
    run_id: str
    event_type: str
    payload: dict[str, Any]
    about: str | None = None
    job: dict[str, Any] | None = None
    outcome: dict[str, Any] | None = None
    outcome_by: str | None = None


class Request(Stamped):
    """What was asked for and is to count once; ``id`` names who asked, and how they call it.

    ``run_id`` is chosen before anything is made, so that a request which was cut off goes on under the same id.
    """

    COLLECTION: ClassVar[str] = "requests"

    body: str
    run_id: str


class Answer(Stamped):
    """What is answered on GitHub, once; ``id`` names what is answered. ``text`` is None while somebody is at it."""

    COLLECTION: ClassVar[str] = "answers"

    text: str | None = None


class Handshake(Stamped):
    """An App that somebody began to make, or to install; ``id`` is the secret ``state`` that comes back, once."""

    COLLECTION: ClassVar[str] = "handshakes"

    by: str
    installation: int | None = None
    organization: str | None = None  # who is to own an App that is being made
    url: str | None = None  # where GitHub reaches us, of one that is being made
    made: str | None = None  # and what it is called, once it is


class Delivery(Document):
    """A webhook delivery; ``id`` is its ``X-GitHub-Delivery``, which counts once.

    ``not_before`` is when it may be worked on (again); ``result`` says what came of it.
    """

    COLLECTION: ClassVar[str] = "deliveries"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(
            (("notBefore", ASCENDING),), only={"workedAt": None}, name="waiting"
        ),
    )  # fmt: skip

    event: str
    payload: dict[str, Any]
    received_at: datetime = Field(default_factory=now)
    not_before: datetime = Field(default_factory=now)
    tries: int = 0
    worked_at: datetime | None = None
    result: str = ""


class Act(Stamped):
    """What a person did to a project's code through us (``merge #7``), and for which issue of a run, if any."""

    COLLECTION: ClassVar[str] = "acts"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("projectId", ASCENDING), ("created_at", DESCENDING))),)

    project_id: str
    by: str
    what: str
    run_id: str | None = None
    node_id: str | None = None


class Mark(Stamped):
    """How far something was looked through; ``id`` names what. Everything before ``at`` was found whole."""

    COLLECTION: ClassVar[str] = "marks"

    at: datetime


class CiReport(Model):
    """What GitHub told of a check. ``order`` rises with what is newer, however late it is heard of."""

    state: str
    url: str | None = None
    order: str = ""


class CiStatus(Stamped, CiReport):
    """A check of a commit as it stands. ``outbox`` holds what the timelines of its issues have not been told yet."""

    COLLECTION: ClassVar[str] = "ci_status"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("repo", ASCENDING), ("sha", ASCENDING), ("name", ASCENDING)), unique=True),
    )

    repo: str
    sha: str
    name: str
    outbox: list[CiReport] = Field(default_factory=list)


class DeploymentStatus(StrEnum):
    """Where a deployment stands."""

    STARTING = "starting"
    HEALTHY = "healthy"
    FAILED = "failed"
    REPLACED = "replaced"
    STOPPED = "stopped"


class Deployment(Stamped):
    """One version in one environment, on one target: a process by ``pid``, or a ``container`` by its id.

    ``github_id`` is GitHub's record of it, where GitHub keeps one.
    """

    COLLECTION: ClassVar[str] = "deployments"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("projectId", ASCENDING), ("environment", ASCENDING), ("created_at", DESCENDING))),
    )

    run_id: str
    project_id: str
    repo: str
    environment: str
    target: str
    version: str
    sha: str
    status: DeploymentStatus = DeploymentStatus.STARTING
    url: str | None = None
    pid: int | None = None
    pid_started: float | None = None
    container: str | None = None
    github_id: int | None = None
    detail: str = ""


class OnboardingDoc(Stamped):
    """A document that agents read first; ``id`` is its name (``onboarding/dev.md``). ``earlier`` is oldest first."""

    COLLECTION: ClassVar[str] = "onboarding_docs"

    text: str
    version: int = 1
    by: str | None = None
    earlier: list[DocVersion] = Field(default_factory=list)


class Approval(Stamped):
    """A person's word that something may happen; ``via`` is where it was given.

    Of a plan: ``id`` is the run's, and ``plan`` what it was then. Of a merge: ``node`` at ``head``, never changed, and
    taken back by another one that is ``withdrawn``, of the same person and place.
    """

    COLLECTION: ClassVar[str] = "approvals"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("runId", ASCENDING), ("node", ASCENDING))),)

    by: str
    via: str = ""
    plan: Plan | None = None
    run_id: str | None = None
    node: str | None = None
    head: str | None = None
    withdrawn: bool = False


class Message(Stamped):
    """A line of the conversation between a person and Shipline."""

    COLLECTION: ClassVar[str] = "messages"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("projectId", ASCENDING), ("created_at", ASCENDING))),)

    project_id: str
    run_id: str | None = None
    author: str
    text: str
