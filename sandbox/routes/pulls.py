"""Pull requests: listed, created, read, changed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, failed, invalid, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import history, refs
from sandbox.pull_facts import facts, follow_refs
from sandbox.shapes.commits import commit, file_change
from sandbox.shapes.pulls import PULLS, full_pull, pull
from sandbox.store import Row, now

router = APIRouter(prefix="/repos/{owner}/{repo}/pulls")


class NewPull(BaseModel):
    """The body of a pull request's creation."""

    title: str | None = None
    head: str
    base: str
    body: str | None = None
    draft: bool = False


class PullChange(BaseModel):
    """The body of a pull request's update; what is not sent stays."""

    title: str | None = None
    body: str | None = None
    state: str | None = None
    base: str | None = None


def find_pull(at: RepoCall, number: int) -> Row:
    """The pull request of that number; 404 when there is none."""
    row = at.store.one(f"{PULLS} WHERE issues.repo_id = ? AND issues.number = ?", at.repo["id"], number)
    if row is None:
        raise not_found()
    return row


async def shown(at: RepoCall, number: int) -> dict[str, Any]:
    """A pull request with all that git says of it."""
    row = find_pull(at, number)
    return full_pull(at.hub, at.repo, row, await facts(at.hub, at.git, row))


def _branch(at: RepoCall, label: str) -> str | None:
    """The branch in ``owner:branch``; None for another owner's (there are no forks here)."""
    owner, mark, branch = label.rpartition(":")
    return branch if not mark or owner.lower() == at.repo["owner"].lower() else None


@router.get("")
async def list_all(at: At) -> Json:
    """Pull requests, newest first unless asked otherwise."""
    where, values = ["issues.repo_id = ?"], [at.repo["id"]]
    state = at.query.get("state", "open")
    if state != "all":
        where.append("issues.state = ?")
        values.append(state)
    if ":" in (head := at.query.get("head", "")):  # GitHub ignores a head without an owner
        where.append("p.head_ref = ?")
        values.append(_branch(at, head))
    if base := at.query.get("base"):
        where.append("p.base_ref = ?")
        values.append(base)
    column = "updated_at" if at.query.get("sort") == "updated" else "number"
    default = "desc" if at.query.get("sort", "created") == "created" else "asc"
    direction = "ASC" if at.query.get("direction", default) == "asc" else "DESC"
    columns, _, tables = PULLS.removeprefix("SELECT ").partition(" FROM ")
    rest = f"{tables} WHERE {' AND '.join(where)} ORDER BY issues.{column} {direction}, issues.number {direction}"
    rows, total = at.rows(columns, rest, *values)
    return at.listed([pull(at.hub, at.repo, row) for row in rows], total)


async def _sides(at: RepoCall, body: NewPull) -> tuple[str, str, str]:
    """The head branch, its commit, and the base's commit; refused as GitHub refuses them."""
    head = _branch(at, body.head)
    heads = await refs.heads(at.git)
    wrong = [
        {"resource": "PullRequest", "field": field, "code": "invalid"}
        for field, name in (("head", head), ("base", body.base))
        if name is None or name not in heads
    ]
    if wrong or head is None:
        raise Refused(422, "Validation Failed", wrong)
    sql = f"{PULLS} WHERE p.repo_id = ? AND p.head_ref = ? AND p.base_ref = ? AND issues.state = 'open'"
    if at.store.one(sql, at.repo["id"], head, body.base):
        raise failed("PullRequest", f"A pull request already exists for {at.repo['owner']}:{head}.")
    if await refs.contains(at.git, heads[body.base], heads[head]):
        raise failed("PullRequest", f"No commits between {body.base} and {head}")
    if await history.merge_base(at.git, heads[body.base], heads[head]) is None:
        raise failed("PullRequest", f"The {head} branch has no history in common with {body.base}")
    return head, heads[head], heads[body.base]


@router.post("")
async def create(at: At, body: NewPull) -> Json:
    """A new pull request, a draft where asked."""
    if not (body.title or "").strip():
        raise invalid("PullRequest", "title", "missing_field")
    async with at.lock:
        head, head_sha, base_sha = await _sides(at, body)
        moment = now()
        with at.store.write():
            issue = at.store.insert(
                "issues", repo_id=at.repo["id"], number=at.store.next_number(at.repo["id"]), is_pull=1,
                title=body.title, body=body.body, login=at.login, created_at=moment, updated_at=moment,
            )  # fmt: skip
            at.store.insert(
                "pulls", repo_id=at.repo["id"], issue_id=issue["id"], head_ref=head, head_sha=head_sha,
                base_ref=body.base, base_sha=base_sha, draft=body.draft,
            )  # fmt: skip
        await refs.move(at.git, f"refs/pull/{issue['number']}/head", head_sha)
        return Json(await shown(at, issue["number"]), 201)


@router.get("/{number:int}")
async def get(at: At, number: int) -> Json:
    """One pull request; mergeability is computed at once, not after the first question as on GitHub."""
    return Json(await shown(at, number))


async def _new_base(at: RepoCall, row: Row, base: str) -> dict[str, str]:
    sha = await refs.resolve(at.git, f"refs/heads/{base}")
    if sha is None:
        raise invalid("PullRequest", "base", "invalid")
    if await refs.contains(at.git, sha, row["head_sha"]):
        raise failed(
            "PullRequest", f"There are no new commits between base branch '{base}' and head branch '{row['head_ref']}'"
        )
    return {"base_ref": base, "base_sha": sha}


async def _reopened(at: RepoCall, row: Row) -> dict[str, str]:
    heads = await refs.heads(at.git)
    if row["head_ref"] not in heads or row["base_ref"] not in heads:
        raise failed("PullRequest", f"state cannot be changed. The {row['head_ref']} branch has been deleted.")
    return {"head_sha": heads[row["head_ref"]], "base_sha": heads[row["base_ref"]]}


@router.patch("/{number:int}")
async def change(at: At, number: int, body: PullChange) -> Json:
    """Change what was sent."""
    sent = body.model_dump(exclude_unset=True)
    async with at.lock:
        row = find_pull(at, number)
        state = sent.get("state") or row["state"]
        if state not in ("open", "closed"):
            raise invalid("PullRequest", "state", "invalid")
        if state == "open" and row["merged_at"]:
            raise failed("PullRequest", "state cannot be changed. The pull request is merged.")
        sides: dict[str, str] = {}
        if state == "open" and row["state"] == "closed":
            sides = await _reopened(at, row)
        if sent.get("base") and sent["base"] != row["base_ref"]:
            sides |= await _new_base(at, row, sent["base"])
        columns: dict[str, Any] = {
            key: sent[key] for key in ("title", "body") if key in sent and (key == "body" or sent[key])
        }
        if state != row["state"]:
            closed = state == "closed"
            columns |= {"closed_at": now() if closed else None, "closed_by": at.login if closed else None}
        with at.store.write():
            at.store.update("issues", row["id"], **columns, state=state, updated_at=now())
            at.store.update("pulls", row["pull_id"], **sides)
        if sides:
            await follow_refs(at.hub, at.repo)
        return Json(await shown(at, number))


@router.get("/{number:int}/files")
async def files(at: At, number: int) -> Json:
    """The files that the pull request changes."""
    row = find_pull(at, number)
    fork = await history.merge_base(at.git, row["base_sha"], row["head_sha"]) or row["base_sha"]
    changes = await history.files(at.git, fork, row["head_sha"])
    return at.listed([file_change(at.hub, at.repo, one, row["head_sha"]) for one in changes])


@router.get("/{number:int}/commits")
async def commits(at: At, number: int) -> Json:
    """The commits that the pull request brings, oldest first, 250 at most."""
    row = find_pull(at, number)
    found = await history.log(at.git, f"{row['base_sha']}..{row['head_sha']}", limit=250, extra=("--reverse",))
    return at.listed([commit(at.hub, at.repo, one) for one in found])
