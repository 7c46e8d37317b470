"""Labels of a repository, and labels on an issue."""

from __future__ import annotations

import random
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, invalid, not_found
from sandbox.context import At, RepoCall
from sandbox.routes.issue_rows import find_issue, touch
from sandbox.shapes.issues import label, labels_of
from sandbox.store import Row

router = APIRouter(prefix="/repos/{owner}/{repo}")


class LabelName(BaseModel):
    """A label named by an object instead of by text."""

    name: str


class NewLabel(BaseModel):
    """The body of a label's creation."""

    name: str
    color: str | None = None
    description: str | None = None


class LabelChange(BaseModel):
    """The body of a label's update."""

    new_name: str | None = None
    color: str | None = None
    description: str | None = None


class LabelNames(BaseModel):
    """The labels to put on an issue."""

    labels: list[str | LabelName] = Field(default_factory=list)


def names_of(labels: list[str | LabelName]) -> list[str]:
    """The names, however they were written."""
    return [item if isinstance(item, str) else item.name for item in labels]


def _color(text: str | None) -> str:
    if text is None:
        return f"{random.randrange(1 << 24):06x}"  # noqa: S311 (a colour, as GitHub picks one)
    if len(text) != 6 or any(letter not in "0123456789abcdefABCDEF" for letter in text):
        raise invalid("Label", "color", "invalid")
    return text.lower()


def _find(at: RepoCall, name: str) -> Row:
    row = at.store.one("SELECT * FROM labels WHERE repo_id = ? AND name = ?", at.repo["id"], name)
    if row is None:
        raise not_found()
    return row


def put_labels(at: RepoCall, issue_id: int, names: list[str]) -> None:
    """Put labels on an issue; one that the repository lacks is made, as on GitHub."""
    for name in names:
        if not name.strip() or len(name) > 50:
            raise invalid("Label", "name", "invalid", value=name)
        row = at.store.one("SELECT id FROM labels WHERE repo_id = ? AND name = ?", at.repo["id"], name)
        if row is None:
            row = at.store.insert("labels", repo_id=at.repo["id"], name=name, color="ededed", description=None)
        at.store.run("INSERT OR IGNORE INTO issue_labels (issue_id, label_id) VALUES (?, ?)", issue_id, row["id"])


@router.get("/labels")
async def list_all(at: At) -> Json:
    """The repository's labels, by name."""
    rows, total = at.rows("*", "labels WHERE repo_id = ? ORDER BY name", at.repo["id"], born=None)
    return at.listed([label(at.hub, at.repo, row) for row in rows], total)


@router.post("/labels")
async def create(at: At, body: NewLabel) -> Json:
    """A new label; 422 when there is one of that name, whatever the case."""
    if not body.name.strip() or len(body.name) > 50:
        raise invalid("Label", "name", "invalid")
    color = _color(body.color)
    with at.store.write():
        if at.store.one("SELECT 1 FROM labels WHERE repo_id = ? AND name = ?", at.repo["id"], body.name):
            raise invalid("Label", "name", "already_exists")
        row = at.store.insert(
            "labels", repo_id=at.repo["id"], name=body.name, color=color, description=body.description
        )
    return Json(label(at.hub, at.repo, row), 201)


@router.get("/labels/{name:path}")
async def get(at: At, name: str) -> Json:
    """One label."""
    return Json(label(at.hub, at.repo, _find(at, name)))


@router.patch("/labels/{name:path}")
async def change(at: At, name: str, body: LabelChange) -> Json:
    """Rename or repaint a label."""
    row, sent = _find(at, name), body.model_dump(exclude_unset=True)
    columns: dict[str, Any] = {key: sent[key] for key in ("description",) if key in sent}
    if sent.get("color") is not None:
        columns["color"] = _color(sent["color"])
    if (new := sent.get("new_name")) is not None:
        other = at.store.one("SELECT id FROM labels WHERE repo_id = ? AND name = ?", at.repo["id"], new)
        if other is not None and other["id"] != row["id"]:
            raise invalid("Label", "name", "already_exists")
        columns["name"] = new
    at.store.update("labels", row["id"], **columns)
    return Json(label(at.hub, at.repo, at.store.get("labels", row["id"])))


@router.delete("/labels/{name:path}")
async def delete(at: At, name: str) -> Json:
    """Delete a label; it goes from every issue too."""
    at.store.run("DELETE FROM labels WHERE id = ?", _find(at, name)["id"])
    return Json(None, 204)


@router.get("/issues/{number:int}/labels")
async def list_on_issue(at: At, number: int) -> Json:
    """The labels of an issue."""
    return at.listed(labels_of(at.hub, at.repo, find_issue(at, number)["id"]))


def _names_in(body: LabelNames | list[str]) -> list[str]:
    return names_of(body.labels) if isinstance(body, LabelNames) else body


@router.post("/issues/{number:int}/labels")
async def add_to_issue(at: At, number: int, body: LabelNames | list[str]) -> Json:
    """Add labels; the answer is all of them."""
    issue = find_issue(at, number)
    with at.store.write():
        put_labels(at, issue["id"], _names_in(body))
        touch(at, issue)
    return Json(labels_of(at.hub, at.repo, issue["id"]))


@router.put("/issues/{number:int}/labels")
async def set_on_issue(at: At, number: int, body: LabelNames | list[str]) -> Json:
    """Replace the labels."""
    issue = find_issue(at, number)
    with at.store.write():
        at.store.run("DELETE FROM issue_labels WHERE issue_id = ?", issue["id"])
        put_labels(at, issue["id"], _names_in(body))
        touch(at, issue)
    return Json(labels_of(at.hub, at.repo, issue["id"]))


@router.delete("/issues/{number:int}/labels")
async def clear_issue(at: At, number: int) -> Json:
    """Take all labels off."""
    issue = find_issue(at, number)
    at.store.run("DELETE FROM issue_labels WHERE issue_id = ?", issue["id"])
    return Json(None, 204)


@router.delete("/issues/{number:int}/labels/{name:path}")
async def remove_from_issue(at: At, number: int, name: str) -> Json:
    """Take one label off; 404 ``Label does not exist`` when it is not on it."""
    issue = find_issue(at, number)
    sql = """DELETE FROM issue_labels WHERE issue_id = ? AND label_id IN
             (SELECT id FROM labels WHERE repo_id = ? AND name = ?)"""
    if not at.store.run(sql, issue["id"], at.repo["id"], name):
        raise not_found("Label does not exist")
    touch(at, issue)
    return Json(labels_of(at.hub, at.repo, issue["id"]))
