"""Which request makes which event. A table of paths; each entry says how the payload is put together.

What GitHub tells besides (``pull_request.synchronize``, ``issues.edited`` with its changes) is told as far as somebody
here reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Get = Callable[[str], Awaitable[Any]]


@dataclass(frozen=True)
class Call:
    """One request that was answered well: what was sent, and what came back."""

    method: str
    path: str
    login: str
    sent: bytes
    answered: bytes

    @property
    def asked(self) -> dict[str, Any]:
        """The body that was sent."""
        found = json.loads(self.sent or b"{}")
        return found if isinstance(found, dict) else {}

    @property
    def answer(self) -> Any:
        """The body that came back."""
        return json.loads(self.answered or b"null")


@dataclass(frozen=True)
class Happening:
    """One event, without the repository and the sender, which all have."""

    event: str
    payload: dict[str, Any]


async def _opened(call: Call, _: re.Match[str], __: Get) -> list[Happening]:
    issue = call.answer
    labeled = [Happening("issues", {"action": "labeled", "issue": issue, "label": each}) for each in issue["labels"]]
    return [Happening("issues", {"action": "opened", "issue": issue}), *labeled]


async def _changed(call: Call, _: re.Match[str], __: Get) -> list[Happening]:
    issue, state = call.answer, call.asked.get("state")
    action = {"closed": "closed", "open": "reopened"}.get(str(state), "edited")
    return [Happening("issues", {"action": action, "issue": issue})]


async def _labeled(call: Call, at: re.Match[str], get: Get) -> list[Happening]:
    asked = call.asked.get("labels", [])
    names = {each if isinstance(each, str) else each.get("name") for each in asked}
    issue = await get(f"/repos/{at['repo']}/issues/{at['number']}")
    return [
        Happening("issues", {"action": "labeled", "issue": issue, "label": each})
        for each in call.answer
        if each["name"] in names
    ]


async def _commented(call: Call, at: re.Match[str], get: Get) -> list[Happening]:
    issue = await get(f"/repos/{at['repo']}/issues/{at['number']}")
    return [Happening("issue_comment", {"action": "created", "issue": issue, "comment": call.answer})]


async def _pull_opened(call: Call, _: re.Match[str], __: Get) -> list[Happening]:
    pull = call.answer
    return [Happening("pull_request", {"action": "opened", "number": pull["number"], "pull_request": pull})]


async def _pull_changed(call: Call, _: re.Match[str], __: Get) -> list[Happening]:
    pull, state = call.answer, call.asked.get("state")
    action = {"closed": "closed", "open": "reopened"}.get(str(state), "edited")
    return [Happening("pull_request", {"action": action, "number": pull["number"], "pull_request": pull})]


async def _pull_merged(_: Call, at: re.Match[str], get: Get) -> list[Happening]:
    pull = await get(f"/repos/{at['repo']}/pulls/{at['number']}")
    return [Happening("pull_request", {"action": "closed", "number": pull["number"], "pull_request": pull})]


async def _reviewed(call: Call, at: re.Match[str], get: Get) -> list[Happening]:
    pull = await get(f"/repos/{at['repo']}/pulls/{at['number']}")
    return [Happening("pull_request_review", {"action": "submitted", "review": call.answer, "pull_request": pull})]


async def _dispatched(call: Call, at: re.Match[str], get: Get) -> list[Happening]:
    asked = call.asked
    branch = (await get(f"/repos/{at['repo']}"))["default_branch"]
    told = {"action": asked["event_type"], "branch": branch, "client_payload": asked.get("client_payload")}
    return [Happening("repository_dispatch", told)]


async def _status(call: Call, at: re.Match[str], _: Get) -> list[Happening]:
    made = call.answer
    names = ("id", "state", "context", "description", "target_url", "created_at", "updated_at")
    told = {name: made[name] for name in names} | {"sha": at["sha"], "name": at["repo"], "branches": []}
    return [Happening("status", told)]


async def _checked(call: Call, _: re.Match[str], __: Get) -> list[Happening]:
    check = call.answer
    action = "created" if call.method == "POST" and check["status"] != "completed" else "completed"
    return [Happening("check_run", {"action": action, "check_run": check})]


async def _deployed(call: Call, _: re.Match[str], __: Get) -> list[Happening]:
    told = {"action": "created", "deployment": call.answer, "workflow": None, "workflow_run": None}
    return [Happening("deployment", told)]


async def _deployment_told(call: Call, at: re.Match[str], get: Get) -> list[Happening]:
    deployment = await get(f"/repos/{at['repo']}/deployments/{at['number']}")
    told = {"action": "created", "deployment_status": call.answer, "deployment": deployment}
    return [Happening("deployment_status", {**told, "workflow": None, "workflow_run": None})]


async def _nested(call: Call, at: re.Match[str], get: Get) -> list[Happening]:
    parent = await get(f"/repos/{at['repo']}/issues/{at['number']}")
    told = {"action": "sub_issue_added", "parent_issue": parent, "parent_issue_id": parent["id"]}
    return [Happening("sub_issues", {**told, "sub_issue_id": call.asked.get("sub_issue_id")})]


_REPO = r"^/repos/(?P<repo>[^/]+/[^/]+)"
_TABLE: tuple[tuple[str, str, Callable[[Call, re.Match[str], Get], Awaitable[list[Happening]]]], ...] = (
    ("POST", rf"{_REPO}/issues$", _opened),
    ("PATCH", rf"{_REPO}/issues/(?P<number>\d+)$", _changed),
    ("POST", rf"{_REPO}/issues/(?P<number>\d+)/labels$", _labeled),
    ("POST", rf"{_REPO}/issues/(?P<number>\d+)/comments$", _commented),
    ("POST", rf"{_REPO}/pulls$", _pull_opened),
    ("PATCH", rf"{_REPO}/pulls/(?P<number>\d+)$", _pull_changed),
    ("PUT", rf"{_REPO}/pulls/(?P<number>\d+)/merge$", _pull_merged),
    ("POST", rf"{_REPO}/pulls/(?P<number>\d+)/reviews$", _reviewed),
    ("POST", rf"{_REPO}/dispatches$", _dispatched),
    ("POST", rf"{_REPO}/issues/(?P<number>\d+)/sub_issues$", _nested),
    ("POST", rf"{_REPO}/deployments$", _deployed),
    ("POST", rf"{_REPO}/deployments/(?P<number>\d+)/statuses$", _deployment_told),
    ("POST", rf"{_REPO}/check-runs$", _checked),
    ("PATCH", rf"{_REPO}/check-runs/\d+$", _checked),
    ("POST", rf"{_REPO}/statuses/(?P<sha>[0-9a-f]{{40}})$", _status),
)
TABLE = tuple((method, re.compile(path), make) for method, path, make in _TABLE)


async def happened(call: Call, get: Get) -> list[Happening]:
    """What a request has made happen, besides moving branches; nothing for most."""
    for method, path, make in TABLE:
        if call.method == method and (at := path.match(call.path)):
            return await make(call, at, get)
    return []
