"""What Shipline and a workflow say to each other (the notes, §9): a request out, an outcome back, both signed.

A dispatch carries ids alone. What is to be done is fetched with a key that only who knows the shared secret can make.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, ValidationError

from ledger.models import AgentJob, CheckReport, Model, Standards
from shipline.errors import InvalidInput, first_problem

INLINE = 40_000  # characters of a body that still travels with the callback; GitHub takes 65,535 in all
STATUS = "orchestrator.status"
_BLOCK = re.compile(r"```json shipline\n(?P<body>\{.*?\})\n```", re.DOTALL)


class StepKind(StrEnum):
    """What a step does there."""

    HELLO = "hello"  # nothing but answer: the pack, the secret and the runner are as they should be
    ASK = "ask"
    CODE = "code"
    CHECK = "check"
    SYNC = "sync"
    BRANCH = "branch"
    DEFECT = "defect"
    GATE = "gate"
    DEPLOY = "deploy"
    AUDIT = "audit"
    RETENTION = "retention"


# What is asked for by its type alone, with its parameters; the other kinds are steps of a run.
CHORES = {
    "issues.sync.request": StepKind.SYNC,
    "branch.manage.request": StepKind.BRANCH,
    "qa.defect.file.request": StepKind.DEFECT,
    "merge.gate.request": StepKind.GATE,
    "deploy.request": StepKind.DEPLOY,
    "audit.emit": StepKind.AUDIT,
    "artifacts.retention.request": StepKind.RETENTION,
}


class StepJob(Model):
    """What is to be done. ``base``, ``merged`` and ``head`` are commits; ``seconds`` bounds the tests."""

    kind: StepKind
    agent: AgentJob | None = None
    answer: str | None = None  # the model in ``tasks.answers`` (or ``Spec``) that a planning agent's answer fits
    base: str | None = None
    merged: str | None = None
    head: str | None = None
    whole: bool = False
    coverage_percent: float = 80
    seconds: float = 600
    standards: Standards = Field(default_factory=Standards)
    params: dict[str, Any] = Field(default_factory=dict)

    @property
    def ref(self) -> str:
        """The commit to check out; nothing where no files are needed."""
        return self.head or self.base or ""


class Coded(Model):
    """What a coding agent changed, as one patch on ``StepJob.base``."""

    result: dict[str, Any]
    patch: str


class Checked(Model):
    """What the checks said."""

    reports: list[CheckReport]


class DeployedThere(Model):
    """What the repository's deploy script said."""

    environment: str
    said: str


class Controls(Model):
    """``controls.json``: may the step go on (the notes, §9.6)."""

    paused: bool = False
    cancelled: bool = False


class Ticket(Model):
    """A job as the runner gets it: with where the controls are, and the key that opens them and nothing else."""

    dispatch_id: str
    run_id: str
    node_id: str | None = None
    event_type: str
    job: StepJob
    controls_key: str


class Result(Model):
    """The part of an outcome that is content. ``body`` is left out where it is too large: the artifact has it."""

    sha256: str = ""
    body: str | None = None
    error: str | None = None


class Outcome(Model):
    """A status callback (the notes, §9.2) that ends a dispatch: nine keys and the signature are ten, the most."""

    dispatch_id: str
    run_id: str
    node_id: str | None = None
    phase: str
    state: Literal["COMPLETED", "FAILED", "CANCELLED"]
    progress: float = 1.0
    metrics: dict[str, Any] = Field(default_factory=dict)
    artifacts: list[str] = Field(default_factory=list)
    result: Result = Field(default_factory=Result)


def artifact_name(dispatch_id: str) -> str:
    """What the artifact that holds the outcome is called."""
    return f"shipline-{dispatch_id}"


class Request(Model):
    """What a dispatch carries, of which nine keys and the signature are ten at most. Ids, and no contents."""

    v: Literal[1] = 1
    type: str
    dispatch_id: str
    run_id: str
    node_id: str | None = None
    repo: str
    branch: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


def sign_request(request: Request, secret: str) -> dict[str, Any]:
    """The request as it is sent (``client_payload``), with a signature over all of it."""
    body = request.model_dump(mode="json", by_alias=True)
    return {**body, "signature": _over(body, secret)}


def read_request(event: Mapping[str, Any], secret: str) -> Request:
    """The request in a ``repository_dispatch``; InvalidInput when it is none of ours, of another type, or changed."""
    body = dict(event.get("client_payload") or {})
    given = str(body.pop("signature", ""))
    if not hmac.compare_digest(given.encode(), _over(body, secret).encode()):
        raise InvalidInput(
            "This dispatch is not signed with our secret: nothing is done.",
            "SHIPLINE_DISPATCH_SECRET must be the same in Shipline and in the repository's secrets.",
        )
    try:
        request = Request.model_validate(body)
    except ValidationError as error:
        raise InvalidInput(f"The dispatch is not as Shipline sends it: {first_problem(error)}.") from None
    if request.type != event.get("action"):
        raise InvalidInput(f"What was signed asks for {request.type}, and not for {event.get('action')}.")
    return request


def sign(outcome: Outcome, secret: str) -> dict[str, Any]:
    """The outcome as it is sent, with its signature."""
    return {**outcome.model_dump(mode="json", by_alias=True), "signature": _signature(outcome, secret)}


def read_outcome(told: Mapping[str, Any], secret: str) -> Outcome:
    """A signed outcome; InvalidInput when it is not one, or another secret signed it."""
    body = dict(told)
    given = str(body.pop("signature", ""))
    try:
        outcome = Outcome.model_validate(body)
    except ValidationError as error:
        raise InvalidInput(f"The outcome is not as the pack sends it: {first_problem(error)}.") from None
    if not hmac.compare_digest(given.encode(), _signature(outcome, secret).encode()):
        raise InvalidInput(
            f"The outcome of {outcome.dispatch_id} is not signed with our secret.",
            "SHIPLINE_DISPATCH_SECRET must be the same here and in the repository's secrets.",
        )
    return outcome


def as_comment(signed: Mapping[str, Any]) -> str:
    """A signed outcome as the text of a comment, where a dispatch is not allowed (the notes, §9.2)."""
    return f"A step ended.\n\n```json shipline\n{json.dumps(signed)}\n```\n"


def in_comment(text: str) -> dict[str, Any] | None:
    """The signed block of such a comment; None in any other. InvalidInput when the block is no JSON."""
    found = _BLOCK.search(text)
    if found is None:
        return None
    try:
        block = json.loads(found["body"])
    except ValueError:
        raise InvalidInput("The block in the comment is no JSON.") from None
    return block if isinstance(block, dict) else None


def key_for(what: Literal["job", "controls"], dispatch_id: str, secret: str) -> str:
    """What opens the job, or the controls, of one dispatch."""
    return hmac.new(secret.encode(), f"{what} {dispatch_id}".encode(), hashlib.sha256).hexdigest()


def _over(body: Mapping[str, Any], secret: str) -> str:
    told = json.dumps(_plain(body), sort_keys=True, separators=(",", ":")).encode()
    return "sha256=" + hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    """With whole numbers as such: 1.0 may come back as 1 from who reads and writes JSON on the way."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _signature(outcome: Outcome, secret: str) -> str:
    # Over texts alone: a number may come back written otherwise. What is not in here is only shown.
    error = hashlib.sha256((outcome.result.error or "").encode()).hexdigest()
    parts = (
        outcome.dispatch_id, outcome.run_id, outcome.node_id or "", outcome.phase, outcome.state,
        outcome.result.sha256, error,
    )  # fmt: skip
    return "sha256=" + hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()
