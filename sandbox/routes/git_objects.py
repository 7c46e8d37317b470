"""Blobs, trees, commits and annotated tags of the git database."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import objects, refs
from sandbox.plumbing.objects import Entry, Person
from sandbox.shapes.commits import UNSIGNED, git_commit, person, tree_entry
from sandbox.shapes.ids import node_id
from sandbox.shapes.repos import repo_url

router = APIRouter(prefix="/repos/{owner}/{repo}/git")


class NewBlob(BaseModel):
    """The body of a blob's creation."""

    content: str
    encoding: str = "utf-8"


class NewEntry(BaseModel):
    """One change to a tree: a sha, or content to store; a null sha deletes."""

    path: str
    mode: str = "100644"
    type: str = "blob"
    sha: str | None = None
    content: str | None = None


class NewTree(BaseModel):
    """The body of a tree's creation."""

    tree: list[NewEntry]
    base_tree: str | None = None


class Who(BaseModel):
    """An author, committer or tagger."""

    name: str
    email: str
    date: str = ""

    def person(self) -> Person:
        """The same for git."""
        return Person(self.name, self.email, self.date)


class NewCommit(BaseModel):
    """The body of a commit's creation."""

    message: str
    tree: str
    parents: list[str] = Field(default_factory=list)
    author: Who | None = None
    committer: Who | None = None


class NewTag(BaseModel):
    """The body of an annotated tag's creation."""

    tag: str
    message: str
    object: str
    type: str
    tagger: Who | None = None


async def _require(at: RepoCall, sha: str, kind: str) -> int:
    """The size of an object of that kind; 404 when there is none."""
    found = await objects.kind_of(at.git, sha) if refs.SHA.fullmatch(sha) else None
    if found is None or found[0] != kind:
        raise not_found()
    return found[1]


def check_path(path: str, name: str) -> None:
    """Refuse a path that git would not keep."""
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/")):
        raise Refused(422, f"{name} contains a malformed path component")


def decoded(content: str) -> bytes:
    """The bytes behind base64 text; 422 when it is none."""
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except binascii.Error:
        raise Refused(422, "content is not valid Base64") from None


@router.post("/blobs")
async def create_blob(at: At, body: NewBlob) -> Json:
    """Store a file's content."""
    content = decoded(body.content) if body.encoding == "base64" else body.content.encode()
    sha = await objects.write_blob(at.git, content)
    return Json({"sha": sha, "url": f"{repo_url(at.hub, at.repo)}/git/blobs/{sha}"}, 201)


@router.get("/blobs/{sha}")
async def get_blob(at: At, sha: str) -> Json:
    """A file's content, always in base64."""
    size = await _require(at, sha, "blob")
    content = base64.encodebytes(await objects.read_blob(at.git, sha)).decode()
    return Json({
        "sha": sha, "node_id": node_id("B", sha), "size": size, "encoding": "base64", "content": content,
        "url": f"{repo_url(at.hub, at.repo)}/git/blobs/{sha}",
    })  # fmt: skip


def _tree(at: RepoCall, sha: str, lines: list[Entry]) -> dict[str, object]:
    return {
        "sha": sha,
        "url": f"{repo_url(at.hub, at.repo)}/git/trees/{sha}",
        "tree": [tree_entry(at.hub, at.repo, line) for line in lines],
        "truncated": False,
    }


async def _tree_sha(at: RepoCall, name: str) -> str | None:
    """The tree that a sha (of a tree or commit), a branch or a tag names."""
    if refs.SHA.fullmatch(name) and await objects.kind_of(at.git, name) is None:
        return None
    commit = await refs.commit_of(at.git, name)
    if commit is not None:
        return (await objects.read_commit(at.git, commit)).tree
    found = await objects.kind_of(at.git, name) if refs.SHA.fullmatch(name) else None
    return name if found is not None and found[0] == "tree" else None


@router.post("/trees")
async def create_tree(at: At, body: NewTree) -> Json:
    """A tree, from another one and changes to it."""
    base = None
    if body.base_tree is not None:
        base = await _tree_sha(at, body.base_tree)
        if base is None:
            raise not_found()
    changes = []
    for line in body.tree:
        check_path(line.path.strip("/"), "tree.path")
        sha = await objects.write_blob(at.git, line.content.encode()) if line.content is not None else line.sha
        if sha is not None and line.type != "commit" and await objects.kind_of(at.git, sha) is None:
            raise Refused(422, f"tree.sha {sha} is not a valid {line.type}")
        changes.append(Entry(line.path.strip("/"), line.mode, line.type, sha))
    sha = await objects.write_tree(at.git, base, changes)
    return Json(_tree(at, sha, await objects.entries(at.git, sha)), 201)


@router.get("/trees/{sha:path}")
async def get_tree(at: At, sha: str) -> Json:
    """A tree; ``recursive`` (whatever its value) goes all the way down."""
    found = await _tree_sha(at, sha)
    if found is None:
        raise not_found()
    lines = await objects.entries(at.git, found, recursive="recursive" in at.query)
    return Json(_tree(at, found, lines))


@router.post("/commits")
async def create_commit(at: At, body: NewCommit) -> Json:
    """A commit that no branch knows yet."""
    found = await objects.kind_of(at.git, body.tree) if refs.SHA.fullmatch(body.tree) else None
    if found is None or found[0] != "tree":
        raise Refused(422, "Tree SHA does not exist")
    for parent in body.parents:
        known = await objects.kind_of(at.git, parent) if refs.SHA.fullmatch(parent) else None
        if known is None or known[0] != "commit":
            raise Refused(422, "Parent SHA does not exist or is not a commit object")
    author = body.author.person() if body.author else at.author
    committer = body.committer.person() if body.committer else (author if body.author else None)
    sha = await objects.write_commit(at.git, body.tree, body.parents, body.message, author, committer)
    return Json(git_commit(at.hub, at.repo, await objects.read_commit(at.git, sha)), 201)


@router.get("/commits/{sha}")
async def get_commit(at: At, sha: str) -> Json:
    """A commit."""
    await _require(at, sha, "commit")
    return Json(git_commit(at.hub, at.repo, await objects.read_commit(at.git, sha)))


async def _tag(at: RepoCall, sha: str) -> dict[str, object]:
    head, tagger, message = await objects.read_tag(at.git, sha)
    url = f"{repo_url(at.hub, at.repo)}/git"
    target = {"sha": head["object"], "type": head["type"], "url": f"{url}/{head['type']}s/{head['object']}"}
    return {
        "node_id": node_id("TAG", sha), "sha": sha, "url": f"{url}/tags/{sha}", "tag": head["tag"],
        "message": message, "tagger": person(tagger), "object": target, "verification": UNSIGNED,
    }  # fmt: skip


@router.post("/tags")
async def create_tag(at: At, body: NewTag) -> Json:
    """An annotated tag object; a ref to it is made apart."""
    found = await objects.kind_of(at.git, body.object) if refs.SHA.fullmatch(body.object) else None
    if found is None or found[0] != body.type:
        raise Refused(422, "Object does not exist")
    if not await refs.well_formed(at.git, f"refs/tags/{body.tag}"):
        raise Refused(422, f"{body.tag} is not a valid tag name.")
    tagger = body.tagger.person() if body.tagger else at.author
    sha = await objects.write_tag(at.git, body.tag, body.object, body.type, body.message, tagger)
    return Json(await _tag(at, sha), 201)


@router.get("/tags/{sha}")
async def get_tag(at: At, sha: str) -> Json:
    """An annotated tag object."""
    await _require(at, sha, "tag")
    return Json(await _tag(at, sha))
