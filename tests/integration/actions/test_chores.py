"""Each workflow that works on GitHub itself, asked for alone; asked for twice, it does nothing twice."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from gha.messages import Outcome, StepJob, StepKind
from ledger.models import Dispatch, Run
from shipline.ids import uuid7
from tasks.context import Context
from tasks.dispatching import dispatch
from tasks.github.repo import Repo
from tests.integration.actions.conftest import REPO, Ground

pytestmark = pytest.mark.timeout(240)


async def asked(ctx: Context, run: Run, event_type: str, **params: Any) -> Outcome:
    """What came of a request."""
    return await ended(ctx, (await dispatch(run.id, event_type, None, None, params, key=uuid7())).id)


async def ended(ctx: Context, dispatch_id: str) -> Outcome:
    """What became of a dispatch, once something has."""
    for _ in range(600):
        known = await ctx.store.get(Dispatch, dispatch_id)
        if known.outcome is not None:
            return Outcome.model_validate(known.outcome)
        await asyncio.sleep(0.1)
    raise AssertionError(f"{dispatch_id} was never answered")


async def done(ctx: Context, run: Run, event_type: str, **params: Any) -> Any:
    """What a request that was granted answers."""
    outcome = await asked(ctx, run, event_type, **params)
    assert outcome.state == "COMPLETED", outcome.result.error
    return json.loads(outcome.result.body or "null")


async def test_issues_sync_brings_issues_up_to_the_plan(ctx: Context, run: Run, ground: Ground) -> None:
    made = (await ground.github.post(f"/repos/{REPO}/issues", json={"title": "Old", "labels": ["kept"]})).json()
    wanted = {"number": made["number"], "title": "New", "labels": ["task"], "closed": True}
    assert await done(ctx, run, "issues.sync.request", issues=[wanted]) == {"changed": [made["number"]]}
    seen = (await ground.github.get(f"/repos/{REPO}/issues/{made['number']}")).json()
    assert (seen["title"], seen["state"]) == ("New", "closed")
    assert {each["name"] for each in seen["labels"]} == {"kept", "task"}
    assert await done(ctx, run, "issues.sync.request", issues=[wanted]) == {"changed": []}


async def test_branch_manage_makes_what_is_missing(ctx: Context, run: Run) -> None:
    repo = Repo(ctx.github, REPO)
    made = await done(ctx, run, "branch.manage.request", branch=f"by-hand/{run.id}")
    assert made["sha"] == await repo.branch_sha(f"by-hand/{run.id}") == await repo.branch_sha("main")
    failed = await asked(ctx, run, "branch.manage.request", branch=f"other/{run.id}", start="nowhere")
    assert "has no branch nowhere" in (failed.result.error or "")


async def test_a_defect_is_filed_once_below_its_parent(ctx: Context, run: Run, ground: Ground) -> None:
    parent = (await ground.github.post(f"/repos/{REPO}/issues", json={"title": "Parent"})).json()
    wanted = {"title": "It breaks", "body": "Here is how.", "fingerprint": f"abcd-{run.id}", "parent": parent["number"]}
    first = await done(ctx, run, "qa.defect.file.request", **wanted)
    assert await done(ctx, run, "qa.defect.file.request", **wanted) == {"number": first["number"], "new": False}
    children = (await ground.github.get(f"/repos/{REPO}/issues/{parent['number']}/sub_issues")).json()
    assert [each["number"] for each in children] == [first["number"]]


async def test_the_merge_gate_merges_what_was_tested_when_nothing_is_in_the_way(
    ctx: Context, run: Run, ground: Ground
) -> None:
    repo = Repo(ctx.github, REPO)
    tip = str(await repo.branch_sha("main"))
    await repo.create_branch(f"gate-base-{run.id}", tip)
    head = await repo.empty_commit(tip, "A change")
    await repo.create_branch(f"gate-{run.id}", head)
    pull = await repo.open_pull(f"gate-{run.id}", f"gate-base-{run.id}", "A change", "")
    parent = (await ground.github.post(f"/repos/{REPO}/issues", json={"title": "Parent"})).json()
    child = (await ground.github.post(f"/repos/{REPO}/issues", json={"title": "Child"})).json()
    at = f"/repos/{REPO}/issues/{parent['number']}/sub_issues"
    (await ground.github.post(at, json={"sub_issue_id": child["id"]})).raise_for_status()
    wanted = {"pull": pull.number, "head": head, "issue": parent["number"]}
    held = await asked(ctx, run, "merge.gate.request", **wanted)
    assert f"waits for #{child['number']}" in (held.result.error or "")
    stale = await asked(ctx, run, "merge.gate.request", **{**wanted, "head": tip})
    assert "was tested" in (stale.result.error or "")
    await ground.github.patch(f"/repos/{REPO}/issues/{child['number']}", json={"state": "closed"})
    merged = await done(ctx, run, "merge.gate.request", **wanted)
    assert merged == {"merged": (await repo.pull(pull.number)).merged_sha}
    assert await done(ctx, run, "merge.gate.request", **wanted) == merged


async def test_deploy_runs_the_repository_s_own_script(ctx: Context, run: Run, ground: Ground) -> None:
    bare = await asked(
        ctx, run, "deploy.request", environment="staging", sha=await Repo(ctx.github, REPO).branch_sha("main")
    )
    assert "has no .github/shipline/deploy.sh" in (bare.result.error or "")
    script = base64.b64encode(b'echo "deployed to $ENVIRONMENT"\n').decode()
    path = f"/repos/{REPO}/contents/.github/shipline/deploy.sh"
    put = await ground.github.put(path, json={"message": "Deploy", "content": script})
    sha = put.json()["commit"]["sha"]
    assert await done(ctx, run, "deploy.request", environment="staging", sha=sha) == {
        "environment": "staging", "said": "deployed to staging",
    }  # fmt: skip


async def test_an_event_is_emitted_and_old_artifacts_are_removed(ctx: Context, run: Run) -> None:
    assert await done(ctx, run, "audit.emit", what="looked", count=3) == {"what": "looked", "count": 3}
    assert await done(ctx, run, "artifacts.retention.request", days=30) == {"removed": 0}
    wrong = await asked(ctx, run, "artifacts.retention.request", days=0)
    assert "The parameters do not fit: days" in (wrong.result.error or "")


async def test_the_loop_carries_out_several_steps_that_were_asked_for_together(ctx: Context, run: Run) -> None:
    steps = []
    for number in range(2):
        job = StepJob(kind=StepKind.HELLO).model_dump(mode="json", by_alias=True)
        payload: dict[str, Any] = {"runId": run.id, "nodeId": None, "repo": REPO, "branch": None, "params": {}}
        made = Dispatch(id=uuid7(), key=f"{run.id}/{number}", run_id=run.id, event_type="agent.cursor.execute.request",
                        payload=payload, job=job)  # fmt: skip
        await ctx.store.insert(made)
        steps.append({"dispatchId": made.id, "runId": run.id, "nodeId": ""})
    params = {"steps": steps, "parallel": 2}
    await dispatch(run.id, "exec.loop.request", None, None, params, key=uuid7())
    for step in steps:
        assert (await ended(ctx, step["dispatchId"])).state == "COMPLETED"
