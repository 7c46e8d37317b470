"""Starting a run on the running stack: the idea goes into the ledger, Prefect's worker takes it from there."""

from __future__ import annotations

import httpx

from console.out import out
from console.views import event_line
from ledger import queries
from ledger.models import Run, Size
from shipline.config import Settings, load_settings
from shipline.errors import Unavailable
from tasks.context import close_context, context
from tasks.state import revive
from tasks.submit import submit

DEPLOYMENT = "deliver/deliver"


async def start_run(idea: str, repo: str, *, size: Size, dry_run: bool, follow: bool, quiet: bool) -> Run:
    """Submit an idea, hand its run to a worker, and (with ``follow``) print its events to the end."""
    settings = load_settings()
    try:
        deployment = await _deployment(settings)
        run = await submit(idea, repo, size=size, dry_run=dry_run)
        await _hand_over(settings, deployment, run.id, dry_run)
        return await _follow(run.id, quiet) if follow else run
    finally:
        await close_context()


async def resume_run(run_id: str, *, follow: bool, quiet: bool) -> Run:
    """Hand a run that stopped (failed, planned only, cut off) to a worker again."""
    settings = load_settings()
    try:
        deployment = await _deployment(settings)
        store = (await context()).store
        run = await store.get(Run, run_id)
        seen = run.chain.seq
        run = await revive(run_id, dry_run=False)
        await _hand_over(settings, deployment, run_id, dry_run=False)
        return await _follow(run_id, quiet, after=seen) if follow else run
    finally:
        await close_context()


async def _follow(run_id: str, quiet: bool, after: int = 0) -> Run:
    store = (await context()).store
    async for event in queries.follow(store, run_id, after=after):
        if not quiet:
            out.print(event_line(event), soft_wrap=True)
    return await store.get(Run, run_id)


async def _deployment(settings: Settings) -> str:
    """The id of Prefect's deployment, asked for before anything is made."""
    url = f"{settings.require_prefect()}/deployments/name/{DEPLOYMENT}"
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(url)
    except httpx.TransportError:
        raise Unavailable(
            f"Prefect at {settings.prefect_api_url} does not answer.", "Start the stack: `shipline up`."
        ) from None
    if answer.status_code != 200:
        raise Unavailable(
            f"Prefect knows no deployment {DEPLOYMENT}.",
            "Start the stack (`shipline up`), or run `prefect deploy --all`.",
        )
    return str(answer.json()["id"])


async def _hand_over(settings: Settings, deployment: str, run_id: str, dry_run: bool) -> None:
    body = {"parameters": {"run_id": run_id, "dry_run": dry_run}, "tags": ["shipline", run_id]}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{settings.prefect_api_url}/deployments/{deployment}/create_flow_run", json=body)
    if answer.status_code not in (200, 201):
        raise Unavailable(f"Prefect did not take the run ({answer.status_code}).", f"Try: shipline resume {run_id}")
