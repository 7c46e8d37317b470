"""The code of a project as a person works on it: branches, pull requests, defects, the order of issues.

What Shipline does by itself goes through its flows; this is for what people ask for. Asked twice, it is done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger.conversation import SHIPLINE, say
from ledger.issues import add_issue, change_issue, get_issue, read_tree
from ledger.models import Finding, Issue, IssueStatus, Model, Outcome, Project, Run, Severity, now
from ledger.rules.defects import already_filed, make_defect
from ledger.rules.reorder import reordered
from ledger.store import Store
from shipline.errors import IllegalTransition, InvalidInput
from shipline.ids import digest
from tasks.acts import keep_act
from tasks.context import Context, context
from tasks.github.client import GitHubError
from tasks.github.repo import Repo

SOMEBODY = "somebody"


class Part(Model):
    """A part of a list, as GitHub counts: the first page is 1, and has 100 entries at most."""

    page: int = 1
    size: int = 100


class BranchSeen(Model):
    """A branch, and the issue that is worked on there."""

    name: str
    sha: str
    protected: bool
    run_id: str | None = None
    node_id: str | None = None


class PullSeen(Model):
    """A pull request, and the issue that it is for. ``why_not`` says why it cannot be merged now, as far as is known
    without trying; None when it may be.
    """

    number: int
    title: str
    state: str
    draft: bool
    merged: bool
    head: str
    base: str
    sha: str
    url: str
    author: str
    created_at: datetime
    updated_at: datetime
    run_id: str | None = None
    node_id: str | None = None
    why_not: str | None = None


class Merged(Model):
    """A merge that is done."""

    number: int
    sha: str


class _Code(Repo):
    """A repository with what only people ask of it."""

    async def branches(self, part: Part) -> list[Any]:
        asked = {**self._at, "page": part.page, "per_page": part.size}
        return list((await self.host.ask(lambda: self._rest.repos.async_list_branches(**asked))).parsed_data)

    async def pulls(self, state: str, part: Part) -> list[Any]:
        asked = {**self._at, "state": state, "page": part.page, "per_page": part.size}
        return list((await self.host.ask(lambda: self._rest.pulls.async_list(**asked))).parsed_data)

    async def whole_pull(self, number: int) -> Any:
        return (await self.host.ask(lambda: self._rest.pulls.async_get(**self._at, pull_number=number))).parsed_data

    async def open(self, head: str, base: str, title: str, body: str) -> int:
        data = {"title": title, "head": head, "base": base, "body": body}
        made = await self.host.ask(lambda: self._rest.pulls.async_create(**self._at, data=data))
        return int(made.parsed_data.number)


async def project(project_id: str) -> Project:
    """The project; NotFound when there is none."""
    return await (await context()).store.get(Project, project_id)


async def branches(project_id: str, part: Part) -> list[BranchSeen]:
    """The repository's branches, by name."""
    ctx, repo = await _at(project_id)
    worked = await ctx.store.find(Issue, {"repo": repo.full_name, "branch": {"$ne": None}})
    known = {each.branch: each for each in worked}
    return [
        BranchSeen(
            name=each.name, sha=each.commit.sha, protected=each.protected,
            run_id=known[each.name].run_id if each.name in known else None,
            node_id=known[each.name].key if each.name in known else None,
        )
        for each in await repo.branches(part)
    ]  # fmt: skip


async def create_branch(project_id: str, name: str, base: str, *, by: str = SOMEBODY) -> BranchSeen:
    """A new branch at the head of ``base``. There already at the same commit is fine; elsewhere is refused."""
    ctx, repo = await _at(project_id)
    sha = await repo.branch_sha(base)
    if sha is None:
        raise InvalidInput(f"{repo.full_name} has no branch {base}.", "Name one that is there: GET .../branches.")
    there = await repo.branch_sha(name)
    if there is not None and there != sha:
        raise IllegalTransition(f"{name} is there already, at {there[:7]}.", "Choose another name.")
    if there is None:
        try:
            await repo.create_branch(name, sha)
        except GitHubError as error:
            raise refused(error) from None
        await keep_act(ctx.store, project_id, by, f"branch {name} from {base} at {sha[:7]}")
    return BranchSeen(name=name, sha=sha, protected=False)


async def pulls(project_id: str, state: str, part: Part) -> list[PullSeen]:
    """The repository's pull requests that are ``open``, ``closed``, or ``all``; newest first."""
    ctx, repo = await _at(project_id)
    known = await _issues_by_pull(ctx.store, repo.full_name)
    return [_seen(each, known.get(each.number)) for each in await repo.pulls(state, part)]


async def pull(project_id: str, number: int) -> PullSeen:
    """One pull request; NotFound when there is none."""
    ctx, repo = await _at(project_id)
    found = await repo.whole_pull(number)
    return _seen(found, (await _issues_by_pull(ctx.store, repo.full_name)).get(number))


async def create_pull(project_id: str, head: str, base: str, title: str, body: str, *, by: str = SOMEBODY) -> PullSeen:
    """A pull request from ``head`` to ``base``; one that is open already is returned as it is."""
    ctx, repo = await _at(project_id)
    there = await repo.find_pull(head, base)
    if there is not None and there.open:
        return await pull(project_id, there.number)
    try:
        number = await repo.open(head, base, title, body)
    except GitHubError as error:
        raise refused(error) from None
    await keep_act(ctx.store, project_id, by, f"pull request #{number} from {head} to {base}")
    return await pull(project_id, number)


async def merge_pull(project_id: str, number: int, *, by: str = SOMEBODY) -> Merged:
    """Merge what is not Shipline's own; merged already is fine. Who asked, and what came of it, is kept, and stands in
    the repository's conversation.

    IllegalTransition says why not: its run merges it itself when its gates are open, or GitHub refuses.
    """
    ctx, repo = await _at(project_id)
    stands = await repo.pull(number)
    if stands.merged_sha is not None:
        return Merged(number=number, sha=stands.merged_sha)
    issue = (await _issues_by_pull(ctx.store, repo.full_name)).get(number)
    if why := _why_not(number, "open" if stands.open else "closed", stands.draft, issue):
        hint = f"What that is: shipline show {issue.run_id}" if issue else "Nothing was changed."
        raise IllegalTransition(why, hint)
    await say(ctx.store, repo.full_name, by, f"Merge #{number} at {stands.head[:7]}.")
    try:
        sha = await repo.merge_pull(number, stands.head, f"Merge #{number}", "")
    except GitHubError as error:
        why = f"GitHub does not merge #{number}: {error.message}"
        await say(ctx.store, repo.full_name, SHIPLINE, why)
        raise IllegalTransition(why, error.hint) from None
    await keep_act(ctx.store, project_id, by, f"merge #{number} as {sha[:7]}")
    await say(ctx.store, repo.full_name, SHIPLINE, f"#{number} is merged as {sha[:7]}.")
    return Merged(number=number, sha=sha)


def _why_not(number: int, state: str, draft: bool, issue: Issue | None) -> str | None:
    """Why a person cannot merge it; None when GitHub is to decide."""
    if issue is not None and state == "open":
        return f"#{number} is merged by run {issue.run_id}, when all that stands before {issue.key} is done."
    if state != "open":
        return f"#{number} is closed."
    return f"#{number} is a draft." if draft else None


async def file_defect(run_id: str, key: str, title: str, body: str, path: str | None, *, by: str) -> Issue:
    """A defect that a person found in the work of a node; the same one twice is filed once."""
    store = (await context()).store
    run, issue = await store.get(Run, run_id), await get_issue(store, run_id, key)
    if run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED) or issue.status is IssueStatus.DONE:
        raise IllegalTransition(f"{key} of {run_id} is done.", "Write an idea for what is wrong with it.")
    finding = Finding(
        check=f"a person ({by})", severity=Severity.CRITICAL, title=title, evidence=body or title, path=path,
        fingerprint=digest("person", key, title, path or ""),
    )  # fmt: skip
    while True:
        tree = await read_tree(store, run_id)
        filed = already_filed(tree, finding.fingerprint)
        if filed is not None:
            return filed
        defect = make_defect(tree, key, finding, at=now())
        if await add_issue(store, defect, f"Defect under {key}, filed by {by}: {title}"):
            await keep_act(store, run.project_id, by, f"defect under {key} of {run_id}: {title}")
            await change_issue(store, run_id, key, {"testedHead": None})
            return defect


async def reorder(issue_id: str, order: Sequence[str], *, by: str) -> Issue:
    """Give the children of a node another order; see ``ledger.rules.reorder`` for what is refused."""
    store = (await context()).store
    parent = await store.get(Issue, issue_id)
    tree = await read_tree(store, parent.run_id)
    moves = reordered(tree, parent.key, order)
    if any(child.order_index != place for child, place in moves):
        await keep_act(store, parent.project_id, by, f"order under {parent.key}: {', '.join(order)}")
    for child, place in moves:
        if child.order_index != place:
            told = f"{child.key} is number {place + 1} under {parent.key}, says {by}"
            await change_issue(store, parent.run_id, child.key, {"orderIndex": place}, msg=told)
    return parent


async def _at(project_id: str) -> tuple[Context, _Code]:
    ctx = await context()
    return ctx, _Code(ctx.github, (await ctx.store.get(Project, project_id)).repo)


async def _issues_by_pull(store: Store, repo: str) -> dict[int, Issue]:
    found = await store.find(Issue, {"repo": repo, "prNumber": {"$ne": None}})
    return {each.pr_number: each for each in found if each.pr_number is not None}


def _seen(found: Any, issue: Issue | None) -> PullSeen:
    return PullSeen(
        number=found.number, title=found.title, state=str(found.state), draft=bool(found.draft),
        merged=bool(found.merged_at), head=found.head.ref, base=found.base.ref, sha=found.head.sha, url=found.html_url,
        author=found.user.login if found.user else "ghost", created_at=found.created_at, updated_at=found.updated_at,
        run_id=issue.run_id if issue else None, node_id=issue.key if issue else None,
        why_not=_why_not(found.number, str(found.state), bool(found.draft), issue),
    )  # fmt: skip


def refused(error: GitHubError) -> Exception:
    """What GitHub does not take as it was asked, as what does not fit."""
    return InvalidInput(error.message, error.hint) if error.status == 422 else error
