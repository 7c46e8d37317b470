"""The sandbox tells what happens as GitHub does: signed, once, with a delivery that can be asked for again."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from githubkit.webhooks import parse

from ledger.models import Delivery
from tasks.context import close_context, context
from tasks.hooks import missed
from tests.integration.gateway.conftest import Gateway


async def _told(gateway: Gateway, event: str, repo: str) -> list[Delivery]:
    for _ in range(100):
        found = await gateway.store.find(
            Delivery, {"event": event, "payload.repository.full_name": repo}, [("receivedAt", 1)]
        )
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {event} of {repo}")


async def _ask(gateway: Gateway, method: str, path: str, body: Any = None) -> Any:
    answer = await gateway.github.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def test_what_people_do_is_told(gateway: Gateway) -> None:
    repo = (await _ask(gateway, "POST", "/user/repos", {"name": "told", "auto_init": True}))["full_name"]
    issue = await _ask(gateway, "POST", f"/repos/{repo}/issues", {"title": "One", "labels": ["bug"]})
    await _ask(gateway, "POST", f"/repos/{repo}/issues/{issue['number']}/comments", {"body": "Hello"})
    base = (await _ask(gateway, "GET", f"/repos/{repo}/git/ref/heads/main"))["object"]["sha"]
    await _ask(gateway, "POST", f"/repos/{repo}/git/refs", {"ref": "refs/heads/side", "sha": base})
    dispatch = {"event_type": "orchestrator.start", "client_payload": {"runId": "r-1"}}
    await _ask(gateway, "POST", f"/repos/{repo}/dispatches", dispatch)
    await _ask(gateway, "POST", f"/repos/{repo}/statuses/{base}", {"state": "success", "context": "ci"})
    (dispatched,) = await _told(gateway, "repository_dispatch", repo)
    assert dispatched.payload["action"] == "orchestrator.start"
    assert dispatched.payload["client_payload"] == {"runId": "r-1"}
    (status,) = await _told(gateway, "status", repo)
    assert (status.payload["sha"], status.payload["state"]) == (base, "success")
    (push,) = await _told(gateway, "push", repo)
    assert (push.payload["ref"], push.payload["after"], push.payload["created"]) == ("refs/heads/side", base, True)
    opened, labeled = await _told(gateway, "issues", repo)
    assert [each.payload["action"] for each in (opened, labeled)] == ["opened", "labeled"]
    (comment,) = await _told(gateway, "issue_comment", repo)
    assert comment.payload["comment"]["body"] == "Hello"
    assert comment.payload["issue"]["number"] == issue["number"]
    for each in (opened, labeled, comment):
        parse(each.event, json.dumps(each.payload))  # as githubkit's models of GitHub's schema have it


async def test_a_delivery_can_be_asked_for_again_and_counts_once(gateway: Gateway) -> None:
    repo = (await _ask(gateway, "POST", "/user/repos", {"name": "again", "auto_init": True}))["full_name"]
    await _ask(gateway, "POST", f"/repos/{repo}/issues", {"title": "One"})
    (opened,) = await _told(gateway, "issues", repo)
    listed = await _ask(gateway, "GET", "/app/hook/deliveries?per_page=100")
    mine = next(each for each in listed if each["guid"] == opened.id)
    assert (mine["status"], mine["status_code"], mine["redelivery"]) == ("OK", 202, False)
    await _ask(gateway, "POST", f"/app/hook/deliveries/{mine['id']}/attempts")
    assert len(await _told(gateway, "issues", repo)) == 1
    listed = await _ask(gateway, "GET", "/app/hook/deliveries?per_page=100")
    assert next(each for each in listed if each["guid"] == opened.id)["redelivery"]


async def test_what_never_arrived_is_asked_for_again(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = (await _ask(gateway, "POST", "/user/repos", {"name": "missed", "auto_init": True}))["full_name"]
    await _ask(gateway, "POST", f"/repos/{repo}/issues", {"title": "One"})
    (opened,) = await _told(gateway, "issues", repo)
    await gateway.worked(opened.id)
    await gateway.store.collection(Delivery).delete_one({"_id": opened.id})  # as if it had not come
    monkeypatch.setattr(missed, "SETTLED", timedelta())
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", gateway.mongodb_uri)
    monkeypatch.setenv("SHIPLINE_GITHUB_API_URL", str(gateway.github.base_url))
    monkeypatch.setenv("SHIPLINE_GITHUB_TOKEN", gateway.github.headers["authorization"].removeprefix("Bearer "))
    try:
        await asyncio.sleep(1.1)  # times there are whole seconds
        assert opened.id in await missed.ask_again(await context())
        assert (await _told(gateway, "issues", repo))[0].id == opened.id
        assert opened.id not in await missed.ask_again(await context())
    finally:
        await close_context()
