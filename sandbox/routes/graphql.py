"""The few things that only GraphQL can do."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json
from sandbox.context import Call, Here
from sandbox.shapes.ids import read_node_id
from sandbox.shapes.pulls import PULLS
from sandbox.shapes.repos import html_url
from sandbox.store import Row, now

router = APIRouter()
_MUTATIONS = {"markPullRequestReadyForReview": False, "convertPullRequestToDraft": True}
_ID = re.compile(r'pullRequestId\s*:\s*(?:"([^"]*)"|\$(\w+))')
_INPUT = re.compile(r"input\s*:\s*\$(\w+)")


class Query(BaseModel):
    """A GraphQL request."""

    query: str
    variables: dict[str, Any] | None = Field(default_factory=dict)


def _error(kind: str, message: str, path: list[str]) -> Json:
    return Json({"data": dict.fromkeys(path), "errors": [{"type": kind, "path": path, "message": message}]})


def _pull_id(query: Query) -> str:
    """The id, written in the query, or in a variable of its own, or in the variable ``input``."""
    variables = query.variables or {}
    if (found := _ID.search(query.query)) is not None:
        return str(found[1] if found[1] is not None else variables.get(found[2], ""))
    given = variables.get(found[1]) if (found := _INPUT.search(query.query)) is not None else None
    return str(given.get("pullRequestId", "")) if isinstance(given, dict) else ""


def _shape(call: Call, row: Row) -> dict[str, Any]:
    """Every field a client may have asked for; the ones it did not ask for do no harm."""
    repo = call.store.get("repos", row["repo_id"])
    state = "MERGED" if row["merged_at"] else row["state"].upper()
    return {
        "id": row["node_id"],
        "databaseId": row["pull_id"],
        "number": row["number"],
        "title": row["title"],
        "isDraft": bool(row["draft"]),
        "state": state,
        "headRefName": row["head_ref"],
        "headRefOid": row["head_sha"],
        "baseRefName": row["base_ref"],
        "url": f"{html_url(call.hub, repo)}/pull/{row['number']}",
    }


@router.post("/graphql")
async def graphql(call: Here, body: Query) -> Json:
    """Read leniently: the mutation's name and the pull request's id are looked for, the rest is not parsed."""
    name = next((name for name in _MUTATIONS if name in body.query), None)
    if name is None:
        return Json(
            {"errors": [{"type": "NOT_IMPLEMENTED", "message": "The sandbox knows only " + " and ".join(_MUTATIONS)}]}
        )
    text = _pull_id(body)
    try:
        kind, value = read_node_id(text)
        row = call.store.one(f"{PULLS} WHERE p.id = ?", int(value)) if kind == "PR" else None
    except ValueError:
        row = None
    if row is None:
        return _error("NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'", [name])
    draft = _MUTATIONS[name]
    if row["state"] != "open":
        return _error("UNPROCESSABLE", "Pull request is closed", [name])
    if bool(row["draft"]) == draft:
        said = "Pull request is already in draft" if draft else "Pull request is already marked as ready for review"
        return _error("UNPROCESSABLE", said, [name])
    with call.store.write():
        call.store.update("pulls", row["pull_id"], draft=draft)
        call.store.update("issues", row["id"], updated_at=now())
    return Json(
        {
            "data": {
                name: {"clientMutationId": None, "pullRequest": _shape(call, row | {"draft": draft, "node_id": text})}
            }
        }
    )
