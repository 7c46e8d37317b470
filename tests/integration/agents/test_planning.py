"""Planning by agents that think: what they are told, and what becomes of a plan that breaks the rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from agents_catalog.disciplines import discipline, disciplines
from ledger.issues import read_tree
from ledger.models import AgentRun, AgentType, Event, Run, RunState, Spec
from ledger.runs import note_run, transition
from shipline.backoff import TRIES
from shipline.errors import AgentError, Unavailable
from tasks.agents import refusals
from tasks.context import Context, close_context, context
from tasks.planning import write_plan
from tests.integration.reconcile.conftest import plain
from tests.integration.sandbox.support import TOKEN, Server
from tests.services.nim import KEY, Nim, role_of
from tests.services.nim import Says as Reaction
from tests.services.served import served

LEAF: dict[str, Any] = {
    "type": "task",
    "title": "A leaf",
    "parent": "epic",
    "requirements": ["R1"],
    "estimateMinutes": 1,
}
TREE = {"nodes": [{"key": "epic", "type": "epic", "title": "All"}, {**LEAF, "key": "one"}, {**LEAF, "key": "two"}]}
CRITERIA = {"criteria": {"one": ["It is there"], "two": ["It is there"]}}
CYCLE = {"order": {"one": {"dependencies": ["two"]}, "two": {"dependencies": ["one"]}}}
UNKNOWN = {"order": {"three": {"orderIndex": 1}}}
ORDER = {"order": {"one": {}, "two": {"dependencies": ["one"]}}}


@dataclass
class Planners:
    """What the three planners say, the issue planner something else each time; and what they were told."""

    orders: list[dict[str, Any]]
    nim: Nim
    prompts: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, prompt: str) -> str:
        role = role_of(prompt)
        self.prompts.setdefault(role, []).append(prompt)
        if role == AgentType.ROADMAP_DECOMPOSER:
            return json.dumps(TREE)
        if role == AgentType.ACCEPTANCE_CRITERIA_AUTHOR:
            return json.dumps(CRITERIA)
        return json.dumps(self.orders.pop(0) if len(self.orders) > 1 else self.orders[0])


Says = Callable[..., Planners]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, ctx: Context) -> Iterator[Says]:
    """Let the issue planner give these orders, one after the other, the last one again and again."""
    nim = Nim()
    with served(nim.app) as url:
        for name, value in {"PLANNER": "nemotron", "PLANNER_URL": f"{url}/v1", "PLANNER_KEY": KEY}.items():
            monkeypatch.setenv(f"SHIPLINE_{name}", value)

        def orders(*given: dict[str, Any]) -> Planners:
            planners = Planners(list(given), nim)
            nim.answer = planners
            return planners

        yield orders


async def specified(run: Run) -> Context:
    """The run with a spec, at the stage that plans it."""
    await close_context()  # so that the planner of the environment is taken
    ctx = await context()
    spec = Spec.model_validate({
        "title": "Words", "problem": "None.", "goals": ["G."], "requirements": [{"id": "R1", "text": "Words."}],
        "acceptance_criteria": ["A."],
    })  # fmt: skip
    await note_run(ctx.store, run.id, {"spec": spec.model_dump(by_alias=True)})
    await transition(ctx.store, run.id, RunState.SPEC_WRITING, "spec")
    await transition(ctx.store, run.id, RunState.ISSUE_TREE, "plan")
    return ctx


@pytest.mark.parametrize(
    ("bad", "words"),
    [(CYCLE, "one depends on two, which merges after it"), (UNKNOWN, "name nodes that the tree does not have: three")],
)
async def test_a_plan_that_breaks_a_rule_is_asked_for_again_with_the_rule(
    says: Says, run: Run, bad: dict[str, Any], words: str
) -> None:
    planners, ctx = says(bad, ORDER), await specified(run)
    cast = await plain(write_plan)(run.id)
    assert cast.leaves == 2
    first, second = planners.prompts["issue-planner"]
    assert "What was wrong with the last plan" not in first
    wrong = second.split("## What was wrong with the last plan")[1].split("##")[0]
    assert words in wrong
    assert sorted(each.key for each in (await read_tree(ctx.store, run.id)).issues) == ["epic", "one", "two"]
    asked = await ctx.store.find(AgentRun, {"runId": run.id})
    assert sorted(each.round for each in asked) == ["1"] * 3 + ["2"] * 3


async def test_a_plan_that_stays_bad_leaves_nothing_and_a_retry_asks_anew(says: Says, run: Run, github: Server) -> None:
    planners, ctx = says(CYCLE), await specified(run)
    before = _issues(github)
    with pytest.raises(AgentError, match="The plan breaks") as refused:
        await plain(write_plan)(run.id)
    assert "Resume the run" in refused.value.hint
    assert len(planners.prompts["issue-planner"]) == 3
    assert (await read_tree(ctx.store, run.id)).issues == ()
    assert (await ctx.store.get(Run, run.id)).forecast is None
    assert _issues(github) == before
    planners.orders = [ORDER]
    assert (await plain(write_plan)(run.id)).leaves == 2
    assert len(planners.prompts["issue-planner"]) == 4, "what was answered before is not asked again"


async def test_planners_that_stay_away_in_the_middle_leave_nothing_half_made(
    says: Says, run: Run, github: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree is drawn, then every connection breaks: the next attempt asks only for what is missing."""
    planners, ctx = says(ORDER), await specified(run)
    monkeypatch.setattr(refusals, "pause", lambda _: 0.01)
    before, nim = _state(github), planners.nim
    answering = nim.answer

    def once(prompt: str) -> str:
        nim.script.extend([Reaction(closes=True), Reaction(breaks=True), *[Reaction(closes=True)] * 3])
        nim.answer = answering
        return answering(prompt)

    nim.answer = once
    with pytest.raises(Unavailable, match="does not answer") as away:
        await plain(write_plan)(run.id)
    assert away.value.hint
    assert len(nim.asked) == 1 + TRIES
    assert (await read_tree(ctx.store, run.id)).issues == ()
    left = await ctx.store.get(Run, run.id)
    assert (left.forecast, left.outcome, left.state) == (None, None, RunState.ISSUE_TREE)
    assert _state(github) == before
    assert (await plain(write_plan)(run.id)).leaves == 2
    assert len(planners.prompts["roadmap-decomposer"]) == 1, "what was answered is not asked again"


async def test_planners_are_told_what_their_disciplines_ask(says: Says, run: Run) -> None:
    planners, _ = says(ORDER), await specified(run)
    await plain(write_plan)(run.id)
    for role, (prompt, *_rest) in planners.prompts.items():
        known = disciplines(AgentType(role))
        assert known
        for name in known:
            assert discipline(name) in prompt
            assert prompt.index(discipline(name)) < prompt.index("# What to do")


async def test_planners_read_what_they_need_and_what_they_do_not_read_is_written_down(says: Says, run: Run) -> None:
    planners, ctx = says(ORDER), await specified(run)
    await plain(write_plan)(run.id)
    roadmap, order = planners.prompts["roadmap-decomposer"][0], planners.prompts["issue-planner"][0]
    for title in ("The idea", "The spec", "The files of the repository", "README.md"):
        assert f"## {title}\n" in roadmap, title
    assert "ours.txt" in roadmap
    for title in ("The tree", "Its acceptance criteria"):
        assert f"## {title}\n" in order, title
    assert "Why we did it." in roadmap
    assert "By ours" in roadmap
    for hidden in ("obey mallory", "By mallory", "\u200b"):
        assert hidden not in roadmap, hidden
    said = [each.msg for each in await ctx.store.find(Event, {"runId": run.id}) if "does not read" in each.msg]
    assert len(said) == 1
    assert "its author, mallory, may not write here" in said[0]
    assert "hidden characters" in said[0]


def _state(github: Server) -> list[Any]:
    """Everything on GitHub that a plan might have touched."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    paths = ("issues?state=all", "pulls?state=all", "branches", "labels")
    return [httpx.get(f"{github.url}/repos/demo/tally/{path}", headers=headers).json() for path in paths]


def _issues(github: Server) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return len(httpx.get(f"{github.url}/repos/demo/tally/issues?state=all", headers=headers).json())
