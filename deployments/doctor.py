"""What is configured, reachable and missing, found out side by side and within seconds. Never raises."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from deployments.mongod import check_mongodb, find_mongod
from deployments.prefect_server import check_prefect
from shipline.config import Settings
from shipline.errors import ShiplineError

if TYPE_CHECKING:
    from tasks.reconcile.noticed import Noticed

WITHIN = 2.5  # seconds for an answer
LIMIT = 3.0  # seconds for a check as a whole
MIN_FREE = 1_000_000_000  # bytes


@dataclass(frozen=True)
class Check:
    """One line: ``ok`` is None for what is simply not set."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""


Look = Callable[[Settings], Awaitable[Check]]


async def checks(settings: Settings) -> list[Check]:
    """Every check, in the order a person would ask."""
    from deployments.doctor_agents import load

    load(settings)  # seconds of importing, not to be taken from the checks' three
    looks: list[Look] = [_python, _git, _mongod, _mongodb, _prefect, _github, _agents, _gateway, _home]
    return list(await asyncio.gather(*(_guarded(look, settings) for look in looks)))


async def look_over(run_id: str, *, mend: bool) -> list[Noticed]:
    """What is not as it was left of one run; with ``mend`` what is safe is mended. NotFound for an unknown run."""
    from tasks.context import close_context
    from tasks.reconcile.whole import reconcile_run

    try:
        return await reconcile_run(run_id, mend=mend)
    finally:
        await close_context()


async def _guarded(look: Look, settings: Settings) -> Check:
    name = look.__name__.strip("_")
    try:
        async with asyncio.timeout(LIMIT):
            return await look(settings)
    except ShiplineError as error:
        return Check(name, False, error.message, error.hint)
    except TimeoutError:
        return Check(name, False, f"no answer within {LIMIT:.0f} s")
    except Exception as error:  # noqa: BLE001 (a boundary: one broken check must not hide the others)
        return Check(name, False, f"{type(error).__name__}: {error}")


async def _python(_: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= (3, 11), version, "Shipline needs Python 3.11 or newer.")


async def _git(_: Settings) -> Check:
    found = shutil.which("git")
    if found is None:
        return Check("git", False, "not found", "Install git.")
    process = await asyncio.create_subprocess_exec(found, "--version", stdout=asyncio.subprocess.PIPE)
    out, _err = await process.communicate()
    return Check("git", process.returncode == 0, out.decode().strip())


async def _mongod(settings: Settings) -> Check:
    try:
        program, how = find_mongod()
    except ShiplineError as error:
        # With a server of yours none is needed here.
        return Check("mongod", None if settings.mongodb_uri else False, error.message, error.hint)
    return Check("mongod", True, f"{program} ({how})")


async def _mongodb(settings: Settings) -> Check:
    if not settings.mongodb_uri:
        return Check("mongodb", None, "no ledger is running", "Start the stack: shipline up.")
    return Check("mongodb", True, f"version {await check_mongodb(settings.mongodb_uri, WITHIN)} answers")


async def _prefect(settings: Settings) -> Check:
    if not settings.prefect_api_url:
        return Check("prefect", None, "no server is running", "Start the stack: shipline up.")
    version = await check_prefect(settings.prefect_api_url, WITHIN)
    return Check("prefect", True, f"version {version} answers at {settings.prefect_api_url}")


async def _github(settings: Settings) -> Check:
    if settings.github_app_id:
        return await _github_app(settings)
    if not settings.github_token:
        return Check("github", None, "no token is set", "Set SHIPLINE_GITHUB_TOKEN, or start the sandbox: shipline up.")
    headers = {"Authorization": f"Bearer {settings.github_token.get_secret_value()}"}
    try:
        async with httpx.AsyncClient(timeout=WITHIN, headers=headers) as client:
            answer = await client.get(f"{settings.github_api_url.rstrip('/')}/rate_limit")
    except httpx.HTTPError as error:
        return Check("github", False, f"{settings.github_api_url} does not answer ({type(error).__name__})")
    if answer.status_code == 401:
        return Check("github", False, "the token is not accepted", "Set SHIPLINE_GITHUB_TOKEN to a valid one.")
    return Check("github", answer.status_code == 200, f"{settings.github_api_url} answers {answer.status_code}")


async def _gateway(settings: Settings) -> Check:
    if not settings.gateway_url:
        return Check("gateway", None, "none is running", "Start the stack: shipline up.")
    url = settings.gateway_url.rstrip("/")
    try:
        async with httpx.AsyncClient(timeout=WITHIN) as client:
            answer = await client.get(f"{url}/healthz")
    except httpx.HTTPError as error:
        return Check("gateway", False, f"{url} does not answer ({type(error).__name__})", "Its log: logs/gateway.log")
    return Check("gateway", answer.status_code == 200, f"{url} answers {answer.status_code}; {url}/docs")


async def _github_app(settings: Settings) -> Check:
    """The App, and what it was not given."""
    from tasks.github.client import GitHubHost
    from tasks.github.identity import identity_of
    from tasks.github.look import app_seen

    host = GitHubHost(settings.github_api_url, identity_of(settings), timeout=WITHIN)
    try:
        app = await app_seen(host)
    finally:
        await host.close()
    detail = f"{settings.github_api_url} knows the App {app.slug}, installed {len(app.installations)} time(s)"
    if app.lacks:
        hint = "Give it to the App on its settings page, and let its owners accept."
        return Check("github", False, f"{detail}. It lacks: {', '.join(app.lacks)}.", hint)
    unheard = [f"{each.account} has not accepted {', '.join(each.lacks)}" for each in app.installations if each.lacks]
    if unheard:
        hint = "An owner accepts it where the App is installed: Settings, GitHub Apps, Review request."
        return Check("github", False, f"{detail}. {'; '.join(unheard)}.", hint)
    return Check("github", True, detail)


async def _agents(settings: Settings) -> Check:
    from deployments.doctor_agents import agents

    return Check("agents", True, await agents(settings))


async def _home(settings: Settings) -> Check:
    settings.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.home).free
    if not os.access(settings.home, os.W_OK):
        return Check("home", False, f"{settings.home} cannot be written", "Set SHIPLINE_HOME to another folder.")
    enough = free >= MIN_FREE
    return Check("home", enough, f"{settings.home}, {free / 1e9:.1f} GB free", "" if enough else "Free some space.")
