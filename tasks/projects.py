"""A project and its repository as a person works on it: connected, its long-lived branches, its files, an issue's work.

What a run does by itself goes through its flow; asked here and there, each thing is done once. Who asked is kept.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ledger.issues import get_issue, read_tree
from ledger.models import Issue, Model, Outcome, Project
from ledger.rules.branches import INTEGRATION, REGRESSION
from ledger.runs import ensure_project
from shipline.errors import IllegalTransition, Interrupted, InvalidInput, NotFound
from tasks.acts import keep_act
from tasks.code import BranchSeen, PullSeen, pull, refused
from tasks.context import Context, context
from tasks.github.client import GitHubError
from tasks.github.repo import Repo
from tasks.opening import make_branch, open_pull
from tasks.state import Here, here

LARGEST = 1_000_000  # bytes of a file: above it GitHub's answer holds no content


class FileSeen(Model):
    """A text file of a branch or commit. ``sha`` is the blob's, by which a change says what it replaces."""

    path: str
    ref: str
    sha: str
    text: str


class FileWritten(Model):
    """A file as it stands now; ``commit`` is None when it was so already."""

    path: str
    branch: str
    sha: str
    commit: str | None


class Regression(Model):
    """Where ``regression`` stands; ``merged`` is false when it held all of ``integration`` already."""

    sha: str
    merged: bool


async def connect(repo: str, name: str | None, *, by: str) -> Project:
    """The project of a repository, made where there is none; NotFound when there is no repository that we may see."""
    ctx = await context()
    about = await Repo(ctx.github, repo).about()
    full_name = str(about.full_name)  # as GitHub writes it: its names take any case
    project = await ensure_project(ctx.store, full_name, str(about.default_branch))
    if name is not None and name != project.name:
        project = await ctx.store.change(Project, project.id, {"name": name}) or project
        await keep_act(ctx.store, project.id, by, f"called {name}")
    return project


async def prepare(project_id: str, *, by: str) -> list[BranchSeen]:
    """``integration`` and ``regression``, made where they are missing; the first from the default branch."""
    ctx, repo, project = await _at(project_id)
    first = await _ensure(ctx, repo, project, INTEGRATION, str((await repo.about()).default_branch), by)
    second = await _ensure(ctx, repo, project, REGRESSION, INTEGRATION, by)
    names = ((INTEGRATION, first), (REGRESSION, second))
    return [BranchSeen(name=name, sha=sha, protected=False) for name, sha in names]


async def to_regression(project_id: str, *, by: str) -> Regression:
    """Bring ``regression`` up to ``integration``. IllegalTransition when the two conflict."""
    ctx, repo, _ = await _at(project_id)
    await prepare(project_id, by=by)
    try:
        merged = await repo.merge_branch(REGRESSION, INTEGRATION, f"Bring {REGRESSION} up to {INTEGRATION}")
    except GitHubError as error:
        if error.status != 409:
            raise
        raise IllegalTransition(f"{REGRESSION} conflicts with {INTEGRATION}.", "Resolve it by hand.") from None
    if merged is None:
        return Regression(sha=str(await repo.branch_sha(REGRESSION)), merged=False)
    await keep_act(ctx.store, project_id, by, f"{REGRESSION} brought up to {INTEGRATION} as {merged[:7]}")
    return Regression(sha=merged, merged=True)


async def read_file(project_id: str, path: str, ref: str | None) -> FileSeen:
    """A text file at a branch, tag or commit (the default branch unless named)."""
    _, repo, project = await _at(project_id)
    at = ref or project.default_branch
    found = await _blob(repo, path, at)
    if found is None:
        raise NotFound(f"{repo.full_name} has no {path} at {at}.")
    return FileSeen(path=path, ref=at, sha=found[0], text=found[1])


async def write_file(
    project_id: str, path: str, branch: str, text: str, message: str, replaces: str | None, *, by: str
) -> FileWritten:
    """One commit that makes the file or changes it. IllegalTransition when it is not ``replaces`` any more.

    Long-lived branches are refused: they change by pull requests alone.
    """
    ctx, repo, _ = await _at(project_id)
    if branch in (str((await repo.about()).default_branch), INTEGRATION, REGRESSION):
        raise InvalidInput(f"{branch} changes by pull requests alone.", "Make a branch beside it, and write there.")
    if await repo.branch_sha(branch) is None:
        raise NotFound(f"{repo.full_name} has no branch {branch}.", "Make it first.")
    known = await _blob(repo, path, branch)
    if known is not None and known[1] == text:
        return FileWritten(path=path, branch=branch, sha=known[0], commit=None)
    if replaces is not None and (known is None or known[0] != replaces):
        raise IllegalTransition(f"{path} is another one meanwhile.", "Read it again; nothing was changed.")
    try:
        made = await _put(repo, branch, path, text, message, known[0] if known else None)
    except GitHubError as error:
        raise refused(error) from None
    await keep_act(ctx.store, project_id, by, f"{path} on {branch} as {made.commit.sha[:7]}")
    return FileWritten(path=path, branch=branch, sha=str(made.content.sha), commit=str(made.commit.sha))


async def issue_branch(issue: Issue, *, by: str) -> BranchSeen:
    """An issue's branch, made from that of its nearest open ancestor; missing ones above it are made before."""
    at = await _open(issue)
    made = await _line(at, issue, by)
    sha = await at.repo.branch_sha(made)
    if sha is None:
        raise NotFound(f"Branch {made} of {at.run.repo} is gone.", "Restore it first.")
    return BranchSeen(name=made, sha=sha, protected=False, run_id=issue.run_id, node_id=issue.key)


async def issue_pull(issue: Issue, *, by: str) -> PullSeen:
    """An issue's draft pull request to its base. InvalidInput while its branch holds nothing of its own."""
    at = await _open(issue)
    await _line(at, issue, by)
    fresh = await get_issue(at.ctx.store, issue.run_id, issue.key)
    try:
        number = await open_pull(at, fresh)
    except GitHubError as error:
        raise refused(error) from None
    except Interrupted as stopped:
        raise IllegalTransition(str(stopped), "Resume the run first.") from None
    if fresh.pr_number is None:
        await keep_act(at.ctx.store, issue.project_id, by, f"pull request #{number} for {issue.key}", fresh)
    return await pull(issue.project_id, number)


async def _open(issue: Issue) -> Here:
    at = await here(issue.run_id)
    if at.run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED) or issue.merged_sha is not None:
        raise IllegalTransition(f"{issue.key} of {issue.run_id} is done.", "Write an idea for what is missing.")
    if issue.number is None:
        raise IllegalTransition(f"{issue.key} is not on GitHub yet.", "Wait until the plan is approved.")
    return at


async def _line(at: Here, issue: Issue, by: str) -> str:
    """The branches from the root down to the issue's own, whose name it returns."""
    tree = await read_tree(at.ctx.store, at.run.id)
    above = [each for each in reversed(tree.ancestors(issue.key)) if each.merged_sha is None]
    default = str((await at.repo.about()).default_branch)
    await _ensure(at.ctx, at.repo, await at.ctx.store.get(Project, issue.project_id), INTEGRATION, default, by)
    made = ""
    for each in [*above, issue]:
        try:
            made = await make_branch(at, each)
        except Interrupted as stopped:
            raise IllegalTransition(str(stopped), "Resume the run first.") from None
        if each.branch is None:
            await keep_act(at.ctx.store, issue.project_id, by, f"branch {made} for {each.key}", each)
    return made


async def _ensure(ctx: Context, repo: Repo, project: Project, branch: str, source: str, by: str) -> str:
    there = await repo.branch_sha(branch)
    if there is not None:
        return there
    tip = await repo.branch_sha(source)
    if tip is None:
        raise InvalidInput(f"{repo.full_name} has no commit on {source}.", "Push a first commit, then ask again.")
    try:
        await repo.create_branch(branch, tip)
    except GitHubError as error:
        there = await repo.branch_sha(branch) if error.status == 422 else None  # somebody was faster
        if there is None:
            raise
        return there
    await keep_act(ctx.store, project.id, by, f"branch {branch} from {source} at {tip[:7]}")
    return tip


async def _blob(repo: Repo, path: str, ref: str) -> tuple[str, str] | None:
    """The blob's id and its text; None when it is not there. InvalidInput for what is no text file."""
    if {"", ".", ".."} & set(path.split("/")):  # it becomes a part of an address
        raise InvalidInput(f"{path} is no path of a file.", "Write it from the root, without `.` and `..`.")
    rest: Any = repo.host.client.rest
    asked = {"owner": repo.owner, "repo": repo.name, "path": path, "ref": ref}
    try:
        found = (await repo.host.ask(lambda: rest.repos.async_get_content(**asked))).json()
    except NotFound:
        return None
    if not isinstance(found, dict) or found.get("type") != "file":
        raise InvalidInput(f"{path} is no file.", "Name a file, not a folder or a link.")
    if found.get("encoding") != "base64" or int(found["size"]) > LARGEST:
        raise InvalidInput(f"{path} has more than {LARGEST:,} bytes.", "Fetch it with git.")
    try:
        return str(found["sha"]), base64.b64decode(found["content"]).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidInput(f"{path} is no text.", "Fetch it with git.") from None


async def _put(repo: Repo, branch: str, path: str, text: str, message: str, replaces: str | None) -> Any:
    rest: Any = repo.host.client.rest
    body: dict[str, Any] = {"message": message, "content": base64.b64encode(text.encode()).decode(), "branch": branch}
    if replaces is not None:
        body["sha"] = replaces
    asked = {"owner": repo.owner, "repo": repo.name, "path": path, "data": body}
    return (await repo.host.ask(lambda: rest.repos.async_create_or_update_file_contents(**asked))).parsed_data


async def _at(project_id: str) -> tuple[Context, Repo, Project]:
    ctx = await context()
    project = await ctx.store.get(Project, project_id)
    return ctx, Repo(ctx.github, project.repo), project
