"""How repositories come to be: empty, with a README, from a template, or from a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sandbox.answers import Refused, failed, invalid
from sandbox.hub import Hub
from sandbox.plumbing import objects, refs
from sandbox.plumbing.objects import Entry, Person
from sandbox.shapes.commits import NOREPLY
from sandbox.store import Row, now

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def check_name(name: str) -> None:
    """Refuse what GitHub takes for no repository's name."""
    if not _NAME.fullmatch(name) or name in (".", "..") or name.endswith(".git"):
        raise invalid("Repository", "name", "invalid")


async def found(hub: Hub, owner: str, name: str, **columns: Any) -> Row:
    """A new repository without commits; 422 when the name is taken or no name."""
    check_name(name)
    if hub.find(owner, name) is not None:
        raise _taken()
    moment = now()
    row = hub.store.insert(
        "repos", owner=hub.account(owner)["login"], name=name, created_at=moment, updated_at=moment,
        pushed_at=moment, **columns,
    )  # fmt: skip
    try:
        await hub.git(row).create(row["default_branch"])
    except BaseException:
        hub.forget(row)
        raise
    return row


def _taken() -> Refused:
    message = "name already exists on this account"
    return Refused(
        422,
        "Repository creation failed.",
        [{"resource": "Repository", "code": "custom", "field": "name", "message": message}],
    )


async def with_readme(hub: Hub, repo: Row, author: Person) -> None:
    """The first commit of ``auto_init``: a README with the name and the description."""
    git = hub.git(repo)
    lines = [f"# {repo['name']}", *([repo["description"]] if repo["description"] else [])]
    blob = await objects.write_blob(git, "\n".join(lines).encode())
    tree = await objects.write_tree(git, None, [Entry("README.md", "100644", "blob", blob)])
    await _begin(hub, repo, tree, author)


async def from_template(hub: Hub, template: Row, owner: str, name: str, author: Person, **columns: Any) -> Row:
    """A new repository with the files of a template's default branch, in one commit."""
    if not template["is_template"]:
        raise failed("Repository", f"{template['owner']}/{template['name']} is not a template repository.")
    source = hub.git(template)
    tip = await refs.resolve(source, f"refs/heads/{template['default_branch']}")
    repo = await found(
        hub, owner, name, template_id=template["id"], default_branch=template["default_branch"], **columns
    )
    if tip is not None:
        git = hub.git(repo)
        await git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(source.path), tip)
        await _begin(hub, repo, (await objects.read_commit(git, tip)).tree, author)
    return repo


async def seed(hub: Hub, full_name: str, folder: Path) -> None:
    """The template repository that a folder describes, under an organization; left alone where it exists."""
    owner, _, name = full_name.partition("/")
    if hub.find(owner, name) is not None:
        return
    hub.account(owner, create="Organization")
    repo = await found(hub, owner, name, is_template=1)
    try:
        tree = await objects.write_folder(hub.git(repo), folder)
        await _begin(hub, repo, tree, Person(owner, f"{owner}{NOREPLY}", now()))
    except BaseException:
        hub.forget(repo)  # half a seed would be left alone by the next start
        raise


async def _begin(hub: Hub, repo: Row, tree: str, author: Person) -> None:
    git = hub.git(repo)
    commit = await objects.write_commit(git, tree, [], "Initial commit", author)
    await refs.create(git, f"refs/heads/{repo['default_branch']}", commit)
