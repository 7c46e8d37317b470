"""What an App asks as itself: who it is, where it is installed, and tokens for there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse

from sandbox.answers import Json, Refused, not_found
from sandbox.apps import App
from sandbox.context import At, Call, Here
from sandbox.shapes.repos import repository
from sandbox.shapes.users import user

router = APIRouter()
PERMISSIONS = {
    "actions": "write", "checks": "write", "contents": "write", "deployments": "write", "issues": "write",
    "merge_queues": "read", "metadata": "read", "pull_requests": "write", "statuses": "write", "workflows": "write",
}  # fmt: skip
# The permission that lets an App hear of an event. Those that are missing here no manifest may name.
COVERED_BY = {
    "check_run": "checks", "check_suite": "checks", "create": "contents", "delete": "contents",
    "deployment": "deployments", "deployment_review": "deployments", "deployment_status": "deployments",
    "issue_comment": "issues", "issue_dependencies": "issues", "issues": "issues", "label": "metadata",
    "merge_group": "merge_queues", "pull_request": "pull_requests", "pull_request_review": "pull_requests",
    "pull_request_review_comment": "pull_requests", "push": "contents", "release": "contents",
    "repository": "metadata", "repository_dispatch": "contents", "status": "statuses", "sub_issues": "issues",
    "workflow_dispatch": "contents", "workflow_job": "actions", "workflow_run": "actions",
}  # fmt: skip
EVENTS = [
    "issues", "issue_comment", "pull_request", "pull_request_review", "push", "check_run", "check_suite",
    "workflow_run", "workflow_job", "status", "repository_dispatch", "deployment", "deployment_status", "sub_issues",
    "merge_group",
]  # fmt: skip
BORN = "2026-01-01T00:00:00Z"


@router.post("/settings/apps/new")
@router.post("/organizations/{owner}/settings/apps/new")
async def new_app(call: Here, request: Request, owner: str | None = None) -> RedirectResponse:
    """The page on which a person confirms a manifest; here it is taken at once, and the browser sent back."""
    fields = dict(parse_qsl((await request.body()).decode()))
    asked = json.loads(fields.get("manifest", "{}"))
    if not asked.get("name") or not asked.get("redirect_url"):
        raise Refused(422, "Invalid manifest")
    wrong = _uncovered(asked.get("default_events", []), asked.get("default_permissions", {}))
    if wrong:
        raise Refused(422, f"Invalid GitHub App configuration: {wrong}")
    app, made = call.hub.apps.found(owner or call.login, asked)
    call.hub.account(app.login, create="Bot")
    query = urlencode({"code": made, **({"state": call.query["state"]} if "state" in call.query else {})})
    return RedirectResponse(f"{asked['redirect_url']}?{query}", 302)


@router.post("/app-manifests/{code}/conversions")
async def convert(call: Here, code: str) -> Json:
    """What the App is and its keys, once for each code."""
    app, pem, secret = call.hub.apps.converted(code)
    if app is None:
        raise not_found()
    return Json({**_shape(call, app), "client_secret": "", "webhook_secret": secret, "pem": pem}, 201)


@router.patch("/app/hook/config")
async def hook_config(call: Here, request: Request) -> Json:
    """Sign with another secret from now on."""
    _app(call)
    secret = (await request.json()).get("secret")
    teller = request.app.state.teller
    if teller is not None and secret:
        teller.sign_with(secret)
    return Json({"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": ""})


class TokenAsked(BaseModel):
    """What a token is to be good for."""

    repositories: list[str] | None = Field(default=None, max_length=500)
    repository_ids: list[int] | None = None
    permissions: dict[str, str] = Field(default_factory=dict)


def _uncovered(events: list[str], permissions: dict[str, str]) -> str:
    """What GitHub says of events that an App cannot ask for; empty when it takes them all."""
    unknown = [each for each in events if each not in COVERED_BY]
    if unknown:
        return f"Default events unsupported: {_and(unknown)}"
    bare = [each for each in events if permissions.get(COVERED_BY[each]) not in ("read", "write", "admin")]
    return f"Default events are not supported by permissions: {_and(bare)}" if bare else ""


def _and(words: list[str]) -> str:
    """As GitHub lists things: ``a``, ``a and b``, ``a, b, and c``."""
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def _app(call: Call) -> App:
    """Who signs as an App."""
    app: App | None = getattr(call.request.state, "app_itself", None)
    if app is None:
        raise Refused(401, "A JSON web token could not be decoded")
    return app


def _shape(call: Call, app: App) -> dict[str, Any]:
    return {
        "id": int(app.id), "slug": app.slug, "node_id": f"A_{app.id}", "client_id": f"Iv23{app.id}",
        "owner": user(call.hub, call.hub.apps.owners[0]), "name": app.slug, "description": None,
        "external_url": call.hub.url, "html_url": f"{call.hub.url}/apps/{app.slug}", "created_at": BORN,
        "updated_at": BORN, "permissions": app.manifest.get("default_permissions", PERMISSIONS),
        "events": app.manifest.get("default_events", EVENTS),
        "installations_count": len(call.hub.apps.installed),
    }  # fmt: skip


def _installation(call: Call, app: App, owner: str) -> dict[str, Any]:
    number = call.hub.apps.install(owner)
    account = user(call.hub, owner)
    return {
        "id": number, "account": account, "repository_selection": "all",
        "access_tokens_url": f"{call.hub.url}/app/installations/{number}/access_tokens",
        "repositories_url": f"{call.hub.url}/installation/repositories",
        "html_url": f"{call.hub.url}/settings/installations/{number}", "app_id": int(app.id),
        "client_id": f"Iv23{app.id}", "target_id": account["id"], "target_type": account["type"],
        "permissions": _accepted(call, app, number), "events": app.manifest.get("default_events", EVENTS),
        "created_at": BORN, "updated_at": BORN,
        "single_file_name": None, "has_multiple_single_files": False, "single_file_paths": [], "app_slug": app.slug,
        "suspended_by": None, "suspended_at": None, "contact_email": None,
    }  # fmt: skip


def _accepted(call: Call, app: App, number: int) -> dict[str, str]:
    """What an owner lets the App do: what it asks for, unless they have not accepted all of it."""
    asked: dict[str, str] = app.manifest.get("default_permissions", PERMISSIONS)
    return call.hub.apps.accepted.get(number, asked)


@router.get("/app")
async def itself(call: Here) -> Json:
    """The App."""
    return Json(_shape(call, _app(call)))


@router.get("/app/installations")
async def installations(call: Here) -> Json:
    """Where it is installed."""
    app = _app(call)
    return call.listed([_installation(call, app, owner) for owner in call.hub.apps.installed.values()])


@router.get("/app/installations/{number:int}")
async def installation(call: Here, number: int) -> Json:
    """One of them."""
    app, owner = _app(call), call.hub.apps.owner(number)
    if owner is None:
        raise not_found()
    return Json(_installation(call, app, owner))


@router.delete("/app/installations/{number:int}")
async def uninstall(call: Here, number: int) -> Json:
    """The App takes itself away."""
    _app(call)
    if call.hub.apps.owner(number) is None:
        raise not_found()
    call.hub.apps.uninstall(number)
    return Json(None, 204)


class Accepted(BaseModel):
    """What an owner accepts; all that the App asks for where it is left out."""

    permissions: dict[str, str] | None = None


@router.put("/_sandbox/installations/{owner}")
async def install(call: Here, owner: str, body: Accepted) -> Json:
    """An owner installs the App, or answers what it asks for: pages on GitHub, and plainly not its API."""
    number = call.hub.apps.install(owner)
    if body.permissions is None:
        call.hub.apps.accepted.pop(number, None)
    else:
        call.hub.apps.accepted[number] = body.permissions
    return Json({"id": number})


@router.get("/repos/{owner}/{repo}/installation")
async def of_repository(at: At) -> Json:
    """The one that covers a repository."""
    app = _app(at)
    if at.hub.apps.installation(at.repo["owner"]) is None:
        raise not_found()
    return Json(_installation(at, app, at.repo["owner"]))


@router.post("/app/installations/{number:int}/access_tokens")
async def mint(call: Here, number: int, body: TokenAsked | None = None) -> Json:
    """A token for an hour, narrowed to some repositories where they are named."""
    app, owner = _app(call), call.hub.apps.owner(number)
    if owner is None:
        raise not_found()
    names = body.repositories if body else None
    rows = [call.hub.find(owner, name) for name in names or []]
    if any(row is None for row in rows):
        raise Refused(422, "There is at least one repository that does not exist or is not accessible to the parent "
                           "installation.")  # fmt: skip
    asked, accepted = body.permissions if body else {}, _accepted(call, app, number)
    if any(accepted.get(name) is None for name in asked):
        raise Refused(422, "The permissions requested are not granted to this installation.")
    chosen = frozenset(name.lower() for name in names) if names is not None else None
    token, until = call.hub.apps.mint(app, owner, chosen)
    made: dict[str, Any] = {
        "token": token, "expires_at": until, "permissions": asked or accepted,
        "repository_selection": "all" if chosen is None else "selected",
    }  # fmt: skip
    if chosen is not None:
        made["repositories"] = [repository(call.hub, row) for row in rows if row is not None]
    return Json(made, 201)


@router.get("/installation/repositories")
async def repositories(call: Here) -> Json:
    """What an installation's token is good for."""
    minted = getattr(call.request.state, "minted", None)
    if minted is None:
        raise Refused(403, "Resource not accessible by personal access token")
    rows = call.store.all("SELECT * FROM repos WHERE owner = ? ORDER BY id", minted.owner)
    found = [repository(call.hub, row) for row in rows if minted.covers(row["owner"], row["name"])]
    return Json({"total_count": len(found), "repository_selection": "selected", "repositories": found})
