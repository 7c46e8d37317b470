"""Deliveries of every kind, half of them twice and all of them shuffled: the ledger ends the same, and so does GitHub.

The same ledger is the same end: runs, issues, CI, deliveries with what came of them, effects, messages, answers, and
what each timeline tells. Left out are ids and times, and the order in which things were told: a timeline is in the
order of arrival. Of CI the last word of each check counts; what came of a delivery of CI depends on what was known.
"""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ledger.issues import store_plan
from ledger.models import (
    Answer,
    CiStatus,
    Delivery,
    Effect,
    Event,
    EventType,
    Idea,
    Issue,
    IssueType,
    Message,
    Plan,
    PlanNode,
    Request,
    Run,
)
from ledger.runs import create_run
from tests.e2e.conftest import IDEA
from tests.integration.gateway.conftest import Gateway, brought_up

CI = {"status", "check_run", "check_suite", "workflow_run", "workflow_job"}
HEAD = "1" * 40
LABELLED, COMMENTS = 3, 2  # issues that get the label, and comments that ask for one more run each
_RUN = re.compile(r"r-[0-9]{8}-[a-z0-9]{6}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}( UTC)?")


@dataclass(frozen=True)
class Ground:
    """The gateway, with a Prefect server behind it. No worker takes anything up: what was started can be counted."""

    gateway: Gateway
    prefect: httpx.AsyncClient


@pytest.fixture(scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """The one of these tests."""
    parts = ("mongodb", "prefect", "sandbox", "gateway")
    async with (
        brought_up(tmp_path_factory.mktemp("storm-home"), parts) as (gateway, stack),
        httpx.AsyncClient(base_url=stack.addresses.prefect_api_url, timeout=60) as prefect,
    ):
        for flow in ("deliver", "reconcile"):
            made = await _made(prefect, "/flows/", {"name": flow})
            await _made(prefect, "/deployments/", {"name": flow, "flow_id": made["id"]})
        yield Ground(gateway, prefect)


async def _made(prefect: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    """Whatever it is; a server that has just come up is busy with its own writes, and says so."""
    for _ in range(20):
        answer = await prefect.post(path, json=body)
        if answer.status_code != 503:
            return answer.raise_for_status().json()
        await asyncio.sleep(0.5)
    raise AssertionError(f"{path} is busy for ever")


@dataclass(frozen=True)
class Story:
    """One repository whose run is under way, and one where people ask for new ones."""

    mark: str
    run: Run
    wishes: str
    sent: list[tuple[str, str, dict[str, Any]]]  # id, event, payload


async def _story(ground: Ground, count: int) -> Story:
    gateway, mark = ground.gateway, uuid.uuid4().hex[:10]
    for name in (f"work-{mark}", f"wish-{mark}"):
        made = {"name": name, "auto_init": True}
        (await gateway.github.post("/user/repos", json=made)).raise_for_status()
    repo, wishes = f"operator/work-{mark}", f"operator/wish-{mark}"
    run = await create_run(gateway.store, "An idea.", repo, "main")
    nodes = [
        PlanNode(key="epic", type=IssueType.EPIC, title="Words"),
        PlanNode(key="a", type=IssueType.TASK, title="A", parent="epic"),
    ]
    await store_plan(gateway.store, run, Plan(nodes=nodes))
    await gateway.store.change(Issue, f"{run.id}/a", {"head": HEAD, "number": 77, "prNumber": 78})
    (await gateway.github.post(f"/repos/{repo}/issues", json={"title": "Talk"})).raise_for_status()
    (
        await gateway.github.post(f"/repos/{wishes}/labels", json={"name": "shipline", "color": "ededed"})
    ).raise_for_status()
    for _ in range(LABELLED):
        wish = {"title": IDEA, "labels": ["shipline"]}
        (await gateway.github.post(f"/repos/{wishes}/issues", json=wish)).raise_for_status()
    told = [(f"{mark}-{number}", *_told(number, run, wishes)) for number in range(count)]
    return Story(mark, run, wishes, told)


def _told(number: int, run: Run, wishes: str) -> tuple[str, dict[str, Any]]:
    """The delivery of this number: three of four are about CI."""
    at = f"2026-11-23T{10 + number // 10800}:{number // 3 // 60 % 60:02}:{number // 3 % 60:02}Z"
    who = {"repository": {"full_name": run.repo}, "sender": {"login": "operator"}}
    kind, turn = number % 40, number // 40
    if kind < 30:
        return _ci(number, at, who)
    if kind < 32:
        return "push", {**who, "ref": "refs/heads/integration", "after": f"{turn % 5}" * 40}
    if kind < 34:
        about = {"issue": {"number": 1 + number % LABELLED}, "label": {"name": "shipline"}}
        return "issues", {**who, **about, "action": "labeled", "repository": {"full_name": wishes}}
    if kind == 34:
        wish = _comment(turn % COMMENTS, f"/shipline run {IDEA}")
        return "issue_comment", {**who, **wish, "repository": {"full_name": wishes}}
    if kind < 37:
        text = ("/shipline help", f"/shipline pause {run.id} for the night", "Well done!", "/shipline nonsense")
        which = (number + turn) % 4
        return "issue_comment", {**who, **_comment(10 + which, text[which])}
    if kind == 37:
        done = {
            "runId": run.id,
            "nodeId": "issue-77",
            "phase": "QA",
            "state": "IN_PROGRESS",
            "progress": number % 7 / 10,
        }
        return "repository_dispatch", {**who, "action": "orchestrator.status", "client_payload": done}
    if kind == 38:
        person = {"sender": {"login": "ann"}, "action": "edited", "pull_request": {"number": 78}}
        return "pull_request", {**who, **person}
    return "something_new", who


def _comment(number: int, text: str) -> dict[str, Any]:
    comment = {"id": 5000 + number, "body": text, "user": {"login": "operator"}}
    return {"action": "created", "issue": {"number": 1}, "comment": comment}


def _ci(number: int, at: str, who: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    event = sorted(CI)[number % 5]
    state = ("queued", "in_progress", "failure", "success")[number // 5 % 4]
    if event == "status":
        said = {"queued": "pending", "in_progress": "pending"}.get(state, state)
        return event, {**who, "sha": HEAD, "context": f"ci-{number % 3}", "state": said, "updated_at": at}
    ended = state in ("failure", "success")
    check: dict[str, Any] = {
        "head_sha": HEAD, "name": f"n{number % 3}", "status": "completed" if ended else state, "updated_at": at,
        "conclusion": state if ended else None, "app": {"slug": f"app-{number % 2}"}, "html_url": f"https://ci/{number}",
    }  # fmt: skip
    return event, {**who, "action": "completed", event: check}


async def _through(ground: Ground, story: Story, chance: random.Random) -> None:
    """All of it delivered, half of it twice, in any order; and worked on."""
    gateway, count = ground.gateway, len(story.sent)
    sent = story.sent + chance.sample(story.sent, count // 2)
    chance.shuffle(sent)
    slots, again = asyncio.Semaphore(16), list[str]()

    async def one(delivery: str, event: str, payload: dict[str, Any]) -> httpx.Response:
        async with slots:
            for _ in range(9):
                try:
                    return await gateway.deliver(event, payload, X_GitHub_Delivery=delivery)
                except httpx.TransportError:  # it had closed the connection meanwhile: sent again, it counts once
                    again.append(delivery)
            raise AssertionError(f"{delivery} was not taken")

    answers = await asyncio.gather(*(one(*each) for each in sent))
    assert {each.status_code for each in answers} == {202}
    assert count // 2 <= sum(each.json()["known"] for each in answers) <= count // 2 + len(again)
    ours = {"_id": {"$regex": f"^{story.mark}-"}}
    deliveries = gateway.store.collection(Delivery)
    for _ in range(20 * (60 + count // 10)):
        if not await deliveries.count_documents({**ours, "workedAt": None}):
            break
        await asyncio.sleep(0.05)
    assert await deliveries.count_documents({**ours, "workedAt": {"$ne": None}}) == count


async def _ledger(ground: Ground, story: Story) -> dict[str, Any]:
    """How it ended: the ledger, GitHub, and Prefect."""
    store, run = ground.gateway.store, story.run
    own = {"runId": run.id}

    def plain(value: Any) -> str:
        text = str(value).replace(run.id, "OURS").replace(story.mark, "MARK")
        return _TIME.sub("TIME", _RUN.sub("RUN", text))

    def rows(found: list[Any], *without: str) -> list[str]:
        gone = {"created_at", "updated_at", "correlation_id", "chain", "since", "idea_id", "project_id", *without}
        return sorted(plain(_without(each.model_dump(mode="json"), gone)) for each in found)

    ci = await store.find(CiStatus, {"repo": run.repo})
    events = await store.find(Event, own, [("seq", 1)])
    last = {
        (each.node_id, each.data["name"]): each.data["state"] for each in events if each.type is EventType.CI_STATUS
    }
    assert last == {("a", each.name): each.state for each in ci}
    begun = await store.find(Run, {"repo": story.wishes})
    comments = [
        (await ground.gateway.github.get(f"/repos/{repo}/issues/{number}/comments", params={"per_page": 100})).json()
        for repo, number in ((run.repo, 1), *((story.wishes, 1 + each) for each in range(LABELLED)))
    ]
    deliveries = await store.find(Delivery, {"_id": {"$regex": f"^{story.mark}-"}})
    return {
        "runs": rows([await store.get(Run, run.id)]),
        "begun": rows(begun, "id"),
        "ideas": sorted(each.text for each in await store.find(Idea, {"repo": story.wishes})),
        "issues": rows(await store.find(Issue, own)),
        "ci": rows(ci, "id"),
        "deliveries": sorted(
            (each.id.removeprefix(story.mark), each.event, "" if each.event in CI else plain(each.result))
            for each in deliveries
        ),
        "events": Counter(
            (each.type, each.node_id, plain(each.msg)) for each in events if each.type is not EventType.CI_STATUS
        ),
        "effects": rows(await store.find(Effect, {"runId": {"$in": [run.id, *(each.id for each in begun)]}})),
        "messages": rows(await store.find(Message, {"projectId": run.project_id})),
        "answers": rows(await store.find(Answer, {"_id": {"$regex": story.mark}})),
        "requests": sorted(
            plain(each.id) for each in await store.find(Request, {"_id": {"$regex": story.mark}})
        ),
        "comments": [sorted(plain(each["body"]) for each in said) for said in comments],
        "flow runs": sorted(Counter(map(plain, await _flow_runs(ground, [run, *begun]))).items()),
    }  # fmt: skip


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value


async def _flow_runs(ground: Ground, runs: list[Run]) -> list[str]:
    """The names of all flow runs of these runs."""
    names: list[str] = []
    while True:
        asked = {"flow_runs": {"tags": {"any_": [each.id for each in runs]}}, "limit": 200, "offset": len(names)}
        page = (await ground.prefect.post("/flow_runs/filter", json=asked)).raise_for_status().json()
        names += [each["name"] for each in page]
        if len(page) < 200:
            return names


async def _once(ground: Ground, story: Story) -> None:
    """One run for each label and each comment that asked for one, one flow run for each of them and for each push, one
    answer to each, one effect a key."""
    store = ground.gateway.store
    begun = await store.find(Run, {"repo": story.wishes})
    asked = await store.find(Request, {"_id": {"$regex": story.mark}})
    assert len(begun) == len(asked) == LABELLED + COMMENTS
    assert {each.run_id for each in asked} == {each.id for each in begun}
    names = Counter(await _flow_runs(ground, begun))
    assert names == Counter(f"deliver {each.id}" for each in begun)
    pushed = {payload["after"] for _, event, payload in story.sent if event == "push"}
    edited = [event for _, event, _ in story.sent if event == "pull_request"]
    looked = Counter(await _flow_runs(ground, [story.run]))
    assert looked == {f"reconcile {story.run.id}": len(pushed) + len(edited)}
    marks: list[str] = []
    for repo, number in ((story.run.repo, 1), *((story.wishes, 1 + each) for each in range(LABELLED))):
        listed = await ground.gateway.github.get(f"/repos/{repo}/issues/{number}/comments", params={"per_page": 100})
        marks += [f"{repo} {each['body'].splitlines()[-1]}" for each in listed.json()]
    assert len(marks) == len(set(marks)) >= LABELLED + COMMENTS
    grouped = store.collection(Effect)
    ids = [each["_id"] for each in await grouped.read_all(filter={}, projection={"_id": 1})]
    assert len(ids) == len(set(ids))


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("count", "times"),
    [(120, 3), pytest.param(1_000, 10, marks=pytest.mark.long), pytest.param(10_000, 10, marks=pytest.mark.long)],
    ids=["few", "more", "many"],
)
async def test_the_order_of_deliveries_does_not_matter_nor_how_often_they_come(
    ground: Ground, count: int, times: int
) -> None:
    chance = random.Random(20261123)
    first: dict[str, Any] = {}
    for turn in range(times):
        story = await _story(ground, count)
        await _through(ground, story, chance)
        found = await _ledger(ground, story)
        await _once(ground, story)
        first = first or found
        for part, ended in found.items():
            assert ended == first[part], f"{part} of turn {turn + 1}"
        print(f"turn {turn + 1} of {times}: {count} deliveries, {count // 2} of them twice: the same")  # noqa: T201
    assert len(first["ci"]) == 14
