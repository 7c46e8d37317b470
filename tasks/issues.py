"""Issues on GitHub: created from the plan, linked, closed, reopened."""

from __future__ import annotations

from ledger.effects import Key, perform
from ledger.issues import change_issue, get_issue, read_tree
from ledger.models import Effect, EffectKind, EffectStatus, EventType, Issue, IssueStatus, IssueType, Model
from ledger.rules.precedence import place
from ledger.runs import note_run
from ledger.timeline import append, event
from shipline.errors import NotFound
from tasks.github.linking import DEPENDENCIES, SUB_ISSUES, Linked
from tasks.github.repo import Repo
from tasks.github.shapes import Comment, IssueRef
from tasks.state import Here, here
from tasks.step import step
from tasks.texts import issue_body, marker

LABELS = {
    "shipline": ("1d76db", "Made and followed by Shipline"),
    "type:epic": ("5319e7", "The root of an issue tree"),
    "type:feature": ("0e8a16", "Has sub-issues of its own"),
    "type:task": ("c5def5", "One unit of work"),
    "type:defect": ("d73a4a", "Blocks every merge above it"),
}


class Told(Model):
    """GitHub was told something that has no id of its own."""

    what: str


@step(name="prepare-labels", task_run_name="labels {run_id}")
async def prepare_labels(run_id: str) -> None:
    """The labels that our issues carry."""
    at = await here(run_id)

    async def act() -> Told:
        for name, (color, description) in LABELS.items():
            await at.repo.create_label(name, color, description)
        return Told(what=", ".join(LABELS))

    await perform(
        at.ctx.store, Key(run_id, "run", "1", EffectKind.LABELS), Told, act=act, look=_unseen,
        say=lambda done: f"Labels: {done.what}", phase=at.run.state,
    )  # fmt: skip


@step(name="sync-issue", task_run_name="issue {key}")
async def sync_issue(run_id: str, key: str) -> int:
    """Create the node's issue under its parent's; returns its number. The parent must have been created before."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    if issue.number is not None:
        return issue.number
    parent = await _parent(at, issue)
    mark = marker(run_id, key)

    async def look() -> IssueRef | None:
        found = await at.repo.find_issue(mark)
        return await nest(found) if found else None

    async def act() -> IssueRef:
        body = issue_body(issue, at.run)
        return await nest(await at.repo.create_issue(issue.title, body, issue.labels, parent.id if parent else None))

    async def nest(child: IssueRef) -> IssueRef:
        if parent is not None and not await Linked(at.repo.host, at.repo.full_name).put_under(child, parent):
            await _note_lack(at, "sub-issues", SUB_ISSUES)
        return child

    async def undo(second: IssueRef) -> None:
        await at.repo.set_issue_state(second.number, "closed", "duplicate")
        if parent is not None:
            await at.repo.remove_sub_issue(parent.number, second.id)

    made = await perform(
        at.ctx.store, Key(run_id, key, "1", EffectKind.ISSUE_CREATE), IssueRef, act=act, look=look, undo=undo,
        say=lambda done: f"Issue #{done.number}: {issue.title}", phase=at.run.state,
    )  # fmt: skip
    await change_issue(at.ctx.store, run_id, key, {"number": made.number, "githubId": made.id})
    if issue.parent is None:
        await note_run(at.ctx.store, run_id, {"rootIssueId": made.number})
    return made.number


@step(name="link-issue", task_run_name="dependencies of {key}")
async def link_issue(run_id: str, key: str) -> None:
    """Tell GitHub what the node waits for: its dependencies, and open defects under it."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    defects = await at.ctx.store.find(Issue, {"runId": run_id, "parent": key, "type": IssueType.DEFECT})
    before = [await get_issue(at.ctx.store, run_id, other) for other in issue.dependencies]
    for other in [*before, *sorted(defects, key=place)]:
        await _link(at, issue, other)


async def _link(at: Here, issue: Issue, other: Issue) -> None:
    number, by = issue.number, _on_github(other)
    if number is None or by is None:
        raise NotFound(f"{issue.key} and {other.key} are not both on GitHub yet.", "Create the issues first.")
    mark = marker(at.run.id, issue.key, "waits", other.key)

    async def act() -> Told:
        if not await Linked(at.repo.host, at.repo.full_name).block(number, by, mark):
            await _note_lack(at, "dependencies", DEPENDENCIES)
        return Told(what=f"#{number} waits for #{by.number}")

    await perform(
        at.ctx.store, Key(at.run.id, issue.key, "1", EffectKind.ISSUE_BLOCK, other.key), Told, act=act, look=_unseen,
        say=lambda done: done.what, phase=at.run.state,
    )  # fmt: skip


@step(name="close-issue", task_run_name="close {key}")
async def close_issue(run_id: str, key: str) -> None:
    """Close the issue of a node that is done."""
    await _set_state(run_id, key, "closed", "completed")


@step(name="reopen-issue", task_run_name="reopen {key}")
async def reopen_issue(run_id: str, key: str) -> None:
    """Open the issue of a node again, because a defect turned up under it."""
    await _set_state(run_id, key, "open", "reopened")


async def untold(run_id: str) -> tuple[list[str], list[str]]:
    """The nodes whose issue is yet to be closed, and those whose issue is yet to be opened again."""
    at = await here(run_id)
    kinds = [EffectKind.ISSUE_CLOSE, EffectKind.ISSUE_REOPEN]
    query = {"runId": run_id, "kind": {"$in": kinds}, "status": EffectStatus.SUCCEEDED}
    told = {each.id for each in await at.ctx.store.find(Effect, query)}

    def said(issue: Issue, kind: EffectKind, round_: int) -> bool:
        return str(Key(run_id, issue.key, str(round_), kind)) in told

    issues = [each for each in (await read_tree(at.ctx.store, run_id)).issues if each.number is not None]
    done = [each for each in issues if each.status is IssueStatus.DONE]
    others = [each for each in issues if each.status is not IssueStatus.DONE]
    return (
        [each.key for each in done if not said(each, EffectKind.ISSUE_CLOSE, each.round)],
        [
            each.key
            for each in others
            if said(each, EffectKind.ISSUE_CLOSE, each.round - 1)
            and not said(each, EffectKind.ISSUE_REOPEN, each.round)
        ],
    )


async def _set_state(run_id: str, key: str, state: str, reason: str) -> None:
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    number = issue.number
    if number is None:
        raise NotFound(f"{key} is not on GitHub yet.")

    async def act() -> Told:
        await at.repo.set_issue_state(number, state, reason)
        return Told(what=f"Issue #{number} is {state}")

    await perform(
        at.ctx.store, Key(run_id, key, str(issue.round), EffectKind(f"issue.{state}")), Told, act=act, look=_unseen,
        say=lambda done: done.what, phase=at.run.state,
    )  # fmt: skip


async def _parent(at: Here, issue: Issue) -> IssueRef | None:
    if issue.parent is None:
        return None
    parent = _on_github(await get_issue(at.ctx.store, at.run.id, issue.parent))
    if parent is None:
        raise NotFound(f"The parent of {issue.key} is not on GitHub yet.", "Create the issues from the top down.")
    return parent


def _on_github(issue: Issue) -> IssueRef | None:
    if issue.number is None or issue.github_id is None:
        return None
    return IssueRef(number=issue.number, id=issue.github_id)


async def _note_lack(at: Here, feature: str, words: str) -> None:
    """Once a run: people look for it on GitHub's page."""
    told = event(EventType.STEP_COMPLETED, at.run.state, words, event_id=f"lacks-{feature}-{at.run.id}")
    await append(at.ctx.store, at.run.id, told)


async def _unseen() -> None:
    """These may be said twice: GitHub ends the same."""
    return


async def comment(
    at: Here, repo: Repo, key: str, round_: str, number: int, what: EffectKind, digest: str, body: str
) -> None:
    """A comment on an issue or pull request, once; found again by its hidden marker."""
    mark = marker(at.run.id, key, what, digest)

    async def look() -> Comment | None:
        return await repo.find_comment(number, mark)

    async def act() -> Comment:
        return await repo.comment(number, f"{body}\n{mark}")

    async def undo(second: Comment) -> None:
        await repo.delete_comment(second.id)

    await perform(
        at.ctx.store, Key(at.run.id, key, round_, what, digest), Comment, act=act, look=look, undo=undo,
        say=lambda _: f"Commented on #{number}", phase=at.run.state,
    )  # fmt: skip
