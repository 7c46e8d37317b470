"""Asking an agent: the request is composed, journalled as an effect, and the answer parsed into our models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import ValidationError

from agents_catalog.catalog import load_agents, prompt
from agents_catalog.disciplines import discipline, disciplines
from ledger.effects import Key, nothing_to_find, perform
from ledger.models import (
    Agent,
    AgentInput,
    AgentJob,
    AgentResult,
    AgentRun,
    AgentRunStatus,
    AgentType,
    EffectKind,
    EventType,
    Executor,
    Idea,
    Issue,
    Level,
    Model,
    OnboardingDoc,
    Run,
)
from ledger.rules.branches import INTEGRATION
from ledger.timeline import append, event
from shipline.errors import AgentError, ConfigError
from shipline.redact import redact_text
from tasks.actions.elsewhere import ask_there
from tasks.agents.material import Section, fit
from tasks.agents.packs import read_packs
from tasks.agents.ports import AgentFailed
from tasks.agents.registry import RECORDED, only_replays, planner
from tasks.agents.untrusted import one_line, rendered, shown
from tasks.budget import counting, require_budget
from tasks.context import Context
from tasks.metering import Meter, lost, metered, metering, seen_through

T = TypeVar("T", bound=Model)
Made = TypeVar("Made", bound=Model)

RUN = "run"
MOST_OBJECTIVE, MOST_LINE = 4_000, 1_000  # characters of what to do, and of one line of what done means


async def compose(
    ctx: Context,
    run: Run,
    who: AgentType,
    objective: str,
    *,
    issue: Issue | None = None,
    round_: str = "1",
    material: Sequence[Section] = (),
) -> AgentJob:
    """The request to one agent about the run, or about one of its issues, with the ``material`` that it needs for it.

    Agents that only replay read nothing: for them no context is gathered.
    """
    if run.replay and not only_replays(ctx.settings):
        raise ConfigError(
            f"Run {run.id} repeats the recording {run.replay.recording!r}, and this process has agents that think.",
            "Nobody was asked. Start it again: shipline replay.",
        )
    agent = await catalog_agent(ctx, who)
    idea = await ctx.store.get(Idea, run.idea_id)
    criteria = issue.acceptance_criteria if issue else (run.spec.acceptance_criteria if run.spec else [])
    told, done, found = asked_for(objective, criteria, issue)
    context = prompt(who).format(
        objective=told,
        criteria=done,
        context=await _context(ctx, run, agent, [_task(idea, issue), *found, *material], issue, round_),
        constraints="\n".join(f"- {line}" for line in agent.constraints),
    )
    known = [discipline(name) for name in disciplines(who, issue.files if issue else ())]
    first = await _read_first(ctx, agent)
    context = "\n\n".join(each for each in (first, *known, context) if each)
    asked = AgentInput(
        repo=run.repo,
        branch=issue.branch if issue else None,
        issue_id=issue.number if issue else None,
        objective=objective,
        context_packs=agent.context_packs,
        constraints=agent.constraints,
    )
    return AgentJob(
        type=who, idea=idea.text, size=run.size, node_key=issue.key if issue else RUN, round=round_, input=asked,
        context=context,
    )  # fmt: skip


def asked_for(objective: str, criteria: Sequence[str], issue: Issue | None) -> tuple[str, str, list[Section]]:
    """What to do and what done means, as the prompt says it, and what of that is material instead.

    Titles and criteria of our planners stand there on a line each. Those of a finding are made of names of files and
    tests, and of what they print: an agent's words, which are shown as such.
    """
    if issue is None or issue.origin is None:
        lines = [f"- {one_line(each, MOST_LINE)}" for each in criteria]
        return one_line(objective, MOST_OBJECTIVE), "\n".join(lines) or "- (none yet)", []
    of_finding = Section("Its acceptance criteria", "\n".join(f"- {one_line(each, MOST_LINE)}" for each in criteria))
    what = one_line(objective.replace(issue.title, "the defect that the context describes"), MOST_OBJECTIVE)
    return what, "- The criteria that the context gives are met, as far as they are about the defect.", [of_finding]


def _task(idea: Idea, issue: Issue | None) -> Section:
    if issue is None:
        return Section("The idea", *shown(idea.text))
    return Section("The issue", *rendered(f"{one_line(issue.title)}\n\n{issue.body}"))


async def _context(
    ctx: Context, run: Run, agent: Agent, sections: Sequence[Section], issue: Issue | None, round_: str
) -> str:
    """What the agent reads, cut to its budget; what it does not get to read is written down."""
    if only_replays(ctx.settings):
        return sections[0].text
    packs = await read_packs(ctx, run, agent, INTEGRATION, issue.files if issue else ())
    found = fit([*sections, *packs], ctx.settings.context_tokens)
    if found.left_out:
        node = issue.key if issue else None
        told = event(
            EventType.STEP_COMPLETED, run.state, f"{agent.name} does not read: {'; '.join(found.left_out)}", node=node,
            data={"leftOut": list(found.left_out)}, event_id=f"left-out-{run.id}-{node or RUN}-{agent.type}-{round_}",
        )  # fmt: skip
        await append(ctx.store, run.id, told)
    return redact_text(found.text)


async def ask_planner(ctx: Context, run: Run, job: AgentJob, schema: type[T]) -> T:
    """One typed answer of a planning agent, asked once."""
    key = Key(run.id, job.node_key, job.round, EffectKind(f"agent.{job.type.value}"))

    there = run.executor is Executor.ACTIONS

    async def act() -> AgentResult:
        asked = ask_there(ctx, run, key, job, schema) if there else planner(ctx.settings).ask(job, schema)
        result = await metered(await asked)
        parse(result, schema, job)
        return result

    lonely = not there and ctx.settings.planner != RECORDED  # who asked is gone, and with it the answer
    result = await journal(ctx, run, key, job, act, AgentResult, lambda done: done, lonely=lonely)
    return parse(result, schema, job)


def parse(result: AgentResult, schema: type[T], job: AgentJob) -> T:
    """The answer as ``schema``; AgentError in words when it does not fit."""
    try:
        return schema.model_validate(result.output.answer)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AgentError(
            f"{job.type.value} answered with {where or 'something'} that does not fit: {first['msg']}."
        ) from error


async def journal(
    ctx: Context,
    run: Run,
    key: Key,
    job: AgentJob,
    act: Callable[[], Awaitable[Made]],
    outcome: type[Made],
    result_of: Callable[[Made], AgentResult],
    *,
    lonely: bool = False,
) -> Made:
    """Run ``act`` as the effect ``key`` and keep the agent run beside it, whatever becomes of it.

    A ``lonely`` agent cannot be found again by another process: it is started once more, and the ledger says so.
    """
    record = AgentRun(
        id=str(key), run_id=run.id, agent_id=job.type.value, project_id=run.project_id, node_key=job.node_key,
        round=job.round, input=job.input, status=AgentRunStatus.RUNNING, artifacts_in=job.input.artifacts_in,
    )  # fmt: skip

    async def recorded() -> Made:
        await require_budget(ctx.store, run.id)
        fresh = await ctx.store.insert(record)
        async with counting(ctx.store, run.id), metering(ctx.store, record.id) as meter:
            if not fresh:  # an earlier attempt was cut off, or failed
                await _once_more(ctx, run, job, await ctx.store.get(AgentRun, record.id), lonely=lonely)
            try:
                made = await act()
            except Exception as error:  # noted on the agent run; the effect's journal notes it too
                await seen_through(_failed(meter, error))
                raise
            result = result_of(made)
            meter.now = meter.share(result.usage, result.account)
        await ctx.store.change(
            AgentRun,
            record.id,
            {
                "status": AgentRunStatus.COMPLETED,
                "output": result.output.model_dump(by_alias=True),
                "usage": meter.total.model_dump(by_alias=True),
                "wasted": meter.before.model_dump(by_alias=True),
                "asking": None,
                "artifactsOut": result.output.artifacts_out,
                "replayed": result.replayed,
                "warnings": result.warnings,
                "error": None,
            },
        )
        return made

    def say(done: Made) -> str:
        result = result_of(done)
        replayed = " (replayed)" if result.replayed else ""
        warnings = "".join(f" Warning: {warning}" for warning in result.warnings)
        return f"{job.type.value}{replayed}: {result.output.changeset_summary or job.input.objective}{warnings}"

    return await perform(
        ctx.store, key, outcome, act=recorded, look=nothing_to_find, say=say, phase=run.state, long=True
    )


async def _once_more(ctx: Context, run: Run, job: AgentJob, known: AgentRun, *, lonely: bool) -> None:
    """Take up an agent run that was cut off, or failed. What a request took that was out then is estimated."""
    if known.asking is not None:
        await lost(known.asking, "cut off before it was answered")
    if lonely and known.status is AgentRunStatus.RUNNING:
        took = f"; the request that was lost took about {known.asking.input_tokens:,} tokens" if known.asking else ""
        node = None if job.node_key == RUN else job.node_key
        words = f"{job.type.value} was cut off and is started once more{took}"
        told = event(EventType.STEP_STARTED, run.state, words, node=node, level=Level.WARNING)
        await append(ctx.store, run.id, told)
    await ctx.store.change(AgentRun, known.id, {"status": AgentRunStatus.RUNNING, "error": None})


async def _failed(meter: Meter, error: Exception) -> None:
    if isinstance(error, AgentFailed):
        await meter.told(error.usage, error.account)
    failed = {"status": AgentRunStatus.FAILED, "error": str(error), "asking": None}
    await meter.store.change(AgentRun, meter.agent_run, failed)


async def catalog_agent(ctx: Context, who: AgentType) -> Agent:
    """The agent as the ledger has it, else as the catalog ships it. Raises AgentError when it is switched off."""
    stored = await ctx.store.find_one(Agent, {"type": who})
    agent = stored or next(each for each in load_agents() if each.type is who)
    if not agent.enabled:
        raise AgentError(f"The agent {agent.name} is switched off.", "Switch it on in the catalog.")
    return agent


async def _read_first(ctx: Context, agent: Agent) -> str:
    """The agent's onboarding document in its newest version; nothing when it has none."""
    if agent.onboarding_doc_ref is None:
        return ""
    found = await ctx.store.find_one(OnboardingDoc, {"_id": agent.onboarding_doc_ref})
    return found.text.strip() if found else ""
