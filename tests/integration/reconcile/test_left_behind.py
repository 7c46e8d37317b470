"""What a dead worker left: flow runs, runs that nobody carries, effects without an end, things made twice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import psutil
import pytest

from ledger.lease import MACHINE
from ledger.models import Effect, EffectKind, EffectStatus, Lease, Outcome, Run, now
from ledger.queries import events
from ledger.runs import end_run
from tasks.issues import comment
from tasks.reconcile.whole import reconcile_all, reconcile_run
from tasks.state import here
from tasks.texts import marker
from tests.crash.scenario import Ground
from tests.integration.reconcile.conftest import Made, Person

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]

NOBODY = 2**22 + 1  # no system gives such a pid


@pytest.fixture
async def prefect_api(ground: Ground) -> Any:
    async with httpx.AsyncClient(base_url=f"{ground.addresses.prefect_api_url}/", timeout=30) as client:
        yield client


async def _flow_run(api: httpx.AsyncClient, run_id: str, state: str) -> str:
    """A flow run of the deployment, in a state as a worker would have left it."""
    deployment = (await api.get("deployments/name/deliver/deliver")).json()["id"]
    body = {"parameters": {"run_id": run_id}, "tags": ["shipline", run_id]}
    made = str((await api.post(f"deployments/{deployment}/create_flow_run", json=body)).json()["id"])
    for each in ("PENDING", state):
        answer = await api.post(f"flow_runs/{made}/set_state", json={"state": {"type": each}, "force": True})
        answer.raise_for_status()
    return made


async def _carried_by(made: Made, flow_run: str, pid: int, started: float) -> None:
    carrier = {"machine": MACHINE, "pid": pid, "started": started}
    runs = made.store.collection(Run)
    await runs.update_one({"_id": made.run.id}, {"$set": {f"carriers.{flow_run}": carrier, "updated_at": _ago(5)}})


def _ago(minutes: float) -> Any:
    return now() - timedelta(minutes=minutes)


async def _flow_runs(api: httpx.AsyncClient, run_id: str) -> list[dict[str, Any]]:
    asked = {"flow_runs": {"tags": {"all_": [run_id]}}, "sort": "START_TIME_ASC"}
    return list((await api.post("flow_runs/filter", json=asked)).json())


async def test_a_dead_flow_run_is_crashed_and_its_run_given_to_a_worker_once(
    made: Made, prefect_api: httpx.AsyncClient
) -> None:
    dead = await _flow_run(prefect_api, made.run.id, "RUNNING")
    await _carried_by(made, dead, NOBODY, 1.0)

    told = "\n".join(map(str, await reconcile_run(made.run.id, mend=False)))
    assert "its process is dead" in told
    assert (await prefect_api.get(f"flow_runs/{dead}")).json()["state_type"] == "RUNNING"

    found = await reconcile_run(made.run.id)
    after = (await prefect_api.get(f"flow_runs/{dead}")).json()
    assert (after["state_type"], "dead" in after["state"]["message"]) == ("CRASHED", True)
    assert any("given to a worker" in each.did for each in found)
    runs = await _flow_runs(prefect_api, made.run.id)
    started = [each for each in runs if each["state_type"] == "SCHEDULED"]
    assert [each["parameters"]["retry_failed"] for each in started] == [False]

    await reconcile_run(made.run.id)  # the scheduled one carries it now
    assert len(await _flow_runs(prefect_api, made.run.id)) == 2
    assert sum("given to a worker" in each.msg for each in await events(made.store, made.run.id)) == 1


async def test_a_run_that_stops_again_and_again_is_left_to_a_person(made: Made, prefect_api: httpx.AsyncClient) -> None:
    await _flow_run(prefect_api, made.run.id, "CRASHED")
    await made.store.collection(Run).update_one({"_id": made.run.id}, {"$set": {"updated_at": _ago(5)}})
    await reconcile_run(made.run.id)
    for each in await _flow_runs(prefect_api, made.run.id):
        body = {"state": {"type": "CRASHED"}, "force": True}
        await prefect_api.post(f"flow_runs/{each['id']}/set_state", json=body)

    found = await reconcile_run(made.run.id)
    assert any("It waits until" in each.what for each in found)
    assert len(await _flow_runs(prefect_api, made.run.id)) == 2


async def test_a_run_that_a_live_process_carries_is_left_alone(made: Made, prefect_api: httpx.AsyncClient) -> None:
    live = await _flow_run(prefect_api, made.run.id, "RUNNING")
    me = psutil.Process()
    await _carried_by(made, live, me.pid, me.create_time())
    number = int((await made.node("hello")).number or 0)
    await made.ann.set_issue(number, "closed")

    found = await reconcile_run(made.run.id)
    assert [each.node for each in found] == ["hello"]  # told, and left to the run's own step
    assert not found[0].did
    assert (await made.ann.issue(number))["state"] == "closed"
    assert (await prefect_api.get(f"flow_runs/{live}")).json()["state_type"] == "RUNNING"


async def test_a_run_that_was_never_begun_is_told(made: Made) -> None:
    found = await reconcile_run(made.run.id)
    assert any("shipline resume" in each.decide for each in found)


async def test_a_paused_run_is_not_given_to_anybody(made: Made, prefect_api: httpx.AsyncClient) -> None:
    await _flow_run(prefect_api, made.run.id, "CRASHED")
    await made.store.change(Run, made.run.id, {"interrupt.paused": True})
    await reconcile_run(made.run.id)
    assert len(await _flow_runs(prefect_api, made.run.id)) == 1


def _begun(made: Made, node: str, kind: EffectKind, until: Any) -> Effect:
    lease = Lease(owner=f"{MACHINE} {NOBODY} 1 x", until=until)
    return Effect(
        id=f"{made.run.id}/{node}/9/{kind}", run_id=made.run.id, node_key=node, kind=kind,
        status=EffectStatus.INTENDED, lease=lease,
    )  # fmt: skip


async def test_an_effect_whose_worker_is_gone_is_told_and_left_to_the_run(made: Made) -> None:
    await made.store.insert(_begun(made, "hello", EffectKind.REVIEW, now() + timedelta(hours=1)))
    found = [each for each in await reconcile_run(made.run.id) if "review.post" in each.what]
    assert len(found) == 1
    assert "when the run goes on" in found[0].did


async def test_what_an_effect_of_an_ended_run_left_is_named(made: Made) -> None:
    await made.store.insert(_begun(made, "hello", EffectKind.PULL_OPEN, _ago(5)))
    await made.store.insert(_begun(made, "hello", EffectKind.REVIEW, _ago(5)))
    await end_run(made.store, made.run.id, Outcome.CANCELLED)
    found = {each.what.split(" ")[0]: each for each in await reconcile_run(made.run.id)}
    number = (await made.node("hello")).pr_number
    assert f"pull request #{number} is on GitHub" in found["pull.open"].decide
    assert not found["review.post"].decide


@pytest.fixture
def ours(ground: Ground, made: Made) -> Person:
    """The repository with our own login, as a second worker of ours has it."""
    return Person(ground.github(), made.run.repo)


async def test_a_second_issue_is_closed_as_a_duplicate_and_a_persons_copy_is_not(made: Made, ours: Person) -> None:
    hello = await made.node("hello")
    body = {"title": "Hello", "body": f"Again.\n{marker(made.run.id, 'hello')}", "labels": ["shipline"]}
    async with ours.client:
        second = (await ours.say("POST", "issues", **body))["number"]
    copy = (await made.ann.say("POST", "issues", **body))["number"]

    found = [each for each in await reconcile_run(made.run.id) if "second one" in each.what]
    assert len(found) == 1
    after = await made.ann.issue(second)
    assert (after["state"], after["state_reason"]) == ("closed", "duplicate")
    assert f"#{hello.number} is the one that counts" in (await made.ann.comments(second))[0]
    assert (await made.ann.issue(copy))["state"] == "open"
    assert (await made.ann.issue(int(hello.number or 0)))["state"] == "open"
    assert not [each for each in await reconcile_run(made.run.id) if "second one" in each.what]


async def test_a_second_comment_is_deleted(made: Made, ours: Person) -> None:
    number, at = int((await made.node("hello")).pr_number or 0), await here(made.run.id)
    await comment(at, at.repo, "hello", "1", number, EffectKind.COMMENT_QA, "abc", "QA says")
    first = (await made.ann.say("GET", f"issues/{number}/comments"))[0]
    async with ours.client:
        await ours.say("POST", f"issues/{number}/comments", body=first["body"])
    await made.ann.say("POST", f"issues/{number}/comments", body=f"> {first['body']}")

    assert any("says the same" in each.what for each in await reconcile_run(made.run.id))
    left = await made.ann.say("GET", f"issues/{number}/comments")
    assert [each["id"] for each in left if each["user"]["login"] != "ann"] == [first["id"]]
    assert len(left) == 2


async def test_one_run_that_cannot_be_looked_over_does_not_keep_the_others(made: Made) -> None:
    await made.store.change(Run, made.run.id, {"repo": "demo/nowhere"})
    found = await reconcile_all(mend=False)
    assert any("could not be looked over" in each.what for each in found if each.run_id == made.run.id)
    assert json.dumps([each.model_dump() for each in found])
