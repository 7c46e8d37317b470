"""A step carried out in the repository's GitHub Actions: asked for once, then waited for.

The request is found again by the effect that it is for, so a worker that dies while it waits is followed by one that
waits for the same workflow. What comes back first counts, whichever way it came.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from gha.messages import Checked, Coded, DeployedThere, Outcome, StepJob, StepKind
from ledger.effects import Key
from ledger.models import (
    AgentJob,
    AgentResult,
    AgentType,
    CheckReport,
    Dispatch,
    EventType,
    Issue,
    Model,
    Run,
    Standards,
    now,
)
from ledger.timeline import append, event
from shipline.errors import AgentError, ShiplineError, first_problem
from tasks.actions.artifacts import collect, find_outcome
from tasks.actions.outcomes import end, failed, take_left
from tasks.context import Context
from tasks.dispatching import dispatch

T = TypeVar("T", bound=Model)
TICK = 0.5  # seconds between two looks at what was told
LOOK = 10.0  # seconds between two looks for an artifact, which cost a request each
log = logging.getLogger(__name__)

# Which workflow a planning agent thinks in; the others think in the general one.
_THINKS = {
    AgentType.SPEC_WRITER: "ai.spec.request",
    AgentType.ROADMAP_DECOMPOSER: "ai.plan.request",
    AgentType.ACCEPTANCE_CRITERIA_AUTHOR: "ai.plan.request",
    AgentType.ISSUE_PLANNER: "ai.plan.request",
    AgentType.RELEASE_MANAGER: "release.notes.request",
}
# And a coding agent.
_CODES = {AgentType.CODE_REVIEWER: "agent.cursor.review.request"}
CODE = "agent.cursor.execute.request"
THINK = "ai.nemotron.request"


class NoAnswer(ShiplineError):
    """The workflow said nothing in time, by none of the ways it has."""


async def ask_there(ctx: Context, run: Run, key: Key, job: AgentJob, schema: type[Model]) -> AgentResult:
    """A planning agent's answer."""
    step = StepJob(kind=StepKind.ASK, agent=job, answer=schema.__name__)
    return await _there(ctx, run, key, _THINKS.get(job.type, THINK), job.input.branch, step, AgentResult)


async def code_there(
    ctx: Context, run: Run, key: Key, job: AgentJob, branch: str, base: str, merged: str | None
) -> Coded:
    """A coding agent's change on ``base``, in the middle of a merge of ``merged``."""
    step = StepJob(kind=StepKind.CODE, agent=job, base=base, merged=merged)
    return await _there(ctx, run, key, _CODES.get(job.type, CODE), branch, step, Coded)


async def check_there(
    ctx: Context,
    run: Run,
    key: Key,
    issue: Issue,
    head: str,
    whole: bool,
    minimum: float,
    standards: Standards | None = None,
) -> list[CheckReport]:
    """What the checks say of ``head``; of the ``whole`` security, secrets and licences too."""
    step = StepJob(
        kind=StepKind.CHECK, head=head, whole=whole, coverage_percent=minimum, seconds=ctx.settings.test_timeout,
        standards=standards or Standards(),
    )  # fmt: skip
    event_type = "sec.scan.request" if whole else "qa.run.request"
    return (await _there(ctx, run, key, event_type, issue.branch, step, Checked, node=issue.key)).reports


async def deploy_there(ctx: Context, run: Run, key: Key, sha: str, environment: str) -> DeployedThere:
    """What the repository's deploy script says of a commit that it brought to an environment."""
    asked = {"sha": sha, "environment": environment}
    step = StepJob(kind=StepKind.DEPLOY, head=sha, params=asked)
    return await _there(ctx, run, key, "deploy.request", None, step, DeployedThere, more=asked)


async def say_hello(ctx: Context, run: Run) -> None:
    """Whether the repository's Actions answer at all, before anything is asked of them. NoAnswer says what to do."""
    key = f"{run.id}/hello"
    sent = await _send(ctx, run, key, "orchestrator.start", None, StepJob(kind=StepKind.HELLO), None, {})
    await _wait(ctx, sent, timedelta(seconds=ctx.settings.actions_hello_seconds))


async def _there(
    ctx: Context, run: Run, key: Key, event_type: str, branch: str | None, step: StepJob, shape: type[T],
    node: str | None = None, more: Mapping[str, str] | None = None,
) -> T:  # fmt: skip
    named = node or (key.node if key.node != "run" else None)
    sent = await _send(ctx, run, str(key), event_type, branch, step, named, more or {})
    text = await _wait(ctx, sent, timedelta(seconds=ctx.settings.actions_seconds))
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        raise AgentError(f"{sent.event_type} answered with what does not fit: {first_problem(error)}.") from error


async def _send(
    ctx: Context, run: Run, about: str, event_type: str, branch: str | None, step: StepJob, node: str | None,
    more: Mapping[str, str],
) -> Dispatch:  # fmt: skip
    """The request that is still out for the effect, or a new one. One that failed is followed by the next."""
    earlier = await ctx.store.find(Dispatch, {"runId": run.id, "about": about})
    out = next((each.payload for each in earlier if each.outcome is None), None)
    issue = await ctx.store.find_one(Issue, {"runId": run.id, "key": node}) if node else None
    params = {**({"pull": str(issue.pr_number)} if issue and issue.pr_number else {}), **more}
    if out is not None:  # as it was asked for then, whatever has changed since
        branch, params = out["branch"], out["params"]
    failed = [each for each in earlier if each.outcome and each.outcome["state"] != "COMPLETED"]
    sent = await dispatch(
        run.id, event_type, node, branch, params, key=f"{about} {len(failed) + 1}", about=about,
        job=step.model_dump(mode="json", by_alias=True),
    )  # fmt: skip
    await append(ctx.store, run.id, event(
        EventType.STEP_STARTED, run.state, f"{event_type} goes to GitHub Actions", node=node,
        data={"dispatchId": sent.id, "from": "actions"}, event_id=f"dispatch-{sent.id}",
    ))  # fmt: skip
    return sent


async def _wait(ctx: Context, sent: Dispatch, within: timedelta) -> str:
    """The content that came back. Raises AgentError with the workflow's words, NoAnswer when it stays silent."""
    looked = now()
    while True:
        known = await ctx.store.get(Dispatch, sent.id)
        if known.outcome is not None:
            return await _content(ctx, known, Outcome.model_validate(known.outcome))
        if now() - looked >= timedelta(seconds=LOOK):
            looked = now()
            await _look(ctx, known)
            continue
        if now() - sent.created_at > within:
            await _give_up(ctx, known, within)
            continue
        await asyncio.sleep(TICK)


async def _look(ctx: Context, sent: Dispatch) -> None:
    """The way back when no callback arrives. It is a fall-back: that it fails now says nothing of the next time."""
    try:
        await take_left(ctx, sent)
    except ShiplineError as error:
        log.warning("no look at the artifacts of %s: %s", sent.id, error)


async def _give_up(ctx: Context, sent: Dispatch, within: timedelta) -> None:
    """What comes after this is too late, unless it came just now."""
    await _look(ctx, sent)
    words = (
        f"{sent.event_type} went to GitHub Actions and nothing came back within {_minutes(within)}: no callback, no "
        f"comment, no artifact. See the repository's Actions page; the pack comes with `shipline workflows install`."
    )
    await end(ctx, sent, words, "deadline")


async def _content(ctx: Context, known: Dispatch, said: Outcome) -> str:
    await collect(ctx, known)
    if said.state != "COMPLETED":
        raise (NoAnswer if known.outcome_by == "deadline" else AgentError)(
            said.result.error or f"{known.event_type} ended as {said.state.lower()} in GitHub Actions.",
            "Retry: it is asked for again.",
        )
    body = said.result.body
    if body is None:
        found = await _until(lambda: find_outcome(ctx, known))
        body = str((found or {}).get("result", {}).get("body") or "")
    if hashlib.sha256(body.encode()).hexdigest() != said.result.sha256:
        words = f"What {known.event_type} made is not in its artifact, or is not what its callback told of."
        lost = failed(known, words).model_dump(by_alias=True)
        await ctx.store.change(Dispatch, known.id, {"outcome": lost})  # so that a retry asks for it anew
        raise AgentError(words, "Retry: it is asked for again.")
    return body


async def _until(look: Callable[[], Awaitable[dict[str, Any] | None]]) -> dict[str, Any] | None:
    """An artifact that was uploaded a moment ago may not be listed yet."""
    for _ in range(5):
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(TICK * 2)
    return None


def _minutes(within: timedelta) -> str:
    seconds = within.total_seconds()
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"
