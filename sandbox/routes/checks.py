"""Check runs, the combined status, and rules that ask for them before a merge."""

from __future__ import annotations

import fnmatch
import json
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, Refused, failed, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing.refs import commit_of
from sandbox.routes.dispatches import status_shape
from sandbox.shapes.repos import html_url, repo_url, repository
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}")
MOST = 50  # annotations in one request
CONCLUSIONS = Literal[
    "action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"
]  # fmt: skip


class Annotation(BaseModel):
    """A remark on lines of a file."""

    path: str = Field(min_length=1)
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    annotation_level: Literal["notice", "warning", "failure"]
    message: str = Field(min_length=1)
    title: str | None = Field(default=None, max_length=255)
    raw_details: str | None = None


class Output(BaseModel):
    """What a check run says. Annotations are added to those that are there."""

    title: str | None = None
    summary: str | None = Field(default=None, max_length=65_535)
    text: str | None = Field(default=None, max_length=65_535)
    annotations: list[Annotation] = Field(default_factory=list)


class CheckText(BaseModel):
    """The body of a new check run, or of a change to one."""

    name: str = ""
    head_sha: str = ""
    external_id: str | None = None
    status: Literal["queued", "in_progress", "completed"] = "queued"
    conclusion: CONCLUSIONS | None = None
    details_url: str | None = None
    output: Output | None = None


class Ruleset(BaseModel):
    """The body of a new ruleset, as far as it is about branches and their checks."""

    name: str
    target: Literal["branch"] = "branch"
    enforcement: Literal["active", "disabled"]
    conditions: dict[str, Any] = Field(default_factory=dict)
    rules: list[dict[str, Any]] = Field(default_factory=list)


@router.post("/check-runs")
async def create_check(at: At, body: CheckText) -> Json:
    """A new check run. On GitHub only Apps may."""
    if not body.name or await commit_of(at.git, body.head_sha) != body.head_sha:
        raise failed("CheckRun", f"No commit found for SHA: {body.head_sha}")
    moment = now()
    row = at.store.insert(
        "check_runs", repo_id=at.repo["id"], sha=body.head_sha, name=body.name, status=_status(body),
        conclusion=body.conclusion, details_url=body.details_url, output=_output(body, {}), started_at=moment,
        completed_at=moment if body.conclusion else None,
    )  # fmt: skip
    return Json(_check(at, row), 201)


@router.patch("/check-runs/{check_id:int}")
async def change_check(at: At, check_id: int, body: CheckText) -> Json:
    """What became of one."""
    row = at.store.one("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", check_id, at.repo["id"])
    if row is None:
        raise not_found()
    at.store.update(
        "check_runs", check_id, status=_status(body), conclusion=body.conclusion,
        output=_output(body, json.loads(row["output"])), completed_at=now() if body.conclusion else None,
    )  # fmt: skip
    return Json(_check(at, at.store.get("check_runs", check_id)))


@router.get("/check-runs/{check_id:int}/annotations")
async def remarks(at: At, check_id: int) -> Json:
    """The remarks of one, in the order in which they came."""
    row = at.store.one("SELECT * FROM check_runs WHERE id = ? AND repo_id = ?", check_id, at.repo["id"])
    if row is None:
        raise not_found()
    found = json.loads(row["output"]).get("annotations", [])
    blob = f"{html_url(at.hub, at.repo)}/blob/{row['sha']}"
    return at.listed([
        {**each, "blob_href": f"{blob}/{each['path']}", "start_column": None, "end_column": None} for each in found
    ])  # fmt: skip


@router.get("/commits/{ref:path}/check-runs")
async def checks(at: At, ref: str) -> Json:
    """The newest of each name, unless ``filter=all``; of one name only, if it is asked for."""
    sha = await commit_of(at.git, ref)
    if sha is None:
        raise not_found()
    name = at.query.get("check_name")
    newest = "" if at.query.get("filter") == "all" else (
        " AND id IN (SELECT max(id) FROM check_runs GROUP BY repo_id, sha, name)"
    )  # fmt: skip
    rows, total = at.rows(
        "*", f"check_runs WHERE repo_id = ? AND sha = ? AND name = coalesce(?, name){newest} ORDER BY id DESC",
        at.repo["id"], sha, name, born=None,
    )  # fmt: skip
    return Json({"total_count": total, "check_runs": [_check(at, each) for each in rows]})


@router.get("/commits/{ref:path}/status")
async def combined(at: At, ref: str) -> Json:
    """The newest status of each context, and all of them in a word."""
    sha = await commit_of(at.git, ref)
    if sha is None:
        raise not_found()
    newest = "id IN (SELECT max(id) FROM statuses GROUP BY repo_id, sha, context)"
    rows = at.store.all(f"SELECT * FROM statuses WHERE repo_id = ? AND sha = ? AND {newest}", at.repo["id"], sha)  # noqa: S608 (SQL of ours)
    states = {row["state"] for row in rows}
    word = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    url = repo_url(at.hub, at.repo)
    return Json({
        "state": word, "statuses": [status_shape(at, row) for row in rows], "sha": sha, "total_count": len(rows),
        "repository": repository(at.hub, at.repo), "commit_url": f"{url}/commits/{sha}",
        "url": f"{url}/commits/{sha}/status",
    })  # fmt: skip


@router.post("/rulesets")
async def create_ruleset(at: At, body: Ruleset) -> Json:
    """Rules for branches. Only those about required status checks are known here, and no merge is held up by them."""
    if any(rule.get("type") != "required_status_checks" for rule in body.rules):
        raise Refused(422, "Invalid rule 'type'")
    row = at.store.insert(
        "rulesets", repo_id=at.repo["id"], name=body.name, enforcement=body.enforcement,
        conditions=json.dumps(body.conditions), rules=json.dumps(body.rules),
    )  # fmt: skip
    return Json({
        "id": row["id"], "name": row["name"], "target": "branch", "source_type": "Repository",
        "source": f"{at.repo['owner']}/{at.repo['name']}", "enforcement": row["enforcement"],
        "conditions": body.conditions, "rules": body.rules,
    }, 201)  # fmt: skip


@router.get("/rules/branches/{branch:path}")
async def rules(at: At, branch: str) -> Json:
    """The rules that are in force for a branch."""
    rows = at.store.all("SELECT * FROM rulesets WHERE repo_id = ? AND enforcement = 'active'", at.repo["id"])
    found = [
        {**rule, "ruleset_source_type": "Repository", "ruleset_source": f"{at.repo['owner']}/{at.repo['name']}",
         "ruleset_id": row["id"]}
        for row in rows if _about(json.loads(row["conditions"]), branch, at.repo["default_branch"])
        for rule in json.loads(row["rules"])
    ]  # fmt: skip
    return at.listed(found)


def _about(conditions: dict[str, Any], branch: str, default: str) -> bool:
    named = conditions.get("ref_name", {})

    def one_of(patterns: list[str]) -> bool:
        known = {"~ALL": "*", "~DEFAULT_BRANCH": f"refs/heads/{default}"}
        return any(fnmatch.fnmatch(f"refs/heads/{branch}", known.get(each, each)) for each in patterns)

    return one_of(named.get("include", [])) and not one_of(named.get("exclude", []))


def _output(body: CheckText, before: dict[str, Any]) -> str:
    """What is kept of an output, after what was kept before. The caller's own id stands with it: older tables have no
    column for it."""
    said = body.output or Output()
    if len(said.annotations) > MOST:
        raise Refused(422, f"No more than {MOST} annotations are allowed; {len(said.annotations)} were supplied.")
    if body.output is not None and not (said.title and said.summary):
        raise Refused(422, 'Invalid request.\n\n"summary", "title" weren\'t supplied.')
    new = said.model_dump(exclude_none=True, exclude={"annotations"})
    if body.external_id is not None:
        new["external_id"] = body.external_id
    added = [each.model_dump() for each in said.annotations]
    return json.dumps({**before, **new, "annotations": [*before.get("annotations", []), *added]})


def _status(body: CheckText) -> str:
    return "completed" if body.conclusion else body.status


def _check(at: RepoCall, row: Row) -> dict[str, Any]:
    url, output = repo_url(at.hub, at.repo), json.loads(row["output"])
    here = f"{url}/check-runs/{row['id']}"
    return {
        "id": row["id"], "head_sha": row["sha"], "node_id": f"CR_{row['id']}", "url": here,
        "external_id": output.get("external_id", ""),
        "html_url": f"{html_url(at.hub, at.repo)}/runs/{row['id']}", "details_url": row["details_url"],
        "status": row["status"], "conclusion": row["conclusion"], "started_at": row["started_at"],
        "completed_at": row["completed_at"], "name": row["name"], "check_suite": None, "app": None,
        "pull_requests": [],
        "output": {
            "title": output.get("title"), "summary": output.get("summary"), "text": output.get("text"),
            "annotations_count": len(output.get("annotations", [])), "annotations_url": f"{here}/annotations",
        },
    }  # fmt: skip
