"""Putting the workflow pack into a repository: by a pull request, never past anyone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gha.files import pack_files
from ledger.models import Model
from shipline.errors import ShiplineError
from tasks.context import context
from tasks.git import Clone, GitError, Remote, clone
from tasks.github.repo import Repo
from tasks.github.shapes import PullRef

BRANCH = "shipline/workflows"
TITLE = "Let Shipline work in GitHub Actions"
BODY = """The workflow pack: an entry that takes Shipline's requests, and a workflow for each kind of step.

Before a run uses it, the repository needs, under *Settings → Secrets and variables → Actions*:

| what | name | value |
|---|---|---|
| secret | `SHIPLINE_DISPATCH_SECRET` | the same as Shipline's |
| variable | `SHIPLINE_URL` | the gateway's address, as runners reach it |
| variable | `SHIPLINE_PACKAGE` | what pip installs Shipline from |

Each job has only the permissions it needs, actions are pinned by SHA, and no text of an event reaches a shell. The jobs
that hold the secret run nothing of this repository; those that do hold none.
"""


class Installed(Model):
    """What came of it: ``number`` and ``url`` of the pull request, neither when the pack is there already."""

    number: int | None = None
    url: str = ""
    files: int


async def install_pack(repo: str) -> Installed:
    """Open a pull request that brings the pack, or bring an open one up to date; nothing when it is there as it is."""
    ctx = await context()
    on = Repo(ctx.github, repo)
    about = await on.about()
    base = str(about.default_branch)
    files = pack_files(by_workspace=_is_server(str(about.html_url)))
    remote = Remote(str(about.clone_url), await ctx.github.git_token(repo))
    pull = await _open(on, base)
    with tempfile.TemporaryDirectory(prefix="shipline-pack-") as folder:
        made = await clone(remote, BRANCH if pull else base, Path(folder) / "repository")
        for path, text in files.items():
            file = made.path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if await made.patch():
            await _push(made)
        elif pull is None:
            return Installed(files=len(files))
    pull = pull or await on.open_pull(BRANCH, base, TITLE, BODY)
    if pull.draft:
        await on.mark_ready(pull.node_id)
    return Installed(number=pull.number, url=f"{about.html_url}/pull/{pull.number}", files=len(files))


async def _open(on: Repo, base: str) -> PullRef | None:
    """The pull request that brings the pack, while it is open."""
    closed: set[int] = set()
    while (found := await on.find_pull(BRANCH, base, closed)) is not None:
        if found.open:
            return found
        closed.add(found.number)
    return None


async def _push(made: Clone) -> None:
    commit = await made.commit("", f"{TITLE}\n")
    try:
        await made.push(commit, BRANCH)
    except GitError as error:
        raise ShiplineError(
            f"{BRANCH} cannot be brought up to date: {error.message}",
            f"Merge or delete the branch {BRANCH}, then again. An App needs the permission Workflows: write.",
        ) from error


def _is_server(page: str) -> bool:
    """Whether this is a GitHub Enterprise Server, by the address of its pages."""
    return not page.startswith(("https://github.com/", "http://127.0.0.1"))
