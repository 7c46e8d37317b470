"""Thinking before doing: the spec, and the issue tree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ledger.effects import Key
from ledger.issues import read_tree, store_plan
from ledger.models import (
    AgentType,
    Effect,
    EffectKind,
    EffectStatus,
    EventType,
    Forecast,
    Level,
    Model,
    Plan,
    PlanNode,
    Spec,
)
from ledger.rules.branches import INTEGRATION
from ledger.rules.budget import over_forecast
from ledger.rules.plan import check_plan
from ledger.rules.schedule import forecast
from ledger.runs import note_run
from ledger.timeline import event
from shipline.errors import AgentError
from tasks.agents.ask import RUN, ask_planner, compose
from tasks.agents.material import Section
from tasks.agents.recording import as_yaml
from tasks.agents.registry import only_replays
from tasks.answers import Criteria, Order, Place, Roadmap
from tasks.github.reading import Reader
from tasks.state import Here, here, idea_text
from tasks.step import step
from tasks.texts import spec_text

T = TypeVar("T", bound=Model)
ROUNDS = 3  # in which a plan is asked for before a person is
AGAIN = "Resume the run to have it planned anew, or say more in the idea."


@step(name="write-spec", task_run_name="write spec {run_id}")
async def write_spec(run_id: str) -> Spec:
    """Ask the spec writer, once, and keep the spec in the run."""
    at = await here(run_id)
    if at.run.spec:
        return at.run.spec
    idea = await idea_text(at.run)
    job = await compose(at.ctx, at.run, AgentType.SPEC_WRITER, f"Write the product spec of this idea: {idea}")
    spec = await ask_planner(at.ctx, at.run, job, Spec)
    told = event(
        EventType.STEP_COMPLETED, at.run.state, f"Spec: {spec.title}", data={"requirements": len(spec.requirements)},
        event_id=f"{run_id}/spec",
    )  # fmt: skip
    await note_run(at.ctx.store, run_id, {"spec": spec.model_dump(by_alias=True)}, told)
    return spec


@step(name="write-plan", task_run_name="write plan {run_id}")
async def write_plan(run_id: str) -> Forecast:
    """Ask for the tree, its criteria and its order; check it; keep its issues and its forecast.

    A plan that breaks a rule is asked for again, with what is wrong with it. Raises AgentError with every problem when
    that does not help; nothing is stored then.
    """
    at = await here(run_id)
    if at.run.forecast and (await read_tree(at.ctx.store, run_id)).issues:
        return at.run.forecast
    spec = at.run.spec
    if spec is None:
        raise AgentError("The run has no spec to plan from.", "Run the spec stage first.")
    plan = await _fit_plan(at, spec)
    cast = forecast(plan, at.ctx.settings.max_parallel)
    await store_plan(at.ctx.store, at.run, plan)
    told = event(
        EventType.STEP_COMPLETED, at.run.state,
        f"Plan: {cast.leaves} leaves, about {cast.minutes_to_finish:.0f} minutes and ${cast.usd:.2f}",
        data=cast.model_dump(by_alias=True), event_id=f"{run_id}/plan",
    )  # fmt: skip
    await note_run(at.ctx.store, run_id, {"forecast": cast.model_dump(by_alias=True)}, told)
    for number, words in enumerate(over_forecast(at.run.budget, cast)):
        warned = event(
            EventType.STEP_COMPLETED, at.run.state, words, level=Level.WARNING, event_id=f"{run_id}/forecast/{number}"
        )
        await note_run(at.ctx.store, run_id, {}, warned)
    return cast


async def _fit_plan(at: Here, spec: Spec) -> Plan:
    """A plan without a fault. What was answered before is not asked again, so a retry goes on with further rounds."""
    told, asked = [Section("The spec", spec_text(spec)), *await files_of_repository(at)], 0
    wrong: list[Section] = []
    for number in itertools.count(1):
        asked += not await _answered(at, number)
        draft = _Draft(at, spec.title, str(number))
        roadmap = await draft.ask(
            AgentType.ROADMAP_DECOMPOSER, "Draw the {size} tree of {title!r}", Roadmap, told, wrong
        )
        tree = [*told, Section("The tree", as_yaml(roadmap))]
        criteria = await draft.ask(
            AgentType.ACCEPTANCE_CRITERIA_AUTHOR, "Write the criteria of {title!r}", Criteria, tree, wrong
        )
        order = await draft.ask(
            AgentType.ISSUE_PLANNER, "Order the tree of {title!r}", Order,
            [*tree, Section("Its acceptance criteria", as_yaml(criteria))], wrong,
        )  # fmt: skip
        plan, problems = None, []
        try:
            plan = assemble(roadmap, criteria, order)
            problems = check_plan(plan, spec, at.run.size)
        except AgentError as error:
            problems = [error.message]
        if plan is not None and not problems:
            return plan
        if asked >= ROUNDS:
            raise AgentError(f"The plan breaks {len(problems)} rule(s): " + "; ".join(problems) + ".", AGAIN)
        wrong = [Section("What was wrong with the last plan", "\n".join(f"- {line}" for line in problems)),
                 Section("The last tree", as_yaml(roadmap)), Section("Its order", as_yaml(order))]  # fmt: skip
    raise AssertionError("counting has no end")


@dataclass(frozen=True)
class _Draft:
    """One round of planning."""

    at: Here
    title: str
    round: str

    async def ask(
        self, who: AgentType, objective: str, schema: type[T], told: Sequence[Section], wrong: Sequence[Section]
    ) -> T:
        words = objective.format(size=self.at.run.size.value, title=self.title)
        job = await compose(self.at.ctx, self.at.run, who, words, round_=self.round, material=[*wrong, *told])
        return await ask_planner(self.at.ctx, self.at.run, job, schema)


async def _answered(at: Here, number: int) -> bool:
    last = Key(at.run.id, RUN, str(number), EffectKind.AGENT_ISSUE_PLANNER)
    found = await at.ctx.store.find_one(Effect, {"_id": str(last)})
    return found is not None and found.status is EffectStatus.SUCCEEDED


async def files_of_repository(at: Here) -> list[Section]:
    """The paths of what is there already; nothing for agents that only replay."""
    if only_replays(at.ctx.settings):
        return []
    paths = await Reader(at.ctx.github, at.run.repo).paths(INTEGRATION)
    return [Section("The files of the repository", "\n".join(paths))]


def assemble(roadmap: Roadmap, criteria: Criteria, order: Order) -> Plan:
    """One plan from three answers. Raises AgentError when they speak of different nodes."""
    known = {node.key for node in roadmap.nodes}
    strangers = sorted((set(criteria.criteria) | set(order.order)) - known)
    if strangers:
        raise AgentError(f"Criteria or order name nodes that the tree does not have: {', '.join(strangers)}.")
    nodes = []
    for node in roadmap.nodes:
        place = order.order.get(node.key, Place())
        nodes.append(
            PlanNode(
                **node.model_dump(),
                acceptance_criteria=criteria.criteria.get(node.key, []),
                order_index=place.order_index,
                dependencies=place.dependencies,
            )
        )
    return Plan(nodes=nodes)
