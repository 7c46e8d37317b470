"""Making the App: GitHub is given a manifest with just the permissions and webhooks that are needed, and answers with
the App's key, once. https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx

from ledger.models import Handshake, Model, now
from shipline.config import load_settings
from shipline.errors import ConfigError, InvalidInput, Unavailable
from tasks.context import context
from tasks.github.identity import EVENTS, PERMISSIONS

GOOD_FOR = timedelta(hours=1)  # as long as GitHub's own code is
WITHIN = 30.0
FOLDER = "github-app"


class Manifest(Model):
    """What a browser sends: ``action`` is GitHub's page, ``manifest`` the field of the form."""

    action: str
    manifest: str


class Founded(Model):
    """An App that was made, and where its key and its webhook secret lie: files that their owner alone may read."""

    app_id: str
    slug: str
    page: str
    key: Path
    webhook_secret: Path


async def begin_app(*, by: str, url: str, organization: str | None = None) -> str:
    """Begin to make an App that reaches us at ``url``; the path of the page on the gateway that goes on with it."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidInput(f"{url!r} is no address.", "Say where GitHub reaches the gateway: https://HOST")
    made = Handshake(id=secrets.token_urlsafe(32), by=by, organization=organization, url=str(parsed).rstrip("/"))
    await (await context()).store.insert(made)
    return f"/auth/github-app/new?state={made.id}"


async def manifest(state: str) -> Manifest:
    """The form for an App that was begun. InvalidInput when it was not, or too long ago, or is made."""
    known = await _begun(state)
    where = f"/organizations/{known.organization}" if known.organization else ""
    return Manifest(
        action=f"{web_address(load_settings().github_api_url)}{where}/settings/apps/new?state={state}",
        manifest=json.dumps(_manifest(str(known.url))),
    )


async def finish_app(state: str, code: str) -> Founded:
    """Take what GitHub answers for the code, once, and keep it below our home."""
    known, settings = await _begun(state), load_settings()
    try:
        async with httpx.AsyncClient(timeout=WITHIN) as client:
            answer = await client.post(f"{settings.github_api_url.rstrip('/')}/app-manifests/{code}/conversions")
    except httpx.HTTPError as error:
        raise Unavailable(f"GitHub does not answer ({type(error).__name__}).", "Load this page again.") from None
    if answer.status_code != 201:
        raise InvalidInput(f"GitHub does not know this code any more ({answer.status_code}).", "Begin again.")
    made = answer.json()
    folder = settings.home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    slug = str(made["slug"])
    found = Founded(
        app_id=str(made["id"]), slug=slug, page=str(made["html_url"]),
        key=_keep(folder / f"{slug}.pem", made["pem"]),
        webhook_secret=_keep(folder / f"{slug}.webhook-secret", made["webhook_secret"] or ""),
    )  # fmt: skip
    store = (await context()).store
    await store.change(Handshake, known.id, {"made": slug}, expect={"made": None})
    return found


async def renew_secret(secret: str) -> None:
    """Let GitHub sign the App's webhooks with another secret, which the gateway must accept already."""
    ctx = await context()
    if not ctx.settings.github_app_id:
        raise ConfigError("No GitHub App is configured.", "Set SHIPLINE_GITHUB_APP_ID and SHIPLINE_GITHUB_APP_KEY.")
    rest: Any = ctx.github.client.rest
    await ctx.github.ask(lambda: rest.apps.async_update_webhook_config_for_app(data={"secret": secret}))


def web_address(api: str) -> str:
    """Where people see the GitHub whose API this is."""
    url = httpx.URL(api)
    if url.host == "api.github.com":
        return "https://github.com"
    return str(url.copy_with(path="/")).rstrip("/")  # an Enterprise Server has its API below /api/v3


def _manifest(url: str) -> dict[str, Any]:
    return {
        "name": f"Shipline {secrets.token_hex(3)}",  # names are unique on GitHub; it may be changed there
        "url": url,
        "hook_attributes": {"url": f"{url}/webhooks/github", "active": not _is_here(url)},
        "redirect_url": f"{url}/auth/github-app/created",
        "setup_url": f"{url}/auth/github-app/callback",
        "setup_on_update": False,
        "public": False,
        "default_permissions": PERMISSIONS,
        "default_events": list(EVENTS),
    }


def _is_here(url: str) -> bool:
    """Whether it leads to this machine, where GitHub sends nothing."""
    host = httpx.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _begun(state: str) -> Handshake:
    known = await (await context()).store.find_one(Handshake, {"_id": state, "url": {"$ne": None}})
    if known is None or known.made is not None or known.created_at < now() - GOOD_FOR:
        raise InvalidInput("This App was not begun here, is made already, or was begun too long ago.", "Begin again.")
    return known


def _keep(file: Path, text: str) -> Path:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    return file
