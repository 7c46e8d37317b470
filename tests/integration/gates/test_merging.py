"""Merges: refused by each gate in turn with its evidence, and then the head that was tested merges; five at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows import filing, leaf
from ledger.models import AgentRun, CheckReport, Finding, IssueStatus, IssueType, Severity, Usage, Verdict
from ledger.queries import snapshot
from ledger.rules import gates as g
from ledger.rules.defects import make_defect
from ledger.rules.gates import gates
from shipline.errors import Interrupted
from tasks.gates import GatesShut
from tasks.pulls import merge_pull_request
from tests.crash.scenario import Ground
from tests.integration.gates.conftest import add_leaf, quick_checks, set_up, without_prefect
from tests.integration.reconcile.conftest import Made, Person, plain

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
merge = plain(merge_pull_request)


async def standing(made: Made, key: str) -> dict[str, tuple[str, str]]:
    """Each gate of a node as everybody sees it."""
    seen = await snapshot(made.store, made.run.id)
    return {each.name: (each.state.value, each.evidence) for each in gates(seen.tree, seen.tree[key])}


async def require(ground: Ground, made: Made, base: str, name: str) -> None:
    """Let the base branch require a check."""
    checks = {"required_status_checks": [{"context": name}], "strict_required_status_checks_policy": False}
    body = {
        "name": base, "enforcement": "active", "rules": [{"type": "required_status_checks", "parameters": checks}],
        "conditions": {"ref_name": {"include": [f"refs/heads/{base}"], "exclude": []}},
    }  # fmt: skip
    async with ground.github() as github:
        (await github.post(f"/repos/{made.run.repo}/rulesets", json=body)).raise_for_status()


async def test_each_gate_in_turn_refuses_and_then_the_tested_head_merges(made: Made, ground: Ground) -> None:
    run, ann = made.run.id, made.ann
    node = await made.node("hello")
    base, branch, tested = str(node.base), str(node.branch), str(node.head)

    # Something is open below it.
    found = Finding(check="tests", severity=Severity.CRITICAL, title="Wrong", evidence="1 == 2", fingerprint="w")
    tree = (await snapshot(made.store, run)).tree
    defect = make_defect(tree, "hello", found, node.created_at)
    await made.store.insert(defect)
    with pytest.raises(GatesShut, match=r"does not merge into .*No open defect: Defect: Wrong") as shut:
        await merge(run, "hello")
    assert shut.value.heals
    await made.store.change(type(defect), defect.id, {"status": IssueStatus.DONE})

    # Coverage and scans, as QA told of them.
    for check, gate in (("coverage", g.COVERAGE), ("sast", g.SCANS)):
        report = CheckReport(check=check, verdict=Verdict.FAILED, summary="bad", findings=[found])
        await made.change("hello", reports=[report.model_dump(by_alias=True)], reportedHead=tested)
        with pytest.raises(GatesShut, match=f"{gate}: Wrong"):
            await merge(run, "hello")
    await made.change("hello", reports=[], reportedHead=None)

    # A check that the base requires.
    await require(ground, made, base, "build")
    async with ground.github() as github:
        for state in ("pending", "failure", "success"):
            said = {"context": "build", "state": state}
            (await github.post(f"/repos/{made.run.repo}/statuses/{tested}", json=said)).raise_for_status()
            if state != "success":
                assert not await merge(run, "hello")
                assert (await standing(made, "hello"))[g.REQUIRED][1] == f"build {state}"

    # A person.
    await set_up(made, approveEveryMerge=True)
    with pytest.raises(GatesShut, match=f"waits for approval of #{node.pr_number} at head {tested[:7]}"):
        await merge(run, "hello")
    await set_up(made, approveEveryMerge=False)

    # The budget.
    await spend(made, 2.0)
    await made.store.change(type(made.run), run, {"budget.usd": 1.0})
    with pytest.raises(Interrupted, match="budget"):
        await merge(run, "hello")
    await made.store.change(type(made.run), run, {"budget.usd": None, "interrupt.paused": False})

    # Another head than the one that was tested, and a base that has moved.
    moved = await ann.commit(branch, "more.txt")
    assert not await merge(run, "hello")
    assert f"its head is {moved[:7]}" in (await standing(made, "hello"))[g.CURRENT][1]
    await ann.rewrite(branch, tested)
    tip = await ann.branch(base)
    await ann.commit(base, "elsewhere.txt")
    assert not await merge(run, "hello")
    assert f"{tested[:7]} lacks {base}" in (await standing(made, "hello"))[g.CURRENT][1]
    await ann.rewrite(base, str(tip))

    assert await merge(run, "hello")
    merged = await made.node("hello")
    commit = await ann.say("GET", f"git/commits/{merged.merged_sha}")
    assert [each["sha"] for each in commit["parents"]] == [tip, tested]
    held = {name: state for name, (state, _) in (await standing(made, "hello")).items()}
    assert {held[each] for each in (g.BELOW, g.DEFECTS, g.QA, g.REQUIRED, g.CURRENT)} == {"holds"}


async def spend(made: Made, usd: float) -> None:
    """Somebody has thought for so much."""
    known = {"run_id": made.run.id, "agent_id": "x", "project_id": "p", "node_key": "hello", "round": "1"}
    asked = {"repo": made.run.repo, "objective": "Think"}
    cost: dict[str, Any] = {"usage": Usage(usd=usd), "input": asked}
    await made.store.insert(AgentRun.model_validate({"_id": f"{made.run.id}/spent", **known, **cost}))


async def test_five_at_once_into_one_branch_one_bad_four_merge(
    made: Made, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_prefect(monkeypatch, leaf, filing)
    quick_checks(monkeypatch)
    person = Person(ground.github(), made.run.repo)
    async with person.client:
        for key in ("bad", "more", "yes"):
            await add_leaf(made, person, key)
    await made.change("bad", testedHead=None)
    keys = ("hello", "bye", "bad", "more", "yes")
    await asyncio.gather(*(leaf._verdict(made.run.id, key, leaf._land) for key in keys))

    tree = (await snapshot(made.store, made.run.id)).tree
    assert {each.key: (each.status, each.failure) for each in tree.issues if each.key in keys} == {
        **dict.fromkeys(keys, (IssueStatus.DONE, None)), "bad": (IssueStatus.BLOCKED, None),
    }  # fmt: skip
    (defect,) = [each for each in tree.issues if each.type is IssueType.DEFECT]
    assert (defect.parent, defect.title) == ("bad", "Defect: bad.txt is there")
    assert not (await made.ann.pull(int(tree["bad"].pr_number or 0)))["merged"]
    ours = {tree[key].tested_head for key in keys if key != "bad"}
    heads = set()
    for key in keys:
        if tree[key].merged_sha:
            commit = await made.ann.say("GET", f"git/commits/{tree[key].merged_sha}")
            heads.add(commit["parents"][1]["sha"])
    assert heads == ours
