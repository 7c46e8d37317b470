"""Users, organizations, the rate limit, and what a user may do in a repository."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request

from sandbox.answers import NEW_VERSION, Json, api_version, not_found
from sandbox.context import At, Call, Here
from sandbox.limits import Limits
from sandbox.shapes.users import organization, profile, user

router = APIRouter()
_ADMIN = {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True}


def _known(call: Call, login: str, kind: str | None = None) -> str:
    try:
        account = call.hub.account(login)
    except KeyError:
        raise not_found() from None
    if kind is not None and account["type"] != kind:
        raise not_found()
    return str(account["login"])


@router.get("/user")
async def me(call: Here) -> Json:
    """The token's user."""
    return Json(profile(call.hub, call.login, private=True))


@router.get("/users/{login}")
async def one_user(call: Here, login: str) -> Json:
    """Any account."""
    return Json(profile(call.hub, _known(call, login)))


@router.get("/orgs/{org}")
async def one_organization(call: Here, org: str) -> Json:
    """An organization."""
    return Json(organization(call.hub, _known(call, org, "Organization")))


@router.get("/rate_limit")
async def rate_limit(call: Here, request: Request) -> Json:
    """What is left of the hour; the same for every resource."""
    limits: Limits = request.app.state.limits
    state = limits.state(call.login)
    body = {"resources": dict.fromkeys(("core", "search", "graphql", "integration_manifest"), state)}
    return Json(body if api_version.get() == NEW_VERSION else body | {"rate": state})


@router.get("/repos/{owner}/{repo}/collaborators/{login}/permission")
async def permission(at: At, login: str) -> Json:
    """Whoever has a token of this sandbox is an admin everywhere; any other account only reads."""
    account = _known(at, login, "User")
    role = "admin" if account in at.hub.tokens.values() else "read"
    rights = _ADMIN if role == "admin" else dict.fromkeys(_ADMIN, False) | {"pull": True}
    who = user(at.hub, account) | {"permissions": rights, "role_name": role}
    return Json({"permission": role, "role_name": role, "user": who})


@router.get("/repos/{owner}/{repo}/collaborators/{login}")
async def is_collaborator(at: At, login: str) -> Json:
    """204 when the account has a token here."""
    if _known(at, login, "User") not in at.hub.tokens.values():
        raise not_found()
    return Json(None, 204)
