"""A run's budget: warned of at 80 %, paused at 100 % before the next agent is asked, and gone on with when raised."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import queries
from ledger.interrupts import lift_pause
from ledger.issues import read_tree
from ledger.models import AgentRun, AgentRunStatus, Budget, Level, Outcome, Run, Size
from ledger.rules.budget import BY
from tasks.budget import raise_budget, spent_by
from tasks.submit import submit
from tests.crash import scenario
from tests.crash.scenario import HERE, IDEA, Ground, ground
from tests.crash.world import compare, look
from tests.e2e.conftest import IDEA as DEMO
from tests.e2e.conftest import new_repository, shipline

pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]

SCRIPT = "shipline budget"


@pytest.fixture(scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "LIMIT", 600.0)  # two deliveries at once, on a machine that may do other things
        async with ground(tmp_path_factory.mktemp("budgets")) as made:
            await made.store()  # opened now: a test's own environment is empty
            yield made


async def _run(at: Ground, budget: Budget) -> Run:
    repo = (await at.new_run()).repo  # that run is left alone; its repository is fresh
    return await submit(IDEA, repo, size=Size.SMALL, budget=budget)


async def test_money_warns_pauses_and_goes_on_when_raised(at: Ground) -> None:
    reference = await at.new_run()
    assert await at.deliver(reference.id) == 0

    run = await _run(at, Budget(usd=0.1))
    assert await at.deliver(run.id) == 1
    store = await at.store()
    paused = await store.get(Run, run.id)
    assert (paused.outcome, paused.interrupt.paused, paused.interrupt.by) == (None, True, BY)
    assert "the budget of $0.10 is used up" in str(paused.interrupt.reason)
    assert f"`{SCRIPT} {run.id} --usd" in str(paused.interrupt.reason)
    spent = await spent_by(store, paused)
    assert spent.replayed
    # Those that worked side by side when it was reached may end; nobody is asked after that.
    assert 0.1 <= round(spent.usd, 6) <= 0.13
    assert spent.tokens == round(spent.usd / 0.01) * 150
    assert spent.minutes > 0
    warned = [each for each in await queries.events(store, run.id) if "% of the budget of" in each.msg]
    assert [each.level for each in warned] == [Level.WARNING]

    assert await at.deliver(run.id) == 1  # a worker that takes it up asks nobody either
    assert await spent_by(store, await store.get(Run, run.id)) == spent.model_copy(
        update={"minutes": (await store.get(Run, run.id)).clock.seconds / 60}
    )

    await raise_budget(run.id, by="somebody", usd=5, tokens=None, minutes=None)
    await lift_pause(store, run.id, "somebody")
    assert await at.deliver(run.id) == 0
    assert (await store.get(Run, run.id)).outcome is Outcome.SUCCEEDED
    difference = compare(await look(at, run.id), await look(at, reference.id))
    assert (difference.duplicates, difference.lost) == ([], [])  # the work was kept, and none was done twice


@pytest.mark.long
async def test_minutes_pause_in_the_loop_and_a_forecast_beyond_them_is_said(at: Ground) -> None:
    run = await _run(at, Budget(minutes=0.05, usd=0.001, tokens=10**6))
    store = await at.store()
    await raise_budget(run.id, by="somebody", usd=5, tokens=None, minutes=None)
    assert await at.deliver(run.id) == 1
    paused = await store.get(Run, run.id)
    assert "minutes is used up" in str(paused.interrupt.reason)
    said = [each.msg for each in await queries.events(store, run.id)]
    if paused.forecast is not None:
        assert any("The plan will take about" in each for each in said)
    before = paused.clock.seconds
    await asyncio.sleep(2)
    assert (await store.get(Run, run.id)).clock.seconds == before  # a pause costs no time


@pytest.mark.long
async def test_an_attempt_that_came_to_nothing_is_counted(at: Ground, tmp_path: Path) -> None:
    # The agent answers, is paid, and has changed nothing: its leaf fails, and the answer counts all the same.
    recordings = tmp_path / "recordings"
    shutil.copytree(HERE / "recordings", recordings)
    shutil.rmtree(recordings / "pebble" / "answers" / "hello" / "1.developer-implementer" / "files")
    run = await at.new_run()
    assert await at.deliver(run.id, SHIPLINE_RECORDINGS=str(recordings)) == 1
    store = await at.store()
    failed = await store.find(AgentRun, {"runId": run.id, "status": AgentRunStatus.FAILED})
    assert [each.node_key for each in failed] == ["hello"]
    assert failed[0].usage.usd == failed[0].wasted.usd == 0.01
    bye = (await read_tree(store, run.id))["bye"]
    assert bye.failure is None
    assert bye.tested_head == bye.head  # its sibling went on to its own end
    once = await spent_by(store, await store.get(Run, run.id))
    assert await at.deliver(run.id) == 0  # tried again with answers of use: both attempts count
    again = await store.get(AgentRun, failed[0].id)
    assert (again.status, again.usage.usd, again.wasted.usd) == (AgentRunStatus.COMPLETED, 0.02, 0.01)
    assert (await spent_by(store, await store.get(Run, run.id))).usd > once.usd


def _until(home: Path, ready: Callable[[dict[str, Any]], object], *command: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(240):
        found = shipline(home, *command, "--json").last_json
        if ready(found):
            return found
        time.sleep(1)
    raise AssertionError(f"{command} still says {found}")


@pytest.mark.long
def test_the_command_shows_raises_and_resumes(stack: Path) -> None:
    repo = new_repository(stack, "budget")
    said = shipline(stack, "run", DEMO, "--repo", repo, "--size", "small", "--budget-usd", "0.01", "--detach", "--json")
    assert said.code == 0, said.err
    run = said.last_json["_id"]
    shown = _until(stack, lambda found: found["paused"], "budget", run)
    assert shown["budget"]["usd"] == 0.01
    assert shown["spent"]["usd"] >= 0.01
    assert "used up" in shipline(stack, "budget", run).out

    said = shipline(stack, "budget", run, "--usd", "0.011")
    assert "still not more" in said.out, said.err
    said = shipline(stack, "budget", run, "--usd", "100")
    assert said.code == 0, said.err
    assert _until(stack, lambda found: found["outcome"], "show", run)["outcome"] == "succeeded"
    events = [json.loads(line) for line in shipline(stack, "logs", run, "--json").out.splitlines()]
    assert any("The budget is now $100.00" in each["msg"] for each in events)
