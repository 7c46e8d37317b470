"""Thinking before doing: the spec, and the issue tree."""

from __future__ import annotations

from typing import TypeVar

from ledger.issues import read_tree, store_plan
from ledger.models import AgentType, EventType, Forecast, Level, Model, Plan, PlanNode, Spec
from ledger.rules.budget import over_forecast
from ledger.rules.plan import check_plan
from ledger.rules.schedule import forecast
from ledger.runs import note_run
from ledger.timeline import event
from shipline.errors import AgentError
from tasks.agents.ask import ask_planner, compose
from tasks.answers import Criteria, Order, Place, Roadmap
from tasks.state import Here, here, idea_text
from tasks.step import step

T = TypeVar("T", bound=Model)


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

    Raises AgentError with every problem when the plan breaks a rule; nothing is stored then.
    """
    at = await here(run_id)
    if at.run.forecast and (await read_tree(at.ctx.store, run_id)).issues:
        return at.run.forecast
    spec = at.run.spec
    if spec is None:
        raise AgentError("The run has no spec to plan from.", "Run the spec stage first.")
    roadmap = await _ask(
        at, AgentType.ROADMAP_DECOMPOSER, f"Draw the {at.run.size.value} tree of {spec.title!r}", Roadmap
    )
    criteria = await _ask(at, AgentType.ACCEPTANCE_CRITERIA_AUTHOR, f"Write the criteria of {spec.title!r}", Criteria)
    order = await _ask(at, AgentType.ISSUE_PLANNER, f"Order the tree of {spec.title!r}", Order)
    plan = assemble(roadmap, criteria, order)
    problems = check_plan(plan, spec, at.run.size)
    if problems:
        raise AgentError(f"The plan breaks {len(problems)} rule(s): " + "; ".join(problems) + ".")
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


async def _ask(at: Here, who: AgentType, objective: str, schema: type[T]) -> T:
    return await ask_planner(at.ctx, at.run, await compose(at.ctx, at.run, who, objective), schema)


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
