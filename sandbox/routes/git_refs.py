"""Refs of the git database."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.answers import Json, Refused, not_found
from sandbox.context import At, RepoCall
from sandbox.plumbing import objects, refs
from sandbox.pull_facts import follow_refs
from sandbox.shapes.commits import git_ref

router = APIRouter(prefix="/repos/{owner}/{repo}/git")


class NewRef(BaseModel):
    """The body of a ref's creation."""

    ref: str
    sha: str


class RefChange(BaseModel):
    """The body of a ref's update."""

    sha: str
    force: bool = False


async def _target(at: RepoCall, sha: str) -> str:
    """The type of the object a ref should point at; 422 when there is none."""
    found = await objects.kind_of(at.git, sha) if refs.SHA.fullmatch(sha) else None
    if found is None:
        raise Refused(422, "Object does not exist")
    return found[0]


@router.get("/ref/{ref:path}")
async def get(at: At, ref: str) -> Json:
    """One ref by its name without ``refs/``."""
    name = f"refs/{ref}"
    found = (await refs.refs(at.git, name)).get(name)
    if found is None:
        raise not_found()
    return Json(git_ref(at.hub, at.repo, name, *found))


@router.get("/matching-refs/{ref:path}")
async def matching(at: At, ref: str) -> Json:
    """The refs whose names begin so; none is an empty list."""
    found = await refs.refs(at.git, f"refs/{ref.split('/', maxsplit=1)[0]}/")
    names = [name for name in found if name.startswith(f"refs/{ref}")]
    return at.listed([git_ref(at.hub, at.repo, name, *found[name]) for name in names])


@router.post("/refs")
async def create(at: At, body: NewRef) -> Json:
    """A new ref at an object that exists."""
    if not body.ref.startswith("refs/") or body.ref.count("/") < 2:
        raise Refused(422, "Reference name must start with 'refs' and contain at least two slashes.")
    if not await refs.well_formed(at.git, body.ref):
        raise Refused(422, f"{body.ref} is not a valid ref name.")
    kind = await _target(at, body.sha)
    if body.ref.startswith("refs/heads/") and kind != "commit":
        raise Refused(422, "Reference update failed")
    async with at.lock:
        try:
            await refs.create(at.git, body.ref, body.sha)
        except refs.RefMoved:
            exists = await refs.resolve(at.git, body.ref)
            raise Refused(422, "Reference already exists" if exists else "Reference update failed") from None
        await follow_refs(at.hub, at.repo)
    return Json(git_ref(at.hub, at.repo, body.ref, body.sha, kind), 201)


@router.patch("/refs/{ref:path}")
async def change(at: At, ref: str, body: RefChange) -> Json:
    """Move a ref; forward only, unless ``force``."""
    name = f"refs/{ref}"
    async with at.lock:
        before = await refs.resolve(at.git, name)
        if before is None:
            raise Refused(422, "Reference does not exist")
        kind = await _target(at, body.sha)
        if name.startswith("refs/heads/"):
            if kind != "commit":
                raise Refused(422, "Reference update failed")
            if not body.force and not await refs.contains(at.git, body.sha, before):
                raise Refused(422, "Update is not a fast forward")
        try:
            await refs.move(at.git, name, body.sha, before)
        except refs.RefMoved:
            raise Refused(422, "Reference cannot be updated") from None
        await follow_refs(at.hub, at.repo)
    return Json(git_ref(at.hub, at.repo, name, body.sha, kind))


@router.delete("/refs/{ref:path}")
async def delete(at: At, ref: str) -> Json:
    """Delete a ref; the default branch stays."""
    name = f"refs/{ref}"
    async with at.lock:
        if await refs.resolve(at.git, name) is None:
            raise Refused(422, "Reference does not exist")
        if name == f"refs/heads/{at.repo['default_branch']}":
            raise Refused(422, "Cannot delete the default branch")
        await refs.delete(at.git, name)
        await follow_refs(at.hub, at.repo)
    return Json(None, 204)
