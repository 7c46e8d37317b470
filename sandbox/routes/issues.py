"""Issues: listed, created, read, changed. Pull requests are issues too, as on GitHub."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, Refused, invalid
from sandbox.context import At, RepoCall
from sandbox.pull_facts import follow_refs
from sandbox.routes.issue_rows import find_issue, issue_by_id
from sandbox.routes.labels import LabelName, names_of, put_labels
from sandbox.routes.sub_issues import adopt
from sandbox.shapes.issues import ISSUE_COLUMNS, ISSUE_TYPES, issue
from sandbox.store import now

router = APIRouter(prefix="/repos/{owner}/{repo}")
_HAS_LABEL = """id IN (SELECT i.issue_id FROM issue_labels i JOIN labels l ON l.id = i.label_id
 WHERE l.repo_id = ? AND l.name = ?)"""
_REASONS = ("completed", "not_planned", "duplicate", "reopened")


class NewIssue(BaseModel):
    """The body of an issue's creation."""

    title: str | int
    body: str | None = None
    labels: list[str | LabelName] = Field(default_factory=list)
    assignees: list[str] = Field(default_factory=list)
    parent_issue_id: int | None = None
    type: str | None = None


class IssueChange(BaseModel):
    """The body of an issue's update; what is not sent stays."""

    title: str | int | None = None
    body: str | None = None
    state: str | None = None
    state_reason: str | None = None
    labels: list[str | LabelName] | None = None
    assignees: list[str] | None = None
    type: str | None = None


def _filters(at: RepoCall) -> tuple[list[str], list[Any]]:
    query = at.query
    where, values = ["repo_id = ?"], [at.repo["id"]]
    state = query.get("state", "open")
    if state in ("open", "closed"):
        where.append("state = ?")
        values.append(state)
    elif state != "all":
        raise invalid("Issue", "state", "invalid")
    for column, key in (("updated_at >= ?", "since"), ("login = ? COLLATE NOCASE", "creator")):
        if query.get(key):
            where.append(column)
            values.append(query[key])
    if (who := query.get("assignee")) and who != "*":
        where.append("assignees = '[]'" if who == "none" else "assignees LIKE ?")
        values.extend([] if who == "none" else [f'%"{who}"%'])
    for name in filter(None, query.get("labels", "").split(",")):
        where.append(_HAS_LABEL)
        values.extend([at.repo["id"], name.strip()])
    return where, values


@router.get("/issues")
async def list_all(at: At) -> Json:
    """Issues and pull requests, newest first unless asked otherwise."""
    where, values = _filters(at)
    column = {"updated": "updated_at", "comments": "comment_count"}.get(at.query.get("sort", ""), "number")
    direction = "ASC" if at.query.get("direction") == "asc" else "DESC"
    rest = f"issues WHERE {' AND '.join(where)} ORDER BY {column} {direction}, number {direction}"
    rows, total = at.rows(ISSUE_COLUMNS, rest, *values)
    return at.listed([issue(at.hub, at.repo, row) for row in rows], total)


def _title(value: str | int) -> str:
    title = str(value).strip()
    if not title:
        raise invalid("Issue", "title", "missing_field")
    if len(title) > 256:
        raise invalid("Issue", "title", "custom", message="title is too long (maximum is 256 characters)")
    return title


def _body(text: str | None) -> str | None:
    if text is not None and len(text) > 65_536:
        raise invalid("Issue", "body", "custom", message="body is too long (maximum is 65536 characters)")
    return text


def _assignees(at: RepoCall, logins: list[str]) -> str:
    known = {login.lower(): login for login in at.hub.tokens.values()}
    for login in logins:
        if login.lower() not in known:
            raise invalid("Issue", "assignees", "invalid", value=login)
    return json.dumps(list(dict.fromkeys(known[login.lower()] for login in logins))[:10])


def _type(at: RepoCall, name: str | None) -> str | None:
    # Types belong to organizations; elsewhere GitHub ignores them.
    if name is None or at.hub.account(at.repo["owner"])["type"] != "Organization":
        return None
    found = {known.lower(): known for known in ISSUE_TYPES}.get(name.lower())
    if found is None:
        raise Refused(422, "Validation Failed", [f"Could not resolve to an issue type with the name of {name!r}."])
    return found


@router.post("/issues")
async def create(at: At, body: NewIssue) -> Json:
    """A new issue, as a sub-issue where ``parent_issue_id`` says so."""
    if not at.repo["has_issues"]:
        raise Refused(410, "Issues has been disabled in this repository.")
    moment = now()
    columns = {"title": _title(body.title), "body": _body(body.body), "type": _type(at, body.type)}
    assignees = _assignees(at, body.assignees)
    with at.store.write():
        made = at.store.insert(
            "issues", repo_id=at.repo["id"], number=at.store.next_number(at.repo["id"]), login=at.login,
            assignees=assignees, created_at=moment, updated_at=moment, **columns,
        )  # fmt: skip
        put_labels(at, made["id"], names_of(body.labels))
        if body.parent_issue_id is not None and "sub-issues" not in at.hub.without:  # a field nobody knows is ignored
            parent = issue_by_id(at, body.parent_issue_id)
            if parent is None or parent["is_pull"]:
                raise invalid("Issue", "parent_issue_id", "invalid")
            adopt(at, parent, made)
    return Json(issue(at.hub, at.repo, find_issue(at, made["number"])), 201)


@router.get("/issues/{number:int}")
async def get(at: At, number: int) -> Json:
    """One issue or pull request."""
    return Json(issue(at.hub, at.repo, find_issue(at, number)))


def _state_columns(at: RepoCall, sent: dict[str, Any], before: str) -> dict[str, Any]:
    state, reason = sent.get("state"), sent.get("state_reason")
    if state not in (None, "open", "closed"):
        raise invalid("Issue", "state", "invalid")
    if reason is not None and reason not in _REASONS:
        raise invalid("Issue", "state_reason", "invalid")
    if state == "closed" and (before == "open" or reason):
        return {"state": "closed", "state_reason": reason or "completed", "closed_at": now(), "closed_by": at.login}
    if state == "open" and before == "closed":
        return {"state": "open", "state_reason": "reopened", "closed_at": None, "closed_by": None}
    return {}


@router.patch("/issues/{number:int}")
async def change(at: At, number: int, body: IssueChange) -> Json:
    """Change what was sent."""
    row, sent = find_issue(at, number), body.model_dump(exclude_unset=True)
    columns = _state_columns(at, sent, row["state"])
    if row["is_pull"] and columns:
        columns["state_reason"] = None
        merged = at.store.one("SELECT merged_at FROM pulls WHERE issue_id = ?", row["id"])
        if merged and merged["merged_at"] and columns["state"] == "open":
            raise invalid("Issue", "state", "custom", message="state cannot be changed. The pull request is merged.")
    if sent.get("title") is not None:
        columns["title"] = _title(sent["title"])
    if "body" in sent:
        columns["body"] = _body(sent["body"])
    if sent.get("assignees") is not None:
        columns["assignees"] = _assignees(at, sent["assignees"])
    if "type" in sent:
        columns["type"] = _type(at, sent["type"])
    with at.store.write():
        at.store.update("issues", row["id"], **columns, updated_at=now())
        if body.labels is not None:
            at.store.run("DELETE FROM issue_labels WHERE issue_id = ?", row["id"])
            put_labels(at, row["id"], names_of(body.labels))
    if row["is_pull"] and columns.get("state") == "open":
        async with at.lock:
            await follow_refs(at.hub, at.repo)
    return Json(issue(at.hub, at.repo, find_issue(at, number)))
