"""The few things that only GraphQL can do: drafts and back, and a merged pull request's commit.

REST lost ``merge_commit_sha`` with version 2026-03-10; here it is ``mergeCommit { oid }``.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json
from sandbox.context import Call, Here
from sandbox.graphql import Field, ParseError, parse
from sandbox.pull_facts import can_merge
from sandbox.shapes.ids import node_id, read_node_id
from sandbox.shapes.pulls import PULLS
from sandbox.shapes.repos import full_name, html_url
from sandbox.store import Row, now

router = APIRouter()
_PLAIN = None
_PULL = dict.fromkeys(
    ("id", "databaseId", "number", "title", "body", "url", "state", "isDraft", "merged", "mergeable", "headRefName",
     "headRefOid", "baseRefName", "baseRefOid")
)  # fmt: skip
# Each type's fields and, where a field is no plain value, the field's type.
_TYPES: dict[str, dict[str, str | None]] = {
    "Query": {"viewer": "User", "node": "PullRequest", "repository": "Repository"},
    "Mutation": {"markPullRequestReadyForReview": "Payload", "convertPullRequestToDraft": "Payload"},
    "Payload": {"clientMutationId": _PLAIN, "pullRequest": "PullRequest"},
    "User": {"id": _PLAIN, "login": _PLAIN, "databaseId": _PLAIN},
    "Repository": {"id": _PLAIN, "nameWithOwner": _PLAIN, "url": _PLAIN, "pullRequest": "PullRequest"},
    "PullRequest": {**_PULL, "mergeCommit": "Commit", "repository": "Repository", "author": "User"},
    "Commit": {"oid": _PLAIN},
}


class Query(BaseModel):
    """A GraphQL request."""

    query: str
    variables: dict[str, Any] | None = None


class _Failed(Exception):
    """A field that could not be answered."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _check(type_: str, fields: tuple[Field, ...]) -> None:
    """Refuse fields that the schema lacks before anything is done."""
    for field in fields:
        if field.name == "__typename":
            continue
        if field.name not in _TYPES[type_]:
            raise ParseError(f"Field '{field.name}' doesn't exist on type '{type_}'")
        inner = _TYPES[type_][field.name]
        if (inner is None) == bool(field.fields):
            must = "must not" if inner is None else "must"
            raise ParseError(f"Field '{field.name}' {must} have a selection of subfields")
        if inner is not None:
            _check(inner, field.fields)


def _pull_row(call: Call, text: Any) -> Row:
    try:
        kind, value = read_node_id(str(text))
        row = call.store.one(f"{PULLS} WHERE p.id = ?", int(value)) if kind == "PR" else None
    except ValueError:
        row = None
    if row is None:
        raise _Failed("NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'")
    return row


class _Answer:
    """Fills the asked fields in."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def fill(self, type_: str, about: dict[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
        """The asked fields of a thing of that type."""
        answer: dict[str, Any] = {}
        for field in fields:
            if field.name == "__typename":
                answer[field.key] = type_
                continue
            value = about[field.name]
            if callable(value):
                value = await value(field.arguments)
            inner = _TYPES[type_][field.name]
            answer[field.key] = await self.fill(inner, value, field.fields) if inner and value is not None else value
        return answer

    def query(self) -> dict[str, Any]:
        """The fields of Query."""

        async def node(arguments: dict[str, Any]) -> dict[str, Any]:
            return self._pull(_pull_row(self._call, arguments.get("id")))

        async def repository(arguments: dict[str, Any]) -> dict[str, Any]:
            owner, name = str(arguments.get("owner")), str(arguments.get("name"))
            repo = self._call.hub.find(owner, name)
            if repo is None:
                raise _Failed("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
            return self._repository(repo)

        return {"viewer": self._user(self._call.login), "node": node, "repository": repository}

    def mutation(self) -> dict[str, Any]:
        """The fields of Mutation."""

        def to(draft: bool) -> Any:
            async def change(arguments: dict[str, Any]) -> dict[str, Any]:
                asked = arguments.get("input") or {}
                pull = self._set_draft(_pull_row(self._call, asked.get("pullRequestId")), draft)
                return {"clientMutationId": asked.get("clientMutationId"), "pullRequest": self._pull(pull)}

            return change

        return {"markPullRequestReadyForReview": to(False), "convertPullRequestToDraft": to(True)}

    def _set_draft(self, row: Row, draft: bool) -> Row:
        if row["state"] != "open":
            raise _Failed("UNPROCESSABLE", "Pull request is closed")
        if bool(row["draft"]) == draft:
            said = "is already in draft" if draft else "is not in draft"
            raise _Failed("UNPROCESSABLE", f"Pull request {said}")
        store = self._call.store
        with store.write():
            store.update("pulls", row["pull_id"], draft=draft)
            store.update("issues", row["id"], updated_at=now())
        return row | {"draft": draft}

    def _user(self, login: str) -> dict[str, Any]:
        account = self._call.hub.account(login)
        return {"id": node_id("U", account["id"]), "login": account["login"], "databaseId": account["id"]}

    def _repository(self, repo: Row) -> dict[str, Any]:
        async def pull(arguments: dict[str, Any]) -> dict[str, Any]:
            sql, number = f"{PULLS} WHERE issues.repo_id = ? AND issues.number = ?", arguments.get("number")
            row = self._call.store.one(sql, repo["id"], number)
            if row is None:
                raise _Failed("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
            return self._pull(row)

        return {
            "id": node_id("R", repo["id"]),
            "nameWithOwner": full_name(repo),
            "url": html_url(self._call.hub, repo),
            "pullRequest": pull,
        }

    def _pull(self, row: Row) -> dict[str, Any]:
        repo = self._call.store.get("repos", row["repo_id"])

        async def mergeable(_: dict[str, Any]) -> str:
            if row["state"] != "open":
                return "UNKNOWN"
            hub = self._call.hub
            fits = await can_merge(hub, hub.git(repo), row["base_sha"], row["head_sha"])
            return "MERGEABLE" if fits else "CONFLICTING"

        return {
            "id": node_id("PR", row["pull_id"]),
            "databaseId": row["pull_id"],
            "number": row["number"],
            "title": row["title"],
            "body": row["body"] or "",
            "url": f"{html_url(self._call.hub, repo)}/pull/{row['number']}",
            "state": "MERGED" if row["merged_at"] else row["state"].upper(),
            "isDraft": bool(row["draft"]),
            "merged": row["merged_at"] is not None,
            "mergeable": mergeable,
            "mergeCommit": {"oid": row["merge_sha"]} if row["merge_sha"] else None,
            "headRefName": row["head_ref"],
            "headRefOid": row["head_sha"],
            "baseRefName": row["base_ref"],
            "baseRefOid": row["base_sha"],
            "author": self._user(row["login"]),
            "repository": self._repository(repo),
        }


@router.post("/graphql")
async def graphql(call: Here, body: Query) -> Json:
    """Answer a query or do a mutation; what fails is said with status 200, as GraphQL does."""
    answer = _Answer(call)
    try:
        kind, fields = parse(body.query, body.variables or {})
        type_ = kind.capitalize()
        _check(type_, fields)
    except ParseError as error:
        return Json({"errors": [{"message": str(error)}]})
    root = answer.query() if kind == "query" else answer.mutation()
    data: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for field in fields:
        try:
            data |= await answer.fill(type_, root, (field,))
        except _Failed as error:
            data[field.key] = None
            place = [{"line": 1, "column": 1}]
            errors.append({"type": error.kind, "path": [field.key], "locations": place, "message": str(error)})
    return Json({"data": data} | ({"errors": errors} if errors else {}))
