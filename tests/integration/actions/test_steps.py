"""A step in GitHub Actions, run by act: each way back, and what happens when they are closed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from gha.messages import Outcome, Result, sign
from ledger.effects import Key
from ledger.interrupts import cancel_run, pause_run
from ledger.models import AgentType, Delivery, Dispatch, EffectKind, Idea, Issue, IssueType, Run, Spec, Standards
from shipline.errors import AgentError
from tasks.actions import elsewhere
from tasks.actions.artifacts import kept_at
from tasks.actions.elsewhere import NoAnswer, ask_there, check_there, say_hello
from tasks.actions.interrupting import steps_there
from tasks.agents.ask import compose
from tasks.agents.registry import planner
from tasks.context import Context
from tasks.github.repo import Repo
from tests.integration.actions.conftest import REPO, Ground

pytestmark = pytest.mark.timeout(240)
CALLBACK = {"method": "POST", "path": "/repos/.*/dispatches", "body": ".*orchestrator.status.*", "times": None}
NO_CALLBACK = {"fault": "refuse", "status": 403, **CALLBACK}
NO_ARTIFACT = {"fault": "refuse", "status": 404, "method": "GET", "path": "/repos/.*/actions/artifacts", "times": None}


async def ask(ctx: Context, run: Run, round_: str = "1") -> Any:
    """The spec, asked of the runner."""
    job = await compose(ctx, run, AgentType.SPEC_WRITER, "Write the product spec", round_=round_)
    return await ask_there(ctx, run, Key(run.id, "run", round_, EffectKind.AGENT_SPEC_WRITER), job, Spec)


async def sent(ctx: Context, run: Run) -> list[Dispatch]:
    """What was asked for, in order."""
    return await ctx.store.find(Dispatch, {"runId": run.id}, [("created_at", 1)])


async def test_an_answer_from_there_is_the_one_from_here_and_is_asked_for_once(ctx: Context, run: Run) -> None:
    await say_hello(ctx, run)
    there = await ask(ctx, run)
    job = await compose(ctx, run, AgentType.SPEC_WRITER, "Write the product spec")
    assert there == await planner(ctx.settings).ask(job, Spec)
    again = await ask(ctx, run)  # as a worker does that died before it wrote the answer down
    assert again == there
    hello, asked = await sent(ctx, run)
    assert (hello.event_type, asked.event_type) == ("orchestrator.start", "ai.spec.request")
    assert (hello.outcome_by, asked.outcome_by) == ("callback", "callback")
    assert kept_at(ctx.settings.home, asked).is_file()


async def test_checks_say_there_what_they_say_here(ctx: Context, run: Run) -> None:
    repo = Repo(ctx.github, REPO)
    head = await repo.branch_sha("main")
    issue = Issue(id=f"{run.id}/whole", run_id=run.id, key="whole", repo=REPO, type=IssueType.EPIC, title="All",
                  project_id=run.project_id)  # fmt: skip
    key = Key(run.id, "trees", "1", EffectKind.QA, "abc")
    reports = {each.check: each for each in await check_there(
        ctx, run, key, issue, str(head), False, 80, Standards(base=str(head))
    )}  # fmt: skip
    assert {name: each.verdict.value for name, each in reports.items()} == {
        "tests": "passed", "coverage": "passed", "coverage-of-change": "passed", "lint": "passed", "types": "absent",
    }  # fmt: skip
    assert len(reports["tests"].tests) > 20


async def test_without_a_callback_the_artifact_ends_it(
    ctx: Context, run: Run, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "LOOK", 1.0)
    await ground.fault(**NO_CALLBACK)
    assert (await ask(ctx, run)).output.answer
    assert [each.outcome_by for each in await sent(ctx, run)] == ["artifact"]


async def test_where_a_dispatch_is_not_allowed_a_comment_ends_it(ctx: Context, run: Run, ground: Ground) -> None:
    repo = Repo(ctx.github, REPO)
    sha = await repo.branch_sha("main")
    await repo.create_branch(f"change-{run.id}", await repo.empty_commit(str(sha), "Something"))
    pull = await repo.open_pull(f"change-{run.id}", "main", "A change", "")
    await ctx.store.insert(
        Issue(id=f"{run.id}/leaf", run_id=run.id, key="leaf", repo=REPO, type=IssueType.TASK, title="Leaf",
              project_id=run.project_id, pr_number=pull.number)
    )  # fmt: skip
    await ground.fault(**NO_CALLBACK)
    key = Key(run.id, "leaf", "1", EffectKind.AGENT_QA_TESTER)
    job = await compose(ctx, run, AgentType.SPEC_WRITER, "Write the product spec")
    assert (await ask_there(ctx, run, key, job, Spec)).output.answer
    assert [each.outcome_by for each in await sent(ctx, run)] == ["comment"]


async def test_with_every_way_closed_it_fails_in_words_and_may_be_asked_again(
    ctx: Context, run: Run, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctx.settings, "actions_seconds", 12.0)
    await ground.fault(**NO_CALLBACK)
    await ground.fault(**NO_ARTIFACT)
    with pytest.raises(NoAnswer, match="nothing came back within 12 s: no callback, no comment, no artifact"):
        await ask(ctx, run)
    await ground.github.delete("/_sandbox/faults")
    monkeypatch.setattr(ctx.settings, "actions_seconds", 60.0)
    assert (await ask(ctx, run)).output.answer
    first, second = await sent(ctx, run)
    assert (first.outcome_by, second.outcome_by) == ("deadline", "callback")


async def test_what_goes_wrong_there_is_told_here_in_its_words(ctx: Context, run: Run) -> None:
    idea = await ctx.store.get(Idea, run.idea_id)
    await ctx.store.change(Idea, idea.id, {"text": "An idea that nobody recorded"})
    with pytest.raises(AgentError, match="No recording matches this idea"):
        await ask(ctx, run)


async def test_a_repository_without_the_pack_is_found_out_first(
    ctx: Context, run: Run, monkeypatch: pytest.MonkeyPatch, ground: Ground
) -> None:
    made = await ground.github.post("/user/repos", json={"name": f"bare-{run.id[-6:]}", "auto_init": True})
    await ctx.store.change(Run, run.id, {"repo": made.json()["full_name"]})
    monkeypatch.setattr(ctx.settings, "actions_hello_seconds", 2.0)
    with pytest.raises(NoAnswer, match="shipline workflows install"):
        await say_hello(ctx, await ctx.store.get(Run, run.id))


async def test_an_outcome_that_is_not_signed_with_our_secret_counts_for_nothing(
    ctx: Context, run: Run, ground: Ground
) -> None:
    await pause_run(ctx.store, run.id, "a-person", "")  # so that the step waits
    asking = asyncio.create_task(ask(ctx, run))
    while not (waiting := await steps_there(ctx, run.id)):  # noqa: ASYNC110 (it is written by another process)
        await asyncio.sleep(0.1)
    outcome = Outcome(
        dispatch_id=waiting[0].id, run_id=run.id, phase="EXECUTING", state="COMPLETED", result=Result(body="{}")
    )
    forged = {"event_type": "orchestrator.status", "client_payload": sign(outcome, "a-guess")}
    (await ground.github.post(f"/repos/{REPO}/dispatches", json=forged)).raise_for_status()
    said: list[str] = []
    for _ in range(100):
        found = await ctx.store.find(Delivery, {"event": "repository_dispatch", "workedAt": {"$ne": None}})
        said = [each.result for each in found]
        if any("not signed with our secret" in each for each in said):
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError(said)
    assert (await sent(ctx, run))[0].outcome is None
    await cancel_run(ctx.store, run.id, "a-person", "")
    with pytest.raises(AgentError, match="cancelled"):
        await asking
    (ended,) = await sent(ctx, run)
    assert (ended.outcome_by, (ended.outcome or {})["state"]) == ("callback", "CANCELLED")


async def test_the_job_opens_with_its_own_key_alone(ctx: Context, run: Run, ground: Ground) -> None:
    await ask(ctx, run)
    (asked,) = await sent(ctx, run)
    async with httpx.AsyncClient(base_url=ground.stack.addresses.gateway_url) as client:
        for key in ("", "Bearer 00", f"Bearer {ground.stack.addresses.dispatch_secret}"):
            headers = {"Authorization": key} if key else {}
            for path in ("job", "controls.json"):
                answer = await client.get(f"/api/dispatches/{asked.id}/{path}", headers=headers)
                assert answer.status_code == 401, (key, path)


async def test_workflow_runs_and_artifacts_are_as_github_s_models_have_them(ctx: Context, run: Run) -> None:
    await say_hello(ctx, run)
    rest: Any = ctx.github.client.rest
    owner, _, name = REPO.partition("/")
    runs = (await rest.actions.async_list_workflow_runs_for_repo(owner, name)).parsed_data
    newest = runs.workflow_runs[0]
    assert newest.display_title.startswith(f"orchestrator.start for {run.id} (")
    for _ in range(100):
        if (await rest.actions.async_get_workflow_run(owner, name, newest.id)).parsed_data.conclusion == "success":
            break
        await asyncio.sleep(0.1)
    listed = (await rest.actions.async_list_artifacts_for_repo(owner, name)).parsed_data
    assert listed.artifacts[0].name.startswith("shipline-")
    kinds: set[str] = set()
    found: list[Delivery] = []
    for _ in range(100):  # what GitHub tells of a run, each with the shape that our handlers read
        found = await ctx.store.find(Delivery, {"workedAt": {"$ne": None}})
        kinds = {each.event for each in found}
        if kinds >= {"workflow_run", "workflow_job", "check_suite", "repository_dispatch"}:
            break
        await asyncio.sleep(0.1)
    assert kinds >= {"workflow_run", "workflow_job", "check_suite", "repository_dispatch"}
    assert [each.result for each in found if "payload" in each.result] == []


async def test_an_artifact_that_another_secret_signed_ends_the_step_and_the_next_try_is_a_new_one(
    ctx: Context, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(ctx, run)
    (done,) = await sent(ctx, run)
    await ctx.store.change(Dispatch, done.id, {"outcome": None, "outcomeBy": None})  # its callback was never heard
    monkeypatch.setattr(elsewhere, "LOOK", 1.0)
    with monkeypatch.context() as patch:  # the secret was made anew in between
        patch.setattr(ctx.settings, "dispatch_secret", SecretStr("what-the-repository-does-not-have"))
        with pytest.raises(AgentError, match="not signed with our secret"):
            await ask(ctx, run)
    assert (await ask(ctx, run)).output.answer
    first, second = await sent(ctx, run)
    assert (first.outcome_by, (second.outcome or {})["state"]) == ("artifact", "COMPLETED")


async def test_content_that_is_lost_is_asked_for_anew(ctx: Context, run: Run) -> None:
    await ask(ctx, run)
    (first,) = await sent(ctx, run)
    assert first.outcome is not None
    damaged = {**first.outcome, "result": {**first.outcome["result"], "body": "another"}}
    await ctx.store.change(Dispatch, first.id, {"outcome": damaged})
    with pytest.raises(AgentError, match="not what its callback told of"):
        await ask(ctx, run)
    assert (await ask(ctx, run)).output.answer
    assert len(await sent(ctx, run)) == 2
