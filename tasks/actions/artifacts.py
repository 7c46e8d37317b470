"""Artifacts of workflows: looked for by name, read, and kept on this machine for as long as logs are."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import zipfile
from pathlib import Path
from typing import Any

from gha.messages import artifact_name
from ledger.models import Dispatch
from shipline.errors import NotFound, ShiplineError
from tasks.context import Context

OUTCOME = "outcome.json"
LARGEST = 50_000_000  # bytes of an artifact, unpacked
log = logging.getLogger(__name__)


async def find_outcome(ctx: Context, sent: Dispatch) -> dict[str, Any] | None:
    """The outcome in a dispatch's artifact; None while there is none. It is not checked here: its signature is."""
    packed = await _download(ctx, sent)
    if packed is None:
        return None
    found = await asyncio.to_thread(_read, packed)
    return found if isinstance(found, dict) else None


async def collect(ctx: Context, sent: Dispatch) -> None:
    """Keep the artifact below ``artifacts/RUN/`` of our home. Without it the work is as good; so it never fails."""
    place = kept_at(ctx.settings.home, sent)
    try:
        packed = None if place.exists() else await _download(ctx, sent)
    except ShiplineError as error:
        log.warning("the artifact of %s is not kept: %s", sent.id, error)
        return
    if packed is not None:
        await asyncio.to_thread(_keep, place, packed)


def kept_at(home: Path, sent: Dispatch) -> Path:
    """Where the artifact of a dispatch is kept."""
    return home / "artifacts" / sent.run_id / f"{sent.event_type}-{sent.id}.zip"


async def _download(ctx: Context, sent: Dispatch) -> bytes | None:
    owner, _, name = str(sent.payload["repo"]).partition("/")
    rest: Any = ctx.github.client.rest
    listed = await ctx.github.ask(
        lambda: rest.actions.async_list_artifacts_for_repo(owner, name, name=artifact_name(sent.id), per_page=10)
    )
    found = next((each for each in listed.parsed_data.artifacts if not each.expired), None)
    if found is None or found.size_in_bytes > LARGEST:
        return None
    try:
        answer = await ctx.github.ask(lambda: rest.actions.async_download_artifact(owner, name, found.id, "zip"))
    except NotFound:
        return None  # removed in between
    return bytes(answer.raw_response.content)


def _read(packed: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as files:
            if files.getinfo(OUTCOME).file_size > LARGEST:
                return None
            return json.loads(files.read(OUTCOME))
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None


def _keep(place: Path, packed: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(".new")
    draft.write_bytes(packed)
    draft.replace(place)
